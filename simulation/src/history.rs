//! When what was there.

use idsync_core::{Change, GroupId, Membership, UserId};
use std::collections::HashMap;
use std::fmt;

/// Whatever a source has or has not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    User(UserId),
    Group(GroupId),
    /// A membership in scope.
    Membership(Membership),
    /// A membership, whether or not its user is in scope: a listing of members cannot always tell.
    Listed(Membership),
}

/// What a change does to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Appears,
    Changes,
    Disappears,
}

impl Item {
    /// What the change is about, and what it does to it; `None` for a kind that the simulation does not know.
    pub(crate) fn of(change: &Change) -> Option<(Self, Effect)> {
        Some(match change {
            Change::UserCreated { user } => (Self::User(user.id.clone()), Effect::Appears),
            Change::UserUpdated { user, .. } => (Self::User(user.id.clone()), Effect::Changes),
            Change::UserDeleted { user, .. } => (Self::User(user.id.clone()), Effect::Disappears),
            Change::GroupCreated { group } => (Self::Group(group.id.clone()), Effect::Appears),
            Change::GroupUpdated { group, .. } => (Self::Group(group.id.clone()), Effect::Changes),
            Change::GroupDeleted { group, .. } => (Self::Group(group.id.clone()), Effect::Disappears),
            Change::GroupUserAdded { membership } => (Self::Membership(membership.clone()), Effect::Appears),
            Change::GroupUserRemoved { membership, .. } => (Self::Membership(membership.clone()), Effect::Disappears),
            _ => return None,
        })
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user {id}"),
            Self::Group(id) => write!(f, "group {id}"),
            Self::Membership(membership) | Self::Listed(membership) => {
                write!(f, "membership of {} in {}", membership.user, membership.group)
            }
        }
    }
}

/// Whether an item is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Absent,
    Present,
}

/// Versions of the source, and for each item the versions in which it came or went.
#[derive(Debug, Default)]
pub(crate) struct History {
    version: u64,
    items: HashMap<Item, Vec<(u64, Presence)>>,
}

impl History {
    /// The version of now; each change of the source makes a new one.
    pub(crate) const fn version(&self) -> u64 {
        self.version
    }

    /// The change that was recorded is complete.
    pub(crate) const fn advance(&mut self) {
        self.version += 1;
    }

    /// Records an item as it is from the next version on; says whether that is news.
    pub(crate) fn record(&mut self, item: Item, present: bool) -> bool {
        let presence = if present { Presence::Present } else { Presence::Absent };
        let versions = self.items.entry(item).or_default();
        let before = versions.last().map_or(Presence::Absent, |(_, presence)| *presence);
        if before != presence {
            versions.push((self.version + 1, presence));
        }
        before != presence
    }

    /// Whether the item was so in some version from `from` to `to`.
    pub(crate) fn was(&self, item: &Item, presence: Presence, from: u64, to: u64) -> bool {
        let Some(versions) = self.items.get(item) else { return presence == Presence::Absent };
        let at_first = versions.iter().rev().find(|(version, _)| *version <= from).map_or(Presence::Absent, |(_, presence)| *presence);
        at_first == presence || versions.iter().any(|(version, then)| *then == presence && (from..=to).contains(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_what_it_was_last_recorded_as() {
        let item = Item::User(UserId::new("u").unwrap());
        let mut history = History::default();
        assert!(history.record(item.clone(), true));
        history.advance();
        assert!(!history.record(item.clone(), true));
        history.advance();
        history.record(item.clone(), false);
        history.advance();
        let was = |presence, from, to| history.was(&item, presence, from, to);
        assert!(was(Presence::Absent, 0, 0) && !was(Presence::Present, 0, 0));
        assert!(was(Presence::Present, 0, 1) && was(Presence::Present, 2, 2) && !was(Presence::Absent, 1, 2));
        assert!(was(Presence::Absent, 1, 3) && !was(Presence::Present, 3, 9));
    }
}
