//! The canonical difference between two snapshots.

use crate::{Change, ChangeKind, DeletionReason, EntryId, GroupId, Membership, Phase, RemovalReason, Snapshot, UserId};
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;

/// Changes in canonical form: ordered by phase, then by group and user id; each entry at most once; no change that changes nothing.
///
/// ```
/// use idsync_core::{ChangeSet, Snapshot, User, UserId, UserStatus};
///
/// let mut builder = Snapshot::builder();
/// builder.user(User::new(UserId::new("00u1")?, UserStatus::Active));
/// let target = builder.finish();
/// let changes = ChangeSet::between(&Snapshot::default(), &target);
/// assert_eq!(changes.len(), 1);
/// assert_eq!(changes.apply(&Snapshot::default())?, target);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangeSet(Vec<Change>);

/// Why a change set does not fit a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("change {index} ({kind}) does not fit: {problem}", kind = kind.as_str())]
#[non_exhaustive]
pub struct ApplyError {
    /// The position of the change in the set.
    pub index: usize,
    /// The kind of the change.
    pub kind: ChangeKind,
    /// What is missing or in the way.
    pub problem: &'static str,
}

impl ChangeSet {
    /// What has to happen to turn `base` into `target`.
    ///
    /// Deletions get the reason [`DeletionReason::Deleted`], because two snapshots say nothing else. Entries that `target` holds
    /// ([`Snapshot::held`]) are neither changed nor deleted, and have the memberships that they have in `base`, whatever
    /// [`Snapshot::memberships_of_held`] says.
    pub fn between(base: &Snapshot, target: &Snapshot) -> Self {
        let mut changes = Vec::new();
        user_changes(base, target, &mut changes);
        group_changes(base, target, &mut changes);
        membership_changes(base, target, &mut changes);
        Self::from_changes(changes)
    }

    /// Puts changes in canonical order. The caller vouches that no entry occurs twice.
    pub fn from_changes(mut changes: Vec<Change>) -> Self {
        changes.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
        Self(changes)
    }

    /// The changes in the order in which they are applied.
    pub fn changes(&self) -> &[Change] {
        &self.0
    }

    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many changes there are of each kind.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.0.iter().for_each(|change| counts.add(change.kind(), 1));
        counts
    }

    /// What `base` becomes: `changes.apply(base) == target` for `changes = ChangeSet::between(base, target)`, timestamps and entries
    /// on hold apart.
    ///
    /// # Errors
    /// A change that does not fit `base`, such as an update of a user that is not there.
    pub fn apply(&self, base: &Snapshot) -> Result<Snapshot, ApplyError> {
        let mut result = base.clone();
        for (index, change) in self.0.iter().enumerate() {
            apply_one(&mut result, change).map_err(|problem| ApplyError { index, kind: change.kind(), problem })?;
        }
        Ok(result)
    }
}

