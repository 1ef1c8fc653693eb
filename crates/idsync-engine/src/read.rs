//! Reads the directory side by side and stages what differs from the base.

use crate::checkpoint::{Earlier, GroupRead};
use crate::digest::Digester;
use crate::index::GroupBlocks;
use crate::listings::{Arrival, Listings};
use crate::members::{self, Spread, block_key};
use crate::members_read::ReadMark;
use crate::payload::{self, corrupt, from_json};
use crate::queue::{Queue, Waiting};
use crate::run::RunState;
use crate::{Activity, Mode, StreamEvidence, SyncError};
use futures::stream::BoxStream;
use futures::{FutureExt, TryStreamExt};
use idsync_core::{
    BaseKind, BaseRecord, Change, Clock, Error, ErrorKind, Group, GroupId, HeldRecord, IdentityProvider, MemberListing, Page, Phase,
    ReadOptions, RemovalReason, Result, StagedKey, Timestamp, User, UserId,
};
use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// The members of one group, as they were read.
pub(crate) struct MemberRead {
    group: GroupId,
    members_updated: Option<Timestamp>,
    outcome: Result<Members>,
}

#[derive(Default)]
struct Members {
    ids: BTreeSet<UserId>,
    /// Members whose record could not be understood: neither added nor removed.
    held: BTreeSet<String>,
    /// How many of them have no id, so that nobody can be said to be missing.
    nameless: u64,
    pages: u64,
    records: u64,
    /// The first of the records that could not be understood.
    examples: Vec<HeldRecord>,
    /// Whether the last page showed nobody, as all pages do for an identity that has lost its role.
    ends_empty: bool,
}

