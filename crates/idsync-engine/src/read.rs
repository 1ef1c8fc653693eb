//! Reads the directory side by side and stages what differs from the base.

use crate::checkpoint::{Earlier, GroupRead};
use crate::listings::{Arrival, Listings};
use crate::member_read::{MemberRead, MemberStep, Members};
use crate::members_read::ReadMark;
use crate::nesting::hold_deep;
use crate::payload::{self, corrupt};
use crate::queue::{Queue, UnderWay};
use crate::record;
use crate::refusals::Refusals;
use crate::run::RunState;
use crate::watch::Watch;
use crate::{Activity, Mode, StreamEvidence, SyncError};
use idsync_core::{
    BaseKind, BaseRecord, Change, Clock, Error, ErrorKind, Group, GroupId, HeldRecord, IdentityProvider, Locator, MemberListing, Page,
    Phase, ReadOptions, RemovalReason, Result, StagedKey, User,
};
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Reads, compares, stages.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) provider: Arc<dyn IdentityProvider>,
    pub(crate) state: &'a mut RunState,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) clock: Arc<dyn Clock>,
    pending: Queue,
    under_way: UnderWay,
    /// Groups that were gone when their members were asked for.
    pub(crate) gone: Vec<GroupId>,
    /// Groups whose members may not be read.
    pub(crate) refusals: Refusals,
    /// Groups whose members are not in scope.
    pub(crate) memberless: HashSet<GroupId>,
    /// Groups whose members were read, of a delta, which reads few.
    pub(crate) read_again: HashSet<GroupId>,
}

