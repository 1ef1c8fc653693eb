//! The source: what is in the directory, what of it is in scope, and what it was before.

use crate::history::{History, Item};
use crate::random::lot;
use idsync_core::{DeletionReason, Group, GroupId, Lookup, Membership, Snapshot, Timestamp, User, UserId, UserStatus};
use std::collections::{BTreeMap, BTreeSet};

/// What is in scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of it.
    Everything,
    /// Neither deactivated users nor some of the others, nor some groups, nor the members of some more.
    Part {
        /// Decides which.
        salt: u64,
    },
}

impl Scope {
    /// The scope in one line.
    pub(crate) fn line(self) -> String {
        match self {
            Self::Everything => "all".to_owned(),
            Self::Part { salt } => format!("part {salt}"),
        }
    }

    fn user(self, user: &User) -> Result<(), DeletionReason> {
        match self {
            Self::Part { .. } if user.status == UserStatus::Deprovisioned => Err(DeletionReason::Deprovisioned),
            Self::Part { salt } if lot(salt, user.id.as_str()).is_multiple_of(4) => Err(DeletionReason::OutOfScope),
            _ => Ok(()),
        }
    }

    fn group(self, id: &GroupId) -> Result<(), DeletionReason> {
        match self {
            Self::Part { salt } if lot(salt, id.as_str()).is_multiple_of(5) => Err(DeletionReason::OutOfScope),
            _ => Ok(()),
        }
    }

    /// Whether the members of this group are in scope.
    pub(crate) fn members(self, id: &GroupId) -> bool {
        !matches!(self, Self::Part { salt } if lot(!salt, id.as_str()).is_multiple_of(6))
    }
}

/// Who is in which group.
pub(crate) type Members = BTreeMap<GroupId, BTreeSet<UserId>>;

