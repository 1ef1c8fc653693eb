//! One run: how it is written, and how it is read from a position on.

use super::super::codec::Input;
use super::super::directories::Row;
use super::super::stored;
use super::block::{self, Does};
use crate::error::Problem;
use idsync_core::Phase;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, params};

/// A block is written once it is this large; a row that is larger is alone in one.
const BLOCK: usize = 12 * 1024;

/// What is known of a run without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) id: i64,
    /// Of two rows at one position, the one with the greater age counts.
    pub(super) age: i64,
    pub(super) bytes: i64,
}

/// All runs of a journal, the newest first.
pub(super) fn all(connection: &Connection, row: &Row) -> Result<Vec<Run>, Problem> {
    let mut statement =
        connection.prepare_cached("SELECT id, age, bytes FROM idsync_staged_runs WHERE directory = ?1 ORDER BY age DESC")?;
    let runs = statement.query_map([row.id], |row| Ok(Run { id: row.get(0)?, age: row.get(1)?, bytes: row.get(2)? }))?;
    Ok(runs.collect::<Result<_, _>>()?)
}

/// The number of the run that was written last, be it a new one or one made of others.
pub(super) fn last(connection: &Connection, row: &Row) -> Result<Option<i64>, Problem> {
    const SQL: &str = "SELECT id FROM idsync_staged_runs WHERE directory = ?1 ORDER BY id DESC LIMIT 1";
    Ok(connection.prepare_cached(SQL)?.query_row([row.id], |row| row.get(0)).optional()?)
}

/// Writes a run, whose rows come in order.
pub(super) struct Writer<'a> {
    connection: &'a Connection,
    insert: CachedStatement<'a>,
    directory: i64,
    run: i64,
    phase: Option<Phase>,
    first: Vec<u8>,
    before: Vec<u8>,
    block: Vec<u8>,
    bytes: u64,
}

impl<'a> Writer<'a> {
    /// A run that is newer than all others.
    pub(super) fn new(connection: &'a Connection, row: &Row) -> Result<Self, Problem> {
        const NEWEST: &str = "SELECT coalesce(max(age), 0) + 1 FROM idsync_staged_runs WHERE directory = ?1";
        let age = connection.prepare_cached(NEWEST)?.query_row([row.id], |row| row.get(0))?;
        Self::with_age(connection, row, age)
    }

    pub(super) fn with_age(connection: &'a Connection, row: &Row, age: i64) -> Result<Self, Problem> {
        const RUN: &str = "INSERT INTO idsync_staged_runs (directory, age, bytes) VALUES (?1, ?2, 0)";
        const INSERT: &str = "INSERT INTO idsync_staged (directory, phase, run, first, rows) VALUES (?1, ?2, ?3, ?4, ?5)";
        connection.prepare_cached(RUN)?.execute([row.id, age])?;
        Ok(Self {
            connection,
            insert: connection.prepare_cached(INSERT)?,
            directory: row.id,
            run: connection.last_insert_rowid(),
            phase: None,
            first: Vec::new(),
            before: Vec::new(),
            block: Vec::new(),
            bytes: 0,
        })
    }

    pub(super) fn put(&mut self, phase: Phase, key: &[u8], does: &Does<'_>, payload: &[u8]) -> Result<(), Problem> {
        if self.phase != Some(phase) || self.block.len() + payload.len() > BLOCK {
            self.flush()?;
            (self.phase, self.before) = (Some(phase), Vec::new());
            key.clone_into(&mut self.first);
        }
        block::put(&mut self.block, &self.before, key, does, payload);
        key.clone_into(&mut self.before);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Problem> {
        if let Some(phase) = self.phase.filter(|_| !self.block.is_empty()) {
            self.insert.execute(params![self.directory, phase as u8, self.run, self.first, self.block])?;
            self.bytes += self.block.len() as u64;
            self.block.clear();
        }
        Ok(())
    }

    /// Writes what is left. A run without rows is none.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        const SIZE: &str = "UPDATE idsync_staged_runs SET bytes = ?2 WHERE id = ?1";
        self.flush()?;
        if self.bytes == 0 {
            self.connection.prepare_cached("DELETE FROM idsync_staged_runs WHERE id = ?1")?.execute([self.run])?;
        } else {
            self.connection.prepare_cached(SIZE)?.execute([self.run, stored(self.bytes)?])?;
        }
        Ok(())
    }
}

