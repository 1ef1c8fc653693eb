//! `idsync_records`: the records of the base, and those of staged rows, which become the base's without being written again.
//!
//! Numbers only grow, so that a first load appends. Which records a journal has staged is kept as ranges in `idsync_pending`: a
//! journal is dropped without being read, and no number of the journal's is given out again before it ends.

use super::codec::digest;
use super::damaged;
use super::directories::Row;
use crate::error::Problem;
use idsync_core::{BaseKind, BaseRecord};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

/// Adds records at the end.
pub(super) struct Append<'a> {
    statement: CachedStatement<'a>,
    directory: i64,
    first: i64,
    next: i64,
}

impl<'a> Append<'a> {
    pub(super) fn new(connection: &'a Connection, row: &Row) -> Result<Self, Problem> {
        const LAST: &str = "
            SELECT max(coalesce((SELECT max(id) FROM idsync_records), 0),
                coalesce((SELECT last FROM idsync_pending ORDER BY first DESC LIMIT 1), 0))";
        const SQL: &str = "INSERT INTO idsync_records (id, directory, kind, digest, record) VALUES (?1, ?2, ?3, ?4, ?5)";
        let last: i64 = connection.prepare_cached(LAST)?.query_row([], |row| row.get(0))?;
        Ok(Self { statement: connection.prepare_cached(SQL)?, directory: row.id, first: last + 1, next: last + 1 })
    }

    /// Adds a record and answers its number.
    pub(super) fn add(&mut self, kind: BaseKind, record: &BaseRecord) -> Result<i64, Problem> {
        let id = self.next;
        self.statement.execute(params![id, self.directory, kind as u8, record.digest.0.as_slice(), record.record])?;
        self.next += 1;
        Ok(id)
    }

    /// Remembers that all records that were added belong to the journal.
    pub(super) fn remember(self, connection: &Connection) -> Result<(), Problem> {
        const GROW: &str = "
            UPDATE idsync_pending SET last = ?3 WHERE directory = ?1 AND last = ?2 - 1
            AND first = (SELECT first FROM idsync_pending ORDER BY first DESC LIMIT 1)";
        const ADD: &str = "INSERT INTO idsync_pending (directory, first, last) VALUES (?1, ?2, ?3)";
        if self.next == self.first {
            return Ok(());
        }
        let range = params![self.directory, self.first, self.next - 1];
        if connection.prepare_cached(GROW)?.execute(range)? == 0 {
            connection.prepare_cached(ADD)?.execute(range)?;
        }
        Ok(())
    }
}

/// The records at `ids`, those that are of this directory and kind.
pub(super) fn get(connection: &Connection, row: &Row, kind: BaseKind, ids: &[Option<i64>]) -> Result<Vec<Option<BaseRecord>>, Problem> {
    if let Some((first, last)) = neighbours(ids) {
        return get_range(connection, row, kind, ids, first, last);
    }
    const SQL: &str = "SELECT digest, record FROM idsync_records WHERE id = ?1 AND directory = ?2 AND kind = ?3";
    let mut statement = connection.prepare_cached(SQL)?;
    let mut record = |id: &Option<i64>| -> Result<_, Problem> {
        let Some(id) = id else { return Ok(None) };
        let mut rows = statement.query(params![id, row.id, kind as u8])?;
        rows.next()?.map(|row| read(row, 0)).transpose()
    };
    ids.iter().map(&mut record).collect()
}

/// The first and the last of records that lie close together and in order, as members of one group do, and of the next one. To step
/// over the few between them is several times quicker than to search for each.
fn neighbours(ids: &[Option<i64>]) -> Option<(i64, i64)> {
    const ENOUGH: usize = 8;
    let ((Some(first), Some(last)), count) = ((*ids.first()?, *ids.last()?), i64::try_from(ids.len()).ok()?) else { return None };
    let is_close = ids.len() >= ENOUGH && last.checked_sub(first)? < count.checked_mul(2)?;
    (is_close && ids.is_sorted_by(|one, other| one.is_some() && one < other)).then_some((first, last))
}

