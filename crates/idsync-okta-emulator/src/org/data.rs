//! Users, groups and memberships.

use super::group::{Group, Members};
use super::lag::{Lag, Stale};
use super::user::{User, text_member};
use crate::clock::Clock;
use crate::data::{self, Size};
use crate::id::Id;
use crate::moment::Moment;
use std::collections::HashMap;

/// Everybody and everything in the org. Indexes are for ever: what was deleted leaves an empty place.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) clock: Clock,
    pub(crate) users: Vec<Option<User>>,
    pub(crate) groups: Vec<Option<Group>>,
    /// The indexes of those whose ids were given; for ever, too.
    pub(super) given_users: HashMap<String, u32>,
    pub(super) given_groups: HashMap<String, u32>,
    pub(super) lag: Lag,
    /// What searches still show.
    pub(crate) stale_users: Stale<Option<User>>,
    pub(crate) stale_groups: Stale<Option<Group>>,
    /// What member lists still show.
    pub(crate) stale_members: Stale<Vec<u32>>,
}

impl Data {
    pub(crate) fn generate(seed: u64, size: Size, base: &str) -> Self {
        let clock = Clock::default();
        Self {
            users: data::users(seed, size.users, base),
            groups: data::groups(seed, size, base),
            given_users: HashMap::new(),
            given_groups: HashMap::new(),
            lag: Lag::None,
            stale_users: Stale::new(clock.clone()),
            stale_groups: Stale::new(clock.clone()),
            stale_members: Stale::new(clock.clone()),
            clock,
        }
    }

    pub(crate) fn user_index(&self, id: &str) -> Option<u32> {
        let is_it = |index: &u32| self.user(*index).is_some_and(|user| user.core.id.as_str() == id);
        Id::index(id).filter(is_it).or_else(|| self.given_users.get(id).copied().filter(is_it))
    }

    /// Finds a user by id or login, as `GET /api/v1/users/{id}` does. Logins are compared without case.
    pub(crate) fn find_user(&self, id_or_login: &str) -> Option<&User> {
        if let Some(index) = self.user_index(id_or_login) {
            return self.user(index);
        }
        let quoted = format!("\"{id_or_login}\"");
        self.users
            .iter()
            .flatten()
            .find(|user| text_member(user.profile(), "login").is_some_and(|login| login.eq_ignore_ascii_case(quoted.as_bytes())))
    }

    pub(crate) fn group_index(&self, id: &str) -> Option<u32> {
        let is_it = |index: &u32| self.group(*index).is_some_and(|group| group.core.id.as_str() == id);
        Id::index(id).filter(is_it).or_else(|| self.given_groups.get(id).copied().filter(is_it))
    }

    pub(crate) fn user(&self, index: u32) -> Option<&User> {
        self.users.get(index as usize)?.as_ref()
    }

    pub(crate) fn group(&self, index: u32) -> Option<&Group> {
        self.groups.get(index as usize)?.as_ref()
    }

    /// The user as searches show it.
    pub(crate) fn searched_user(&self, index: u32) -> Option<&User> {
        self.stale_users.get(index).map_or_else(|| self.user(index), Option::as_ref)
    }

    /// The group as searches show it.
    pub(crate) fn searched_group(&self, index: u32) -> Option<&Group> {
        self.stale_groups.get(index).map_or_else(|| self.group(index), Option::as_ref)
    }

    /// The groups of a user, in their order.
    pub(crate) fn groups_of(&self, user: u32) -> impl Iterator<Item = u32> {
        self.groups.iter().zip(0..).filter_map(move |(group, index)| {
            let is_in = match &group.as_ref()?.members {
                Members::Everyone => true,
                Members::Listed(members) => members.binary_search(&user).is_ok(),
            };
            is_in.then_some(index)
        })
    }

    /// Replaces a user, with what was there kept for searches that lag.
    pub(super) fn put_user(&mut self, index: u32, user: Option<User>) {
        let place = &mut self.users[index as usize];
        let old = std::mem::replace(place, user);
        self.stale_users.keep(self.lag, index, || old);
    }

    /// Keeps a group for searches that lag.
    pub(super) fn keep_group(&mut self, index: u32) {
        let old = &self.groups[index as usize];
        self.stale_groups.keep(self.lag, index, || old.clone());
    }

    /// Notes that somebody joined or left a group.
    pub(super) fn touch_members(&mut self, group: u32, now: Moment, base: &str) {
        self.keep_group(group);
        if let Some(group) = &mut self.groups[group as usize] {
            let core = super::GroupCore { members_updated: now, ..group.core.clone() };
            let profile = group.attributes();
            group.rewrite(core, &profile, base);
        }
    }
}
