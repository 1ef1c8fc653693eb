//! Changes that the sink refused, each with its own back-off.

use crate::payload::{self, corrupt};
use crate::{Backoff, SyncEngine, SyncError};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Digest, DirectoryId, GroupId, Lease, Phase, Result, StagedKey, StagedRow, StateStore, Timestamp,
    UserId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A change that the sink refused, kept aside with its own back-off while everything else goes on.
///
/// It is tried again with the next run, and when it is refused then too, after waits that double ([`SyncEngineBuilder::escrow`]). What
/// depends on it waits with it. Should the directory want something else of the entry meanwhile, that is tried at once.
///
/// [`SyncEngineBuilder::escrow`]: crate::SyncEngineBuilder::escrow
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Escrowed {
    /// What kind of change it is.
    pub kind: String,
    /// The user that it is about, if it is about one.
    pub user: Option<UserId>,
    /// The group that it is about, if it is about one.
    pub group: Option<GroupId>,
    /// Why the sink refused it the last time.
    pub reason: String,
    /// How often the sink refused it.
    pub attempts: u32,
    /// When the sink refused it first.
    pub since: Timestamp,
    /// It is not tried again before this.
    pub retry_at: Timestamp,
}

/// How long refused changes wait by default: five minutes, and a day in the end.
pub(crate) const BACKOFF: Backoff = Backoff::new(std::time::Duration::from_secs(5 * 60), std::time::Duration::from_secs(24 * 60 * 60));

/// The changes of a plan that are not tried yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    /// How many, those that depend on others included.
    pub(crate) changes: u64,
    /// When the first of them is tried again.
    pub(crate) retry_at: Option<Timestamp>,
    /// Why the sink refused the first of them.
    pub(crate) reason: Option<String>,
}

impl Waiting {
    /// Counts a change; one without an entry of its own waits for another one.
    pub(crate) fn add(&mut self, known: Option<&Escrowed>) {
        self.changes += 1;
        if let Some(known) = known {
            self.retry_at = Some(self.retry_at.map_or(known.retry_at, |at| at.min(known.retry_at)));
            self.reason.get_or_insert_with(|| known.reason.clone());
        }
    }
}

#[derive(Debug)]
struct Entry {
    digest: Digest,
    known: Escrowed,
}

/// The escrow of one directory, as it was when the run began.
#[derive(Debug)]
pub(crate) struct Escrow {
    entries: BTreeMap<StagedKey, Entry>,
    backoff: Backoff,
    now: Timestamp,
}

impl Escrow {
    pub(crate) async fn load(store: &Arc<dyn StateStore>, directory: &DirectoryId, backoff: Backoff, now: Timestamp) -> Result<Self> {
        let mut entries = BTreeMap::new();
        let mut pages = pages(store, directory);
        while let Some(page) = pages.try_next().await? {
            for (key, record) in page {
                let position = parse_key(&key).ok_or_else(|| corrupt("a refused change that cannot be read back"))?;
                let known = payload::from_json(&record.record)?;
                entries.insert(position, Entry { digest: record.digest, known });
            }
        }
        Ok(Self { entries, backoff, now })
    }

