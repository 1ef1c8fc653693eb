//! All runs of a journal, read as one.

use super::super::codec::text;
use super::super::directories::Row;
use super::block::Does;
use super::heap::Heap;
use super::run::{self, Cursor, Run};
use crate::error::Problem;
use idsync_core::{BaseKind, Digest, Phase, StagedKey};
use rusqlite::Connection;

/// Reads rows in order, holding one block of each run.
///
/// It lives from page to page, while others may write: [`Merge::refresh`] takes up what was added since and begins anew, from where it
/// stands, when runs were merged.
#[derive(Debug)]
pub(crate) struct Merge {
    runs: Vec<Run>,
    /// The phases that are left, the current one last.
    phases: Vec<Phase>,
    /// Rows of the current phase.
    heap: Heap,
    /// The last row of the last page, or where to start.
    after: Option<StagedKey>,
    /// Records of rows that others replaced.
    lost: Vec<i64>,
    /// The key that was read last.
    key: Vec<u8>,
    payloads: bool,
}

/// A row of the journal, whose record, if any, was not read.
#[derive(Debug)]
pub(in super::super) struct Found {
    pub(in super::super) position: StagedKey,
    pub(in super::super) payload: Vec<u8>,
    pub(in super::super) effect: Option<Effect>,
}

/// What a row does to a row of the base: puts a record, or deletes it.
#[derive(Debug)]
pub(in super::super) struct Effect {
    pub(in super::super) kind: BaseKind,
    pub(in super::super) key: String,
    pub(in super::super) put: Option<Put>,
}

/// A record that was not read.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Put {
    pub(in super::super) digest: Digest,
    /// Where it is, and how long.
    pub(in super::super) id: i64,
    pub(in super::super) length: u64,
}

impl Merge {
    /// All rows after `after`.
    pub(crate) fn new(after: Option<StagedKey>) -> Self {
        Self { runs: Vec::new(), phases: Vec::new(), heap: Heap::default(), after, lost: Vec::new(), key: Vec::new(), payloads: true }
    }

    /// Leaves payloads out.
    pub(in super::super) fn without_payloads(self) -> Self {
        Self { payloads: false, ..self }
    }

    /// Looks which runs there are now.
    pub(in super::super) fn refresh(&mut self, connection: &Connection, row: &Row) -> Result<(), Problem> {
        if !self.runs.is_empty() && run::last(connection, row)? == self.runs.iter().map(|run| run.id).max() {
            return Ok(());
        }
        let runs = run::all(connection, row)?;
        // Numbers of runs only grow, so a run that is still there is the same; new ones are newer and stand in front.
        let new = runs.len().saturating_sub(self.runs.len());
        if self.runs.is_empty() || runs[new..] != self.runs[..] {
            return self.start(connection, row, runs);
        }
        if let Some(phase) = self.phases.last().copied() {
            self.open(connection, row, &runs[..new], phase)?;
        }
        self.runs = runs;
        Ok(())
    }

    /// Reads these runs, from where it stands.
    pub(super) fn start(&mut self, connection: &Connection, row: &Row, runs: Vec<Run>) -> Result<(), Problem> {
        let from = self.after.as_ref().map(|after| after.phase);
        self.phases = Phase::ALL.into_iter().rev().filter(|phase| from.is_none_or(|from| *phase >= from)).collect();
        self.heap.clear();
        self.runs = runs;
        match self.phases.last().copied() {
            Some(phase) => self.open(connection, row, &self.runs.clone(), phase),
            None => Ok(()),
        }
    }

    fn open(&mut self, connection: &Connection, row: &Row, runs: &[Run], phase: Phase) -> Result<(), Problem> {
        let after = self.after.as_ref().filter(|after| after.phase == phase).map(|after| after.key.as_bytes());
        for run in runs {
            if let Some(cursor) = Cursor::open(connection, row, *run, phase, after)? {
                self.heap.push(cursor);
            }
        }
        Ok(())
    }

    /// The phase of the next row or tombstone, if there is any.
    pub(super) fn phase(&mut self, connection: &Connection, row: &Row) -> Result<Option<Phase>, Problem> {
        while self.heap.is_empty() {
            self.phases.pop();
            let Some(phase) = self.phases.last().copied() else { return Ok(None) };
            self.open(connection, row, &self.runs.clone(), phase)?;
        }
        Ok(self.phases.last().copied())
    }

    /// Reads the next row or tombstone, and moves behind it in all runs.
    pub(super) fn take<T>(
        &mut self,
        connection: &Connection,
        read: impl FnOnce(&[u8], Does<'_>, &[u8]) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        let Some(top) = self.heap.top() else { return Ok(None) };
        let (does, payload, end) = top.row()?;
        let value = read(top.key(), does, payload)?;
        top.key().clone_into(&mut self.key);
        top.advance(connection, end)?;
        while let Some(top) = self.heap.top().filter(|top| top.key() == self.key) {
            let (does, _, end) = top.row()?;
            if let Does::Put { id, .. } = does {
                self.lost.push(id);
            }
            top.advance(connection, end)?;
        }
        Ok(Some(value))
    }

    /// The position of the next row. It is not read yet.
    pub(super) fn peek(&mut self, connection: &Connection, row: &Row) -> Result<Option<StagedKey>, Problem> {
        while let Some(phase) = self.phase(connection, row)? {
            let Some(top) = self.heap.peek() else { break };
            if !top.is_gone() {
                return Ok(Some(StagedKey::new(phase, text(top.key())?.to_owned())));
            }
            self.take(connection, |_, _, _| Ok(()))?;
        }
        Ok(None)
    }

    /// The next row.
    pub(in super::super) fn next(&mut self, connection: &Connection, row: &Row) -> Result<Option<Found>, Problem> {
        let Some(position) = self.peek(connection, row)? else { return Ok(None) };
        let payloads = self.payloads;
        let found = self.take(connection, |_, does, payload| {
            let effect = match does {
                Does::Gone | Does::Nothing => None,
                Does::Put { kind, key, digest, id, length } => {
                    Some(Effect { kind, key: text(key)?.to_owned(), put: Some(Put { digest, id, length }) })
                }
                Does::Delete { kind, key } => Some(Effect { kind, key: text(key)?.to_owned(), put: None }),
            };
            Ok((if payloads { payload.to_vec() } else { Vec::new() }, effect))
        })?;
        Ok(found.map(|(payload, effect)| Found { position, payload, effect }))
    }

    /// The page ends at this row: from here on it goes on, whatever becomes of the runs.
    pub(super) fn stand(&mut self, at: Option<StagedKey>) {
        self.after = at.or_else(|| self.after.take());
        self.lost.clear();
    }

    /// Records of rows that were replaced or taken out, as far as was read; nothing refers to them.
    pub(in super::super) fn lost(&mut self) -> &mut Vec<i64> {
        &mut self.lost
    }
}
