//! What a run remembers of its read while it reads, so that a later one can go on if it is killed.
//!
//! The listings of users and groups are read anew by every run, for only a whole listing proves who is gone. The members of groups, which
//! are most of a read, are not read again if an earlier attempt at the same read did so a short while ago. Their differences are in the
//! journal already; a checkpoint says which groups these are. It is only written while the identity still has its role, so that what a
//! run without one saw is never gone on from.

use crate::chunked::Chunked;
use crate::members_read::ReadMark;
use crate::payload::{self, corrupt, parse_member_key};
use futures::TryStreamExt;
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Detail, Digest, DirectoryInfo, Group, GroupId, IndexRow, JournalHeader, Lease, Phase, Result,
    Revision, Stage, StagedKey, StateStore, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

/// When a run notes how far its read has come, and how long that is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckpointPolicy {
    /// The time between two checkpoints; a run that reads for a shorter time makes none.
    pub every: Duration,
    /// What was read longer ago than this is read again.
    pub keep: Duration,
}

impl CheckpointPolicy {
    /// A checkpoint `every` so often, good for as long as `keep`.
    pub const fn new(every: Duration, keep: Duration) -> Self {
        Self { every, keep }
    }

    /// No checkpoints: each run reads everything.
    pub const fn never() -> Self {
        Self::new(Duration::MAX, Duration::ZERO)
    }
}

/// Every minute, good for an hour.
impl Default for CheckpointPolicy {
    fn default() -> Self {
        Self::new(Duration::from_secs(60), Duration::from_secs(60 * 60))
    }
}

/// What was read of the members of one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupRead {
    pub(crate) at: Timestamp,
    /// When the members last changed, as the group said then.
    pub(crate) members_updated: Option<Timestamp>,
    pub(crate) members: u64,
    pub(crate) pages: u64,
    pub(crate) records: u64,
    pub(crate) held: u64,
    /// What deltas remember of it.
    #[serde(default)]
    pub(crate) mark: Option<ReadMark>,
}

/// Which read the rows of a checkpoint belong to.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ReadIdentity {
    read_at: Timestamp,
    revision: u64,
    scope: String,
}

/// The checkpoint of one run.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    policy: CheckpointPolicy,
    last: Timestamp,
    /// Groups that an earlier attempt read.
    earlier: HashMap<GroupId, GroupRead>,
    /// Groups that were read since the last checkpoint.
    unsaved: Chunked<(GroupId, GroupRead)>,
    /// Whether the store has rows of it.
    kept: bool,
}

const READ: &str = "read";

impl Checkpoint {
    /// Nothing was read yet.
    fn none(policy: CheckpointPolicy, now: Timestamp) -> Self {
        Self { policy, last: now, earlier: HashMap::new(), unsaved: Chunked::new(), kept: false }
    }

    /// For a read that is not gone on from; what is left of another one is forgotten.
    pub(crate) async fn unused(store: &dyn StateStore, lease: &Lease, now: Timestamp) -> Result<Self> {
        clear(store, lease).await?;
        Ok(Self::none(CheckpointPolicy::never(), now))
    }

    /// Takes up the read that an earlier run could not end, if there is one and it is of the same directory. Returns the journal to go
    /// on with.
    pub(crate) async fn resume(
        store: &dyn StateStore,
        lease: &Lease,
        info: &DirectoryInfo,
        revision: Revision,
        policy: CheckpointPolicy,
        now: Timestamp,
    ) -> Result<(Self, Option<JournalHeader>)> {
        let mut checkpoint = Self::none(policy, now);
        let rows = rows(store, lease).await?;
        if rows.is_empty() {
            return Ok((checkpoint, None));
        }
        checkpoint.kept = true;
        let journal = store.journal(&lease.directory).await?.filter(|journal| journal.stage == Stage::Reading && journal.base == revision);
        if let Some(journal) = journal {
            let old = checkpoint.read_back(store, lease, &rows, &ReadIdentity::new(&journal, revision, info), now).await?;
            if !checkpoint.earlier.is_empty() {
                forget(store, lease, &old).await?;
                checkpoint.keep_differences(store, lease).await?;
                return Ok((checkpoint, Some(journal)));
            }
        }
        checkpoint.clear(store, lease).await?;
        Ok((checkpoint, None))
    }

