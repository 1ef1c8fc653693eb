//! What a run knows of the base: ids and digests, never the records.

use crate::chunked::Chunked;
use crate::digest::Digester;
use crate::entries::EntryIndex;
use crate::members::{BlockSum, Spread, parse_block_key};
use crate::payload::corrupt;
use crate::report::DirectorySize;
use futures::TryStreamExt;
use idsync_core::{BaseKind, Digest, DirectoryId, GroupId, Locator, Result, StateStore, UserId};
use std::collections::HashMap;

/// One block of a group's members in the base.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    pub(crate) number: u32,
    digest: Digest,
    pub(crate) locator: Locator,
    /// Whether it has somebody who is watched for, or had until now.
    pub(crate) is_suspect: bool,
}

impl Block {
    pub(crate) fn sum(&self) -> BlockSum {
        BlockSum::from_digest(self.digest)
    }
}

/// The blocks of one group: those from one place of the list of all blocks up to another.
#[derive(Debug, Clone, Copy)]
struct Range {
    spread: Spread,
    from: u32,
    to: u32,
    size: u64,
    is_watched: bool,
    lost_watched: bool,
    has_suspects: bool,
}

/// The blocks of one group's members in the base, in order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupBlocks<'a> {
    pub(crate) spread: Spread,
    /// How many members the base has for the group.
    pub(crate) size: u64,
    /// Whether its members were listed and watched, so that blocks that are not suspect have nobody who is watched for.
    pub(crate) is_watched: bool,
    /// Whether somebody who is watched for was missing among those, and is staged to leave.
    pub(crate) lost_watched: bool,
    /// Whether any of its blocks is suspect.
    pub(crate) has_suspects: bool,
    all: &'a Chunked<Block>,
    from: u32,
    to: u32,
}

impl<'a> GroupBlocks<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a Block> {
        (self.from..self.to).map(move |place| self.all.get(place as usize))
    }
}

/// The members of all groups in the base.
#[derive(Debug)]
pub(crate) struct MemberIndex {
    groups: HashMap<GroupId, Range>,
    blocks: Chunked<Block>,
    base_size: u64,
}

impl MemberIndex {
    /// Loads what the base has; groups are made room for, of which some `expected` have members.
    pub(crate) async fn load(store: &dyn StateStore, directory: &DirectoryId, expected: usize) -> Result<Self> {
        let mut index = Self { groups: HashMap::with_capacity(expected), blocks: Chunked::new(), base_size: 0 };
        let mut group: Option<(GroupId, Range)> = None;
        let mut pages = store.index(directory, BaseKind::Members);
        while let Some(rows) = pages.try_next().await? {
            for row in rows {
                let (id, spread, number) = parse_block_key(row.key()).ok_or_else(|| corrupt("a key that is not a block of members"))?;
                let block = Block { number, digest: row.digest, locator: row.locator, is_suspect: false };
                let place = u32::try_from(index.blocks.len()).map_err(|_| corrupt("more blocks of members than can be numbered"))?;
                // Rows come by key, so that the blocks of a group come one after the other.
                match group.as_mut().filter(|(known, _)| known.as_str() == id) {
                    Some((_, range)) if range.spread != spread => return Err(corrupt("two layouts for the members of one group")),
                    Some((_, range)) => {
                        range.to = place + 1;
                        range.size += u64::from(block.sum().count);
                    }
                    None => {
                        index.finish(group.take())?;
                        let id = GroupId::new(id).map_err(|_| corrupt("a key that is not a block of members"))?;
                        let size = u64::from(block.sum().count);
                        group = Some((
                            id,
                            Range { spread, from: place, to: place + 1, size, is_watched: false, lost_watched: false, has_suspects: false },
                        ));
                    }
                }
                index.blocks.push(block);
            }
        }
        index.finish(group)?;
        Ok(index)
    }

    fn finish(&mut self, group: Option<(GroupId, Range)>) -> Result<()> {
        let Some((id, range)) = group else { return Ok(()) };
        self.base_size += range.size;
        match self.groups.insert(id, range) {
            Some(_) => Err(corrupt("the members of one group in two places")),
            None => Ok(()),
        }
    }

    /// The blocks of a group; `None` when it has no members.
    pub(crate) fn get(&self, group: &GroupId) -> Option<GroupBlocks<'_>> {
        self.groups.get(group).map(|range| self.blocks_of(range))
    }

    const fn blocks_of(&self, range: &Range) -> GroupBlocks<'_> {
        let Range { spread, from, to, size, is_watched, lost_watched, has_suspects } = *range;
        GroupBlocks { spread, size, is_watched, lost_watched, has_suspects, all: &self.blocks, from, to }
    }

    /// Notes that somebody who is watched for is staged to leave a group.
    pub(crate) fn set_lost_watched(&mut self, group: &GroupId) {
        if let Some(range) = self.groups.get_mut(group) {
            range.lost_watched = true;
        }
    }

    /// Notes that a group's members were listed and watched, and which blocks are suspect; their numbers come in order.
    pub(crate) fn set_watched(&mut self, group: &GroupId, suspects: &[u32]) {
        if let Some(range) = self.groups.get_mut(group) {
            range.is_watched = true;
        }
        self.suspect(group, suspects)
    }

    /// Suspects blocks of a group, whose numbers come in order.
    pub(crate) fn suspect(&mut self, group: &GroupId, suspects: &[u32]) {
        if suspects.is_empty() {
            return;
        }
        let Some(range) = self.groups.get_mut(group) else { return };
        range.has_suspects = true;
        let (mut suspects, mut places) = (suspects.iter().copied().peekable(), range.from..range.to);
        // What the base does not have is not here to be marked.
        while let (Some(_), Some(place)) = (suspects.peek(), places.next()) {
            let block = self.blocks.get_mut(place as usize);
            while let Some(number) = suspects.next_if(|number| *number <= block.number) {
                block.is_suspect |= number == block.number;
            }
        }
    }

    /// How many members the base has for a group.
    pub(crate) fn size(&self, group: &GroupId) -> u64 {
        self.groups.get(group).map_or(0, |range| range.size)
    }

    /// How many memberships the base holds.
    pub(crate) const fn base_size(&self) -> u64 {
        self.base_size
    }

    /// The groups that have members, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&GroupId, GroupBlocks<'_>)> {
        self.groups.iter().map(|(group, range)| (group, self.blocks_of(range)))
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
    /// Loads the index of a base that was of this size a while ago.
    pub(crate) async fn load(
        store: &dyn StateStore,
        directory: &DirectoryId,
        digester: &Digester,
        expected: DirectorySize,
    ) -> Result<Self> {
        let users = EntryIndex::load(store, directory, digester.clone(), expected.users).await?;
        let groups: EntryIndex<GroupId> = EntryIndex::load(store, directory, digester.clone(), expected.groups).await?;
        let members = MemberIndex::load(store, directory, usize::try_from(groups.base_size()).unwrap_or_default()).await?;
        Ok(Self { users, groups, members })
    }
}
