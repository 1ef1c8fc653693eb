//! Stages what follows from entries being gone: their deletion, and the end of their memberships.

use crate::amend::StagedPacks;
use crate::confirm::Fates;
use crate::digest::{Digester, ShortHash};
use crate::entries::{EntryIndex, EntryKey};
use crate::index::{Block, GroupBlocks};
use crate::members;
use crate::packs;
use crate::payload::{self, corrupt};
use crate::record;
use crate::run::RunState;
use crate::watch::Watch;
use idsync_core::{BaseKind, BaseRecord, DeletionReason, Error, GroupId, Locator, Phase, RemovalReason, Result, StagedKey, UserId};
use std::collections::BTreeMap;

impl RunState {
    const BUNDLE: usize = 500;
    /// Blocks of members that are looked through at a time.
    const BLOCKS: usize = 2_000;

    /// Stages the deletions, and the memberships that end with them.
    pub(crate) async fn stage_fates(&mut self, fates: &Fates) -> Result<()> {
        // Whatever hid them in the listing of users hid them in those of members.
        self.spare_memberships_of(&fates.unknown).await?;
        self.stage_user_deletions(&fates.users).await?;
        self.stage_group_deletions(&fates.groups).await?;
        if !fates.users.is_empty() {
            self.end_memberships_of(fates).await?;
        }
        self.stager.flush().await
    }

    /// Takes those who are protected out of the users who vanished: they stay as they are, whatever became of them.
    pub(crate) async fn spare_users(&mut self, vanished: Vec<UserId>) -> Result<Vec<UserId>> {
        if !self.protected.guards_users() {
            return Ok(vanished);
        }
        let mut rest = Vec::new();
        for bundle in vanished.chunks(Self::BUNDLE) {
            let records = self.records(BaseKind::User, &places(&self.index.users, bundle.iter())?).await?;
            for (id, record) in bundle.iter().zip(records) {
                if self.protected.has_user(&record::to_user(&record.record)?) {
                    self.see_user(id)?;
                    self.evidence.protected += 1;
                } else {
                    rest.push(id.clone());
                }
            }
        }
        Ok(rest)
    }

    /// Takes those that are protected out of the groups that vanished.
    pub(crate) async fn spare_groups(&mut self, vanished: Vec<GroupId>) -> Result<Vec<GroupId>> {
        if !self.protected.guards_groups() {
            return Ok(vanished);
        }
        let mut rest = Vec::new();
        for bundle in vanished.chunks(Self::BUNDLE) {
            let records = self.records(BaseKind::Group, &places(&self.index.groups, bundle.iter())?).await?;
            for (id, record) in bundle.iter().zip(records) {
                if self.protected.has_group(&record::to_group(&record.record)?) {
                    self.see_group(id)?;
                    self.evidence.protected += 1;
                } else {
                    rest.push(id.clone());
                }
            }
        }
        Ok(rest)
    }

    async fn stage_user_deletions(&mut self, users: &BTreeMap<UserId, DeletionReason>) -> Result<()> {
        let ids: Vec<_> = users.iter().collect();
        for bundle in ids.chunks(Self::BUNDLE) {
            let records = self.records(BaseKind::User, &places(&self.index.users, bundle.iter().map(|(id, _)| *id))?).await?;
            for ((id, reason), record) in bundle.iter().zip(records) {
                self.unstage_update(id).await?;
                self.stager.stage(payload::user_deleted(id, &record.record, **reason)).await?;
            }
        }
        Ok(())
    }

    /// A delta may have shown a change of a user before it said that the user is gone.
    async fn unstage_update(&mut self, user: &UserId) -> Result<()> {
        let Some(slot) = self.index.users.find(user) else { return Ok(()) };
        match self.index.users.set_staged(slot, None) {
            Some(phase) => self.stager.unstage(vec![StagedKey::new(phase, user.to_string())]).await,
            None => Ok(()),
        }
    }

    async fn stage_group_deletions(&mut self, groups: &BTreeMap<GroupId, DeletionReason>) -> Result<()> {
        let ids: Vec<_> = groups.iter().collect();
        for bundle in ids.chunks(Self::BUNDLE) {
            let records = self.records(BaseKind::Group, &places(&self.index.groups, bundle.iter().map(|(id, _)| *id))?).await?;
            for ((id, reason), record) in bundle.iter().zip(records) {
                self.stager.stage(payload::group_deleted(id, &record.record, **reason)).await?;
                self.end_memberships_in(id).await?;
            }
        }
        Ok(())
    }

    async fn end_memberships_in(&mut self, group: &GroupId) -> Result<()> {
        if self.stager.is_resumed() {
            // An earlier attempt may have read the group while it was there.
            self.unstage_members(group).await?;
        }
        let Some(blocks) = self.index.members.get(group) else { return Ok(()) };
        let mut leaving = Vec::with_capacity(usize::try_from(blocks.size).unwrap_or_default());
        let places: Vec<_> = blocks.iter().map(|block| block.locator).collect();
        for bundle in places.chunks(Self::BUNDLE) {
            for record in self.records(BaseKind::Members, bundle).await? {
                for hash in members::of(&record).ok_or_else(unreadable)? {
                    let slot = self.index.users.find_hash(hash).ok_or_else(|| corrupt("a member that is no user"))?;
                    leaving.push((self.index.users.id(slot).clone(), RemovalReason::GroupDeleted));
                }
            }
        }
        leaving.sort_unstable();
        for row in packs::removed(group.as_str(), &leaving) {
            self.stager.stage(row).await?;
        }
        Ok(())
    }

