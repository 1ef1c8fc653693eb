//! Asks by id for what the listings did not show.

use crate::causes::{Cause, Causes};
use crate::read::Reader;
use crate::{Activity, Safeguards, SyncError};
use futures::{StreamExt, stream};
use idsync_core::{
    DeletionReason, Error, ErrorKind, Group, GroupId, IdentityProvider, Lookup, Page, Phase, Result, StagedKey, User, UserId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

/// What becomes of the entries that vanished.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    /// Users that are gone, and why.
    pub(crate) users: BTreeMap<UserId, DeletionReason>,
    /// Groups that are gone, and why.
    pub(crate) groups: BTreeMap<GroupId, DeletionReason>,
    /// Users that vanished, and nobody can say whether they are gone.
    pub(crate) unknown: BTreeSet<UserId>,
    /// More users vanished than may; none of them was asked for.
    pub(crate) users_over: Option<Over>,
    /// More groups vanished than may; none of them was asked for.
    pub(crate) groups_over: Option<Over>,
}

impl Fates {
    /// Holds what is gone back, as far as these causes do.
    pub(crate) fn uphold(&mut self, causes: &Causes) {
        if causes.has(Cause::Users) && !self.users.is_empty() {
            self.users_over.get_or_insert(Over::UPHELD);
        }
        if causes.has(Cause::Groups) && !self.groups.is_empty() {
            self.groups_over.get_or_insert(Over::UPHELD);
        }
    }
}

/// What look-ups of users said about those that were not found.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// Users that are gone, and why.
    pub(crate) gone: Vec<(UserId, DeletionReason)>,
    /// Users about whom there was no answer.
    pub(crate) unknown: BTreeSet<UserId>,
}

/// By how much a limit was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Over {
    pub(crate) wanted: u64,
    pub(crate) allowed: u64,
    pub(crate) size: u64,
    /// What went already within the window.
    pub(crate) recent: u64,
}

impl Over {
    /// By nothing: what is like this is held already.
    pub(crate) const UPHELD: Self = Self { wanted: 0, allowed: 0, size: 0, recent: 0 };

    /// Checks what is to be added now together with what was added within the window, against what there was before either.
    pub(crate) fn check_growth(wanted: u64, size: u64, recent: u64, limit: crate::Limit) -> Option<Self> {
        let size = size.saturating_sub(recent);
        let allowed = limit.allowed(size);
        (wanted > 0 && wanted.saturating_add(recent) > allowed).then_some(Self { wanted, allowed, size, recent })
    }

    /// Checks what is wanted now together with what went within the window, against what there was before either.
    pub(crate) fn check(wanted: u64, size: u64, recent: u64, limit: crate::Limit) -> Option<Self> {
        let (size, allowed) = (size + recent, limit.allowed(size + recent));
        (wanted > 0 && wanted.saturating_add(recent) > allowed).then_some(Self { wanted, allowed, size, recent })
    }
}

/// Who is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Everybody who vanished: a person approved their removal, and the directory has to agree.
    All,
    /// Nobody, where more vanished than may.
    BelowLimits,
}

