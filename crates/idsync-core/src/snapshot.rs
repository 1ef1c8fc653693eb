//! A complete read of a directory, held in memory.

use crate::{EntryId, Group, GroupId, Membership, User, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// A *complete* read of a directory.
///
/// It exists only through [`SnapshotBuilder::finish`], so a half-read directory is not a value. The engine does not use it for real
/// directories, which it streams; it is for small ones, for tests and for [`ChangeSet::between`](crate::ChangeSet::between).
///
/// Two snapshots are equal when they show the same users, groups and memberships, timestamps included; what dangles or is held does not
/// count. Timestamps alone make no change, so that a sink is in step when [`ChangeSet::between`](crate::ChangeSet::between) finds nothing,
/// though the two need not be equal.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub(crate) users: BTreeMap<UserId, User>,
    pub(crate) groups: BTreeMap<GroupId, Group>,
    pub(crate) memberships: BTreeSet<Membership>,
    of_held: BTreeSet<Membership>,
    dangling: BTreeSet<Membership>,
    held: BTreeSet<EntryId>,
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.users == other.users && self.groups == other.groups && self.memberships == other.memberships
    }
}

impl Snapshot {
    /// A snapshot to fill.
    pub fn builder() -> SnapshotBuilder {
        SnapshotBuilder::default()
    }

    /// All users, by id.
    pub fn users(&self) -> impl ExactSizeIterator<Item = &User> {
        self.users.values()
    }

    /// All groups, by id.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.values()
    }

    /// All memberships, by group and user.
    pub fn memberships(&self) -> impl ExactSizeIterator<Item = &Membership> {
        self.memberships.iter()
    }

    /// The members of a group, by id; none where there is no such group.
    pub fn members(&self, group: &GroupId) -> impl Iterator<Item = &UserId> {
        // A space is the smallest character that an id may hold, so no id comes before it.
        let smallest = UserId::new(" ").unwrap_or_else(|_| unreachable!("a space is a valid id"));
        let first = Membership::new(group.clone(), smallest);
        self.memberships.range(first..).take_while(move |membership| membership.group == *group).map(|membership| &membership.user)
    }

    /// The user with this id.
    pub fn user(&self, id: &UserId) -> Option<&User> {
        self.users.get(id)
    }

    /// The group with this id.
    pub fn group(&self, id: &GroupId) -> Option<&Group> {
        self.groups.get(id)
    }

    /// Memberships that are known though their user or their group, or both, are held. They are not part of [`Snapshot::memberships`].
    pub fn memberships_of_held(&self) -> impl ExactSizeIterator<Item = &Membership> {
        self.of_held.iter()
    }

    /// Memberships that name a user or a group that is not there, not even held: a live directory moves while it is read. They are not part
    /// of [`Snapshot::memberships`].
    pub fn dangling(&self) -> impl ExactSizeIterator<Item = &Membership> {
        self.dangling.iter()
    }

    /// Entries that are there but could not be understood: neither to be changed nor to be deleted.
    pub fn held(&self) -> impl ExactSizeIterator<Item = &EntryId> {
        self.held.iter()
    }

    pub(crate) fn is_held(&self, id: &EntryId) -> bool {
        self.held.contains(id)
    }
}

/// Collects what a read delivers; the later reading of an entry wins.
#[derive(Debug, Default)]
pub struct SnapshotBuilder {
    snapshot: Snapshot,
}

impl SnapshotBuilder {
    /// Adds a user.
    pub fn user(&mut self, user: User) -> &mut Self {
        self.snapshot.users.insert(user.id.clone(), user);
        self
    }

    /// Adds a group.
    pub fn group(&mut self, group: Group) -> &mut Self {
        self.snapshot.groups.insert(group.id.clone(), group);
        self
    }

    /// Adds a membership; its user and its group may be added later.
    pub fn membership(&mut self, membership: Membership) -> &mut Self {
        self.snapshot.memberships.insert(membership);
        self
    }

    /// Notes an entry that is there but could not be understood.
    pub fn hold(&mut self, id: EntryId) -> &mut Self {
        self.snapshot.held.insert(id);
        self
    }

    /// The read is complete. Memberships of entries that are held are kept apart ([`Snapshot::memberships_of_held`]), those of entries that
    /// were not read are set aside ([`Snapshot::dangling`]).
    pub fn finish(self) -> Snapshot {
        let mut snapshot = self.snapshot;
        for membership in std::mem::take(&mut snapshot.memberships) {
            let (user, group) = (EntryId::User(membership.user.clone()), EntryId::Group(membership.group.clone()));
            let (is_user_read, is_group_read) =
                (snapshot.users.contains_key(&membership.user), snapshot.groups.contains_key(&membership.group));
            let place = if is_user_read && is_group_read {
                &mut snapshot.memberships
            } else if (is_user_read || snapshot.is_held(&user)) && (is_group_read || snapshot.is_held(&group)) {
                &mut snapshot.of_held
            } else {
                &mut snapshot.dangling
            };
            place.insert(membership);
        }
        snapshot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChangeSet, UserStatus};

    fn user(id: &str) -> User {
        User::new(UserId::new(id).unwrap(), UserStatus::Active)
    }

    fn membership(group: &str, user: &str) -> Membership {
        Membership::new(GroupId::new(group).unwrap(), UserId::new(user).unwrap())
    }

    #[test]
    fn p05_memberships_of_what_is_held_are_neither_lost_nor_changed() {
        let mut before = Snapshot::builder();
        before.user(user("ana")).user(user("bo")).group(Group::new(GroupId::new("staff").unwrap(), "Staff"));
        before.membership(membership("staff", "ana")).membership(membership("staff", "bo"));
        let before = before.finish();

        let mut held = Snapshot::builder();
        held.hold(EntryId::User(UserId::new("ana").unwrap())).user(user("bo")).group(Group::new(GroupId::new("staff").unwrap(), "Staff"));
        for id in ["ana", "bo", "gone"] {
            held.membership(membership("staff", id));
        }
        let held = held.finish();
        assert_eq!(held.memberships().collect::<Vec<_>>(), [&membership("staff", "bo")]);
        assert_eq!(held.memberships_of_held().collect::<Vec<_>>(), [&membership("staff", "ana")]);
        assert_eq!(held.dangling().collect::<Vec<_>>(), [&membership("staff", "gone")]);
        assert!(ChangeSet::between(&before, &held).is_empty());
        assert!(ChangeSet::between(&Snapshot::default(), &held).apply(&Snapshot::default()).is_ok(), "nothing refers to who is held");
    }
}
