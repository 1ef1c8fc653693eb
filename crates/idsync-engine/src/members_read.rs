//! When the members of each group had last changed when they were last read.

use crate::payload::corrupt;
use futures::TryStreamExt;
use idsync_core::{BaseKind, BaseRecord, BaseWrite, Digest, DirectoryId, Group, GroupId, Lease, Result, StateStore, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

/// What is known of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadMark {
    /// When the members last changed, as the group said.
    members_updated: Timestamp,
    /// Whether the list was read long enough after that to be believed.
    settled: bool,
}

impl ReadMark {
    /// The members were read at `at` by the provider's clock.
    pub(crate) fn new(members_updated: Timestamp, at: Option<Timestamp>, settle: Duration) -> Self {
        Self { members_updated, settled: at.is_some_and(|at| at >= members_updated.saturating_add(settle)) }
    }

    /// A mark is small enough to stand where a row keeps its digest, so that all of them are read without a record.
    fn to_digest(self) -> Digest {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.members_updated.unix_millis().to_le_bytes());
        bytes[8] = u8::from(self.settled);
        Digest(bytes)
    }

    fn from_digest(digest: Digest) -> Option<Self> {
        let (millis, rest) = digest.0.split_first_chunk::<8>()?;
        let members_updated = Timestamp::from_unix_millis(i64::from_le_bytes(*millis))?;
        Some(Self { members_updated, settled: rest.first() == Some(&1) })
    }
}

/// The marks of all groups, as they were and as they will be.
#[derive(Debug, Default)]
pub(crate) struct MembersRead {
    known: HashMap<GroupId, ReadMark>,
    changed: HashMap<GroupId, Option<ReadMark>>,
    is_kept: bool,
}

impl MembersRead {
    /// For a provider without deltas: nothing is remembered.
    pub(crate) fn not_kept() -> Self {
        Self::default()
    }

    pub(crate) async fn load(store: &dyn StateStore, directory: &DirectoryId) -> Result<Self> {
        let mut known = HashMap::new();
        let mut pages = store.index(directory, BaseKind::MembersRead);
        while let Some(rows) = pages.try_next().await? {
            for row in rows {
                let mark = GroupId::new(row.key()).ok().zip(ReadMark::from_digest(row.digest));
                let (group, mark) = mark.ok_or_else(|| corrupt("a time of members that cannot be read back"))?;
                known.insert(group, mark);
            }
        }
        Ok(Self { known, changed: HashMap::new(), is_kept: true })
    }

    /// Whether the members are those that were read last.
    pub(crate) fn is_unmoved(&self, group: &Group) -> bool {
        let mark = self.known.get(&group.id);
        mark.is_some_and(|mark| mark.settled && Some(mark.members_updated) == group.timestamps.members_updated)
    }

    /// The members of a group were read, or have to be read again.
    pub(crate) fn note(&mut self, group: &GroupId, mark: Option<ReadMark>) {
        if !self.is_kept {
            return;
        }
        if self.known.get(group) == mark.as_ref() {
            self.changed.remove(group);
        } else {
            self.changed.insert(group.clone(), mark);
        }
    }

    /// What is not among these groups is forgotten.
    pub(crate) fn keep(&mut self, is_there: impl Fn(&GroupId) -> bool) {
        let gone: Vec<_> = self.known.keys().filter(|group| !is_there(group)).cloned().collect();
        gone.iter().for_each(|group| self.note(group, None));
    }

    /// Writes what changed. Returns whether anything did.
    pub(crate) async fn save(self, store: &dyn StateStore, lease: &Lease) -> Result<bool> {
        const BUNDLE: usize = 2_000;
        let writes: Vec<_> = self.changed.into_iter().map(|(group, mark)| write(&group, mark)).collect();
        for bundle in writes.chunks(BUNDLE) {
            store.write_base(lease, bundle.to_vec()).await?;
        }
        Ok(!writes.is_empty())
    }
}

fn write(group: &GroupId, mark: Option<ReadMark>) -> BaseWrite {
    match mark {
        Some(mark) => BaseWrite::put(BaseKind::MembersRead, group.to_string(), BaseRecord::new(mark.to_digest(), Vec::new())),
        None => BaseWrite::delete(BaseKind::MembersRead, group.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idsync_core::memory::MemoryStore;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_millis(seconds * 1000).unwrap()
    }

    fn group(id: &str, members_updated: i64) -> Group {
        let mut group = Group::new(GroupId::new(id).unwrap(), id);
        group.timestamps.members_updated = Some(at(members_updated));
        group
    }

    #[test]
    fn members_are_read_again_until_they_were_read_long_enough_after_their_change() {
        let settle = Duration::from_secs(60);
        let (early, late) = (ReadMark::new(at(100), Some(at(159)), settle), ReadMark::new(at(100), Some(at(160)), settle));
        let mut marks = MembersRead::default();
        marks.known.insert(GroupId::new("early").unwrap(), early);
        marks.known.insert(GroupId::new("late").unwrap(), late);
        marks.known.insert(GroupId::new("clockless").unwrap(), ReadMark::new(at(100), None, settle));
        assert!(!marks.is_unmoved(&group("early", 100)));
        assert!(marks.is_unmoved(&group("late", 100)));
        assert!(!marks.is_unmoved(&group("late", 101)), "they changed");
        assert!(!marks.is_unmoved(&group("clockless", 100)));
        assert!(!marks.is_unmoved(&group("unknown", 100)));
    }

    #[test]
    fn what_did_not_change_is_not_written_and_what_did_is_read_back() {
        futures::executor::block_on(async {
            let store = MemoryStore::new();
            let lease = store.acquire(&DirectoryId::new("d").unwrap(), "test").await.unwrap();
            let (one, two) = (GroupId::new("one").unwrap(), GroupId::new("two").unwrap());
            let mark = ReadMark::new(at(100), Some(at(500)), Duration::ZERO);
            let mut marks = MembersRead::load(&store, &lease.directory).await.unwrap();
            marks.note(&one, Some(mark));
            marks.note(&two, Some(mark));
            assert!(marks.save(&store, &lease).await.unwrap());
            let mut marks = MembersRead::load(&store, &lease.directory).await.unwrap();
            assert_eq!(marks.known.get(&one), Some(&mark));
            marks.note(&one, Some(mark));
            marks.keep(|group| *group == one);
            assert_eq!(marks.changed, HashMap::from([(two, None)]));
            assert!(marks.save(&store, &lease).await.unwrap());
            let marks = MembersRead::load(&store, &lease.directory).await.unwrap();
            assert_eq!(marks.known.len(), 1);
            assert!(!marks.save(&store, &lease).await.unwrap(), "nothing is written");
        });
    }
}