/// The directory.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) users: BTreeMap<UserId, User>,
    pub(crate) groups: BTreeMap<GroupId, Group>,
    pub(crate) members: Members,
    pub(crate) scope: Scope,
    pub(crate) history: History,
    /// Ids are never used twice.
    pub(crate) ids_used: u64,
    /// Groups say when their members changed.
    pub(crate) tells_members_updated: bool,
    /// The membership that began or ended last.
    pub(crate) last_moved: Option<Membership>,
    past: (u64, Members),
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            members: Members::new(),
            scope: Scope::Everything,
            history: History::default(),
            ids_used: 0,
            tells_members_updated: false,
            last_moved: None,
            past: (0, Members::new()),
        }
    }

    /// The memberships of now become those that a listing shows which lags behind.
    pub(crate) fn keep_as_past(&mut self) {
        self.past = (self.history.version(), self.members.clone());
    }

    /// The memberships as they were, and since which version that is.
    pub(crate) const fn past(&self) -> &(u64, Members) {
        &self.past
    }

    pub(crate) fn put_user(&mut self, user: User) {
        let id = user.id.clone();
        self.users.insert(id.clone(), user);
        self.user_moved(&id);
    }

    pub(crate) fn remove_user(&mut self, id: &UserId) {
        let groups: Vec<_> = self.members.iter().filter(|(_, members)| members.contains(id)).map(|(group, _)| group.clone()).collect();
        self.users.remove(id);
        for group in groups {
            self.members.entry(group.clone()).or_default().remove(id);
            self.membership_moved(Membership::new(group, id.clone()));
        }
        self.record(Item::User(id.clone()));
        self.history.advance();
    }

    pub(crate) fn put_group(&mut self, group: Group) {
        let id = group.id.clone();
        self.groups.insert(id.clone(), group);
        self.members.entry(id.clone()).or_default();
        self.record(Item::Group(id));
        self.history.advance();
    }

    pub(crate) fn remove_group(&mut self, id: &GroupId) {
        self.groups.remove(id);
        for user in self.members.remove(id).unwrap_or_default() {
            self.membership_moved(Membership::new(id.clone(), user));
        }
        self.record(Item::Group(id.clone()));
        self.history.advance();
    }

    pub(crate) fn add_member(&mut self, membership: Membership) {
        self.members.entry(membership.group.clone()).or_default().insert(membership.user.clone());
        self.membership_moved(membership);
        self.history.advance();
    }

    pub(crate) fn remove_member(&mut self, membership: Membership) {
        if let Some(members) = self.members.get_mut(&membership.group) {
            members.remove(&membership.user);
        }
        self.membership_moved(membership);
        self.history.advance();
    }

    /// Changes what is in scope; says whether anything came or went by it.
    pub(crate) fn set_scope(&mut self, scope: Scope) -> bool {
        self.scope = scope;
        let users = self.users.keys().cloned().map(Item::User);
        let groups = self.groups.keys().cloned().map(Item::Group);
        let members = self.members.iter().flat_map(|(group, users)| users.iter().map(|user| Membership::new(group.clone(), user.clone())));
        let items: Vec<_> = users.chain(groups).chain(members.map(Item::Membership)).collect();
        let moved = items.into_iter().filter(|item| self.record(item.clone())).count() > 0;
        self.history.advance();
        moved
    }

    pub(crate) fn user_in_scope(&self, id: &UserId) -> bool {
        self.users.get(id).is_some_and(|user| self.scope.user(user).is_ok())
    }

    pub(crate) fn group_in_scope(&self, id: &GroupId) -> bool {
        self.groups.contains_key(id) && self.scope.group(id).is_ok()
    }

    pub(crate) fn membership_in_scope(&self, membership: &Membership) -> bool {
        self.members.get(&membership.group).is_some_and(|members| members.contains(&membership.user))
            && self.user_in_scope(&membership.user)
            && self.group_in_scope(&membership.group)
            && self.scope.members(&membership.group)
    }

    pub(crate) fn look_up_user(&self, id: &UserId) -> Lookup<User> {
        self.users.get(id).map_or(Lookup::NotFound, |user| match self.scope.user(user) {
            Ok(()) => Lookup::Found(user.clone()),
            Err(reason) => Lookup::OutOfScope(reason),
        })
    }

    pub(crate) fn look_up_group(&self, id: &GroupId) -> Lookup<Group> {
        self.groups.get(id).map_or(Lookup::NotFound, |group| match self.scope.group(id) {
            Ok(()) => Lookup::Found(group.clone()),
            Err(reason) => Lookup::OutOfScope(reason),
        })
    }

    /// What is in scope now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut builder = Snapshot::builder();
        self.users.values().filter(|user| self.user_in_scope(&user.id)).for_each(|user| _ = builder.user(user.clone()));
        self.groups.values().filter(|group| self.group_in_scope(&group.id)).for_each(|group| _ = builder.group(group.clone()));
        for (group, users) in &self.members {
            for user in users {
                let membership = Membership::new(group.clone(), user.clone());
                if self.membership_in_scope(&membership) {
                    builder.membership(membership);
                }
            }
        }
        builder.finish()
    }

    fn user_moved(&mut self, id: &UserId) {
        let groups: Vec<_> = self.members.iter().filter(|(_, members)| members.contains(id)).map(|(group, _)| group.clone()).collect();
        for group in groups {
            self.record(Item::Membership(Membership::new(group, id.clone())));
        }
        self.record(Item::User(id.clone()));
        self.history.advance();
    }

    fn membership_moved(&mut self, membership: Membership) {
        if let Some(group) = self.groups.get_mut(&membership.group).filter(|_| self.tells_members_updated) {
            let version = i64::try_from(self.history.version()).unwrap_or_default();
            group.timestamps.members_updated = Timestamp::from_unix_millis(version);
        }
        self.record(Item::Listed(membership.clone()));
        self.last_moved = Some(membership.clone());
        self.record(Item::Membership(membership));
    }

    fn record(&mut self, item: Item) -> bool {
        let present = match &item {
            Item::User(id) => self.user_in_scope(id),
            Item::Group(id) => self.group_in_scope(id),
            Item::Membership(membership) => self.membership_in_scope(membership),
            Item::Listed(membership) => self.members.get(&membership.group).is_some_and(|members| members.contains(&membership.user)),
        };
        self.history.record(item, present)
    }
}
