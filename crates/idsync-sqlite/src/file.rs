//! The file that store and sink share.

use crate::error::sqlite;
use crate::lock::Locks;
use crate::schema::by_user;
use crate::worker::Worker;
use crate::{SqliteSink, SqliteStore, schema};
use idsync_core::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An SQLite file that holds the state and the tables of one directory. Clones share the connection.
#[derive(Debug, Clone)]
pub struct SqliteFile {
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    pub(crate) worker: Worker,
    pub(crate) locks: Arc<Locks>,
}

impl SqliteFile {
    /// Opens the file, or makes it, readable by its owner alone. Another program that writes at this moment is waited for, ten seconds at
    /// most; the executor is not kept waiting.
    ///
    /// Nothing else in this process may open the file by itself (`std::fs::File::open`, `read`, `copy`) while an `SqliteFile` is open: on
    /// Unix, closing a file drops all locks that the process holds on it, and then
    /// [the database can be damaged](https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    /// Open it with SQLite, or copy it with `VACUUM INTO`. To open it twice with this crate is safe.
    ///
    /// # Errors
    /// `InvalidConfig` when the file is of a newer version, of another program, or no SQLite file; `InvalidData` when it is damaged;
    /// `Unavailable` when it cannot be written. It is never emptied.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let place = schema::place(&path)?;
        let locks = Arc::new(Locks::new(&place));
        // On its thread, for it waits for whoever writes, and the index takes seconds where there are millions of memberships.
        let open = move || {
            let connection = schema::open(&place)?;
            by_user::make_unless_loading(&connection).map_err(sqlite)?;
            Ok(connection)
        };
        let worker = Worker::start(path.clone(), open).await?;
        Ok(Self { shared: Arc::new(Shared { path, worker, locks }) })
    }

    /// The state store in this file.
    pub fn store(&self) -> SqliteStore {
        SqliteStore::new(self.clone())
    }

    /// The sink in this file.
    pub fn sink(&self) -> SqliteSink {
        SqliteSink::new(self.clone())
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Asks SQLite whether the file is whole, foreign keys included. Takes time in proportion to the file.
    ///
    /// # Errors
    /// `InvalidData` with SQLite's finding.
    pub async fn integrity_check(&self) -> Result<()> {
        self.shared
            .worker
            .call(|connection| {
                let finding: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
                let broken = connection.prepare("PRAGMA foreign_key_check").and_then(|mut check| check.exists([])).map_err(sqlite)?;
                if finding == "ok" && !broken {
                    return Ok(());
                }
                let finding = if broken { "a foreign key leads nowhere".to_owned() } else { finding };
                Err(Error::new(ErrorKind::InvalidData, format!("the database is damaged: {finding}"))
                    .with_remedy("restore it from a backup, or start with a new one"))
            })
            .await
    }
}