    /// Returns the groups that were read too long ago.
    async fn read_back(
        &mut self,
        store: &dyn StateStore,
        lease: &Lease,
        rows: &[IndexRow],
        identity: &ReadIdentity,
        now: Timestamp,
    ) -> Result<Vec<GroupId>> {
        let places: Vec<_> = rows.iter().map(|row| row.locator).collect();
        let records = store.records(&lease.directory, BaseKind::Checkpoint, &places).await?;
        let (mut is_same, mut old) = (false, Vec::new());
        for (key, record) in rows.iter().map(IndexRow::key).zip(records) {
            let record = record.ok_or_else(|| corrupt("an index without its records"))?;
            if key == READ {
                is_same = payload::from_json::<ReadIdentity>(&record.record)? == *identity;
                continue;
            }
            let id = key.split_once('\0').and_then(|(_, id)| GroupId::new(id).ok());
            let id = id.ok_or_else(|| corrupt("a checkpoint that cannot be read back"))?;
            let read: GroupRead = payload::from_json(&record.record)?;
            if read.at <= now && now.saturating_since(read.at) < self.policy.keep {
                self.earlier.insert(id, read);
            } else {
                old.push(id);
            }
        }
        if !is_same {
            self.earlier.clear();
        }
        Ok(old)
    }

    /// Drops everything from the journal that is read anew.
    async fn keep_differences(&self, store: &dyn StateStore, lease: &Lease) -> Result<()> {
        let mut pages = store.staged(&lease.directory, None, Detail::Digests);
        while let Some(rows) = pages.try_next().await? {
            let is_kept = |key: &StagedKey| {
                matches!(key.phase, Phase::RemoveMembers | Phase::AddMembers)
                    && parse_member_key(&key.key).is_some_and(|membership| self.earlier.contains_key(&membership.group))
            };
            let anew: Vec<_> = rows.into_iter().map(|row| row.position).filter(|position| !is_kept(position)).collect();
            if !anew.is_empty() {
                store.unstage(lease, anew).await?;
            }
        }
        Ok(())
    }

    /// What an earlier attempt read of a group's members, which then are not read again.
    pub(crate) fn take(&mut self, group: &Group) -> Earlier {
        match self.earlier.remove(&group.id) {
            Some(read) if read.members_updated == group.timestamps.members_updated => Earlier::Good(read),
            Some(_) => Earlier::Outdated,
            None => Earlier::Nothing,
        }
    }

    /// The members of a group were read.
    pub(crate) fn note(&mut self, group: GroupId, read: GroupRead) {
        if self.policy.every != Duration::MAX {
            self.unsaved.push((group, read));
        }
    }

    /// Whether it is time for a checkpoint.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        !self.unsaved.is_empty() && (now.saturating_since(self.last) >= self.policy.every || now < self.last)
    }

    /// It is not the time after all.
    pub(crate) const fn postpone(&mut self, now: Timestamp) {
        self.last = now;
    }

    /// Notes what was read. Its differences must be in the journal already.
    pub(crate) async fn save(
        &mut self,
        store: &dyn StateStore,
        lease: &Lease,
        journal: &JournalHeader,
        info: &DirectoryInfo,
        now: Timestamp,
    ) -> Result<()> {
        let identity = ReadIdentity::new(journal, journal.base, info);
        self.kept = true;
        self.last = now;
        let mut writes = vec![row(READ.to_owned(), payload::to_json(&identity)?)];
        // Each group that is noted is good by itself, so that they need not be noted all at once.
        for some in std::mem::take(&mut self.unsaved).into_chunks() {
            for (group, read) in some {
                writes.push(row(group_key(&group), payload::to_json(&read)?));
            }
            store.write_base(lease, std::mem::take(&mut writes)).await?;
        }
        Ok(())
    }

    /// The read came to its end, or is not to be gone on from.
    pub(crate) async fn clear(&mut self, store: &dyn StateStore, lease: &Lease) -> Result<()> {
        if !std::mem::take(&mut self.kept) {
            return Ok(());
        }
        self.unsaved = Chunked::new();
        clear(store, lease).await
    }
}