    /// Ends the memberships of users that are gone. Most are staged to leave already, once it was known who is missing, and only for
    /// another reason. The base is looked through for those whose groups may not have noticed yet.
    async fn end_memberships_of(&mut self, fates: &Fates) -> Result<()> {
        self.stager.flush().await?;
        let gone = Gone::new(self, fates);
        let mut staged = StagedPacks::new(self.store.as_ref(), &self.lease.directory, Phase::RemoveMembers);
        let reached = self.reached(fates, &gone);
        let mut rest = reached.as_slice();
        while !rest.is_empty() {
            // Whole groups, as many as have so many blocks together.
            let (mut places, mut count) = (Vec::new(), 0);
            while let Some(next) = rest.get(count).filter(|_| places.len() < Self::BLOCKS) {
                places.extend(&next.places);
                count += 1;
            }
            let (these, later) = rest.split_at(count);
            rest = later;
            let mut records = self.records(BaseKind::Members, &places).await?.into_iter();
            for Reached { group, places, lost_watched } in these {
                let mut missing = Vec::new();
                for record in records.by_ref().take(places.len()) {
                    missing.extend(members::of(&record).ok_or_else(unreadable)?.filter_map(|hash| gone.find(hash)));
                }
                if *lost_watched || !missing.is_empty() {
                    let before = staged.take(group).await?;
                    self.stage_gone(group, &before, missing, &gone).await?;
                }
            }
        }
        Ok(())
    }

    /// The groups that stay and in which somebody who is gone is staged to leave, or may be a member, in the order of their ids.
    fn reached(&self, fates: &Fates, gone: &Gone<'_>) -> Vec<Reached> {
        let groups = self.index.members.iter().filter(|(group, _)| !fates.groups.contains_key(group));
        let mut reached: Vec<_> = groups
            .filter_map(|(group, blocks)| {
                let blocks_reached = blocks.iter().filter(|block| gone.may_be_in(blocks, block)).map(|block| block.locator);
                let places: Vec<_> = if gone.may_be_unnoticed_in(blocks) { blocks_reached.collect() } else { Vec::new() };
                let lost_watched = blocks.lost_watched;
                (lost_watched || !places.is_empty()).then(|| Reached { group: group.clone(), places, lost_watched })
            })
            .collect();
        reached.sort_unstable_by(|one, other| one.group.cmp(&other.group));
        reached
    }

    async fn records(&self, kind: BaseKind, places: &[Locator]) -> Result<Vec<BaseRecord>> {
        let records = self.store.records(&self.lease.directory, kind, places).await?;
        records.into_iter().map(|record| record.ok_or_else(|| corrupt("an index without its records"))).collect()
    }
}

/// A group that somebody who is gone is, or may be, a member of.
struct Reached {
    group: GroupId,
    /// The blocks that may have somebody who is gone, and is not staged to leave.
    places: Vec<Locator>,
    /// Whether somebody who is watched for is staged to leave.
    lost_watched: bool,
}

/// Users that are gone, by the hash of their id: memberships in the base are looked up in it.
pub(crate) struct Gone<'a> {
    digester: Digester,
    watch: Watch,
    /// In the order of their hashes.
    users: Vec<&'a UserId>,
    /// The hashes of those who were not watched for, in order.
    unwatched: Vec<ShortHash>,
}

impl<'a> Gone<'a> {
    fn new(state: &RunState, fates: &'a Fates) -> Self {
        let mut users: Vec<_> = fates.users.keys().map(|user| (state.digester.id(user.as_str()).short(), user)).collect();
        users.sort_unstable();
        let is_watched = |hash| state.watch.as_ref().is_some_and(|watch| watch.has(hash));
        Self {
            digester: state.digester.clone(),
            watch: Watch::new(users.iter().map(|(hash, _)| *hash)),
            unwatched: users.iter().map(|(hash, _)| *hash).filter(|hash| !is_watched(*hash)).collect(),
            users: users.into_iter().map(|(_, user)| user).collect(),
        }
    }

    /// Whether anybody may be in any block of a group and not be staged to leave.
    fn may_be_unnoticed_in(&self, group: GroupBlocks<'_>) -> bool {
        !group.is_watched || group.has_suspects || !self.unwatched.is_empty()
    }

    /// Whether anybody may be in this block: few blocks of a large group have somebody whose hash belongs into them. Of a group that was
    /// watched, only what is suspect may have anybody but those who were not watched for.
    fn may_be_in(&self, group: GroupBlocks<'_>, block: &Block) -> bool {
        let hashes = if group.is_watched && !block.is_suspect { &self.unwatched } else { self.watch.hashes() };
        let next = hashes.partition_point(|hash| group.spread.block(*hash) < block.number);
        hashes.get(next).is_some_and(|hash| group.spread.block(*hash) == block.number)
    }

    fn find(&self, hash: ShortHash) -> Option<&'a UserId> {
        self.users.get(self.watch.find(hash)?).copied()
    }

    pub(crate) fn has(&self, user: &str) -> bool {
        self.find(self.digester.id(user).short()).is_some_and(|found| found.as_str() == user)
    }
}

/// Where the base keeps these entries.
fn places<'a, K: EntryKey + 'a>(index: &EntryIndex<K>, ids: impl Iterator<Item = &'a K>) -> Result<Vec<Locator>> {
    let place = |id| index.find(id).and_then(|slot| index.in_base(slot)).map(|base| base.locator);
    ids.map(|id| place(id).ok_or_else(|| corrupt("an entry that is gone from the index"))).collect()
}

fn unreadable() -> Error {
    corrupt("a block of members that cannot be read back")
}
