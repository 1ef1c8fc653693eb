//! Who is never removed.

use crate::random::{Random, lot};
use crate::world::World;
use idsync_core::{GroupId, UserId};
use idsync_engine::Protected;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The protected entries of a seed: by id, by login, and by a rule.
#[derive(Debug, Default)]
pub(crate) struct Shield {
    users: BTreeSet<UserId>,
    groups: BTreeSet<GroupId>,
    logins: BTreeSet<String>,
    rule: Option<u64>,
}

impl Shield {
    /// Draws some of those that are there.
    pub(crate) fn draw(world: &World, random: &mut Random) -> Self {
        let mut shield = Self::default();
        if !random.once_in(3) {
            return shield;
        }
        for user in world.users.values() {
            match random.below(12) {
                0 => _ = shield.users.insert(user.id.clone()),
                1 => shield.logins.extend(user.login.clone()),
                _ => {}
            }
        }
        shield.groups.extend(world.groups.keys().filter(|_| random.once_in(8)).cloned());
        shield.rule = random.once_in(3).then(|| random.next());
        shield
    }

    fn rules(&self, id: &str) -> bool {
        self.rule.is_some_and(|salt| lot(salt, id).is_multiple_of(9))
    }

    /// Whether a user is protected who was last synced with this login.
    pub(crate) fn user(&self, id: &UserId, login: Option<&str>) -> bool {
        self.users.contains(id) || self.rules(id.as_str()) || login.is_some_and(|login| self.logins.contains(login))
    }

    pub(crate) fn group(&self, id: &GroupId) -> bool {
        self.groups.contains(id) || self.rules(id.as_str())
    }

    /// The same as an engine is told it.
    pub(crate) fn protected(self: &Arc<Self>) -> Protected {
        let mut protected = Protected::nobody();
        if !self.users.is_empty() {
            protected = protected.user_ids(self.users.iter().cloned());
        }
        if !self.logins.is_empty() {
            protected = protected.logins(self.logins.iter().map(|login| login.to_uppercase()));
        }
        if !self.groups.is_empty() {
            protected = protected.group_ids(self.groups.iter().cloned());
        }
        if self.rule.is_some() {
            let (users, groups) = (Arc::clone(self), Arc::clone(self));
            protected = protected.users(move |user| users.rules(user.id.as_str())).groups(move |group| groups.rules(group.id.as_str()));
        }
        protected
    }
}