/// Where a row ends in its block.
#[derive(Debug, Clone, Copy)]
pub(super) struct End(usize);

/// One run, read from some position on. It always stands at a row.
#[derive(Debug)]
pub(super) struct Cursor {
    run: Run,
    directory: i64,
    phase: Phase,
    /// The first key of the block.
    first: Vec<u8>,
    block: Vec<u8>,
    key: Vec<u8>,
    /// Where in the block the effect of the row begins.
    at: usize,
}

impl Cursor {
    /// Stands at the first row of `phase` after `after`; `None` when there is none.
    pub(super) fn open(connection: &Connection, row: &Row, run: Run, phase: Phase, after: Option<&[u8]>) -> Result<Option<Self>, Problem> {
        const FIRST: &str = "
            SELECT first, rows FROM idsync_staged WHERE directory = ?1 AND phase = ?2 AND run = ?3 ORDER BY first LIMIT 1";
        const AT: &str = "
            SELECT first, rows FROM idsync_staged
            WHERE directory = ?1 AND phase = ?2 AND run = ?3 AND first <= ?4 ORDER BY first DESC LIMIT 1";
        let of = (row.id, phase as u8, run.id);
        let found = match after {
            Some(after) => block(connection, AT, params![of.0, of.1, of.2, after])?,
            None => None,
        };
        let found = match found {
            None => block(connection, FIRST, of)?,
            found => found,
        };
        let Some((first, block)) = found else { return Ok(None) };
        let mut cursor = Self { run, directory: row.id, phase, first, block, key: Vec::new(), at: 0 };
        cursor.read_key(0)?;
        while after.is_some_and(|after| cursor.key.as_slice() <= after) {
            let (.., end) = cursor.row()?;
            if !cursor.advance(connection, end)? {
                return Ok(None);
            }
        }
        Ok(Some(cursor))
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The age of its run.
    pub(super) const fn age(&self) -> i64 {
        self.run.age
    }

    pub(super) fn is_gone(&self) -> bool {
        block::is_gone(&self.block[self.at..])
    }

    /// What the row does, its payload, and where it ends.
    pub(super) fn row(&self) -> Result<(Does<'_>, &[u8], End), Problem> {
        let mut input = Input::new(&self.block, self.at);
        let (does, payload) = block::rest(&mut input, &self.key)?;
        Ok((does, payload, End(input.at())))
    }

    fn read_key(&mut self, at: usize) -> Result<(), Problem> {
        let mut input = Input::new(&self.block, at);
        input.key(&mut self.key)?;
        self.at = input.at();
        Ok(())
    }

    /// Moves behind the end of its row to the next one of the phase, if there is one.
    pub(super) fn advance(&mut self, connection: &Connection, End(end): End) -> Result<bool, Problem> {
        const NEXT: &str = "
            SELECT first, rows FROM idsync_staged
            WHERE directory = ?1 AND phase = ?2 AND run = ?3 AND first > ?4 ORDER BY first LIMIT 1";
        if end < self.block.len() {
            self.read_key(end)?;
            return Ok(true);
        }
        let mut statement = connection.prepare_cached(NEXT)?;
        let mut next = statement.query(params![self.directory, self.phase as u8, self.run.id, self.first])?;
        let Some(next) = next.next()? else { return Ok(false) };
        // In the place of the block before: it is as long, and there are ten thousands of them.
        bytes(next, 0)?.clone_into(&mut self.first);
        bytes(next, 1)?.clone_into(&mut self.block);
        self.key.clear();
        self.read_key(0)?;
        Ok(true)
    }
}

/// The first key of a block, and its rows.
type Block = (Vec<u8>, Vec<u8>);

fn block(connection: &Connection, sql: &str, of: impl Params) -> Result<Option<Block>, Problem> {
    Ok(connection.prepare_cached(sql)?.query_row(of, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn bytes<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> Result<&'a [u8], Problem> {
    Ok(row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?)
}