/// Reads, compares, stages.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) provider: Arc<dyn IdentityProvider>,
    pub(crate) state: &'a mut RunState,
    pub(crate) concurrency: NonZeroUsize,
    clock: Arc<dyn Clock>,
    pending: Queue,
    /// Groups that were gone when their members were asked for.
    pub(crate) gone: Vec<GroupId>,
    /// Groups whose members are not in scope.
    pub(crate) memberless: HashSet<GroupId>,
    /// Groups whose members were read, of a delta, which reads few.
    pub(crate) read_again: HashSet<GroupId>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        provider: Arc<dyn IdentityProvider>,
        state: &'a mut RunState,
        concurrency: NonZeroUsize,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            provider,
            state,
            concurrency,
            clock,
            pending: Queue::default(),
            gone: Vec::new(),
            memberless: HashSet::new(),
            read_again: HashSet::new(),
        }
    }

    /// Reads users, groups and members to the end of every listing.
    pub(crate) async fn read_all(&mut self) -> Result<(), SyncError> {
        let options = ReadOptions::default();
        let mut listings = Listings::new(self.provider.users(options.clone()), self.provider.groups(options));
        while let Some(arrival) = self.next(&mut listings).await {
            match arrival {
                Arrival::Members(read) => self.take_members_of(&mut listings, read).await?,
                Arrival::Groups(page) => self.take_groups(page.map_err(SyncError::provider)?).await.map_err(SyncError::store)?,
                Arrival::Users(page) => self.take_users(page.map_err(SyncError::provider)?).await.map_err(SyncError::store)?,
            }
            self.state.report(Activity::Reading);
        }
        self.state.evidence.users.listings = 1;
        self.state.evidence.groups.listings = 1;
        self.state.stager.flush().await.map_err(SyncError::store)
    }

    /// Reads the members of the groups that are queued.
    pub(crate) async fn read_members(&mut self) -> Result<(), SyncError> {
        let mut listings = Listings::<Page<User>>::of_members();
        while let Some(arrival) = self.next(&mut listings).await {
            if let Arrival::Members(read) = arrival {
                self.take_members_of(&mut listings, read).await?;
            }
        }
        self.state.stager.flush().await.map_err(SyncError::store)
    }

    /// What arrives next, with as many lists of members under way as may be.
    pub(crate) async fn next<U: Send + 'static>(&mut self, listings: &mut Listings<U>) -> Option<Arrival<U>> {
        while listings.members_under_way() < self.concurrency.get() {
            let Some(Waiting { group, members_updated, .. }) = self.pending.pop() else { break };
            let pages = self.provider.members(&group, ReadOptions::default());
            listings.start_members(read_members(group, members_updated, pages).boxed());
        }
        listings.next().await
    }

    /// Takes the members of one group, and notes how far the read has come if it is time for that.
    pub(crate) async fn take_members_of<U: Send + 'static>(
        &mut self,
        listings: &mut Listings<U>,
        read: MemberRead,
    ) -> Result<(), SyncError> {
        if self.take_members(read).await? { self.make_checkpoint(listings).await } else { Ok(()) }
    }

    /// Takes one page of users.
    pub(crate) async fn take_users(&mut self, page: Page<User>) -> Result<()> {
        count(&mut self.state.evidence.users, &page.held, page.items.len());
        self.state.evidence.note("users", &page.held);
        self.state.progress.users += page.items.len() as u64;
        for held in page.held.iter().filter_map(|held| UserId::new(held.id.as_deref()?).ok()) {
            if self.state.index.users.get(&held).is_some() {
                self.state.index.users.entry(&held).seen = true;
            }
        }
        let mut changed = Vec::new();
        for user in page.items {
            let digest = self.state.digester.user(&user);
            let known = self.state.index.users.entry(&user.id);
            known.seen = true;
            if known.base == Some(digest) && known.staged.is_none() {
                continue;
            }
            if known.base.is_some() {
                changed.push((user, digest));
            } else {
                known.staged = Some(Phase::CreateUsers);
                self.state.stager.stage(payload::user_created(&user, digest)?).await?;
            }
        }
        let keys: Vec<_> = changed.iter().map(|(user, _)| user.id.to_string()).collect();
        let before = self.records(BaseKind::User, &keys).await?;
        for ((user, digest), record) in changed.into_iter().zip(before) {
            let before: User = from_json(&record.record)?;
            let id = user.id.clone();
            let row = match Change::user_update(&before, user) {
                Some(change) if change.phase() == Phase::Deactivate && self.state.protected.has_user(&before) => {
                    self.state.evidence.protected += 1;
                    None
                }
                Some(change @ Change::UserUpdated { .. }) => {
                    let phase = change.phase();
                    let Change::UserUpdated { user, changed } = change else { continue };
                    Some((phase, payload::user_updated(phase, &user, &changed, digest)?))
                }
                _ => None,
            };
            let earlier = std::mem::replace(&mut self.state.index.users.entry(&id).staged, row.as_ref().map(|(phase, _)| *phase));
            // An entry that comes twice may have been staged in another phase, or have gone back to what it was.
            if let Some(earlier) = earlier.filter(|earlier| row.as_ref().is_none_or(|(phase, _)| phase != earlier)) {
                self.state.stager.unstage(vec![StagedKey::new(earlier, id.to_string())]).await?;
            }
            if let Some((_, row)) = row {
                self.state.stager.stage(row).await?;
            }
        }
        Ok(())
    }

    /// Takes one page of groups, and queues their members.
    pub(crate) async fn take_groups(&mut self, page: Page<Group>) -> Result<()> {
        count(&mut self.state.evidence.groups, &page.held, page.items.len());
        self.state.evidence.note("groups", &page.held);
        self.state.progress.groups += page.items.len() as u64;
        for held in page.held.iter().filter_map(|held| GroupId::new(held.id.as_deref()?).ok()) {
            if self.state.index.groups.get(&held).is_some() {
                // Its members are not asked for either: the group stays wholly as it is.
                self.state.index.groups.entry(&held).seen = true;
            }
        }
        let (mut changed, mut listed, mut memberless) = (Vec::new(), Vec::new(), Vec::new());
        for group in page.items {
            let digest = self.state.digester.group(&group);
            let known = self.state.index.groups.entry(&group.id);
            if !known.seen {
                known.seen = true;
                match self.provider.member_listing(&group) {
                    MemberListing::Listed => listed.push(group.clone()),
                    _ => memberless.push(group.clone()),
                }
            }
            let known = self.state.index.groups.entry(&group.id);
            if known.base == Some(digest) && known.staged.is_none() {
                continue;
            }
            if known.base.is_some() {
                changed.push((group, digest));
            } else {
                known.staged = Some(Phase::PutGroups);
                self.state.stager.stage(payload::group_created(&group, digest)?).await?;
            }
        }
        let keys: Vec<_> = changed.iter().map(|(group, _)| group.id.to_string()).collect();
        let before = self.records(BaseKind::Group, &keys).await?;
        for ((group, digest), record) in changed.into_iter().zip(before) {
            let before: Group = from_json(&record.record)?;
            let id = group.id.clone();
            let known = self.state.index.groups.entry(&id);
            if let Some(Change::GroupUpdated { group, changed }) = Change::group_update(&before, group) {
                known.staged = Some(Phase::PutGroups);
                self.state.stager.stage(payload::group_updated(&group, &changed, digest)?).await?;
            } else if known.staged.take().is_some() {
                self.state.stager.unstage(vec![StagedKey::new(Phase::PutGroups, id.to_string())]).await?;
            }
        }
        for group in memberless {
            self.memberless.insert(group.id.clone());
            if !matches!(self.state.checkpoint.take(&group), Earlier::Nothing) {
                self.state.unstage_members(&group.id).await?;
            }
            self.stage_members(&group.id, &Members::default(), RemovalReason::OutOfScope).await?;
        }
        for group in listed {
            if self.state.is_unmoved(&group) {
                self.state.pass_over(&group.id);
                continue;
            }
            match self.state.checkpoint.take(&group) {
                Earlier::Good(read) => self.state.take_earlier(&group.id, &read),
                Earlier::Outdated => {
                    self.state.unstage_members(&group.id).await?;
                    self.queue(group);
                }
                Earlier::Nothing => self.queue(group),
            }
        }
        Ok(())
    }

    fn queue(&mut self, group: Group) {
        let size = self.state.index.members.get(&group.id).map_or(0, GroupBlocks::size);
        self.pending.push(group.id, group.timestamps.members_updated, size);
    }

    /// Takes the members of one group; whether they could be read.
    async fn take_members(&mut self, read: MemberRead) -> Result<bool, SyncError> {
        match read.outcome {
            Ok(members) => {
                self.state.evidence.note("members", &members.examples);
                let evidence = &mut self.state.evidence.members;
                evidence.listings += 1;
                evidence.pages += members.pages;
                evidence.records += members.records;
                evidence.held += members.held.len() as u64 + members.nameless;
                self.state.progress.groups_with_members += 1;
                self.state.progress.memberships += members.ids.len() as u64;
                self.stage_members(&read.group, &members, RemovalReason::Left).await.map_err(SyncError::store)?;
                self.state.ends_empty |= members.ends_empty;
                if self.state.mode == Mode::Delta {
                    self.read_again.insert(read.group.clone());
                }
                let held = members.held.len() as u64 + members.nameless;
                let mark = read.members_updated.map(|at| ReadMark::new(at, self.state.info.server_time, self.state.settle));
                let note = GroupRead {
                    at: self.clock.now(),
                    members_updated: read.members_updated,
                    members: members.ids.len() as u64,
                    pages: members.pages,
                    records: members.records,
                    held,
                    // Members that could not be understood are looked at again by every delta.
                    mark: mark.filter(|_| held == 0),
                };
                self.state.members_read.note(&read.group, note.mark);
                self.state.checkpoint.note(read.group, note);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.gone.push(read.group);
                Ok(false)
            }
            Err(error) => match SyncError::provider(error) {
                SyncError::Read(error) => {
                    tracing::warn!(kind = error.kind().as_str(), "the members of a group could not be read; it keeps those it had");
                    self.state.keep_members(read.group, error);
                    Ok(false)
                }
                refused => Err(refused),
            },
        }
    }

    /// Notes how far the read has come, when it is time for that and the identity still has its role.
    async fn make_checkpoint<U: Send + 'static>(&mut self, listings: &mut Listings<U>) -> Result<(), SyncError> {
        let now = self.clock.now();
        if !self.state.checkpoint.is_due(now) {
            return Ok(());
        }
        // The check is a request like the others, and may have to wait for one of them.
        match listings.while_waiting_for(self.provider.check()).await.map_err(SyncError::provider) {
            Ok(()) => self.state.save_checkpoint(now).await.map_err(SyncError::store),
            Err(SyncError::Read(error)) => {
                tracing::warn!(kind = error.kind().as_str(), "the access could not be checked; the read is not noted yet");
                self.state.checkpoint.postpone(now);
                Ok(())
            }
            Err(refused) => Err(refused),
        }
    }

    /// Stages what differs between the members that were read and those in the base.
    async fn stage_members(&mut self, group: &GroupId, fresh: &Members, reason: RemovalReason) -> Result<()> {
        let (added, removed) = {
            let nobody = GroupBlocks::default();
            let base = self.state.index.members.get(group).unwrap_or(&nobody);
            self.state.membership_size += fresh.ids.len() as u64;
            let differing = differing_blocks(&self.state.digester, base, fresh);
            let before = self.block_members(group, base, &differing).await?;
            differences(&self.state.digester, base.spread, &differing, before, fresh)
        };
        for user in added {
            self.state.stager.stage(payload::user_added(group, &user)).await?;
        }
        for user in removed {
            self.state.stager.stage(payload::user_removed(group, &user, reason)).await?;
        }
        Ok(())
    }

    async fn block_members(&self, group: &GroupId, base: &GroupBlocks, blocks: &BTreeSet<u32>) -> Result<BTreeSet<UserId>> {
        let Some(spread) = base.spread else { return Ok(BTreeSet::new()) };
        let keys: Vec<_> =
            blocks.iter().filter(|block| base.blocks.contains_key(block)).map(|block| block_key(group.as_str(), spread, *block)).collect();
        let mut members = BTreeSet::new();
        for record in self.records(BaseKind::Members, &keys).await? {
            members.extend(members::decode(&record.record).ok_or_else(|| corrupt("a block of members that cannot be read back"))?);
        }
        Ok(members)
    }

    async fn records(&self, kind: BaseKind, keys: &[String]) -> Result<Vec<BaseRecord>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let records = self.state.store.records(&self.state.lease.directory, kind, keys).await?;
        records.into_iter().map(|record| record.ok_or_else(|| corrupt("an index without its records"))).collect()
    }
}

