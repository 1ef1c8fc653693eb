//! Where the private key is written to.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file with the private key; a folder that was made for it is removed with it.
#[derive(Debug)]
pub(crate) struct KeyFile {
    path: PathBuf,
    folder: Option<PathBuf>,
}

impl KeyFile {
    /// Writes the key so that nobody else on the machine can read it.
    pub(crate) fn write(path: Option<PathBuf>, pem: &str) -> io::Result<Self> {
        let (path, folder) = match path {
            Some(path) => (path, None),
            None => {
                let folder = std::env::temp_dir().join(format!("idsync-okta-emulator-{}", std::process::id()));
                fs::DirBuilder::new().mode(0o700).create(&folder)?;
                (folder.join("key.pem"), Some(folder))
            }
        };
        let told = |error: io::Error| io::Error::new(error.kind(), format!("the key cannot be written to {}: {error}", path.display()));
        // An older file may be open to others, and its mode would stay.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(told(error)),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(told)?;
        file.write_all(pem.as_bytes()).map_err(told)?;
        Ok(Self { path, folder })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            // What cannot be removed is left to whoever cleans the folder for temporary files.
            _ = fs::remove_dir_all(folder);
        }
    }
}
