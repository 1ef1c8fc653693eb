//! `idsync_memos`: what the engine wants to remember beside base and journal.

use super::directories::Row;
use crate::error::Problem;
use rusqlite::{Connection, OptionalExtension, params};

pub(crate) fn get(connection: &Connection, row: &Row, name: &str) -> Result<Option<Vec<u8>>, Problem> {
    let mut statement = connection.prepare_cached("SELECT memo FROM idsync_memos WHERE directory = ?1 AND name = ?2")?;
    Ok(statement.query_row(params![row.id, name], |row| row.get(0)).optional()?)
}

pub(crate) fn set(connection: &Connection, row: &Row, name: &str, memo: Option<&[u8]>) -> Result<(), Problem> {
    const KEEP: &str = "INSERT OR REPLACE INTO idsync_memos (directory, name, memo) VALUES (?1, ?2, ?3)";
    const FORGET: &str = "DELETE FROM idsync_memos WHERE directory = ?1 AND name = ?2";
    match memo {
        Some(memo) => connection.prepare_cached(KEEP)?.execute(params![row.id, name, memo])?,
        None => connection.prepare_cached(FORGET)?.execute(params![row.id, name])?,
    };
    Ok(())
}
