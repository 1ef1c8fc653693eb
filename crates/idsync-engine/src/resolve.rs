//! Stages what follows from entries being gone: their deletion, and the end of their memberships.

use crate::confirm::Fates;
use crate::members::{decode, parse_block_key};
use crate::payload::{self, corrupt};
use crate::run::RunState;
use futures::TryStreamExt;
use idsync_core::{BaseKind, DeletionReason, GroupId, RemovalReason, Result, UserId};
use std::collections::BTreeMap;

impl RunState {
    const BUNDLE: usize = 500;

    /// Stages the deletions, and the memberships that end with them. Protected entries are taken out of `fates`.
    pub(crate) async fn stage_fates(&mut self, fates: &mut Fates) -> Result<()> {
        self.spare_users(&mut fates.users).await?;
        self.spare_groups(&mut fates.groups).await?;
        self.stage_user_deletions(&fates.users).await?;
        self.stage_group_deletions(&fates.groups).await?;
        if !fates.users.is_empty() {
            self.end_memberships_of(fates).await?;
        }
        self.stager.flush().await
    }

    async fn spare_users(&mut self, users: &mut BTreeMap<UserId, DeletionReason>) -> Result<()> {
        if !self.protected.guards_users() {
            return Ok(());
        }
        let ids: Vec<_> = users.keys().cloned().collect();
        for bundle in ids.chunks(Self::BUNDLE) {
            let keys: Vec<_> = bundle.iter().map(ToString::to_string).collect();
            let records = self.store.records(&self.lease.directory, BaseKind::User, &keys).await?;
            for (id, record) in bundle.iter().zip(records) {
                let record = record.ok_or_else(|| corrupt("an index without its records"))?;
                if self.protected.has_user(&payload::from_json(&record.record)?) {
                    users.remove(id);
                    self.index.users.entry(id).seen = true;
                    self.evidence.protected += 1;
                }
            }
        }
        Ok(())
    }

    async fn spare_groups(&mut self, groups: &mut BTreeMap<GroupId, DeletionReason>) -> Result<()> {
        if !self.protected.guards_groups() {
            return Ok(());
        }
        let ids: Vec<_> = groups.keys().cloned().collect();
        for bundle in ids.chunks(Self::BUNDLE) {
            let keys: Vec<_> = bundle.iter().map(ToString::to_string).collect();
            let records = self.store.records(&self.lease.directory, BaseKind::Group, &keys).await?;
            for (id, record) in bundle.iter().zip(records) {
                let record = record.ok_or_else(|| corrupt("an index without its records"))?;
                if self.protected.has_group(&payload::from_json(&record.record)?) {
                    groups.remove(id);
                    self.index.groups.entry(id).seen = true;
                    self.evidence.protected += 1;
                }
            }
        }
        Ok(())
    }

    async fn stage_user_deletions(&mut self, users: &BTreeMap<UserId, DeletionReason>) -> Result<()> {
        let ids: Vec<_> = users.iter().collect();
        for bundle in ids.chunks(Self::BUNDLE) {
            let keys: Vec<_> = bundle.iter().map(|(id, _)| id.to_string()).collect();
            let records = self.store.records(&self.lease.directory, BaseKind::User, &keys).await?;
            for ((id, reason), record) in bundle.iter().zip(records) {
                let record = record.ok_or_else(|| corrupt("an index without its records"))?;
                self.stager.stage(payload::user_deleted(id, &record.record, **reason)).await?;
            }
        }
        Ok(())
    }

    async fn stage_group_deletions(&mut self, groups: &BTreeMap<GroupId, DeletionReason>) -> Result<()> {
        let ids: Vec<_> = groups.iter().collect();
        for bundle in ids.chunks(Self::BUNDLE) {
            let keys: Vec<_> = bundle.iter().map(|(id, _)| id.to_string()).collect();
            let records = self.store.records(&self.lease.directory, BaseKind::Group, &keys).await?;
            for ((id, reason), record) in bundle.iter().zip(records) {
                let record = record.ok_or_else(|| corrupt("an index without its records"))?;
                self.stager.stage(payload::group_deleted(id, &record.record, **reason)).await?;
                self.end_memberships_in(id).await?;
            }
        }
        Ok(())
    }

    async fn end_memberships_in(&mut self, group: &GroupId) -> Result<()> {
        let Some((spread, blocks)) = self.index.members.get(group).and_then(|base| Some((base.spread?, &base.blocks))) else {
            return Ok(());
        };
        let keys: Vec<_> = blocks.keys().map(|block| crate::members::block_key(group.as_str(), spread, *block)).collect();
        for bundle in keys.chunks(Self::BUNDLE) {
            for record in self.store.records(&self.lease.directory, BaseKind::Members, bundle).await? {
                let record = record.ok_or_else(|| corrupt("an index without its records"))?;
                for user in decode(&record.record).ok_or_else(|| corrupt("a block of members that cannot be read back"))? {
                    self.stager.stage(payload::user_removed(group, &user, RemovalReason::GroupDeleted)).await?;
                }
            }
        }
        Ok(())
    }

    /// Looks through the memberships in the base for users that are gone: their groups may not have noticed yet.
    async fn end_memberships_of(&mut self, fates: &Fates) -> Result<()> {
        let mut pages = self.store.index(&self.lease.directory, BaseKind::Members);
        while let Some(rows) = pages.try_next().await? {
            let keys: Vec<_> = rows.into_iter().map(|row| row.key).collect();
            for bundle in keys.chunks(Self::BUNDLE) {
                let records = self.store.records(&self.lease.directory, BaseKind::Members, bundle).await?;
                for (key, record) in bundle.iter().zip(records) {
                    let (group, ..) = parse_block_key(key).ok_or_else(|| corrupt("a key that is not a block of members"))?;
                    if fates.groups.contains_key(&group) {
                        continue;
                    }
                    let record = record.ok_or_else(|| corrupt("an index without its records"))?;
                    let members = decode(&record.record).ok_or_else(|| corrupt("a block of members that cannot be read back"))?;
                    for user in members.iter().filter(|user| fates.users.contains_key(*user)) {
                        self.stager.stage(payload::user_removed(&group, user, RemovalReason::UserDeleted)).await?;
                    }
                }
            }
        }
        Ok(())
    }
}
