//! Everything that a store says of one directory.

use super::super::tools::{ensure, ensure_eq};
use super::super::{Unproven, Verdict};
use super::method::MEMO;
use crate::{BaseKind, BaseRecord, Detail, DirectoryId, Head, IndexRow, JournalHeader, RunRecord, StagedKey, StagedRow, StateStore};
use futures::TryStreamExt;

/// Everything that a store says of one directory, but for its digest key.
#[derive(Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) head: Option<Head>,
    pub(super) journal: Option<JournalHeader>,
    pub(super) staged: Vec<StagedRow>,
    pub(super) base: Vec<BaseRow>,
    pub(super) runs: Vec<RunRecord>,
    pub(super) memo: Option<Vec<u8>>,
}

/// A row of the base with its record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BaseRow {
    pub(super) kind: BaseKind,
    pub(super) key: String,
    pub(super) record: BaseRecord,
}

impl Picture {
    pub(super) async fn take(store: &dyn StateStore, directory: &DirectoryId) -> Result<Self, Unproven> {
        Ok(Self {
            head: store.head(directory).await?,
            journal: store.journal(directory).await?,
            staged: staged(store, directory, None).await?,
            base: base(store, directory).await?,
            runs: store.runs(directory, 1_000).await?,
            memo: store.memo(directory, MEMO).await?,
        })
    }

    /// Fails unless both are the same, and names the part that differs.
    pub(super) fn ensure_same(&self, expected: &Self, what: &str) -> Verdict {
        let revision = |head: &Option<Head>| head.as_ref().map(|head| head.revision);
        ensure_eq(&revision(&self.head), &revision(&expected.head), &format!("the revision in the head {what}"))?;
        if let (Some(found), Some(expected)) = (&self.head, &expected.head) {
            ensure_note(&found.note, &expected.note, &format!("the note in the head {what}"))?;
        }
        ensure_header(self.journal.as_ref(), expected.journal.as_ref(), what)?;
        ensure_rows(&self.staged, &expected.staged, |row| format!("{:?}", row.position), &format!("the staged rows {what}"))?;
        ensure_rows(&self.base, &expected.base, |row| format!("{:?} {:?}", row.kind, row.key), &format!("the base {what}"))?;
        ensure_rows(&self.runs, &expected.runs, |run| run.started.to_string(), &format!("the history {what}"))?;
        ensure(self.memo == expected.memo, || format!("the memo {what} is not what was kept"))
    }
}

/// Fails unless both headers are the same, and names the field that differs.
pub(super) fn ensure_header(found: Option<&JournalHeader>, expected: Option<&JournalHeader>, what: &str) -> Verdict {
    match (found, expected) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Unproven::failed(format!("there is no journal {what}"))),
        (Some(_), None) => Err(Unproven::failed(format!("there is a journal {what}"))),
        (Some(found), Some(expected)) => {
            ensure_eq(&found.stage, &expected.stage, &format!("the stage of the journal {what}"))?;
            ensure_eq(&found.base, &expected.base, &format!("the base of the journal {what}"))?;
            ensure_eq(&found.read_at, &expected.read_at, &format!("the time of the read in the journal {what}"))?;
            ensure_eq(&found.plan, &expected.plan, &format!("the plan in the journal {what}"))?;
            ensure_eq(&found.progress, &expected.progress, &format!("the progress in the journal {what}"))?;
            ensure_note(&found.note, &expected.note, &format!("the note of the journal {what}"))
        }
    }
}

/// Fails unless both notes are the same, without printing either.
fn ensure_note(found: &[u8], expected: &[u8], what: &str) -> Verdict {
    ensure(found == expected, || format!("{what}: {} bytes, which are not the {} bytes that were written", found.len(), expected.len()))
}

/// All staged rows after a position.
pub(super) async fn staged(store: &dyn StateStore, directory: &DirectoryId, after: Option<StagedKey>) -> Result<Vec<StagedRow>, Unproven> {
    Ok(store.staged(directory, after, Detail::Records).try_concat().await?)
}

/// The index of one kind.
pub(super) async fn index(store: &dyn StateStore, directory: &DirectoryId, kind: BaseKind) -> Result<Vec<IndexRow>, Unproven> {
    Ok(store.index(directory, kind).try_concat().await?)
}

/// All rows of the base, whose index and records must agree.
pub(super) async fn base(store: &dyn StateStore, directory: &DirectoryId) -> Result<Vec<BaseRow>, Unproven> {
    let mut rows = Vec::new();
    for kind in BaseKind::ALL {
        let index = index(store, directory, kind).await?;
        let places: Vec<_> = index.iter().map(|row| row.locator).collect();
        let records = store.records(directory, kind, &places).await?;
        ensure_eq(&records.len(), &places.len(), "records for the places of the index")?;
        for (row, record) in index.into_iter().zip(records) {
            let key = row.key().to_owned();
            let Some(record) = record else { return Err(Unproven::failed(format!("{kind:?} {key:?} is in the index and has no record"))) };
            ensure(record.digest == row.digest, || format!("{kind:?} {key:?} has one digest in the index and another in its record"))?;
            rows.push(BaseRow { kind, key, record });
        }
    }
    Ok(rows)
}

/// Fails unless both lists are the same, and names the first row that differs.
pub(super) fn ensure_rows<T: PartialEq>(found: &[T], expected: &[T], name: impl Fn(&T) -> String, what: &str) -> Verdict {
    if let Some(index) = found.iter().zip(expected).position(|(found, expected)| found != expected) {
        let (found, expected) = (name(&found[index]), name(&expected[index]));
        return Err(Unproven::failed(match found == expected {
            true => format!("{what}: row {index}, {found}, has another content than expected"),
            false => format!("{what}: row {index} is {found} where {expected} was expected"),
        }));
    }
    ensure(found.len() == expected.len(), || format!("{what}: {} rows where {} were expected", found.len(), expected.len()))
}
