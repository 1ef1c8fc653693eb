//! What limits count, and how much of it happened lately.

use idsync_core::{Change, FieldChange, GroupId, Phase, RemovalReason, Timestamp};
use idsync_engine::{GroupLimit, Limit, Safeguards};
use std::collections::BTreeMap;
use std::time::Duration;

/// A kind of change that has a limit of its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Users,
    Deactivations,
    Groups,
    Memberships,
    Logins,
    InOneGroup(GroupId),
    CreatedUsers,
    CreatedGroups,
    AddedMemberships,
    UpdatedUsers,
    UpdatedGroups,
}

/// How much of each kind.
pub(crate) type Counts = BTreeMap<Kind, u64>;

/// How large the base is that a read stands on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Base {
    pub(crate) users: u64,
    pub(crate) groups: u64,
    pub(crate) memberships: u64,
    pub(crate) members: BTreeMap<GroupId, u64>,
}

impl Kind {
    /// What the change counts as.
    pub(crate) fn of(change: &Change) -> Vec<Self> {
        let mut kinds = Vec::new();
        match change {
            Change::UserCreated { .. } => kinds.push(Self::CreatedUsers),
            Change::UserDeleted { .. } => kinds.push(Self::Users),
            Change::GroupCreated { .. } => kinds.push(Self::CreatedGroups),
            Change::GroupUpdated { .. } => kinds.push(Self::UpdatedGroups),
            Change::GroupDeleted { .. } => kinds.push(Self::Groups),
            Change::GroupUserAdded { .. } => kinds.push(Self::AddedMemberships),
            Change::UserUpdated { changed, .. } => {
                kinds.push(if change.phase() == Phase::Deactivate { Self::Deactivations } else { Self::UpdatedUsers });
                if changed.iter().any(|change| change.field == FieldChange::LOGIN && change.before.is_some()) {
                    kinds.push(Self::Logins);
                }
            }
            // They count as users.
            Change::GroupUserRemoved { reason: RemovalReason::UserDeleted, .. } => {}
            Change::GroupUserRemoved { membership, reason } => {
                kinds.push(Self::Memberships);
                if *reason != RemovalReason::GroupDeleted {
                    kinds.push(Self::InOneGroup(membership.group.clone()));
                }
            }
            _ => {}
        }
        kinds
    }

    /// How many of this kind may be applied in all, where so many were lately; `None` where there is no limit.
    pub(crate) fn allowed(&self, limits: &Safeguards, base: &Base, lately: u64) -> Option<u64> {
        let of = |limit: Limit, size: u64| (limit != Limit::Unlimited).then(|| limit.allowed(size));
        // A first sync creates everything.
        let growth = |size: u64| (base.users + base.groups > 0).then(|| of(limits.creations, size.saturating_sub(lately))).flatten();
        match self {
            Self::Users => of(limits.users, base.users + lately),
            Self::Deactivations => of(limits.deactivations, base.users + lately),
            Self::Groups => of(limits.groups, base.groups + lately),
            Self::Memberships => of(limits.memberships, base.memberships + lately),
            Self::Logins => of(limits.logins, base.users + lately),
            Self::UpdatedUsers => of(limits.updates, base.users + lately),
            Self::UpdatedGroups => of(limits.updates, base.groups + lately),
            Self::CreatedUsers => growth(base.users),
            Self::CreatedGroups => growth(base.groups),
            Self::AddedMemberships => growth(base.memberships),
            Self::InOneGroup(group) => match limits.in_one_group {
                GroupLimit::Percent { percent, from } => {
                    let size = base.members.get(group).copied().unwrap_or_default();
                    (size >= from).then(|| size * u64::from(percent) / 100)
                }
                _ => None,
            },
        }
    }
}

/// What was applied without a person having looked, by when the directory was read for it.
#[derive(Debug, Default)]
pub(crate) struct Lately(Vec<(Timestamp, Counts)>);

impl Lately {
    /// What was applied in the window before now. What lies in the future, because a clock was set back, counts as well.
    pub(crate) fn within(&self, now: Timestamp, window: Duration) -> Counts {
        let mut sum = Counts::new();
        for (_, counts) in self.0.iter().filter(|(at, _)| now.saturating_since(*at) < window) {
            for (kind, count) in counts.iter().filter(|(kind, _)| !matches!(kind, Kind::InOneGroup(_))) {
                *sum.entry(kind.clone()).or_default() += count;
            }
        }
        sum
    }

    /// A delivery is complete. What had left the window by then is forgotten, and does not come back when a clock is set back. What lies in
    /// the future is of now.
    pub(crate) fn commit(&mut self, at: Timestamp, window: Duration, counts: Counts) {
        self.0.retain(|(then, _)| at.saturating_since(*then) < window);
        self.0.iter_mut().for_each(|(then, _)| *then = at.min(*then));
        self.0.push((at, counts));
    }

    /// Whether anything is remembered.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_left_the_window_does_not_count() {
        let at = |seconds| Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(seconds));
        let (mut lately, window) = (Lately::default(), Duration::from_secs(10));
        lately.commit(at(5), window, [(Kind::Users, 2)].into());
        let users = |lately: &Lately, now, window| lately.within(at(now), window).get(&Kind::Users).copied().unwrap_or_default();
        assert_eq!([14, 15, 3].map(|now| users(&lately, now, window)), [2, 0, 2]);
        assert_eq!(users(&lately, 5, Duration::ZERO), 0);
        lately.commit(at(15), window, [(Kind::Users, 1)].into());
        assert_eq!(users(&lately, 5, window), 1, "what is forgotten stays so");
    }

    #[test]
    fn limits_are_taken_of_what_there_was_before_the_window() {
        let base = Base { users: 90, groups: 5, ..Base::default() };
        let limits = Safeguards::all(Limit::percent(10)).with_creations(Limit::percent(10));
        assert_eq!(Kind::Users.allowed(&limits, &base, 10), Some(10));
        assert_eq!(Kind::CreatedUsers.allowed(&limits, &base, 10), Some(8));
        assert_eq!(Kind::CreatedUsers.allowed(&limits, &Base::default(), 0), None);
        assert_eq!(Kind::UpdatedUsers.allowed(&limits, &base, 0), None);
    }
}