/// The blocks whose members may differ.
fn differing_blocks(digester: &Digester, base: &GroupBlocks, fresh: &Members) -> BTreeSet<u32> {
    let spread = base.spread.unwrap_or_else(|| Spread::for_size(fresh.ids.len()));
    let sums = members::sums(digester, spread, fresh.ids.iter());
    let all: BTreeSet<u32> = sums.keys().chain(base.blocks.keys()).copied().collect();
    all.into_iter().filter(|block| sums.get(block) != base.blocks.get(block)).collect()
}

/// Who joined and who left, among the members of the blocks that differ.
fn differences(
    digester: &Digester,
    spread: Option<Spread>,
    blocks: &BTreeSet<u32>,
    before: BTreeSet<UserId>,
    fresh: &Members,
) -> (Vec<UserId>, Vec<UserId>) {
    let in_question = |id: &UserId| spread.is_none_or(|spread| blocks.contains(&spread.block(digester.member(id.as_str()))));
    let added = if blocks.is_empty() {
        Vec::new()
    } else {
        fresh.ids.iter().filter(|id| in_question(id) && !before.contains(*id)).cloned().collect()
    };
    let removed = if fresh.nameless > 0 {
        Vec::new()
    } else {
        before.into_iter().filter(|id| !fresh.ids.contains(id) && !fresh.held.contains(id.as_str())).collect()
    };
    (added, removed)
}

