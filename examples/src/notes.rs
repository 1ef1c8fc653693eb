//! What a run of `provision` makes, noted beside its connection while it is made, so that it can be undone when the run is interrupted.

use crate::connection::{with_suffix, write_whole};
use crate::files;
use idsync::okta::{Journal, Made};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The notes beside one connection.
#[derive(Debug)]
pub struct Notes {
    path: PathBuf,
    made: Mutex<Journal>,
}

impl Notes {
    /// The notes beside this connection, with what an interrupted run made.
    pub fn beside(connection: &Path) -> Self {
        let path = with_suffix(connection, ".journal");
        let made = files::read(&path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Self { path, made: Mutex::new(made) }
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is noted.
    pub fn made(&self) -> Journal {
        self.lock().clone()
    }

    /// Notes one thing more.
    ///
    /// # Errors
    /// It cannot be written; in one line.
    pub fn note(&self, made: Made) -> Result<(), String> {
        let mut all = self.lock();
        all.push(made);
        self.write(&all)
    }

    /// Writes what is noted already, to see whether more could be.
    ///
    /// # Errors
    /// It cannot be written; in one line.
    pub fn try_out(&self) -> Result<(), String> {
        let all = self.lock();
        self.write(&all)?;
        if all.is_empty() {
            self.remove();
        }
        Ok(())
    }

    /// Forgets it all.
    pub fn forget(&self) {
        *self.lock() = Journal::default();
        self.remove();
    }

    fn write(&self, all: &Journal) -> Result<(), String> {
        write_whole(&self.path, &json!(all).to_string())
    }

    fn remove(&self) {
        // It may not be there, and a note too much does no harm.
        _ = std::fs::remove_file(&self.path);
    }

    /// A panic elsewhere leaves the journal whole.
    fn lock(&self) -> std::sync::MutexGuard<'_, Journal> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