/// What there is of a group in a checkpoint.
#[derive(Debug)]
pub(crate) enum Earlier {
    /// Its members, as they still are.
    Good(GroupRead),
    /// Members that changed since.
    Outdated,
    Nothing,
}

/// Whether there is a checkpoint that a full read can go on from.
pub(crate) async fn exists(store: &dyn StateStore, lease: &Lease) -> Result<bool> {
    Ok(!rows(store, lease).await?.is_empty())
}

/// Forgets what was read of the members of these groups. That comes before their differences are taken out of the journal: without those
/// a later run must not go on from it, should this one be killed.
pub(crate) async fn forget(store: &dyn StateStore, lease: &Lease, groups: &[GroupId]) -> Result<()> {
    delete(store, lease, &groups.iter().map(group_key).collect::<Vec<_>>()).await
}

/// Forgets the checkpoint of a directory.
pub(crate) async fn clear(store: &dyn StateStore, lease: &Lease) -> Result<()> {
    let rows = rows(store, lease).await?;
    // First what says whose read it was, for without that nothing is gone on from.
    let mut keys: Vec<_> = rows.iter().map(IndexRow::key).collect();
    keys.sort_by_key(|key| *key != READ);
    delete(store, lease, &keys).await
}

async fn delete(store: &dyn StateStore, lease: &Lease, keys: &[impl AsRef<str> + Sync]) -> Result<()> {
    const BUNDLE: usize = 2_000;
    for keys in keys.chunks(BUNDLE) {
        let writes = keys.iter().map(|key| BaseWrite::delete(BaseKind::Checkpoint, key.as_ref().to_owned()));
        store.write_base(lease, writes.collect()).await?;
    }
    Ok(())
}

async fn rows(store: &dyn StateStore, lease: &Lease) -> Result<Vec<IndexRow>> {
    store.index(&lease.directory, BaseKind::Checkpoint).try_concat().await
}

fn group_key(group: &GroupId) -> String {
    format!("group\0{group}")
}

fn row(key: String, record: Vec<u8>) -> BaseWrite {
    BaseWrite::put(BaseKind::Checkpoint, key, BaseRecord::new(Digest::default(), record))
}

impl ReadIdentity {
    fn new(journal: &JournalHeader, revision: Revision, info: &DirectoryInfo) -> Self {
        Self { read_at: journal.read_at, revision: revision.0, scope: info.scope.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use idsync_core::DirectoryId;
    use idsync_core::memory::MemoryStore;

    #[test]
    fn many_groups_are_noted_read_back_and_forgotten() {
        block_on(async {
            let (store, directory) = (MemoryStore::new(), DirectoryId::new("d").unwrap());
            let (lease, info) = (store.acquire(&directory, "test").await.unwrap(), DirectoryInfo::new(directory, "Test"));
            let (policy, now) = (CheckpointPolicy::default(), Timestamp::UNIX_EPOCH);
            let journal = JournalHeader::new(Revision(0), now);
            store.begin_journal(&lease, journal.clone()).await.unwrap();
            let resume = || Checkpoint::resume(&store, &lease, &info, Revision(0), policy, now);

            // More than are written at a time.
            let groups: Vec<_> = (0..10_000).map(|number| GroupId::new(format!("g{number}")).unwrap()).collect();
            let read = GroupRead { at: now, members_updated: None, members: 7, pages: 1, records: 7, held: 0, mark: None };
            let (mut checkpoint, earlier) = resume().await.unwrap();
            assert_eq!(earlier, None);
            groups.iter().for_each(|group| checkpoint.note(group.clone(), read.clone()));
            checkpoint.save(&store, &lease, &journal, &info, now).await.unwrap();

            let (mut checkpoint, earlier) = resume().await.unwrap();
            assert_eq!(earlier, Some(journal));
            for group in &groups {
                let is_good = matches!(checkpoint.take(&Group::new(group.clone(), "G")), Earlier::Good(found) if found == read);
                assert!(is_good, "{group}");
            }
            checkpoint.clear(&store, &lease).await.unwrap();
            assert!(!exists(&store, &lease).await.unwrap());
        });
    }
}
