//! One run: how it is written, and how it is read from a position on.

use super::super::codec::Input;
use super::super::directories::Row;
use super::super::stored;
use super::block::{self, Does};
use crate::error::Problem;
use idsync_core::Phase;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, params};
use std::cmp::Ordering;

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
            if !cursor.advance(connection)? {
                return Ok(None);
            }
        }
        Ok(Some(cursor))
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(super) fn row(&self) -> Result<(Does<'_>, &[u8]), Problem> {
        block::rest(&mut Input::new(&self.block, self.at), &self.key)
    }

    fn read_key(&mut self, at: usize) -> Result<(), Problem> {
        let mut input = Input::new(&self.block, at);
        input.key(&mut self.key)?;
        self.at = input.at();
        Ok(())
    }

    /// Moves to the next row of the phase, if there is one.
    pub(super) fn advance(&mut self, connection: &Connection) -> Result<bool, Problem> {
        const NEXT: &str = "
            SELECT first, rows FROM idsync_staged
            WHERE directory = ?1 AND phase = ?2 AND run = ?3 AND first > ?4 ORDER BY first LIMIT 1";
        let mut input = Input::new(&self.block, self.at);
        block::rest(&mut input, &self.key)?;
        if !input.is_at_end() {
            let at = input.at();
            self.read_key(at)?;
            return Ok(true);
        }
        let next = block(connection, NEXT, params![self.directory, self.phase as u8, self.run.id, self.first])?;
        let Some((first, block)) = next else { return Ok(false) };
        (self.first, self.block) = (first, block);
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

/// The greatest cursor is the one to read next: the lowest key, and among equal ones the newest run.
impl Ord for Cursor {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key).then(self.run.age.cmp(&other.run.age))
    }
}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Cursor {}
