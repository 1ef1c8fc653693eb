//! `idsync_journal` and `idsync_staged`: the run under way.

use super::directories::Row;
use super::{base, damaged, stored};
use crate::error::{Problem, conflict};
use idsync_core::{
    BaseRecord, BaseWrite, JournalHeader, Mark, Phase, PlanHash, Progress, Revision, Stage, StagedKey, StagedRow, Timestamp,
};
use rusqlite::{Connection, params};

/// Rows read at a time.
const PAGE: i64 = 2_048;

/// Values of the column `effect`.
pub(super) const NOTHING: u8 = 0;
pub(super) const PUT: u8 = 1;
pub(super) const DELETE: u8 = 2;

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
        header.progress = Some(Progress::through(StagedKey::new(parse_phase(phase)?, base::key(key)?)));
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

pub(crate) fn stage(connection: &Connection, row: &Row, rows: &[StagedRow]) -> Result<(), Problem> {
    const SQL: &str = "
        INSERT OR REPLACE INTO idsync_staged (directory, phase, key, payload, mark, effect, effect_kind, effect_key, digest, record)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let mut statement = connection.prepare_cached(SQL)?;
    for staged in rows {
        let effect = staged.effect.as_ref();
        let record = effect.and_then(|effect| effect.record.as_ref());
        let does = match (effect, record) {
            (None, _) => NOTHING,
            (Some(_), Some(_)) => PUT,
            (Some(_), None) => DELETE,
        };
        statement.execute(params![
            row.id,
            staged.position.phase as u8,
            staged.position.key.as_bytes(),
            staged.payload,
            staged.mark as u8,
            does,
            effect.map(|effect| effect.kind as u8),
            effect.map(|effect| effect.key.as_bytes()),
            record.map(|record| record.digest.0.as_slice()),
            record.map(|record| record.record.as_slice())
        ])?;
    }
    Ok(())
}

pub(crate) fn unstage(connection: &Connection, row: &Row, rows: &[StagedKey]) -> Result<(), Problem> {
    let mut statement = connection.prepare_cached("DELETE FROM idsync_staged WHERE directory = ?1 AND phase = ?2 AND key = ?3")?;
    for position in rows {
        statement.execute(params![row.id, position.phase as u8, position.key.as_bytes()])?;
    }
    Ok(())
}

pub(crate) fn mark(connection: &Connection, row: &Row, marks: &[(StagedKey, Mark)]) -> Result<(), Problem> {
    const SQL: &str = "UPDATE idsync_staged SET mark = ?4 WHERE directory = ?1 AND phase = ?2 AND key = ?3";
    let mut statement = connection.prepare_cached(SQL)?;
    for (position, mark) in marks {
        statement.execute(params![row.id, position.phase as u8, position.key.as_bytes(), *mark as u8])?;
    }
    Ok(())
}

pub(crate) fn staged(connection: &Connection, row: &Row, after: Option<&StagedKey>) -> Result<Vec<StagedRow>, Problem> {
    const SQL: &str = "
        SELECT phase, key, payload, mark, effect, effect_kind, effect_key, digest, record FROM idsync_staged
        WHERE directory = ?1 AND (phase, key) > (?2, ?3) ORDER BY phase, key LIMIT ?4";
    let mut statement = connection.prepare_cached(SQL)?;
    // Phases are numbered from 1, so that phase 0 lies before all rows.
    let (phase, key) = after.map_or((0, &[][..]), |after| (after.phase as u8, after.key.as_bytes()));
    let mut rows = statement.query(params![row.id, phase, key, PAGE])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push(parse_staged(row)?);
    }
    Ok(page)
}

pub(crate) fn discard(connection: &Connection, row: &Row) -> Result<(), Problem> {
    connection.prepare_cached("DELETE FROM idsync_staged WHERE directory = ?1")?.execute([row.id])?;
    connection.prepare_cached("DELETE FROM idsync_journal WHERE directory = ?1")?.execute([row.id])?;
    Ok(())
}

fn parse_staged(row: &rusqlite::Row<'_>) -> Result<StagedRow, Problem> {
    let position = StagedKey::new(parse_phase(row.get(0)?)?, base::key(row.get(1)?)?);
    let effect = match row.get::<_, u8>(4)? {
        NOTHING => None,
        does => {
            let (kind, key) = (base::kind(row.get(5)?)?, base::key(row.get(6)?)?);
            Some(match does {
                PUT => {
                    let digest: Vec<u8> = row.get(7)?;
                    BaseWrite::put(kind, key, BaseRecord::new(base::digest(Some(&digest))?, row.get(8)?))
                }
                DELETE => BaseWrite::delete(kind, key),
                _ => return Err(damaged("an effect of an unknown kind")),
            })
        }
    };
    Ok(StagedRow::new(position, row.get(2)?, effect).with_mark(parse_mark(row.get(3)?)?))
}

fn parse_phase(number: u8) -> Result<Phase, Problem> {
    Phase::from_number(number).ok_or_else(|| damaged("a change of an unknown phase"))
}

fn parse_mark(number: u8) -> Result<Mark, Problem> {
    let marks = [Mark::Apply, Mark::Held, Mark::Failed];
    marks.into_iter().find(|mark| *mark as u8 == number).ok_or_else(|| damaged("a mark of an unknown kind"))
}

/// Stages are kept by the names that they have in JSON.
fn stage_word(stage: Stage) -> Result<String, Problem> {
    let word = serde_json::to_value(stage).ok().and_then(|word| word.as_str().map(str::to_owned));
    word.ok_or_else(|| damaged("a stage without a name"))
}

fn parse_stage(word: String) -> Result<Stage, Problem> {
    serde_json::from_value(word.into()).map_err(|_| damaged("a journal at an unknown stage"))
}
