//! What a run knows of the base: ids and digests, never the records.

use crate::members::{BlockSum, Spread, parse_block_key};
use crate::payload::corrupt;
use futures::TryStreamExt;
use idsync_core::{BaseKind, Digest, DirectoryId, GroupId, Phase, Result, StateStore, UserId};
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// What is known of one entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// Its digest in the base; `None` when it is new.
    pub(crate) base: Option<Digest>,
    /// Whether this read has shown it.
    pub(crate) seen: bool,
    /// Where a difference of it is staged.
    pub(crate) staged: Option<Phase>,
}

/// The entries of one kind.
#[derive(Debug)]
pub(crate) struct EntryIndex<K> {
    entries: HashMap<K, Known>,
    base_size: u64,
}

impl<K: Eq + Hash + Clone + Ord> EntryIndex<K> {
    async fn load(store: &dyn StateStore, directory: &DirectoryId, kind: BaseKind, parse: impl Fn(&str) -> Option<K>) -> Result<Self> {
        let mut entries = HashMap::new();
        let mut pages = store.index(directory, kind);
        while let Some(rows) = pages.try_next().await? {
            for row in rows {
                let id = parse(&row.key).ok_or_else(|| corrupt("a key that is not an id"))?;
                entries.insert(id, Known { base: Some(row.digest), seen: false, staged: None });
            }
        }
        Ok(Self { base_size: entries.len() as u64, entries })
    }

    /// Takes everything that the base holds for shown, because the read shows only what changed.
    pub(crate) fn see_all(&mut self) {
        self.entries.values_mut().for_each(|known| known.seen = true);
    }

    /// How many entries the base holds.
    pub(crate) const fn base_size(&self) -> u64 {
        self.base_size
    }

    pub(crate) fn get(&self, id: &K) -> Option<&Known> {
        self.entries.get(id)
    }

    /// The entry of `id`, made new when it is not there.
    pub(crate) fn entry(&mut self, id: &K) -> &mut Known {
        if !self.entries.contains_key(id) {
            self.entries.insert(id.clone(), Known { base: None, seen: false, staged: None });
        }
        // The entry was inserted on the line above when it was not there.
        self.entries.get_mut(id).unwrap_or_else(|| unreachable!("the entry was just inserted"))
    }

    /// Forgets an entry that turned out not to be there.
    pub(crate) fn forget(&mut self, id: &K) {
        self.entries.remove(id);
    }

    /// Whether the entry is in the directory as this run saw it.
    pub(crate) fn is_present(&self, id: &K) -> bool {
        self.entries.get(id).is_some_and(|known| known.seen)
    }

    /// The entries of the base that this read has not shown, by id.
    pub(crate) fn vanished(&self) -> Vec<K> {
        let mut vanished: Vec<_> =
            self.entries.iter().filter(|(_, known)| known.base.is_some() && !known.seen).map(|(id, _)| id.clone()).collect();
        vanished.sort_unstable();
        vanished
    }

    /// How many entries this run saw.
    pub(crate) fn present(&self) -> u64 {
        self.entries.values().filter(|known| known.seen).count() as u64
    }
}

/// The blocks of one group's members in the base.
#[derive(Debug, Clone, Default)]
pub(crate) struct GroupBlocks {
    /// How the group is spread; `None` when it has no members.
    pub(crate) spread: Option<Spread>,
    /// The sum of each block that holds somebody.
    pub(crate) blocks: BTreeMap<u32, BlockSum>,
}

impl GroupBlocks {
    /// How many members the base has for the group.
    pub(crate) fn size(&self) -> u64 {
        self.blocks.values().map(|sum| u64::from(sum.count)).sum()
    }
}

/// The members of all groups in the base.
#[derive(Debug, Default)]
pub(crate) struct MemberIndex {
    groups: HashMap<GroupId, GroupBlocks>,
}

impl MemberIndex {
    pub(crate) async fn load(store: &dyn StateStore, directory: &DirectoryId) -> Result<Self> {
        let mut groups = HashMap::<GroupId, GroupBlocks>::new();
        let mut pages = store.index(directory, BaseKind::Members);
        while let Some(rows) = pages.try_next().await? {
            for row in rows {
                let (group, spread, block) = parse_block_key(&row.key).ok_or_else(|| corrupt("a key that is not a block of members"))?;
                let group = groups.entry(group).or_default();
                if group.spread.is_some_and(|known| known != spread) {
                    return Err(corrupt("two layouts for the members of one group"));
                }
                group.spread = Some(spread);
                group.blocks.insert(block, BlockSum::from_digest(row.digest));
            }
        }
        Ok(Self { groups })
    }

    pub(crate) fn get(&self, group: &GroupId) -> Option<&GroupBlocks> {
        self.groups.get(group)
    }

    /// How many memberships the base holds.
    pub(crate) fn base_size(&self) -> u64 {
        self.groups.values().map(GroupBlocks::size).sum()
    }
}

/// Everything a run knows of the base.
#[derive(Debug)]
pub(crate) struct BaseIndex {
    pub(crate) users: EntryIndex<UserId>,
    pub(crate) groups: EntryIndex<GroupId>,
    pub(crate) members: MemberIndex,
}

impl BaseIndex {
    pub(crate) async fn load(store: &dyn StateStore, directory: &DirectoryId) -> Result<Self> {
        Ok(Self {
            users: EntryIndex::load(store, directory, BaseKind::User, |key| UserId::new(key).ok()).await?,
            groups: EntryIndex::load(store, directory, BaseKind::Group, |key| GroupId::new(key).ok()).await?,
            members: MemberIndex::load(store, directory).await?,
        })
    }
}
