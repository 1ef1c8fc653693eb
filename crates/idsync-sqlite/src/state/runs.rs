//! `idsync_runs`: the history of runs.

use super::damaged;
use super::directories::Row;
use crate::error::Problem;
use idsync_core::{RunRecord, Timestamp};
use rusqlite::{Connection, params};

/// Runs kept per directory.
const KEPT: i64 = 1_000;

pub(crate) fn add(connection: &Connection, row: &Row, run: &RunRecord) -> Result<(), Problem> {
    const ADD: &str = "INSERT INTO idsync_runs (directory, started, finished, outcome, report) VALUES (?1, ?2, ?3, ?4, ?5)";
    const TRIM: &str = "
        DELETE FROM idsync_runs WHERE directory = ?1
        AND id <= (SELECT id FROM idsync_runs WHERE directory = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
    let (started, finished) = (run.started.unix_millis(), run.finished.unix_millis());
    connection.prepare_cached(ADD)?.execute(params![row.id, started, finished, run.outcome, run.report])?;
    connection.prepare_cached(TRIM)?.execute(params![row.id, KEPT])?;
    Ok(())
}

pub(crate) fn newest(connection: &Connection, row: &Row, limit: usize) -> Result<Vec<RunRecord>, Problem> {
    const SQL: &str = "SELECT started, finished, outcome, report FROM idsync_runs WHERE directory = ?1 ORDER BY id DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(SQL)?;
    let mut rows = statement.query(params![row.id, i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        runs.push(RunRecord::new(time(row.get(0)?)?, time(row.get(1)?)?, row.get(2)?, row.get(3)?));
    }
    Ok(runs)
}

fn time(millis: i64) -> Result<Timestamp, Problem> {
    Timestamp::from_unix_millis(millis).ok_or_else(|| damaged("a time that is none"))
}
