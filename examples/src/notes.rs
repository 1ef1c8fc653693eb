//! What a run of `provision` makes, noted beside its connection while it is made, so that it can be undone when the run is interrupted.

use crate::connection::{with_suffix, write_whole};
use crate::files;
use idsync::okta::{Journal, Made};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The notes beside one connection.
#[derive(Debug)]
pub struct Notes {
    path: PathBuf,
    noted: Mutex<Noted>,
}

/// What is noted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Noted {
    /// The id of the org in which it was made; nothing before that is known.
    org_id: Option<String>,
    made: Journal,
}

impl Notes {
    /// The notes beside this connection, with what an interrupted run made.
    pub fn beside(connection: &Path) -> Self {
        let path = with_suffix(connection, ".journal");
        let noted = files::read(&path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        Self { path, noted: Mutex::new(noted) }
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is noted.
    pub fn made(&self) -> Journal {
        self.lock().made.clone()
    }

    /// Whether it is, or will be, about the org with this id. What is noted of one org cannot be undone in another.
    ///
    /// # Errors
    /// It is about another org; in one line.
    pub fn are_of(&self, org_id: &str) -> Result<(), String> {
        let mut noted = self.lock();
        match &noted.org_id {
            Some(other) if other != org_id && !noted.made.is_empty() => {
                Err(format!("{} notes what an interrupted run made in the org {other}, and this is the org {org_id}", self.path.display()))
            }
            _ => {
                noted.org_id = Some(org_id.to_owned());
                Ok(())
            }
        }
    }

    /// Notes one thing more.
    ///
    /// # Errors
    /// It cannot be written; in one line.
    pub fn note(&self, made: Made) -> Result<(), String> {
        let mut noted = self.lock();
        noted.made.push(made);
        self.write(&noted)
    }

    /// Writes what is noted already, to see whether more could be.
    ///
    /// # Errors
    /// It cannot be written; in one line.
    pub fn try_out(&self) -> Result<(), String> {
        let noted = self.lock();
        self.write(&noted)?;
        if noted.made.is_empty() {
            self.remove();
        }
        Ok(())
    }

    /// Forgets it all.
    pub fn forget(&self) {
        *self.lock() = Noted::default();
        self.remove();
    }

    fn write(&self, noted: &Noted) -> Result<(), String> {
        write_whole(&self.path, &json!(noted).to_string())
    }

    fn remove(&self) {
        // It may not be there, and a note too much does no harm.
        _ = std::fs::remove_file(&self.path);
    }

    /// A panic elsewhere leaves it whole.
    fn lock(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
