//! The file in which a connection is kept, beside the file of its key.

use crate::files;
use idsync::okta::Connection;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A connection, and where its private key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ConnectionFile {
    /// The file of the private key, seen from the folder of this file.
    pub key_file: PathBuf,
    /// The connection.
    #[serde(flatten)]
    pub connection: Connection,
}

impl ConnectionFile {
    /// A connection with its key in `key_file`.
    pub const fn new(connection: Connection, key_file: PathBuf) -> Self {
        Self { key_file, connection }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or is none; in one line.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = files::read(path)?;
        serde_json::from_str(&text).map_err(|error| format!("{shown} is not a connection that provision wrote: {error}"))
    }

    /// Writes the file: wholly or not at all.
    ///
    /// # Errors
    /// It cannot be written; in one line.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        write_whole(path, &format!("{text}\n"))
    }

    /// Where the key is, for a connection that is kept at `path`.
    pub fn key_path(&self, path: &Path) -> PathBuf {
        beside(path, &self.key_file)
    }
}

/// A path that is seen from the folder of another.
pub fn beside(path: &Path, other: &Path) -> PathBuf {
    path.parent().map_or_else(|| other.to_owned(), |folder| folder.join(other))
}

/// The same path with a suffix to its name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Writes a file beside its place and moves it there, so that whoever reads it sees the old text or the new.
///
/// # Errors
/// It cannot be written; in one line.
pub fn write_whole(path: &Path, text: &str) -> Result<(), String> {
    let unfinished = with_suffix(path, ".unfinished");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&unfinished).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)
    });
    written.map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