    pub(crate) fn into_entries(self) -> Vec<Escrowed> {
        self.entries.into_values().map(|entry| entry.known).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of exactly this change, while it is not to be tried again yet.
    pub(crate) fn waiting(&self, row: &StagedRow) -> Option<&Escrowed> {
        let known = self.exactly(row)?;
        // An entry of the future was made before a clock was set back.
        (self.now < known.retry_at && known.since <= self.now).then_some(known)
    }

    fn exactly(&self, row: &StagedRow) -> Option<&Escrowed> {
        self.entries.get(&row.position).filter(|entry| entry.digest == digest(row)).map(|entry| &entry.known)
    }

    /// What to write when the sink refuses a change.
    pub(crate) fn refuse(&self, row: &StagedRow, change: &idsync_core::Change, reason: String) -> Result<BaseWrite> {
        let before = self.exactly(row);
        let attempts = before.map_or(1, |known| known.attempts.saturating_add(1));
        let escrowed = Escrowed {
            kind: change.kind().as_str().to_owned(),
            user: change.user().cloned(),
            group: change.group().cloned(),
            reason,
            attempts,
            since: before.map_or(self.now, |known| known.since),
            // Once more with the next run: many a refusal is over by then.
            retry_at: self.now.saturating_add(self.backoff.wait(attempts - 1)),
        };
        Ok(BaseWrite::put(BaseKind::Escrow, key(&row.position), BaseRecord::new(digest(row), payload::to_json(&escrowed)?)))
    }

    /// What to write when the sink takes a change, if it had refused one at this position.
    pub(crate) fn settle(&self, position: &StagedKey) -> Option<BaseWrite> {
        self.entries.contains_key(position).then(|| BaseWrite::delete(BaseKind::Escrow, key(position)))
    }

    /// What to write when the directory wants only these of the changes that were refused.
    pub(crate) fn keep(&self, wanted: &BTreeSet<StagedKey>) -> Vec<BaseWrite> {
        self.entries.keys().filter(|position| !wanted.contains(*position)).filter_map(|position| self.settle(position)).collect()
    }

    /// Whether there is an entry at this position.
    pub(crate) fn has(&self, position: &StagedKey) -> bool {
        self.entries.contains_key(position)
    }
}

impl SyncEngine {
    /// The changes that the sink refused and that wait to be tried again, by phase and id. Nothing is read from the directory.
    ///
    /// # Errors
    /// The directory cannot be identified, which [`SyncEngineBuilder::directory`](crate::SyncEngineBuilder::directory) spares, or the state
    /// store cannot be read.
    pub async fn escrow(&self) -> Result<Vec<Escrowed>, SyncError> {
        self.escrow_of(&self.directory_id().await?).await
    }
}

/// Forgets all waits: the next run tries everything.
pub(crate) async fn release(store: &Arc<dyn StateStore>, lease: &Lease) -> Result<()> {
    let mut pages = store.index(&lease.directory, BaseKind::Escrow);
    let mut writes = Vec::new();
    while let Some(rows) = pages.try_next().await? {
        writes.extend(rows.into_iter().map(|row| BaseWrite::delete(BaseKind::Escrow, row.key().to_owned())));
    }
    if writes.is_empty() { Ok(()) } else { store.write_base(lease, writes).await }
}

fn pages(store: &Arc<dyn StateStore>, directory: &DirectoryId) -> BoxStream<'static, Result<Vec<(String, BaseRecord)>>> {
    let (store, directory) = (Arc::clone(store), directory.clone());
    let index = store.index(&directory, BaseKind::Escrow);
    index
        .and_then(move |rows| {
            let (store, directory) = (Arc::clone(&store), directory.clone());
            async move {
                let places: Vec<_> = rows.iter().map(|row| row.locator).collect();
                let records = store.records(&directory, BaseKind::Escrow, &places).await?;
                Ok(rows.iter().map(|row| row.key().to_owned()).zip(records).filter_map(|(key, record)| Some((key, record?))).collect())
            }
        })
        .boxed()
}

fn key(position: &StagedKey) -> String {
    format!("{}\0{}", position.phase as u8, position.key)
}

fn parse_key(key: &str) -> Option<StagedKey> {
    let (phase, key) = key.split_once('\0')?;
    Some(StagedKey::new(Phase::from_number(phase.parse().ok()?)?, key.to_owned()))
}

/// What tells a change from another one at the same position.
fn digest(row: &StagedRow) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("idsync 2026 escrow");
    payload::identity(row, |bytes| _ = hasher.update(bytes));
    let mut digest = Digest::default();
    hasher.finalize_xof().fill(&mut digest.0);
    digest
}
