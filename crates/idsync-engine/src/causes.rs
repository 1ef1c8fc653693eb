//! Which limits hold something back, as it is kept with what is held.

use idsync_core::{ChangeKind, GroupId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A limit that holds back all changes of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    AddedMemberships,
    CreatedGroups,
    CreatedUsers,
    Deactivations,
    Groups,
    Logins,
    Memberships,
    UpdatedGroups,
    UpdatedUsers,
    Users,
}

impl Cause {
    /// The limits that may hold changes of this kind. Memberships that end may be held with their user or their group instead.
    pub(crate) const fn of(kind: ChangeKind) -> &'static [Self] {
        match kind {
            ChangeKind::UserCreated => &[Self::CreatedUsers],
            ChangeKind::UserUpdated => &[Self::Deactivations, Self::Logins, Self::UpdatedUsers],
            ChangeKind::UserDeleted => &[Self::Users],
            ChangeKind::GroupCreated => &[Self::CreatedGroups],
            ChangeKind::GroupUpdated => &[Self::UpdatedGroups],
            ChangeKind::GroupDeleted => &[Self::Groups],
            ChangeKind::GroupUserAdded => &[Self::AddedMemberships],
            _ => &[],
        }
    }
}

/// All of the limits that hold something back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Causes {
    pub(crate) limits: BTreeSet<Cause>,
    /// Groups that none of their members may leave, because too many would.
    pub(crate) groups: BTreeSet<GroupId>,
}

impl Causes {
    pub(crate) fn has(&self, cause: Cause) -> bool {
        self.limits.contains(&cause)
    }

    pub(crate) fn are_none(&self) -> bool {
        self.limits.is_empty() && self.groups.is_empty()
    }
}
