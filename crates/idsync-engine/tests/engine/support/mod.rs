//! What several of the tests share.

pub(crate) mod expiring;
pub(crate) mod refusing;
pub(crate) mod twisted;

use idsync_core::{ChangeKind, GroupId, Membership, UserId};
use idsync_engine::SyncReport;

pub(crate) fn uid(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

pub(crate) fn gid(text: &str) -> GroupId {
    GroupId::new(text).unwrap()
}

pub(crate) fn member(group: &str, user: &str) -> Membership {
    Membership::new(gid(group), uid(user))
}

/// What a run applied, by kind, without the kinds of which there was nothing.
pub(crate) fn counted(report: &SyncReport) -> Vec<(ChangeKind, u64)> {
    ChangeKind::ALL.into_iter().map(|kind| (kind, report.changes.get(kind))).filter(|(_, count)| *count > 0).collect()
}
