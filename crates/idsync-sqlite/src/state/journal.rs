//! `idsync_journal`: the run under way.

use super::codec::text;
use super::directories::Row;
use super::{damaged, fold, records, staged, stored};
use crate::error::{Problem, conflict};
use idsync_core::{JournalHeader, Phase, PlanHash, Progress, Revision, Stage, StagedKey, Timestamp};
use rusqlite::{Connection, params};

pub(crate) fn begin(connection: &Connection, row: &Row, header: &JournalHeader) -> Result<(), Problem> {
    const SQL: &str = "
        INSERT INTO idsync_journal (directory, stage, base, read_at, plan, through_phase, through_key, note)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let through = header.progress.as_ref().map(|progress| &progress.through);
    connection.prepare_cached(SQL)?.execute(params![
        row.id,
        stage_word(header.stage)?,
        stored(header.base.0)?,
        header.read_at.unix_millis(),
        header.plan.as_ref().map(|plan| plan.as_bytes().as_slice()),
        through.map(|through| through.phase as u8),
        through.map(|through| through.key.as_bytes()),
        header.note
    ])?;
    Ok(())
}

pub(crate) fn header(connection: &Connection, row: &Row) -> Result<Option<JournalHeader>, Problem> {
    const SQL: &str = "SELECT stage, base, read_at, plan, through_phase, through_key, note FROM idsync_journal WHERE directory = ?1";
    let mut statement = connection.prepare_cached(SQL)?;
    let mut rows = statement.query([row.id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let base: i64 = row.get(1)?;
    let read_at = Timestamp::from_unix_millis(row.get(2)?).ok_or_else(|| damaged("a time that is none"))?;
    let mut header = JournalHeader::new(Revision(base.cast_unsigned()), read_at);
    header.stage = parse_stage(row.get(0)?)?;
    let plan: Option<Vec<u8>> = row.get(3)?;
    let plan = plan.map(|plan| plan.try_into().map(PlanHash::from_bytes)).transpose();
    header.plan = plan.map_err(|_| damaged("a plan hash of the wrong length"))?;
    let through: (Option<u8>, Option<Vec<u8>>) = (row.get(4)?, row.get(5)?);
    if let (Some(phase), Some(key)) = through {
        header.progress = Some(Progress::through(StagedKey::new(parse_phase(phase)?, text(&key)?.to_owned())));
    }
    header.note = row.get(6)?;
    Ok(Some(header))
}

/// There must be a journal to write into.
pub(crate) fn require(connection: &Connection, row: &Row) -> Result<(), Problem> {
    let found = connection.prepare_cached("SELECT 1 FROM idsync_journal WHERE directory = ?1")?.exists([row.id])?;
    if found { Ok(()) } else { Err(conflict("there is no journal; begin one first").into()) }
}

/// Replaces stage, plan and note; the rest stays as it was begun.
pub(crate) fn update(connection: &Connection, row: &Row, header: &JournalHeader) -> Result<(), Problem> {
    const SQL: &str = "UPDATE idsync_journal SET stage = ?2, plan = ?3, note = ?4 WHERE directory = ?1";
    let plan = header.plan.as_ref().map(|plan| plan.as_bytes().as_slice());
    connection.prepare_cached(SQL)?.execute(params![row.id, stage_word(header.stage)?, plan, header.note])?;
    Ok(())
}

pub(crate) fn move_on(connection: &Connection, row: &Row, progress: &Progress) -> Result<(), Problem> {
    const SQL: &str = "UPDATE idsync_journal SET through_phase = ?2, through_key = ?3 WHERE directory = ?1";
    let through = &progress.through;
    connection.prepare_cached(SQL)?.execute(params![row.id, through.phase as u8, through.key.as_bytes()])?;
    Ok(())
}

/// Drops the journal with its rows and their records.
pub(crate) fn discard(connection: &Connection, row: &Row) -> Result<(), Problem> {
    records::drop_pending(connection, row)?;
    clear(connection, row)
}

/// Ends the journal: its effects go into the base.
pub(crate) fn apply(connection: &Connection, row: &Row) -> Result<(), Problem> {
    fold::fold(connection, row)?;
    records::keep_pending(connection, row)?;
    clear(connection, row)
}

fn clear(connection: &Connection, row: &Row) -> Result<(), Problem> {
    staged::clear(connection, row)?;
    connection.prepare_cached("DELETE FROM idsync_journal WHERE directory = ?1")?.execute([row.id])?;
    Ok(())
}

pub(super) fn parse_phase(number: u8) -> Result<Phase, Problem> {
    Phase::from_number(number).ok_or_else(|| damaged("a change of an unknown phase"))
}

/// Stages are kept by the names that they have in JSON.
fn stage_word(stage: Stage) -> Result<String, Problem> {
    let word = serde_json::to_value(stage).ok().and_then(|word| word.as_str().map(str::to_owned));
    word.ok_or_else(|| damaged("a stage without a name"))
}

fn parse_stage(word: String) -> Result<Stage, Problem> {
    serde_json::from_value(word.into()).map_err(|_| damaged("a journal at an unknown stage"))
}
