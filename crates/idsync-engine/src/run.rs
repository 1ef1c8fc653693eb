//! What one run carries from step to step.

use crate::digest::Digester;
use crate::index::BaseIndex;
use crate::recent::{Recent, Removals};
use crate::stager::Stager;
use crate::{Activity, Evidence, Progress, Protected};
use idsync_core::{Clock, DirectoryInfo, Error, GroupId, Lease, Revision, StateStore, Timestamp};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

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
    pub(crate) evidence: Evidence,
    pub(crate) progress: Progress,
    pub(crate) observer: Option<Observer>,
    /// Memberships that were read or kept.
    pub(crate) membership_size: u64,
    /// Members that listings did not show any more.
    pub(crate) removals: u64,
    /// What was removed within the window before this run.
    pub(crate) removed_lately: Removals,
    /// The same, step by step.
    pub(crate) recent: Recent,
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

    /// The members of this group could not be read; it keeps those it had.
    pub(crate) fn keep_members(&mut self, group: GroupId, error: Error) {
        self.evidence.groups_failed += 1;
        self.membership_size += self.index.members.get(&group).map_or(0, |blocks| blocks.size());
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
