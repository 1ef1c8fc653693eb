//! `idsync_beside`: the rows beside the base, one by one, for there are few.

use super::codec::{digest, text};
use super::directories::Row;
use super::records;
use crate::error::Problem;
use idsync_core::{BaseKind, BaseRecord, IndexRow, Locator};
use rusqlite::{Connection, params};

/// Rows read at a time.
const PAGE: i64 = 2_048;

/// Set in the places of these rows, so that no place of a row of the base is taken for one of them.
const BESIDE: u64 = 1 << 63;

pub(super) fn index(connection: &Connection, row: &Row, kind: BaseKind, after: Option<&str>) -> Result<Vec<IndexRow>, Problem> {
    const SQL: &str = "
        SELECT key, digest, id FROM idsync_beside
        WHERE directory = ?1 AND kind = ?2 AND key >= ?3 AND key IS NOT ?4 ORDER BY key LIMIT ?5";
    let mut statement = connection.prepare_cached(SQL)?;
    let from = after.unwrap_or_default().as_bytes();
    let mut rows = statement.query(params![row.id, kind as u8, from, after.map(str::as_bytes), PAGE])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        let bytes = |column| row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from);
        page.push(IndexRow::new(text(bytes(0)?)?, digest(bytes(1)?)?, place(row.get(2)?)));
    }
    Ok(page)
}

pub(super) fn record(connection: &Connection, row: &Row, kind: BaseKind, place: Locator) -> Result<Option<BaseRecord>, Problem> {
    const SQL: &str = "SELECT digest, record FROM idsync_beside WHERE id = ?1 AND directory = ?2 AND kind = ?3";
    if place.0 & BESIDE == 0 {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(SQL)?;
    let mut rows = statement.query(params![(place.0 & !BESIDE).cast_signed(), row.id, kind as u8])?;
    rows.next()?.map(|row| records::read(row, 0)).transpose()
}

pub(super) fn write(connection: &Connection, row: &Row, kind: BaseKind, key: &str, record: Option<&BaseRecord>) -> Result<(), Problem> {
    const PUT: &str = "
        INSERT INTO idsync_beside (directory, kind, key, digest, record) VALUES (?1, ?2, ?3, ?4, ?5)
        ON CONFLICT (directory, kind, key) DO UPDATE SET digest = excluded.digest, record = excluded.record";
    const DELETE: &str = "DELETE FROM idsync_beside WHERE directory = ?1 AND kind = ?2 AND key = ?3";
    let (kind, key) = (kind as u8, key.as_bytes());
    match record {
        Some(record) => connection.prepare_cached(PUT)?.execute(params![row.id, kind, key, record.digest.0.as_slice(), record.record])?,
        None => connection.prepare_cached(DELETE)?.execute(params![row.id, kind, key])?,
    };
    Ok(())
}

const fn place(id: i64) -> Locator {
    Locator(id.cast_unsigned() | BESIDE)
}