/// What came of asking for the members of one group.
enum Taken {
    Read,
    /// They could not be read, or the group is gone.
    Nothing,
    /// They may not be read.
    Refused(GroupId, Error),
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        provider: Arc<dyn IdentityProvider>,
        state: &'a mut RunState,
        concurrency: NonZeroUsize,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let under_way = UnderWay::new(state.most_ids);
        Self {
            provider,
            state,
            concurrency,
            clock,
            pending: Queue::default(),
            under_way,
            gone: Vec::new(),
            refusals: Refusals::default(),
            memberless: HashSet::new(),
            read_again: HashSet::new(),
        }
    }

    /// Reads users, groups and members to the end of every listing.
    pub(crate) async fn read_all(&mut self) -> Result<(), SyncError> {
        let options = ReadOptions::default();
        let mut listings = Listings::new(self.provider.users(options.clone()), self.provider.groups(options));
        while let Some(arrival) = self.next(&mut listings).await {
            if self.state.watch.is_none() && listings.users_ended() {
                self.state.watch = Some(Watch::new(self.state.index.users.unseen()));
            }
            match arrival {
                Arrival::Members(read) => self.take_members_of(&mut listings, read).await?,
                Arrival::Groups(page) => self.take_groups(page.map_err(SyncError::provider)?).await.map_err(SyncError::store)?,
                Arrival::Users(page) => self.take_users(page.map_err(SyncError::provider)?).await.map_err(SyncError::store)?,
            }
            self.state.report(Activity::Reading);
        }
        // A delta asks for few groups, and all of them may be hidden ones; here it was all there are.
        if let Some(refused) = self.refusals.take_all().filter(|_| self.state.evidence.resumed == 0) {
            return Err(SyncError::Refused(refused));
        }
        self.state.evidence.users.listings = 1;
        self.state.evidence.groups.listings = 1;
        self.state.stage_rest().await.map_err(SyncError::store)
    }

    /// Reads the members of the groups that are queued.
    pub(crate) async fn read_members(&mut self) -> Result<(), SyncError> {
        let mut listings = Listings::<Page<User>>::of_members();
        while let Some(arrival) = self.next(&mut listings).await {
            if let Arrival::Members(read) = arrival {
                self.take_members_of(&mut listings, read).await?;
            }
        }
        self.state.stage_rest().await.map_err(SyncError::store)
    }

    /// What arrives next, with as many lists of members under way as may be.
    pub(crate) async fn next<U: Send + 'static>(&mut self, listings: &mut Listings<U>) -> Option<Arrival<U>> {
        while listings.members_under_way() < self.concurrency.get() {
            if listings.members_under_way() > 0 && self.pending.largest().is_some_and(|size| !self.under_way.has_room_for(size)) {
                break;
            }
            let Some(waiting) = self.pending.pop() else { break };
            let pages = self.provider.members(&waiting.group, ReadOptions::default());
            listings.go_on_with(MemberRead::begin(waiting, self.under_way.clone(), pages));
        }
        listings.next().await
    }

    /// Goes on with the members of one group. Once they are all there it takes them, and notes how far the read has come if it is time for
    /// that.
    pub(crate) async fn take_members_of<U: Send + 'static>(
        &mut self,
        listings: &mut Listings<U>,
        step: MemberStep,
    ) -> Result<(), SyncError> {
        let MemberStep { mut read, end } = step;
        if let Some(end) = end {
            return match self.take_members(read, end).await? {
                Taken::Read => self.make_checkpoint(listings).await,
                Taken::Nothing => Ok(()),
                Taken::Refused(group, error) => self.take_refusal(listings, group, error).await,
            };
        }
        let spread = self.state.index.members.get(&read.group).map(|base| base.spread);
        read.make_room(&mut self.state.index.users, spread).map_err(SyncError::store)?;
        listings.go_on_with(read);
        Ok(())
    }

    /// Takes one page of users.
    pub(crate) async fn take_users(&mut self, page: Page<User>) -> Result<()> {
        count(&mut self.state.evidence.users, &page.held, page.items.len());
        self.state.evidence.note("users", &page.held);
        self.state.progress.users += page.items.len() as u64;
        for held in page.held.iter().filter_map(|held| held.id.as_deref()) {
            if let Some(slot) = self.state.index.users.find_text(held) {
                self.state.index.users.see(slot);
            }
        }
        self.state.stage_users(page.items).await
    }

    /// Takes one page of groups, and queues their members.
    pub(crate) async fn take_groups(&mut self, mut page: Page<Group>) -> Result<()> {
        hold_deep(&mut page.items, &mut page.held);
        count(&mut self.state.evidence.groups, &page.held, page.items.len());
        self.state.evidence.note("groups", &page.held);
        self.state.progress.groups += page.items.len() as u64;
        for held in page.held.iter().filter_map(|held| held.id.as_deref()) {
            if let Some(slot) = self.state.index.groups.find_text(held) {
                // Its members are not asked for either: the group stays wholly as it is.
                self.state.index.groups.see(slot);
            }
        }
        let (mut changed, mut places, mut listed) = (Vec::new(), Vec::new(), Vec::new());
        let (mut memberless, mut back_in_scope) = (Vec::new(), Vec::new());
        let slots = self.state.index.groups.find_or_insert_all(page.items.iter().map(|group| &group.id))?;
        for (group, slot) in page.items.into_iter().zip(slots) {
            let digest = self.state.digester.group(&group);
            let groups = &mut self.state.index.groups;
            let is_listed = self.provider.member_listing(&group) == MemberListing::Listed;
            if !groups.is_seen(slot) {
                groups.see(slot);
                if is_listed {
                    listed.push(group.clone());
                } else {
                    self.memberless.insert(group.id.clone());
                    memberless.push(group.clone());
                }
            } else if is_listed && self.memberless.remove(&group.id) {
                // Listed twice, and in scope after all.
                back_in_scope.push(group.clone());
            }
            match groups.in_base(slot) {
                Some(base) if base.digest == digest && !groups.is_touched(slot) => {}
                Some(base) => {
                    groups.set_waiting(slot);
                    places.push(base.locator);
                    changed.push((group, digest, slot));
                }
                None => {
                    groups.set_staged(slot, Some(Phase::PutGroups));
                    self.state.stager.stage(payload::group_created(&group, digest)).await?;
                }
            }
        }
        let before = self.records(BaseKind::Group, &places).await?;
        for ((group, digest, slot), record) in changed.into_iter().zip(before) {
            let before = record::to_group(&record.record)?;
            let row = match Change::group_update(&before, group) {
                Some(Change::GroupUpdated { group, changed }) => Some(payload::group_updated(&group, &changed, digest)?),
                _ => None,
            };
            let earlier = self.state.index.groups.set_staged(slot, row.as_ref().map(|_| Phase::PutGroups));
            match row {
                Some(row) => self.state.stager.stage(row).await?,
                None if earlier.is_some() => {
                    self.state.stager.unstage(vec![StagedKey::new(Phase::PutGroups, before.id.to_string())]).await?;
                }
                None => {}
            }
        }
        memberless.retain(|group| self.memberless.contains(&group.id));
        self.take_back(&back_in_scope).await?;
        listed.extend(back_in_scope);
        self.queue_members(listed, memberless).await
    }

    /// Nobody leaves these groups for being out of scope, as was staged where an earlier page said so.
    async fn take_back(&mut self, groups: &[Group]) -> Result<()> {
        if groups.is_empty() {
            return Ok(());
        }
        self.state.stage_rest().await?;
        for group in groups {
            self.state.unstage_members(&group.id).await?;
        }
        Ok(())
    }

    /// Queues the groups whose members are to be read, and does without those that are not in scope.
    async fn queue_members(&mut self, listed: Vec<Group>, memberless: Vec<Group>) -> Result<()> {
        let (mut outdated, mut unread) = (Vec::new(), Vec::new());
        for group in listed {
            if self.state.is_unmoved(&group) {
                self.state.pass_over(&group.id);
                continue;
            }
            match self.state.checkpoint.take(&group) {
                Earlier::Good(read) => {
                    self.state.take_earlier(&group.id, &read);
                    continue;
                }
                Earlier::Outdated => outdated.push(group.id.clone()),
                Earlier::Nothing => {}
            }
            unread.push(group);
        }
        for group in &memberless {
            if !matches!(self.state.checkpoint.take(group), Earlier::Nothing) {
                outdated.push(group.id.clone());
            }
        }
        self.state.forget_earlier(&outdated).await?;
        for group in memberless {
            // Their time may not move while they are out of scope, and they are to be read when they are back.
            self.state.members_read.note(&group.id, None);
            self.state.stage_members(&group.id, Members::default(), RemovalReason::OutOfScope).await?;
        }
        unread.into_iter().for_each(|group| self.queue(group));
        Ok(())
    }

    fn queue(&mut self, group: Group) {
        let size = self.state.index.members.size(&group.id);
        self.pending.push(group.id, group.timestamps.members_updated, size);
    }

    /// Takes the members of one group.
    async fn take_members(&mut self, read: Box<MemberRead>, end: Result<()>) -> Result<Taken, SyncError> {
        self.refusals.asked();
        let (group, members_updated, members) = read.finish();
        match end {
            Ok(()) => {
                self.state.evidence.note("members", &members.examples);
                let held = members.held.len() as u64 + members.nameless;
                let evidence = &mut self.state.evidence.members;
                evidence.listings += 1;
                evidence.pages += members.pages;
                evidence.records += members.records;
                evidence.held += held;
                let (pages, records, ends_empty) = (members.pages, members.records, members.ends_empty);
                let size = self.state.stage_members(&group, members, RemovalReason::Left).await.map_err(SyncError::store)?;
                self.state.progress.groups_with_members += 1;
                self.state.progress.memberships += size;
                self.state.ends_empty |= ends_empty;
                if self.state.mode == Mode::Delta {
                    self.read_again.insert(group.clone());
                }
                let mark = members_updated.map(|at| ReadMark::new(at, self.state.info.server_time, self.state.settle));
                let note = GroupRead {
                    at: self.clock.now(),
                    members_updated,
                    members: size,
                    pages,
                    records,
                    held,
                    // Members that could not be understood are looked at again by every delta.
                    mark: mark.filter(|_| held == 0),
                };
                self.state.members_read.note(&group, note.mark);
                self.state.checkpoint.note(group, note);
                Ok(Taken::Read)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.gone.push(group);
                Ok(Taken::Nothing)
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(Taken::Refused(group, error)),
            Err(error) => match SyncError::provider(error) {
                SyncError::Read(error) => {
                    tracing::warn!(kind = error.kind().as_str(), "the members of a group could not be read; it keeps those it had");
                    self.state.keep_members(group, error);
                    Ok(Taken::Nothing)
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

    async fn records(&self, kind: BaseKind, places: &[Locator]) -> Result<Vec<BaseRecord>> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let records = self.state.store.records(&self.state.lease.directory, kind, places).await?;
        records.into_iter().map(|record| record.ok_or_else(|| corrupt("an index without its records"))).collect()
    }
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
