//! `idsync_marks`: what is not to be applied. Most journals have no row here.

use super::super::codec::text;
use super::super::damaged;
use super::super::directories::Row;
use super::super::journal::parse_phase;
use crate::error::Problem;
use idsync_core::{Mark, StagedKey, StagedRow};
use rusqlite::{Connection, params};
use std::collections::VecDeque;

/// Keeps marks; of two at one position the later one counts.
pub(crate) fn mark<'a>(connection: &Connection, row: &Row, marks: impl IntoIterator<Item = (&'a StagedKey, Mark)>) -> Result<(), Problem> {
    const SET: &str = "INSERT OR REPLACE INTO idsync_marks (directory, phase, key, mark) VALUES (?1, ?2, ?3, ?4)";
    let mut none = !any(connection, row)?;
    for (position, mark) in marks {
        if mark != Mark::Apply {
            let (phase, key) = (position.phase as u8, position.key.as_bytes());
            connection.prepare_cached(SET)?.execute(params![row.id, phase, key, mark as u8])?;
            none = false;
        } else if !none {
            remove(connection, row, position)?;
        }
    }
    Ok(())
}

/// Forgets the marks at these positions.
pub(super) fn forget(connection: &Connection, row: &Row, positions: &[StagedKey]) -> Result<(), Problem> {
    if any(connection, row)? {
        positions.iter().try_for_each(|position| remove(connection, row, position))?;
    }
    Ok(())
}

fn any(connection: &Connection, row: &Row) -> Result<bool, Problem> {
    Ok(connection.prepare_cached("SELECT 1 FROM idsync_marks WHERE directory = ?1 LIMIT 1")?.exists([row.id])?)
}

fn remove(connection: &Connection, row: &Row, position: &StagedKey) -> Result<(), Problem> {
    const SQL: &str = "DELETE FROM idsync_marks WHERE directory = ?1 AND phase = ?2 AND key = ?3";
    connection.prepare_cached(SQL)?.execute(params![row.id, position.phase as u8, position.key.as_bytes()])?;
    Ok(())
}

/// Adds to rows that follow each other what was decided about them and their parts. `end` is the position of the row after them.
pub(super) fn attach(connection: &Connection, row: &Row, rows: &mut [StagedRow], end: Option<&StagedKey>) -> Result<(), Problem> {
    const SQL: &str = "
        SELECT phase, key, mark FROM idsync_marks WHERE directory = ?1 AND (phase, key) >= (?2, ?3) ORDER BY phase, key";
    let Some(first) = rows.first() else { return Ok(()) };
    if !any(connection, row)? {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(SQL)?;
    let mut marks = statement.query(params![row.id, first.position.phase as u8, first.position.key.as_bytes()])?;
    let mut at = 0;
    while let Some(mark) = marks.next()? {
        let key = text(mark.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?.to_owned();
        let position = StagedKey::new(parse_phase(mark.get(0)?)?, key);
        if end.is_some_and(|end| position >= *end) {
            break;
        }
        let mark = parse_mark(mark.get(2)?)?;
        while rows.get(at + 1).is_some_and(|next| next.position <= position) {
            at += 1;
        }
        let row = &mut rows[at];
        if row.position == position {
            row.mark = mark;
        } else if row.position.phase == position.phase {
            row.parts.push((position, mark));
        }
    }
    Ok(())
}

/// Marks by position, asked for in order.
pub(in super::super) struct Marks<'a> {
    connection: &'a Connection,
    directory: i64,
    next: VecDeque<(StagedKey, Mark)>,
    /// Where the rest begins, if there is any.
    rest: Option<(u8, Vec<u8>)>,
}

impl<'a> Marks<'a> {
    pub(in super::super) const fn new(connection: &'a Connection, row: &Row) -> Self {
        // Phases are numbered from 1, so that phase 0 lies before all marks.
        Self { connection, directory: row.id, next: VecDeque::new(), rest: Some((0, Vec::new())) }
    }

    pub(in super::super) fn of(&mut self, position: &StagedKey) -> Result<Mark, Problem> {
        loop {
            while self.next.front().is_some_and(|(next, _)| next < position) {
                self.next.pop_front();
            }
            match self.next.front() {
                Some((next, mark)) if next == position => return Ok(*mark),
                None if self.rest.is_some() => self.read()?,
                _ => return Ok(Mark::Apply),
            }
        }
    }

    fn read(&mut self) -> Result<(), Problem> {
        const SQL: &str = "
            SELECT phase, key, mark FROM idsync_marks WHERE directory = ?1 AND (phase, key) > (?2, ?3) ORDER BY phase, key LIMIT 1024";
        let Some((phase, key)) = self.rest.take() else { return Ok(()) };
        let mut statement = self.connection.prepare_cached(SQL)?;
        let mut marks = statement.query(params![self.directory, phase, key])?;
        while let Some(mark) = marks.next()? {
            let (phase, key): (u8, Vec<u8>) = (mark.get(0)?, mark.get(1)?);
            let position = StagedKey::new(parse_phase(phase)?, text(&key)?.to_owned());
            self.next.push_back((position, parse_mark(mark.get(2)?)?));
            self.rest = Some((phase, key));
        }
        Ok(())
    }
}

fn parse_mark(number: u8) -> Result<Mark, Problem> {
    Mark::ALL.into_iter().find(|mark| *mark as u8 == number).ok_or_else(|| damaged("a mark of an unknown kind"))
}
