//! `idsync_records`: the records of the base, and those of staged rows, which become the base's without being written again.
//!
//! Numbers only grow, so that a first load appends. Which records a journal has staged is kept as ranges in `idsync_pending`: a
//! journal is dropped without being read, and no number of the journal's is given out again before it ends.

use super::codec::digest;
use super::damaged;
use super::directories::Row;
use crate::error::Problem;
use idsync_core::{BaseKind, BaseRecord};
use rusqlite::types::Value;
use rusqlite::vtab::array::Array;
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
    // `CROSS` has SQLite go through the numbers and look up the records, never the other way round.
    const SQL: &str = "
        SELECT id, digest, record FROM rarray(?1) CROSS JOIN idsync_records ON id = value WHERE directory = ?2 AND kind = ?3";
    let mut wanted: Vec<_> = (0..).zip(ids).filter_map(|(place, id)| Some(((*id)?, place))).collect();
    let mut statement = connection.prepare_cached(SQL)?;
    let mut records = vec![None; ids.len()];
    let rows = statement.query(params![numbers(&mut wanted), row.id, kind as u8])?;
    hand_out(rows, &wanted, |place, row| {
        records[place] = Some(read(row, 1)?);
        Ok(())
    })?;
    Ok(records)
}

/// Reads the bytes of records of staged rows, and calls `each` with where they are wanted.
pub(super) fn read_all(connection: &Connection, mut wanted: Vec<Wanted>, mut each: impl FnMut(usize, &[u8])) -> Result<(), Problem> {
    const SQL: &str = "SELECT id, record FROM rarray(?1) CROSS JOIN idsync_records ON id = value";
    let mut statement = connection.prepare_cached(SQL)?;
    let rows = statement.query([numbers(&mut wanted)])?;
    hand_out(rows, &wanted, |place, row| {
        each(place, row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?);
        Ok(())
    })
}

/// The number of a record, and where it is wanted.
pub(super) type Wanted = (i64, usize);

/// Puts the records in the order in which they stand, and lists their numbers. In that order SQLite goes from one to the next where they
/// lie side by side, and reads each page once.
fn numbers(wanted: &mut [Wanted]) -> Array {
    wanted.sort_unstable();
    Array::new(wanted.chunk_by(|one, other| one.0 == other.0).map(|same| Value::Integer(same[0].0)).collect())
}

/// Hands out records, which come in order, to where they are wanted.
fn hand_out(
    mut rows: rusqlite::Rows<'_>,
    wanted: &[Wanted],
    mut each: impl FnMut(usize, &rusqlite::Row<'_>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut wanted = wanted.iter().peekable();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        while wanted.next_if(|(wanted, _)| *wanted < id).is_some() {}
        while let Some((_, place)) = wanted.next_if(|(wanted, _)| *wanted == id) {
            each(*place, row)?;
        }
    }
    Ok(())
}

/// The digest in a column, and the record in the next one.
pub(super) fn read(row: &rusqlite::Row<'_>, column: usize) -> Result<BaseRecord, Problem> {
    let of = row.get_ref(column)?.as_blob().map_err(|_| damaged("a digest of the wrong length"))?;
    Ok(BaseRecord::new(digest(of)?, row.get(column + 1)?))
}

/// The record of a staged row, which must be there.
pub(super) fn require(connection: &Connection, id: i64) -> Result<Vec<u8>, Problem> {
    let mut statement = connection.prepare_cached("SELECT record FROM idsync_records WHERE id = ?1")?;
    statement.query_row([id], |row| row.get(0)).optional()?.ok_or_else(without_record)
}

pub(super) fn without_record() -> Problem {
    damaged("a row without its record")
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
    fn records_come_where_they_are_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let connection = crate::schema::open(&crate::schema::place(&folder.path().join("acme.db")).unwrap()).unwrap();
        let row = Row { id: 7, fence: 1, revision: idsync_core::Revision(0) };
        let other = Row { id: 8, ..row };
        let record = |id: i64| BaseRecord::new(idsync_core::Digest([id as u8; 16]), vec![id as u8]);
        let mut append = Append::new(&connection, &row).unwrap();
        for id in 1..=40 {
            append.add(if id == 6 { BaseKind::Group } else { BaseKind::User }, &record(id)).unwrap();
        }
        let ids = [Some(30), None, Some(5), Some(41), Some(7), Some(6), Some(5), Some(-2), Some(1), Some(29)];
        let expected = [Some(30), None, Some(5), None, Some(7), None, Some(5), None, Some(1), Some(29)].map(|id| id.map(record));
        assert_eq!(get(&connection, &row, BaseKind::User, &ids).unwrap(), expected);
        assert_eq!(get(&connection, &other, BaseKind::User, &ids).unwrap(), vec![None; ids.len()]);
    }
}
