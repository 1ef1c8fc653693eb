//! Reads what changed since a cursor.

use crate::amend::Joined;
use crate::entries::Slot;
use crate::listings::{Arrival, Listings};
use crate::nesting::{self, hold_deep};
use crate::payload::corrupt;
use crate::read::Reader;
use crate::record;
use crate::{Activity, SyncError};
use futures::{StreamExt, TryStreamExt, stream};
use idsync_core::{
    BaseKind, ChangedUsers, Cursor, ErrorKind, GroupId, HeldRecord, IdentityProvider, Lookup, Page, ReadOptions, ReadPurpose, Result,
    StateStore, User, UserId,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How the read of a delta ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeltaRead {
    /// Everything that changed is known.
    Whole,
    /// It cannot be done, or would cost more than reading everything.
    TooMuch,
}

/// What becomes of more newcomers than are worth asking for one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Newcomers {
    /// They are all wanted, so that everything is read.
    All,
    /// Something is held, which they may be; a full read within the hour will tell.
    Some,
}

/// Users about whom the changes alone do not say enough.
#[derive(Debug, Default)]
struct Doubtful {
    /// Users that the base does not have. An index that lags may show somebody who is gone.
    appeared: BTreeSet<UserId>,
    /// Users that may be shown as they were before.
    ambiguous: BTreeSet<UserId>,
    /// Users that are said to be gone, whatever else was or will be shown of them.
    departed: Vec<Slot>,
}

/// What a look-up said about a user who appeared.
struct Newcomer {
    id: UserId,
    answer: Result<Option<(User, GroupsOf)>>,
}

/// The groups of a user who appeared.
#[derive(Default)]
struct GroupsOf {
    ids: BTreeSet<GroupId>,
    /// Groups whose record could not be understood.
    held: Vec<HeldRecord>,
}

const OPTIONS: ReadOptions = ReadOptions::of(ReadPurpose::Delta);

