//! Memberships that are staged after the packs of their groups were.

use crate::packs::{self, Pack};
use crate::payload::member_key;
use crate::resolve::Gone;
use crate::run::RunState;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use idsync_core::{Detail, DirectoryId, GroupId, Phase, RemovalReason, Result, StagedKey, StagedRow, StateStore, UserId};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

/// Users that join groups, by group.
pub(crate) type Joined = BTreeMap<GroupId, BTreeSet<UserId>>;

/// The staged packs of one phase, group by group.
pub(crate) struct StagedPacks {
    pages: BoxStream<'static, Result<Vec<StagedRow>>>,
    phase: Phase,
    rows: VecDeque<StagedRow>,
    ended: bool,
}

impl StagedPacks {
    pub(crate) fn new(store: &dyn StateStore, directory: &DirectoryId, phase: Phase) -> Self {
        Self::after(store, directory, StagedKey::new(phase, String::new()))
    }

    /// Those from this group on.
    pub(crate) fn from(store: &dyn StateStore, directory: &DirectoryId, phase: Phase, group: &GroupId) -> Self {
        Self::after(store, directory, StagedKey::new(phase, member_key(group.as_str(), "")))
    }

    fn after(store: &dyn StateStore, directory: &DirectoryId, position: StagedKey) -> Self {
        let phase = position.phase;
        let pages = store.staged(directory, Some(position), Detail::Digests);
        Self { pages, phase, rows: VecDeque::new(), ended: false }
    }

    async fn fill(&mut self) -> Result<()> {
        while self.rows.is_empty() && !self.ended {
            let Some(rows) = self.pages.try_next().await? else {
                self.ended = true;
                break;
            };
            self.ended = rows.last().is_some_and(|row| row.position.phase != self.phase);
            self.rows.extend(rows.into_iter().filter(|row| row.position.phase == self.phase));
        }
        Ok(())
    }

    /// The group that comes next.
    pub(crate) async fn peek(&mut self) -> Result<Option<GroupId>> {
        self.fill().await?;
        let Some(row) = self.rows.front() else { return Ok(None) };
        Pack::of(row)?.map(|pack| pack.group_id()).transpose()
    }

    /// The next pack.
    async fn next(&mut self) -> Result<Option<StagedRow>> {
        self.fill().await?;
        Ok(self.rows.pop_front())
    }

    /// The next pack of a group; those of groups before it are passed over.
    pub(crate) async fn next_of(&mut self, group: &GroupId) -> Result<Option<StagedRow>> {
        while let Some(next) = self.peek().await? {
            if next > *group {
                break;
            }
            let row = self.rows.pop_front();
            if next == *group {
                return Ok(row);
            }
        }
        Ok(None)
    }

    /// The packs of a group; those of groups before it are passed over.
    pub(crate) async fn take(&mut self, group: &GroupId) -> Result<Vec<StagedRow>> {
        let mut rows = Vec::new();
        while let Some(row) = self.next_of(group).await? {
            rows.push(row);
        }
        Ok(rows)
    }
}

impl RunState {
    /// Stages that users join groups, some of whose packs may be staged already.
    pub(crate) async fn stage_joined(&mut self, joined: Joined) -> Result<()> {
        if joined.is_empty() {
            return Ok(());
        }
        self.stage_rest().await?;
        let mut staged = StagedPacks::new(self.store.as_ref(), &self.lease.directory, Phase::AddMembers);
        for (group, mut users) in joined {
            let before = staged.take(&group).await?;
            for item in items(&before)? {
                users.insert(item.user_id()?);
            }
            self.replace(&before).await?;
            let users: Vec<_> = users.into_iter().collect();
            for row in packs::added(group.as_str(), &users) {
                self.stager.stage(row).await?;
            }
        }
        Ok(())
    }

    /// Takes these users out of what is staged to leave groups. The groups are read again by the next run.
    pub(crate) async fn spare_memberships_of(&mut self, users: &BTreeSet<UserId>) -> Result<()> {
        if users.is_empty() {
            return Ok(());
        }
        self.stage_rest().await?;
        let mut staged = StagedPacks::new(self.store.as_ref(), &self.lease.directory, Phase::RemoveMembers);
        let users: HashSet<_> = users.iter().map(UserId::as_str).collect();
        let is_spared = |item: &packs::Item<'_>| users.contains(item.user());
        while let Some(row) = staged.next().await? {
            let Some(pack) = Pack::of(&row)?.filter(|pack| pack.items().any(|item| is_spared(&item))) else { continue };
            let group = pack.group_id()?;
            let rest = pack.items().filter(|item| !is_spared(item)).map(|item| Ok((item.user_id()?, item.reason())));
            let rest = rest.collect::<Result<Vec<_>>>()?;
            self.replace(std::slice::from_ref(&row)).await?;
            for row in packs::removed(group.as_str(), &rest) {
                self.stager.stage(row).await?;
            }
            self.members_read.note(&group, None);
        }
        self.stager.flush().await
    }

    /// Stages that users leave a group because they are gone: those of its `staged` packs who are, and those who are `missing` there.
    pub(crate) async fn stage_gone(&mut self, group: &GroupId, staged: &[StagedRow], missing: Vec<&UserId>, gone: &Gone<'_>) -> Result<()> {
        let mut missing: BTreeMap<_, _> = missing.into_iter().map(|user| (user.as_str(), user)).collect();
        let mut changed = Vec::new();
        for row in staged {
            let is_gone = |user: &str| {
                missing.remove(user);
                gone.has(user)
            };
            changed.extend(packs::with_reason(row, RemovalReason::UserDeleted, is_gone)?);
        }
        if missing.is_empty() {
            for row in changed {
                self.stager.stage(row).await?;
            }
            return Ok(());
        }
        let mut leaving = BTreeMap::new();
        for item in items(staged)? {
            let reason = if gone.has(item.user()) { RemovalReason::UserDeleted } else { item.reason() };
            leaving.insert(item.user_id()?, reason);
        }
        leaving.extend(missing.into_values().map(|user| (user.clone(), RemovalReason::UserDeleted)));
        self.replace(staged).await?;
        let leaving: Vec<_> = leaving.into_iter().collect();
        for row in packs::removed(group.as_str(), &leaving) {
            self.stager.stage(row).await?;
        }
        Ok(())
    }

    async fn replace(&mut self, rows: &[StagedRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        self.stager.unstage(rows.iter().map(|row| row.position.clone()).collect()).await
    }
}

fn items(rows: &[StagedRow]) -> Result<Vec<packs::Item<'_>>> {
    let mut items = Vec::new();
    for row in rows {
        items.extend(Pack::of(row)?.into_iter().flat_map(|pack| pack.items()));
    }
    Ok(items)
}