async fn read_members(
    group: GroupId,
    members_updated: Option<Timestamp>,
    mut pages: BoxStream<'static, Result<Page<UserId>>>,
) -> MemberRead {
    let mut members = Members { ends_empty: true, ..Members::default() };
    let outcome = loop {
        match pages.try_next().await {
            Ok(Some(page)) => {
                members.pages += 1;
                members.ends_empty = page.items.is_empty() && page.held.is_empty();
                members.records += page.items.len() as u64;
                members.ids.extend(page.items);
                for held in page.held {
                    if members.examples.is_empty() {
                        members.examples.push(held.clone());
                    }
                    match held.id {
                        Some(id) => _ = members.held.insert(id),
                        None => members.nameless += 1,
                    }
                }
            }
            Ok(None) => break Ok(members),
            Err(error) => break Err(error),
        }
    };
    MemberRead { group, members_updated, outcome }
}

fn count(evidence: &mut StreamEvidence, held: &[HeldRecord], items: usize) {
    evidence.pages += 1;
    evidence.records += items as u64;
    evidence.held += held.len() as u64;
}

/// The error of a directory in which nothing can be seen.
pub(crate) fn empty(what: &'static str) -> SyncError {
    SyncError::Refused(
        Error::new(ErrorKind::PermissionDenied, format!("the directory shows no {what}, which no real directory does"))
            .with_remedy("check that the connection has a role that may read users and groups"),
    )
}
