//! `idsync_staged`: the rows of the journal, in sorted runs.
//!
//! Rows come in any order, and a row per change would cost a search for each. So every call writes its rows as one **run**, sorted, in
//! blocks, and a reader merges the runs: the newest run wins where several have a row at one position, and a row that was taken out is
//! a **tombstone**. Small runs are merged as they gather, so that thousands of small calls are read like a few large ones.

mod block;
mod compact;
mod heap;
pub(super) mod marks;
pub(super) mod merge;
mod run;

pub(crate) use marks::mark;
pub(crate) use merge::Merge;

use self::block::Does;
use self::heap::beginning;
use self::merge::{Effect, Found};
use self::run::Writer;
use super::directories::Row;
use super::records::{self, Append, Wanted};
use crate::error::Problem;
use idsync_core::{BaseRecord, BaseWrite, Detail, StagedKey, StagedRow};
use rusqlite::Connection;

/// Rows read at a time, and bytes of them, of which there are a few more.
const PAGE_ROWS: usize = 2_048;
const PAGE_BYTES: u64 = 1024 * 1024;

/// Adds rows. Their records are written to their last place right away.
pub(crate) fn stage(connection: &Connection, row: &Row, rows: Vec<StagedRow>) -> Result<(), Problem> {
    let last = last_of_each(&rows);
    // Whatever was decided at these positions before is forgotten.
    marks::mark(connection, row, last.iter().map(|staged| (&staged.position, staged.mark)))?;
    let mut append = Append::new(connection, row)?;
    let mut writer = Writer::new(connection, row)?;
    for staged in last {
        let does = match &staged.effect {
            None => Does::Nothing,
            Some(BaseWrite { kind, key, record: None, .. }) => Does::Delete { kind: *kind, key: key.as_bytes() },
            Some(BaseWrite { kind, key, record: Some(record), .. }) => Does::Put {
                kind: *kind,
                key: key.as_bytes(),
                digest: record.digest,
                id: append.add(*kind, record)?,
                length: record.record.len() as u64,
            },
        };
        writer.put(staged.position.phase, staged.position.key.as_bytes(), &does, &staged.payload)?;
    }
    append.remember(connection)?;
    writer.finish()?;
    compact::if_many(connection, row)
}

/// The rows in order; of several at one position the last one.
fn last_of_each(rows: &[StagedRow]) -> Vec<&StagedRow> {
    // Rows are large, so that they stay where they are, and most are told apart without a look at them.
    let mut sorted: Vec<_> = rows.iter().map(|row| (row.position.phase, beginning(row.position.key.as_bytes()), row)).collect();
    sorted.sort_by(|one, other| {
        let begins = (one.0, one.1).cmp(&(other.0, other.1));
        begins.then_with(|| one.2.position.key.cmp(&other.2.position.key))
    });
    sorted.chunk_by(|one, other| one.2.position == other.2.position).filter_map(|same| same.last().map(|last| last.2)).collect()
}

/// Takes rows out.
pub(crate) fn unstage(connection: &Connection, row: &Row, mut positions: Vec<StagedKey>) -> Result<(), Problem> {
    positions.sort_unstable();
    positions.dedup();
    marks::forget(connection, row, &positions)?;
    let mut writer = Writer::new(connection, row)?;
    for position in &positions {
        writer.put(position.phase, position.key.as_bytes(), &Does::Gone, &[])?;
    }
    writer.finish()?;
    compact::if_many(connection, row)
}

/// The next rows of a stream.
pub(crate) fn page(connection: &Connection, row: &Row, merge: &mut Merge, detail: Detail) -> Result<Vec<StagedRow>, Problem> {
    let (mut bytes, mut page, mut places) = (0, Vec::new(), Vec::new());
    merge.refresh(connection, row)?;
    while page.len() < PAGE_ROWS
        && bytes < PAGE_BYTES
        && let Some(found) = merge.next(connection, row)?
    {
        let Found { position, payload, effect } = found;
        bytes += payload.len() as u64;
        if detail != Detail::Digests
            && let Some(put) = effect.as_ref().and_then(|effect| effect.put)
        {
            bytes += put.length;
            places.push((put.id, page.len()));
        }
        page.push(StagedRow::new(position, payload, effect.map(without_record)));
    }
    read_records(connection, places, &mut page)?;
    let end = merge.peek(connection, row)?;
    marks::attach(connection, row, &mut page, end.as_ref())?;
    merge.stand(page.last().map(|row| row.position.clone()));
    Ok(page)
}

fn without_record(effect: Effect) -> BaseWrite {
    match effect.put {
        Some(put) => BaseWrite::put(effect.kind, effect.key, BaseRecord::new(put.digest, Vec::new())),
        None => BaseWrite::delete(effect.kind, effect.key),
    }
}

/// Reads the records of a page where they are. Each call of [`stage`] wrote its own in the order of their positions, so that those of a
/// page lie in stretches, which in the order of the page would be left and looked up again for every row.
fn read_records(connection: &Connection, places: Vec<Wanted>, page: &mut [StagedRow]) -> Result<(), Problem> {
    let mut missing = places.len();
    records::read_all(connection, places, |at, bytes| {
        if let Some(record) = page[at].effect.as_mut().and_then(|effect| effect.record.as_mut()) {
            record.record = bytes.to_vec();
            missing -= 1;
        }
    })?;
    if missing == 0 { Ok(()) } else { Err(records::without_record()) }
}

/// Forgets rows and marks.
pub(super) fn clear(connection: &Connection, row: &Row) -> Result<(), Problem> {
    connection.prepare_cached("DELETE FROM idsync_staged WHERE directory = ?1")?.execute([row.id])?;
    connection.prepare_cached("DELETE FROM idsync_staged_runs WHERE directory = ?1")?.execute([row.id])?;
    connection.prepare_cached("DELETE FROM idsync_marks WHERE directory = ?1")?.execute([row.id])?;
    Ok(())
}
