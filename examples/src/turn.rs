//! One run of `provision` at a time beside a connection: two would write the same notes, and make two keys.

use crate::connection::with_suffix;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The right to work on a connection, given back when it is dropped.
#[derive(Debug)]
pub struct Turn {
    path: PathBuf,
    _locked: File,
}

/// Why it is not this run's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoTurn {
    /// Another run is at work.
    Busy,
    /// No file can be made beside the connection; why, in one line.
    Unwritable(String),
}

impl Turn {
    /// Takes the turn, if nobody has it.
    ///
    /// # Errors
    /// Somebody has it, or it cannot be known.
    pub fn take(connection: &Path) -> Result<Self, NoTurn> {
        let path = with_suffix(connection, ".lock");
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let unwritable = |error| NoTurn::Unwritable(format!("{} cannot be written: {error}", path.display()));
        loop {
            let file = options.open(&path).map_err(unwritable)?;
            match file.try_lock() {
                Ok(()) => {}
                // A folder on a network may have no locks.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
                Err(TryLockError::WouldBlock) => return Err(NoTurn::Busy),
                Err(TryLockError::Error(error)) => return Err(unwritable(error)),
            }
            if is_at(&file, &path) {
                return Ok(Self { path, _locked: file });
            }
            // The run before this one has removed it in between.
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // What cannot be removed is there for the next run.
        _ = std::fs::remove_file(&self.path);
    }
}

/// Whether this is still the file that others find.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |found: std::fs::Metadata| (found.dev(), found.ino());
    file.metadata().map(place).ok() == std::fs::metadata(path).map(place).ok()
}

/// An open file is not removed there.
#[cfg(not(unix))]
const fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let connection = folder.path().join("c.json");
        let turn = Turn::take(&connection).unwrap();
        assert_eq!(Turn::take(&connection).unwrap_err(), NoTurn::Busy);
        drop(turn);
        drop(Turn::take(&connection).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(matches!(Turn::take(&folder.path().join("no/c.json")), Err(NoTurn::Unwritable(_))));
    }
}
