//! `idsync_base`: what the sink is known to hold.

use super::damaged;
use super::directories::Row;
use super::journal::{DELETE, PUT};
use crate::error::Problem;
use idsync_core::{BaseKind, BaseRecord, BaseWrite, Digest, IndexRow, Mark};
use rusqlite::{Connection, OptionalExtension, params};

/// Rows read at a time.
const PAGE: i64 = 4_096;

pub(crate) fn index(connection: &Connection, row: Row, kind: BaseKind, after: Option<&str>) -> Result<Vec<IndexRow>, Problem> {
    const FIRST: &str = "SELECT key, digest FROM idsync_base WHERE directory = ?1 AND kind = ?2 AND key >= ?3 ORDER BY key LIMIT ?4";
    const NEXT: &str = "SELECT key, digest FROM idsync_base WHERE directory = ?1 AND kind = ?2 AND key > ?3 ORDER BY key LIMIT ?4";
    let (sql, after) = after.map_or((FIRST, ""), |after| (NEXT, after));
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![row.id, kind as u8, after.as_bytes(), PAGE])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push(IndexRow::new(key(row.get(0)?)?, digest(row.get_ref(1)?.as_blob().ok())?));
    }
    Ok(page)
}

pub(crate) fn records(connection: &Connection, row: Row, kind: BaseKind, keys: &[String]) -> Result<Vec<Option<BaseRecord>>, Problem> {
    const SQL: &str = "SELECT digest, record FROM idsync_base WHERE directory = ?1 AND kind = ?2 AND key = ?3";
    let mut statement = connection.prepare_cached(SQL)?;
    keys.iter()
        .map(|key| {
            let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?));
            let found = statement.query_row(params![row.id, kind as u8, key.as_bytes()], read).optional()?;
            found.map(|(bytes, record)| Ok(BaseRecord::new(digest(Some(&bytes))?, record))).transpose()
        })
        .collect()
}

pub(crate) fn write(connection: &Connection, row: &Row, writes: &[BaseWrite]) -> Result<(), Problem> {
    const PUT: &str = "INSERT OR REPLACE INTO idsync_base (directory, kind, key, digest, record) VALUES (?1, ?2, ?3, ?4, ?5)";
    const DELETE: &str = "DELETE FROM idsync_base WHERE directory = ?1 AND kind = ?2 AND key = ?3";
    let (mut put, mut delete) = (connection.prepare_cached(PUT)?, connection.prepare_cached(DELETE)?);
    for write in writes {
        let (kind, key) = (write.kind as u8, write.key.as_bytes());
        match &write.record {
            Some(record) => put.execute(params![row.id, kind, key, record.digest.0.as_slice(), record.record])?,
            None => delete.execute(params![row.id, kind, key])?,
        };
    }
    Ok(())
}

/// Applies the effects of all rows that are to be applied. No two of them are about the same row of the base.
pub(crate) fn take_effects(connection: &Connection, row: &Row) -> Result<(), Problem> {
    const WRITE: &str = "
        INSERT OR REPLACE INTO idsync_base (directory, kind, key, digest, record)
        SELECT directory, effect_kind, effect_key, digest, record FROM idsync_staged
        WHERE directory = ?1 AND mark = ?2 AND effect = ?3 ORDER BY effect_kind, effect_key";
    const REMOVE: &str = "
        DELETE FROM idsync_base WHERE (directory, kind, key) IN (
            SELECT directory, effect_kind, effect_key FROM idsync_staged WHERE directory = ?1 AND mark = ?2 AND effect = ?3)";
    connection.prepare_cached(WRITE)?.execute(params![row.id, Mark::Apply as u8, PUT])?;
    connection.prepare_cached(REMOVE)?.execute(params![row.id, Mark::Apply as u8, DELETE])?;
    Ok(())
}

pub(crate) fn key(bytes: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|_| damaged("a key that is not text"))
}

pub(crate) fn digest(bytes: Option<&[u8]>) -> Result<Digest, Problem> {
    bytes.and_then(|bytes| bytes.try_into().ok()).map(Digest).ok_or_else(|| damaged("a digest of the wrong length"))
}

pub(crate) fn kind(number: u8) -> Result<BaseKind, Problem> {
    BaseKind::ALL.into_iter().find(|kind| *kind as u8 == number).ok_or_else(|| damaged("a row of an unknown kind"))
}
