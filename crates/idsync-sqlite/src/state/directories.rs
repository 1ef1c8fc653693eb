//! `idsync_directories`: one row per directory, made with the first write.

use super::{damaged, stored};
use crate::error::{Problem, conflict};
use crate::lock::Locks;
use idsync_core::{DigestKey, DirectoryId, Head, Revision};
use rusqlite::{Connection, OptionalExtension, params};

/// A directory that was written before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Its key in the other tables.
    pub(crate) id: i64,
    /// The fencing number of the last lease that wrote.
    pub(crate) fence: u64,
    pub(crate) revision: Revision,
}

pub(crate) fn find(connection: &Connection, directory: &DirectoryId) -> Result<Option<Row>, rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT id, fence, revision FROM idsync_directories WHERE directory = ?1")?;
    let row = statement.query_row([directory.as_str()], |row| {
        let (fence, revision): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(Row { id: row.get(0)?, fence: fence.cast_unsigned(), revision: Revision(revision.cast_unsigned()) })
    });
    row.optional()
}

/// Finds the directory for a write under this lease, or makes its row. A lease older than the last writer's is refused, and one with the
/// same number that has not written itself.
pub(crate) fn enter(connection: &Connection, directory: &DirectoryId, fence: u64, locks: &Locks) -> Result<Row, Problem> {
    match find(connection, directory)? {
        Some(row) if row.fence == fence && locks.has_written(directory, fence) => Ok(row),
        Some(row) if row.fence < fence => {
            connection
                .prepare_cached("UPDATE idsync_directories SET fence = ?2 WHERE id = ?1")?
                .execute(params![row.id, stored(fence)?])?;
            Ok(Row { fence, ..row })
        }
        Some(row) if row.fence == fence => Err(conflict(format!("somebody else holds {directory}, too, and has begun to write")).into()),
        Some(row) => Err(conflict(format!("lease {fence} of {directory} was overtaken by lease {}", row.fence)).into()),
        None => {
            let key = new_key(connection, directory, locks)?;
            const SQL: &str = "INSERT INTO idsync_directories (directory, fence, digest_key, revision, note) VALUES (?1, ?2, ?3, 0, x'')";
            connection.prepare_cached(SQL)?.execute(params![directory.as_str(), stored(fence)?, key.expose().as_slice()])?;
            Ok(Row { id: connection.last_insert_rowid(), fence, revision: Revision(0) })
        }
    }
}

pub(crate) fn head(connection: &Connection, directory: &DirectoryId) -> Result<Option<Head>, rusqlite::Error> {
    let mut statement = connection.prepare_cached("SELECT revision, note FROM idsync_directories WHERE directory = ?1")?;
    let head = statement.query_row([directory.as_str()], |row| {
        let revision: i64 = row.get(0)?;
        Ok(Head::new(Revision(revision.cast_unsigned()), row.get(1)?))
    });
    head.optional()
}

/// The key under which a directory will be written; SQLite's generator is seeded by the operating system.
pub(crate) fn new_key(connection: &Connection, directory: &DirectoryId, locks: &Locks) -> Result<DigestKey, Problem> {
    locks.new_key(directory, || {
        let bytes: [u8; 32] = connection.query_row("SELECT randomblob(32)", [], |row| row.get(0))?;
        Ok(DigestKey::new(bytes))
    })
}

pub(crate) fn digest_key(connection: &Connection, directory: &DirectoryId) -> Result<Option<DigestKey>, Problem> {
    let mut statement = connection.prepare_cached("SELECT digest_key FROM idsync_directories WHERE directory = ?1")?;
    let bytes: Option<Vec<u8>> = statement.query_row([directory.as_str()], |row| row.get(0)).optional()?;
    let key = bytes.map(|bytes| <[u8; 32]>::try_from(bytes).map(DigestKey::new)).transpose();
    key.map_err(|_| damaged("a key of the wrong length"))
}

pub(crate) fn check_revision(row: &Row, expected: Revision) -> Result<(), Problem> {
    if row.revision == expected {
        return Ok(());
    }
    Err(conflict(format!("the directory is at revision {}, not at {expected}", row.revision)).into())
}

pub(crate) fn move_on(connection: &Connection, row: &Row, note: &[u8]) -> Result<Revision, Problem> {
    let next = row.revision.next();
    connection.prepare_cached("UPDATE idsync_directories SET revision = ?2, note = ?3 WHERE id = ?1")?.execute(params![
        row.id,
        stored(next.0)?,
        note
    ])?;
    Ok(next)
}