impl Reader<'_> {
    /// Reads the users that changed, all groups, and the members of the groups whose members changed.
    pub(crate) async fn read_delta(&mut self, since: &Cursor, newcomers: Newcomers) -> Result<DeltaRead, SyncError> {
        self.state.index.users.see_all();
        let mut listings = Listings::new(self.provider.changed_users(since, OPTIONS), self.provider.groups(OPTIONS));
        let mut doubtful = Doubtful::default();
        while let Some(arrival) = self.next(&mut listings).await {
            match arrival {
                Arrival::Members(read) => self.take_members_of(&mut listings, read).await?,
                Arrival::Groups(page) => self.take_groups(page.map_err(SyncError::provider)?).await.map_err(SyncError::store)?,
                Arrival::Users(Err(error)) if error.kind() == ErrorKind::CursorExpired => return Ok(DeltaRead::TooMuch),
                Arrival::Users(page) => {
                    let page = page.map_err(SyncError::provider)?;
                    self.take_changed(page, &mut doubtful).await.map_err(SyncError::store)?;
                    if doubtful.appeared.len() + doubtful.ambiguous.len() > self.most_newcomers() {
                        if newcomers == Newcomers::All {
                            return Ok(DeltaRead::TooMuch);
                        }
                        self.state.left_out += doubtful.appeared.len() as u64;
                        doubtful.appeared.clear();
                    }
                }
            }
            self.state.report(Activity::Reading);
        }
        drop(listings);
        self.state.evidence.users.listings = 1;
        self.state.evidence.groups.listings = 1;
        // Only now, for whoever is shown on a later page would count as being there. Each is asked for by id, like one who is missing from
        // a listing.
        doubtful.departed.into_iter().for_each(|slot| self.state.index.users.unsee(slot));
        self.settle_ambiguous(doubtful.ambiguous).await?;
        self.welcome(doubtful.appeared).await?;
        self.state.stage_rest().await.map_err(SyncError::store)?;
        Ok(DeltaRead::Whole)
    }

    /// Each newcomer takes two requests of its own; a full read takes about one for a hundred users, and one for each group.
    fn most_newcomers(&self) -> usize {
        const AT_LEAST: u64 = 20;
        let full = self.state.index.users.base_size() / 100 + self.state.index.groups.base_size();
        usize::try_from((full / 4).max(AT_LEAST)).unwrap_or(usize::MAX)
    }

    /// Takes one page of users that changed.
    async fn take_changed(&mut self, mut page: ChangedUsers, doubtful: &mut Doubtful) -> Result<()> {
        hold_deep(&mut page.users, &mut page.held);
        let evidence = &mut self.state.evidence;
        evidence.users.held += page.held.len() as u64;
        evidence.note("users", &page.held);
        doubtful.departed.extend(page.departed.iter().filter_map(|id| self.state.index.users.find(id)));
        let (mut changed, mut places) = (Vec::new(), Vec::new());
        for user in page.users {
            let users = &mut self.state.index.users;
            match users.find(&user.id).map(|slot| (slot, users.in_base(slot))) {
                // Pages are in no order, so neither of two records that differ from each other is known to be the later one.
                Some((slot, _)) if users.is_touched(slot) => _ = doubtful.ambiguous.insert(user.id),
                Some((slot, Some(base))) if base.digest != self.state.digester.user(&user) => {
                    users.set_waiting(slot);
                    places.push(base.locator);
                    changed.push(user);
                }
                Some(_) => {}
                None => _ = doubtful.appeared.insert(user.id),
            }
        }
        let records = self.state.store.records(&self.state.lease.directory, BaseKind::User, &places).await?;
        let (mut fresh, shown) = (Vec::new(), changed.len());
        for (user, record) in changed.into_iter().zip(records) {
            let before = record::to_user(&record.ok_or_else(|| corrupt("an index without its records"))?.record)?;
            match (before.timestamps.updated, user.timestamps.updated) {
                (Some(before), Some(now)) if before < now => fresh.push(user),
                (Some(before), Some(now)) if before > now => {}
                _ => _ = doubtful.ambiguous.insert(user.id),
            }
        }
        self.state.evidence.users.records += (shown - fresh.len()) as u64;
        self.take_users(Page::new(fresh)).await
    }

    /// Asks for the users whose record is of the same second as the one before.
    async fn settle_ambiguous(&mut self, ids: BTreeSet<UserId>) -> Result<(), SyncError> {
        for (id, _) in self.ask_for_users(ids).await?.gone {
            // Asked for once more with those who vanished, for what follows from that.
            if let Some(slot) = self.state.index.users.find(&id) {
                self.state.index.users.unsee(slot);
            }
        }
        Ok(())
    }

    /// Takes up users that the base does not have, with the groups that they are in: somebody who comes back may be a member of groups
    /// that did not notice.
    async fn welcome(&mut self, ids: BTreeSet<UserId>) -> Result<(), SyncError> {
        let provider = Arc::clone(&self.provider);
        let mut newcomers = stream::iter(ids)
            .map(|id| {
                let provider = Arc::clone(&provider);
                async move { Newcomer { answer: look_up(provider.as_ref(), &id).await, id } }
            })
            .buffer_unordered(self.concurrency.get());
        let (mut found, mut odd, mut joined, mut held) = (Vec::new(), Vec::new(), Joined::new(), Vec::new());
        while let Some(Newcomer { id, answer }) = newcomers.next().await {
            self.state.evidence.looked_up += 1;
            match answer {
                Ok(Some((user, groups))) => {
                    self.state.evidence.still_there += 1;
                    held.extend(groups.held);
                    match nesting::check(&user) {
                        Ok(()) => {
                            found.push(user);
                            self.join(&id, groups.ids, &mut joined);
                        }
                        Err(user) => odd.push(user),
                    }
                }
                Ok(None) => {}
                Err(error) => self.take_unanswered(&id, error)?,
            }
        }
        drop(newcomers);
        self.leave_to_later(held);
        self.state.stage_joined(joined).await.map_err(SyncError::store)?;
        self.take_users(Page::new(found).with_held(odd)).await.map_err(SyncError::store)
    }

    /// A group of a newcomer that could not be understood says nothing about the membership. Its members are read by the next delta, and
    /// where it cannot be told which one it is, a full read finds out.
    fn leave_to_later(&mut self, mut held: Vec<HeldRecord>) {
        // Many of them may be in one group.
        held.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        held.dedup_by(|one, other| one.id.is_some() && one.id == other.id);
        let evidence = &mut self.state.evidence;
        evidence.groups.held += held.len() as u64;
        evidence.note("groups", &held);
        self.state.left_out += held.len() as u64;
        for group in held.iter().filter_map(|held| GroupId::new(held.id.clone()?).ok()) {
            self.state.members_read.note(&group, None);
        }
    }

    fn join(&mut self, user: &UserId, groups: BTreeSet<GroupId>, joined: &mut Joined) {
        for group in groups.into_iter().filter(|group| !self.memberless.contains(group)) {
            self.state.membership_size += u64::from(!self.read_again.contains(&group));
            joined.entry(group).or_default().insert(user.clone());
        }
    }
}

/// The user and its groups; `None` when there is no such user in scope.
async fn look_up(provider: &dyn IdentityProvider, id: &UserId) -> Result<Option<(User, GroupsOf)>> {
    let Lookup::Found(user) = provider.user(id).await? else { return Ok(None) };
    let mut groups = GroupsOf::default();
    let mut pages = provider.groups_of(id, OPTIONS);
    loop {
        match pages.try_next().await {
            Ok(Some(page)) => {
                groups.ids.extend(page.items);
                groups.held.extend(page.held);
            }
            Ok(None) => return Ok(Some((user, groups))),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

impl crate::run::RunState {
    /// The members of a group are not read, because they did not change.
    pub(crate) fn pass_over(&mut self, group: &GroupId) {
        self.membership_size += self.index.members.size(group);
    }
}