impl Reader<'_> {
    /// Settles the fate of everything that the base has and the listings did not show.
    pub(crate) async fn confirm(&mut self, limits: &Safeguards, asking: Asking) -> Result<Fates, SyncError> {
        self.state.report(Activity::Confirming);
        let (recent, upheld) = (self.state.changed_lately, self.state.held_already());
        let unlisted = self.settle_unlisted().await?;
        let mut fates = Fates::default();
        // Before they are counted: who is protected never goes, and would count for ever.
        let groups = self.state.spare_groups(self.state.index.groups.vanished()).await.map_err(SyncError::store)?;
        fates.groups_over = Over::check(groups.len() as u64, self.state.index.groups.base_size(), recent.groups, limits.groups);
        if (fates.groups_over.is_some() || upheld.has(Cause::Groups)) && asking == Asking::BelowLimits {
            fates.groups.extend(groups.into_iter().map(|id| (id, DeletionReason::Deleted)));
        } else {
            self.confirm_groups(groups, &unlisted, &mut fates).await?;
        }
        let users = self.state.spare_users(self.state.index.users.vanished()).await.map_err(SyncError::store)?;
        fates.users_over = Over::check(users.len() as u64, self.state.index.users.base_size(), recent.users, limits.users);
        if (fates.users_over.is_some() || upheld.has(Cause::Users)) && asking == Asking::BelowLimits {
            fates.users.extend(users.into_iter().map(|id| (id, DeletionReason::Deleted)));
        } else {
            self.confirm_users(users, &mut fates).await?;
        }
        fates.uphold(&upheld);
        Ok(fates)
    }

    /// Groups that were listed, and gone when their members were asked for: new ones are forgotten, the others count as vanished.
    async fn settle_unlisted(&mut self) -> Result<Vec<GroupId>, SyncError> {
        let gone = std::mem::take(&mut self.gone);
        for group in &gone {
            let groups = &mut self.state.index.groups;
            let slot = groups.find_or_insert(group).map_err(SyncError::store)?;
            groups.unsee(slot);
            let (staged, is_new) = (groups.set_staged(slot, None), groups.in_base(slot).is_none());
            if is_new {
                groups.forget(slot);
            }
            if staged.is_some() {
                let row = StagedKey::new(Phase::PutGroups, group.to_string());
                self.state.stager.unstage(vec![row]).await.map_err(SyncError::store)?;
            }
        }
        Ok(gone)
    }

    async fn confirm_users(&mut self, ids: Vec<UserId>, fates: &mut Fates) -> Result<(), SyncError> {
        let answers = self.ask_for_users(ids).await?;
        fates.users.extend(answers.gone);
        fates.unknown.extend(answers.unknown);
        self.state.stage_rest().await.map_err(SyncError::store)
    }

    /// Asks for users by id, and takes those that are found; whoever was not answered about stays as it is.
    pub(crate) async fn ask_for_users(
        &mut self,
        ids: impl IntoIterator<Item = UserId, IntoIter: Send> + Send,
    ) -> Result<Answers, SyncError> {
        let (mut found, mut settled) = (Vec::new(), Answers::default());
        let provider = Arc::clone(&self.provider);
        let mut answers = stream::iter(ids)
            .map(|id| {
                let provider = Arc::clone(&provider);
                async move { (provider.user(&id).await, id) }
            })
            .buffer_unordered(self.concurrency.get());
        while let Some((answer, id)) = answers.next().await {
            match self.judge(&id, answer)? {
                Verdict::Found(user) => found.push(user),
                Verdict::Gone(reason) => settled.gone.push((id, reason)),
                Verdict::Unknown => {
                    self.state.see_user(&id).map_err(SyncError::store)?;
                    settled.unknown.insert(id);
                }
            }
        }
        drop(answers);
        self.take_users(Page::<User>::new(found)).await.map_err(SyncError::store)?;
        Ok(settled)
    }

    async fn confirm_groups(&mut self, ids: Vec<GroupId>, unlisted: &[GroupId], fates: &mut Fates) -> Result<(), SyncError> {
        let mut found = Vec::new();
        let provider = Arc::clone(&self.provider);
        let mut answers = stream::iter(ids)
            .map(|id| {
                let provider = Arc::clone(&provider);
                async move { (provider.group(&id).await, id) }
            })
            .buffer_unordered(self.concurrency.get());
        while let Some((answer, id)) = answers.next().await {
            match self.judge(&id, answer)? {
                Verdict::Found(group) => found.push(group),
                Verdict::Gone(reason) => _ = fates.groups.insert(id, reason),
                Verdict::Unknown => {
                    self.state.see_group(&id).map_err(SyncError::store)?;
                    self.state.keep_members(id, unanswered());
                }
            }
        }
        drop(answers);
        // One that is there, although its members were "not found" a moment ago, keeps them; the others are read now.
        let (kept, read): (Vec<Group>, Vec<Group>) = found.into_iter().partition(|group| unlisted.contains(&group.id));
        for group in &kept {
            self.state.see_group(&group.id).map_err(SyncError::store)?;
            self.state.keep_members(group.id.clone(), unanswered());
        }
        self.take_groups(Page::new(kept)).await.map_err(SyncError::store)?;
        self.take_groups(Page::new(read)).await.map_err(SyncError::store)?;
        self.read_members().await?;
        // They were found a moment ago.
        for group in std::mem::take(&mut self.gone) {
            self.state.keep_members(group, unanswered());
        }
        Ok(())
    }

    fn judge<T>(&mut self, id: &impl Display, answer: Result<Lookup<T>>) -> Result<Verdict<T>, SyncError> {
        self.state.evidence.looked_up += 1;
        match answer {
            Ok(Lookup::Found(entry)) => {
                self.state.evidence.still_there += 1;
                return Ok(Verdict::Found(entry));
            }
            Ok(Lookup::NotFound) => return Ok(Verdict::Gone(DeletionReason::Deleted)),
            Ok(Lookup::OutOfScope(reason)) => return Ok(Verdict::Gone(reason)),
            Ok(_) => self.state.evidence.unconfirmed += 1,
            Err(error) => self.take_unanswered(id, error)?,
        }
        Ok(Verdict::Unknown)
    }
}

enum Verdict<T> {
    Found(T),
    Gone(DeletionReason),
    Unknown,
}

fn unanswered() -> Error {
    Error::new(ErrorKind::Unavailable, "the provider does not agree with itself whether a group exists")
        .with_remedy("try again; the group stays as it is until the provider agrees")
}
