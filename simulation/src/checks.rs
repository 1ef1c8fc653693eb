//! What is checked once a run is over.

use crate::faults::Fault;
use crate::reading::Reading;
use crate::universe::{Oracle, Universe, lock};
use crate::watch::Watch;
use idsync_core::ErrorKind;
use idsync_engine::{Plan, SyncError, SyncReport};
use std::time::Duration;

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// It was dropped before it ended.
    Dropped,
    /// It failed.
    Failed(SyncError),
    /// It made a plan.
    Planned(Box<Plan>),
    /// It did what there was to do.
    Done(Box<SyncReport>),
}

/// What happened around a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Around {
    /// Another engine was at work.
    pub(crate) company: bool,
    /// The source changed.
    pub(crate) source_moved: bool,
    /// At least one user and one group were in scope.
    pub(crate) visible: bool,
    /// A delivery was left unfinished before.
    pub(crate) unfinished: bool,
    /// What is done depends on the time: something waits, or leaves a window.
    pub(crate) timed: bool,
}

/// A read asks for everything once.
pub(crate) fn check_requests(universe: &Universe, watch: &Watch) {
    for reading in watch.readings() {
        if let Some(finding) = excess(&reading, watch.settings.checkpoint.every) {
            universe.violate(Oracle::BoundedRequests, format!("{}: {finding}", watch.name));
        }
    }
}

fn excess(reading: &Reading, every: Duration) -> Option<String> {
    let (start, asked) = (reading.start(), lock(&reading.asked));
    // Before the read, after it, at each checkpoint, of which there is none where the access could not be checked, and where the members of
    // a group may not be read.
    let checks = 2 + asked.checkpoints.len() as u64 + asked.checks_failed + asked.members_refused;
    if asked.users_listings > 1 || asked.groups_listings > 1 || asked.checks > checks {
        return Some(format!("{} listings of users, {} of groups, {} checks", asked.users_listings, asked.groups_listings, asked.checks));
    }
    let mut last = start.map(|start| start.at);
    for at in &asked.checkpoints {
        if last.is_some_and(|last| *at >= last && at.saturating_since(last) < every) {
            return Some(format!("a checkpoint at {at}, too soon after {last:?}"));
        }
        last = Some(*at);
    }
    if let Some((group, count)) = asked.members_listings.iter().find(|(_, count)| **count > 1) {
        return Some(format!("the members of {group} are listed {count} times"));
    }
    if let Some(group) = asked.members_read_again.first() {
        return Some(format!("the members of {group} are listed, although an earlier attempt has done it"));
    }
    if let Some((user, _)) = asked.user_look_ups.iter().find(|(_, count)| **count > 1) {
        return Some(format!("{user} is looked up more than once"));
    }
    if let Some((group, _)) = asked.group_look_ups.iter().find(|(_, count)| **count > 1) {
        return Some(format!("{group} is looked up more than once"));
    }
    None
}

/// A run fails only for a reason.
pub(crate) fn check_failure(universe: &Universe, watch: &Watch, error: &SyncError, around: Around) {
    let struck = watch.struck();
    let met = |faults: &[Fault]| faults.iter().any(|fault| struck.contains(*fault));
    let source_is_to_blame = || {
        const OF_THE_SOURCE: &[Fault] = &[
            Fault::UsersFail,
            Fault::GroupsFail,
            Fault::MembersFail,
            Fault::UsersHidden,
            Fault::GroupsHidden,
            Fault::RowsMoved,
            Fault::GroupUnlisted,
            Fault::MembersStale,
            Fault::LookupsFail,
            Fault::RoleLost,
            Fault::NothingShown,
            Fault::ProviderDown,
            Fault::Malformed,
            Fault::MalformedNameless,
            Fault::MalformedMembers,
        ];
        met(OF_THE_SOURCE)
    };
    let planted = error.cause().is_none_or(|cause| matches!(cause.kind(), ErrorKind::Unavailable | ErrorKind::Timeout));
    let explained = match error {
        SyncError::Busy(_) => around.company,
        SyncError::NotHeld { .. } => around.company,
        SyncError::Interrupted => around.unfinished || around.company,
        SyncError::StalePlan { .. } => {
            const OF_THE_PLAN: &[Fault] = &[Fault::RowsRepeated, Fault::Resumed, Fault::RefusedWaits];
            around.company || around.source_moved || around.timed || source_is_to_blame() || met(OF_THE_PLAN)
        }
        // Whether it may be is checked as soon as it says so.
        SyncError::Quarantined(_) => true,
        SyncError::Read(_) | SyncError::Refused(_) => source_is_to_blame() || around.source_moved || !around.visible,
        SyncError::Sink(_) => {
            planted && met(&[Fault::SinkFailsBefore, Fault::SinkFailsAfter, Fault::SinkFailsMidway, Fault::SinkRefusesRun])
        }
        SyncError::Store(_) => planted && met(&[Fault::StoreFailsBefore, Fault::StoreFailsAfter]),
        _ => false,
    };
    if !explained {
        let cause = error.cause().map(ToString::to_string).unwrap_or_default();
        universe.violate(Oracle::Progress, format!("{} failed without a reason: {error} ({cause})", watch.name));
    }
}
