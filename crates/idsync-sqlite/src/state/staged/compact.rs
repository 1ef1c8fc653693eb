//! Merging runs, so that a reader never has to hold more than some hundreds of blocks.

use super::super::directories::Row;
use super::super::records;
use super::block::Does;
use super::merge::Merge;
use super::run::{self, Run, Writer};
use crate::error::Problem;
use idsync_core::Phase;
use rusqlite::{Connection, params};

/// Runs smaller than so many bytes are merged when there are so many of them, all newer than the others.
///
/// The first line is for small calls: what it merges over and over is less than what SQLite writes for each call anyway. A first load
/// of a large directory comes in a few hundred large calls, which no line applies to, and is written once. With all lines at their
/// limit, a reader holds some 500 blocks, which are 6 MiB. Runs that are larger still are not merged, nor are there many.
const LEVELS: [(i64, usize); 2] = [(128 * 1024, 32), (64 * 1024 * 1024, 512)];

pub(super) fn if_many(connection: &Connection, row: &Row) -> Result<(), Problem> {
    for (bytes, count) in LEVELS {
        let mut runs = run::all(connection, row)?;
        let small = runs.iter().take_while(|run| run.bytes < bytes).count();
        if small >= count {
            let is_whole = small == runs.len();
            runs.truncate(small);
            merge(connection, row, runs, is_whole)?;
        }
    }
    Ok(())
}

/// Makes one run of several that follow each other.
fn merge(connection: &Connection, row: &Row, runs: Vec<Run>, is_whole: bool) -> Result<(), Problem> {
    let Some(newest) = runs.first().copied() else { return Ok(()) };
    let mut writer = Writer::with_age(connection, row, newest.age)?;
    let mut merge = Merge::new(None);
    merge.start(connection, row, runs.clone())?;
    while let Some(phase) = merge.phase(connection, row)? {
        merge.take(connection, |key, does, payload| {
            // With no older run there is nothing that a tombstone could be about.
            if is_whole && does == Does::Gone { Ok(()) } else { writer.put(phase, key, &does, payload) }
        })?;
    }
    writer.finish()?;
    records::delete(connection, merge.lost())?;
    let mut blocks = connection.prepare_cached("DELETE FROM idsync_staged WHERE directory = ?1 AND phase = ?2 AND run = ?3")?;
    let mut run = connection.prepare_cached("DELETE FROM idsync_staged_runs WHERE id = ?1")?;
    for old in runs {
        for phase in Phase::ALL {
            blocks.execute(params![row.id, phase as u8, old.id])?;
        }
        run.execute([old.id])?;
    }
    Ok(())
}
