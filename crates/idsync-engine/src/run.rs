//! What one run carries from step to step.

use crate::checkpoint::{self, Checkpoint, GroupRead};
use crate::compare::Comparisons;
use crate::digest::Digester;
use crate::index::BaseIndex;
use crate::members_read::MembersRead;
use crate::payload::member_key;
use crate::recent::{Counted, Recent};
use crate::stager::Stager;
use crate::updates::Updates;
use crate::upheld::KeptSet;
use crate::watch::Watch;
use crate::{Activity, Evidence, Mode, Progress, Protected};
use futures::TryStreamExt;
use idsync_core::{Clock, Detail, DirectoryInfo, Error, GroupId, Lease, Phase, Result, Revision, StagedKey, StateStore, Timestamp, UserId};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Told about progress; called often, so it must be quick.
#[derive(Clone)]
pub(crate) struct Observer(pub(crate) Arc<dyn Fn(&Progress) + Send + Sync>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// One run under way, from the lease on.
#[derive(Debug)]
pub(crate) struct RunState {
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) lease: Lease,
    pub(crate) info: DirectoryInfo,
    pub(crate) revision: Revision,
    pub(crate) read_at: Timestamp,
    pub(crate) digester: Digester,
    pub(crate) index: BaseIndex,
    pub(crate) stager: Stager,
    /// Users that were read and not compared yet.
    pub(crate) updates: Updates,
    /// Groups whose members were read and not compared yet.
    pub(crate) comparisons: Comparisons,
    /// The users of the base that the read has not shown, from when all were listed.
    pub(crate) watch: Option<Watch>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) evidence: Evidence,
    pub(crate) progress: Progress,
    pub(crate) observer: Option<Observer>,
    /// Memberships that were read or kept.
    pub(crate) membership_size: u64,
    /// How the directory is read.
    pub(crate) mode: Mode,
    /// When the members of each group had last changed when they were read.
    pub(crate) members_read: MembersRead,
    /// How many ids of members are at hand at most.
    pub(crate) most_ids: u64,
    /// How long lists of members are not to be believed after a change.
    pub(crate) settle: Duration,
    /// Users, and memberships of theirs, that a delta left to the next full read.
    pub(crate) left_out: u64,
    /// Some list of members ended without showing anybody.
    pub(crate) ends_empty: bool,
    /// What changed within the window before this run.
    pub(crate) changed_lately: Counted,
    /// The same, step by step.
    pub(crate) recent: Recent,
    /// What the runs before held.
    pub(crate) held_before: Option<KeptSet>,
    pub(crate) protected: Protected,
    /// Groups that keep the members they had.
    pub(crate) kept: HashSet<GroupId>,
    /// The first of the errors for which a group keeps its members.
    pub(crate) first_failure: Option<Error>,
}

impl RunState {
    pub(crate) fn report(&mut self, activity: Activity) {
        self.progress.activity = activity;
        if let Some(observer) = &self.observer {
            (observer.0)(&self.progress);
        }
    }

    /// Takes a user for shown that was not.
    pub(crate) fn see_user(&mut self, id: &UserId) -> Result<()> {
        let slot = self.index.users.find_or_insert(id)?;
        self.index.users.see(slot);
        Ok(())
    }

    /// Takes a group for shown that was not.
    pub(crate) fn see_group(&mut self, id: &GroupId) -> Result<()> {
        let slot = self.index.groups.find_or_insert(id)?;
        self.index.groups.see(slot);
        Ok(())
    }

    /// Takes over what an earlier attempt read of a group's members; the differences are in the journal.
    pub(crate) fn take_earlier(&mut self, group: &GroupId, read: &GroupRead) {
        self.members_read.note(group, read.mark);
        let evidence = &mut self.evidence.members;
        evidence.listings += 1;
        evidence.pages += read.pages;
        evidence.records += read.records;
        evidence.held += read.held;
        self.evidence.resumed += 1;
        self.progress.groups_with_members += 1;
        self.progress.memberships += read.members;
        self.membership_size += read.members;
    }

    /// Compares what was read and waits for it, and hands all differences to the journal.
    pub(crate) async fn stage_rest(&mut self) -> Result<()> {
        self.stage_updates().await?;
        self.stage_comparisons().await?;
        self.stager.flush().await
    }

    /// What an earlier attempt found out about the members of these groups is not good any more.
    pub(crate) async fn forget_earlier(&mut self, groups: &[GroupId]) -> Result<()> {
        checkpoint::forget(self.store.as_ref(), &self.lease, groups).await?;
        for group in groups {
            self.unstage_members(group).await?;
        }
        Ok(())
    }

    /// Takes what an earlier attempt found out about a group's members out of the journal.
    pub(crate) async fn unstage_members(&mut self, group: &GroupId) -> Result<()> {
        let prefix = member_key(group.as_str(), "");
        for phase in [Phase::RemoveMembers, Phase::AddMembers] {
            let mut pages = self.store.staged(&self.lease.directory, Some(StagedKey::new(phase, prefix.clone())), Detail::Digests);
            while let Some(rows) = pages.try_next().await? {
                let all = rows.len();
                let of_group = |key: &StagedKey| key.phase == phase && key.key.starts_with(&prefix);
                let outdated: Vec<_> = rows.into_iter().map(|row| row.position).filter(of_group).collect();
                let ended = outdated.len() < all;
                self.stager.unstage(outdated).await?;
                if ended {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Notes how far the read has come.
    pub(crate) async fn save_checkpoint(&mut self, now: Timestamp) -> Result<()> {
        self.evidence.access_checks += 1;
        self.stager.begin().await?;
        self.stage_rest().await?;
        self.checkpoint.save(self.store.as_ref(), &self.lease, self.stager.header(), &self.info, now).await
    }

    /// The members of this group could not be read; it keeps those it had.
    pub(crate) fn keep_members(&mut self, group: GroupId, error: Error) {
        self.evidence.groups_failed += 1;
        self.members_read.note(&group, None);
        self.membership_size += self.index.members.size(&group);
        self.kept.insert(group);
        self.first_failure.get_or_insert(error);
    }
}

/// The name of a run, made of when and under which lease it began.
pub(crate) fn run_name(started: Timestamp, lease: &Lease) -> String {
    let name = blake3::hash(format!("{}\0{}\0{}", lease.directory, started.unix_millis(), lease.fence).as_bytes());
    name.to_hex().as_str().chars().take(16).collect()
}

/// The clock and the observer that a run is made with.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Option<Observer>,
}
