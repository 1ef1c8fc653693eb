//! One holder at a time, across processes, without leaving anything behind.

use crate::error::unusable;
use idsync_core::{DigestKey, DirectoryId, Error, ErrorKind, Result};
use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The lock file of one database, and which directories are held through it.
#[derive(Debug)]
pub(crate) struct Locks {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Locked as long as somebody holds a directory.
    file: Option<File>,
    held: HashMap<DirectoryId, Held>,
    /// The highest fencing number handed out here, per directory.
    last: HashMap<DirectoryId, u64>,
    /// Keys of directories that nothing was written for yet.
    keys: HashMap<DirectoryId, DigestKey>,
}

#[derive(Debug)]
struct Held {
    fence: u64,
    holder: String,
    /// Whether something was written under this number.
    has_written: bool,
}

/// Gives a directory back when it is dropped.
#[derive(Debug)]
pub(crate) struct Guard {
    locks: Arc<Locks>,
    directory: DirectoryId,
    fence: u64,
}

impl Guard {
    /// The number of the lease.
    pub(crate) const fn fence(&self) -> u64 {
        self.fence
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.locks.release(&self.directory, self.fence);
    }
}

impl Locks {
    pub(crate) fn new(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        Self { path: PathBuf::from(path), state: Mutex::default() }
    }

    /// Takes the directory. `written` reads the last fencing number under which something was written, once nobody else can write.
    pub(crate) fn acquire(self: &Arc<Self>, directory: &DirectoryId, holder: &str, written: impl FnOnce() -> Result<u64>) -> Result<Guard> {
        let mut state = self.state();
        if let Some(held) = state.held.get(directory) {
            return Err(held_by(&held.holder));
        }
        let locked = match &state.file {
            Some(_) => None,
            None => Some(self.lock(holder)?),
        };
        let written = written()?;
        state.file = state.file.take().or(locked);
        let last = state.last.entry(directory.clone()).or_default();
        *last = written.max(*last) + 1;
        let fence = *last;
        state.held.insert(directory.clone(), Held { fence, holder: holder.to_owned(), has_written: false });
        Ok(Guard { locks: Arc::clone(self), directory: directory.clone(), fence })
    }

    /// The key of a directory that nothing was written for yet; made once, so that whoever writes first keeps the one that was used.
    pub(crate) fn new_key<E>(&self, directory: &DirectoryId, make: impl FnOnce() -> Result<DigestKey, E>) -> Result<DigestKey, E> {
        let mut state = self.state();
        if let Some(key) = state.keys.get(directory) {
            return Ok(key.clone());
        }
        let key = make()?;
        state.keys.insert(directory.clone(), key.clone());
        Ok(key)
    }

    /// Every update of the state is a single step, so a panic elsewhere leaves it whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the lease with this number is the one that holds the directory.
    pub(crate) fn holds(&self, directory: &DirectoryId, fence: u64) -> bool {
        let state = self.state();
        state.held.get(directory).is_some_and(|held| held.fence == fence)
    }

    /// Whether the lease with this number has written before. Nothing is written when a directory is taken, so where the file of locks was
    /// removed, somebody else may have been given the same number: who writes first has it.
    pub(crate) fn has_written(&self, directory: &DirectoryId, fence: u64) -> bool {
        let state = self.state();
        state.held.get(directory).is_some_and(|held| held.fence == fence && held.has_written)
    }

    /// Notes that something was written under this lease, and is on the disk.
    pub(crate) fn note_written(&self, directory: &DirectoryId, fence: u64) {
        let mut state = self.state();
        if let Some(held) = state.held.get_mut(directory).filter(|held| held.fence == fence) {
            held.has_written = true;
        }
    }

    pub(crate) fn release(&self, directory: &DirectoryId, fence: u64) {
        let mut state = self.state();
        if state.held.get(directory).is_some_and(|held| held.fence == fence) {
            state.held.remove(directory);
        }
        if state.held.is_empty() {
            state.file = None;
        }
    }

    fn lock(&self, holder: &str) -> Result<File> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.path).map_err(|error| {
            Error::new(ErrorKind::Unavailable, format!("{} cannot be written", self.path.display()))
                .with_remedy("make it and the folder of the database writable and run again; nothing was lost")
                .with_source(error)
        })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut other = String::new();
                // Who holds it is told as far as it can be read.
                let _ = file.read_to_string(&mut other);
                return Err(held_by(other.trim()));
            }
            Err(TryLockError::Error(error)) => {
                return Err(unusable(&self.path, "cannot be locked", "make its folder writable").with_source(error));
            }
        }
        // It is held already; the name only tells others who does, and a full disk may have no room for it.
        let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes()));
        Ok(file)
    }
}

fn held_by(holder: &str) -> Error {
    let holder = if holder.is_empty() { "another process" } else { holder };
    Error::new(ErrorKind::Conflict, format!("the directory is held by {holder}"))
        .with_remedy("wait for the other run to end, or stop it, and try again")
}