fn get_range(
    connection: &Connection,
    row: &Row,
    kind: BaseKind,
    ids: &[Option<i64>],
    first: i64,
    last: i64,
) -> Result<Vec<Option<BaseRecord>>, Problem> {
    const SQL: &str =
        "SELECT id, digest, record FROM idsync_records WHERE id BETWEEN ?1 AND ?2 AND directory = ?3 AND kind = ?4 ORDER BY id";
    let mut statement = connection.prepare_cached(SQL)?;
    let mut rows = statement.query(params![first, last, row.id, kind as u8])?;
    let (mut records, mut wanted) = (Vec::with_capacity(ids.len()), ids.iter().flatten().peekable());
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        while wanted.next_if(|wanted| **wanted < id).is_some() {
            records.push(None);
        }
        if wanted.next_if(|wanted| **wanted == id).is_some() {
            records.push(Some(read(row, 1)?));
        }
    }
    records.resize_with(ids.len(), || None);
    Ok(records)
}

/// The digest in a column, and the record in the next one.
pub(super) fn read(row: &rusqlite::Row<'_>, column: usize) -> Result<BaseRecord, Problem> {
    let of = row.get_ref(column)?.as_blob().map_err(|_| damaged("a digest of the wrong length"))?;
    Ok(BaseRecord::new(digest(of)?, row.get(column + 1)?))
}

/// The record of a staged row or of an entry of the index, which must be there.
pub(super) fn require(connection: &Connection, id: i64) -> Result<Vec<u8>, Problem> {
    let mut statement = connection.prepare_cached("SELECT record FROM idsync_records WHERE id = ?1")?;
    statement.query_row([id], |row| row.get(0)).optional()?.ok_or_else(|| damaged("a row without its record"))
}

/// Writes a record over the one that is there: it stays on its page, which a deletion would have to write too.
pub(super) fn replace(connection: &Connection, id: i64, record: &BaseRecord) -> Result<(), Problem> {
    let mut statement = connection.prepare_cached("UPDATE idsync_records SET digest = ?2, record = ?3 WHERE id = ?1")?;
    statement.execute(params![id, record.digest.0.as_slice(), record.record])?;
    Ok(())
}

/// Deletes records, page after page.
pub(super) fn delete(connection: &Connection, ids: &mut Vec<i64>) -> Result<(), Problem> {
    ids.sort_unstable();
    let mut statement = connection.prepare_cached("DELETE FROM idsync_records WHERE id = ?1")?;
    for id in ids.drain(..) {
        statement.execute([id])?;
    }
    Ok(())
}

/// Deletes what the journal staged.
pub(super) fn drop_pending(connection: &Connection, row: &Row) -> Result<(), Problem> {
    let mut ranges = connection.prepare_cached("SELECT first, last FROM idsync_pending WHERE directory = ?1")?;
    let ranges: Vec<(i64, i64)> = ranges.query_map([row.id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare_cached("DELETE FROM idsync_records WHERE id BETWEEN ?1 AND ?2")?;
    for range in ranges {
        statement.execute(range)?;
    }
    keep_pending(connection, row)
}

/// Forgets that records were the journal's: they are the base's now.
pub(super) fn keep_pending(connection: &Connection, row: &Row) -> Result<(), Problem> {
    connection.prepare_cached("DELETE FROM idsync_pending WHERE directory = ?1")?.execute([row.id])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_close_in_order_and_all_there() {
        let ids = |ids: &[i64]| neighbours(&ids.iter().copied().map(Some).collect::<Vec<_>>());
        assert_eq!(ids(&[3, 4, 5, 6, 7, 8, 9, 10]), Some((3, 10)));
        assert_eq!(ids(&[3, 4, 5, 8, 9, 12, 14, 18]), Some((3, 18)));
        assert_eq!(ids(&[3, 4, 5, 8, 9, 12, 14, 19]), None, "too far apart");
        assert_eq!(ids(&[3, 4, 5, 6, 7, 8, 10, 9]), None, "not in order");
        assert_eq!(ids(&[3, 4, 5, 6, 7, 8, 8, 9]), None, "one twice");
        assert_eq!(ids(&[3, 4]), None, "too few");
        let mut holes: Vec<_> = (3..20).map(Some).collect();
        holes[4] = None;
        assert_eq!(neighbours(&holes), None);
        assert_eq!(neighbours(&[]), None);
    }
}