impl IntoIterator for ChangeSet {
    type Item = Change;
    type IntoIter = std::vec::IntoIter<Change>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

fn sort_key(change: &Change) -> (Phase, Option<&GroupId>, Option<&UserId>) {
    (change.phase(), change.group(), change.user())
}

fn user_changes(base: &Snapshot, target: &Snapshot, changes: &mut Vec<Change>) {
    for user in target.users() {
        match base.user(&user.id) {
            None => changes.push(Change::UserCreated { user: user.clone() }),
            Some(before) => changes.extend(Change::user_update(before, user.clone())),
        }
    }
    let gone = base.users().filter(|user| target.user(&user.id).is_none() && !target.is_held(&EntryId::User(user.id.clone())));
    changes.extend(gone.map(|user| Change::UserDeleted { user: user.clone(), reason: DeletionReason::Deleted }));
}

fn group_changes(base: &Snapshot, target: &Snapshot, changes: &mut Vec<Change>) {
    for group in target.groups() {
        match base.group(&group.id) {
            None => changes.push(Change::GroupCreated { group: group.clone() }),
            Some(before) => changes.extend(Change::group_update(before, group.clone())),
        }
    }
    let gone = base.groups().filter(|group| target.group(&group.id).is_none() && !target.is_held(&EntryId::Group(group.id.clone())));
    changes.extend(gone.map(|group| Change::GroupDeleted { group: group.clone(), reason: DeletionReason::Deleted }));
}

fn membership_changes(base: &Snapshot, target: &Snapshot, changes: &mut Vec<Change>) {
    let added = target.memberships.difference(&base.memberships);
    changes.extend(added.map(|membership| Change::GroupUserAdded { membership: membership.clone() }));
    let held = |membership: &Membership| {
        target.is_held(&EntryId::User(membership.user.clone())) || target.is_held(&EntryId::Group(membership.group.clone()))
    };
    for membership in base.memberships.difference(&target.memberships).filter(|membership| !held(membership)) {
        let reason = if target.group(&membership.group).is_none() {
            RemovalReason::GroupDeleted
        } else if target.user(&membership.user).is_none() {
            RemovalReason::UserDeleted
        } else {
            RemovalReason::Left
        };
        changes.push(Change::GroupUserRemoved { membership: membership.clone(), reason });
    }
}

fn apply_one(snapshot: &mut Snapshot, change: &Change) -> Result<(), &'static str> {
    let fits = match change {
        Change::UserCreated { user } => snapshot.users.insert(user.id.clone(), user.clone()).is_none(),
        Change::UserUpdated { user, .. } => snapshot.users.insert(user.id.clone(), user.clone()).is_some(),
        Change::UserDeleted { user, .. } => {
            let referred: BTreeSet<_> = snapshot.memberships.iter().map(|membership| &membership.user).collect();
            if referred.contains(&user.id) {
                return Err("the user is still a member of a group");
            }
            snapshot.users.remove(&user.id).is_some()
        }
        Change::GroupCreated { group } => snapshot.groups.insert(group.id.clone(), group.clone()).is_none(),
        Change::GroupUpdated { group, .. } => snapshot.groups.insert(group.id.clone(), group.clone()).is_some(),
        Change::GroupDeleted { group, .. } => {
            if snapshot.memberships.iter().any(|membership| membership.group == group.id) {
                return Err("the group still has members");
            }
            snapshot.groups.remove(&group.id).is_some()
        }
        Change::GroupUserAdded { membership } => {
            if !snapshot.users.contains_key(&membership.user) || !snapshot.groups.contains_key(&membership.group) {
                return Err("the user or the group is not there");
            }
            snapshot.memberships.insert(membership.clone())
        }
        Change::GroupUserRemoved { membership, .. } => snapshot.memberships.remove(membership),
    };
    if fits { Ok(()) } else { Err("what it creates is there already, or what it changes is not there") }
}

/// How many changes there are of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([u64; ChangeKind::ALL.len()]);

impl Counts {
    /// Adds `count` changes of `kind`.
    pub fn add(&mut self, kind: ChangeKind, count: u64) {
        self.0[kind as usize] += count;
    }

    /// How many changes of `kind` there are.
    pub fn get(&self, kind: ChangeKind) -> u64 {
        self.0[kind as usize]
    }

    /// How many changes there are.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// The kinds of which there are any, in words: `3 users created, 1 group deleted`; `no changes` where there are none.
///
/// ```
/// use idsync_core::{ChangeKind, Counts};
///
/// let mut counts = Counts::default();
/// assert_eq!(counts.to_string(), "no changes");
/// counts.add(ChangeKind::GroupUserRemoved, 1);
/// counts.add(ChangeKind::UserCreated, 3);
/// assert_eq!(counts.to_string(), "3 users created, 1 membership removed");
/// ```
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        for kind in ChangeKind::ALL.into_iter().filter(|kind| self.get(*kind) > 0) {
            let (noun, verb) = match kind {
                ChangeKind::UserCreated => ("user", "created"),
                ChangeKind::UserUpdated => ("user", "updated"),
                ChangeKind::UserDeleted => ("user", "deleted"),
                ChangeKind::GroupCreated => ("group", "created"),
                ChangeKind::GroupUpdated => ("group", "updated"),
                ChangeKind::GroupDeleted => ("group", "deleted"),
                ChangeKind::GroupUserAdded => ("membership", "added"),
                ChangeKind::GroupUserRemoved => ("membership", "removed"),
            };
            let (count, plural) = (self.get(kind), if self.get(kind) == 1 { "" } else { "s" });
            write!(f, "{before}{count} {noun}{plural} {verb}")?;
            before = ", ";
        }
        if before.is_empty() { f.write_str("no changes") } else { Ok(()) }
    }
}

/// An object with all eight kinds, zeros included.
impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(ChangeKind::ALL.into_iter().map(|kind| (kind.as_str(), self.get(kind))))
    }
}
