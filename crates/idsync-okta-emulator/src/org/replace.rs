//! Making the org hold what a test says.

use super::group::{Group, GroupCore, Members};
use super::truth::{TruthGroup, TruthUser};
use super::users::completed;
use super::{Data, GroupType, Org, Truth, UserCore};
use crate::id::{Id, Kind};
use crate::moment::Moment;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Org {
    /// Makes the org hold exactly these users, groups and memberships, under these ids, which may be any text. It is one change: who is
    /// there already is updated where something is different, and who is not named is deleted.
    ///
    /// A timestamp that is empty is left as it is, or set to now where something is different. The realm and the type of a user are not
    /// looked at. Memberships of users or groups that are not named are left out.
    ///
    /// The built-in group Everyone is always there. It is the one that the truth names, or else the one that was there before; its members
    /// follow from the users.
    pub fn replace(&self, truth: &Truth) {
        let (now, data) = (self.shared.now(), &mut *self.shared.write());
        self.replace_users(data, &truth.users, now);
        let mut members: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (group, user) in &truth.memberships {
            members.entry(group).or_default().extend(data.user_index(user));
        }
        members.values_mut().for_each(|members| members.sort_unstable());
        self.replace_groups(data, &truth.groups, &mut members, now);
    }

    fn replace_users(&self, data: &mut Data, users: &BTreeMap<String, TruthUser>, now: Moment) {
        let mut named = BTreeSet::new();
        for (id, truth) in users {
            let index = data.place_of_user(id);
            named.insert(index);
            let profile = completed(truth.profile.clone());
            let said = Moment::parse(&truth.last_updated);
            let core = match data.user(index) {
                None => UserCore { updated: said.unwrap_or(now), ..UserCore::fresh(Id::given(id), truth.status, now) },
                Some(user) => {
                    let core = user.core.clone();
                    let is_same = core.status == truth.status && user.attributes() == profile;
                    if is_same && said.is_none_or(|said| said == core.updated) {
                        continue;
                    }
                    let status_changed = if core.status == truth.status { core.status_changed } else { Some(now) };
                    UserCore { status: truth.status, status_changed, updated: said.unwrap_or(now), ..core }
                }
            };
            data.put_user(index, Some(self.render(core, &profile)));
        }
        for index in 0..data.users.len() as u32 {
            if data.user(index).is_some() && !named.contains(&index) {
                data.put_user(index, None);
            }
        }
    }

    fn replace_groups(&self, data: &mut Data, groups: &BTreeMap<String, TruthGroup>, members: &mut BTreeMap<&str, Vec<u32>>, now: Moment) {
        let everyone = groups.iter().find(|(_, group)| group.is_everyone()).map(|(id, _)| id);
        let mut named = BTreeSet::from([EVERYONE]);
        for (id, truth) in groups {
            let index = if everyone == Some(id) { data.place_of_everyone(id) } else { data.place_of_group(id) };
            named.insert(index);
            let members =
                if everyone == Some(id) { Members::Everyone } else { Members::Listed(members.remove(id.as_str()).unwrap_or_default()) };
            self.replace_group(data, index, id, truth, members, now);
        }
        for index in 0..data.groups.len() as u32 {
            if data.group(index).is_some() && !named.contains(&index) {
                data.keep_group(index);
                data.groups[index as usize] = None;
            }
        }
    }

    fn replace_group(&self, data: &mut Data, index: u32, id: &str, truth: &TruthGroup, members: Members, now: Moment) {
        let mut profile = truth.profile.clone();
        // Always there, if only as null (recorded).
        profile.entry("description").or_insert(Value::Null);
        let (said, said_of_members) = (Moment::parse(&truth.last_updated), Moment::parse(&truth.last_membership_updated));
        let app = || Id::new(self.shared.seed, Kind::App, 1);
        let source = (truth.kind == GroupType::App).then(|| truth.source.as_deref().map_or_else(app, Id::given));
        let core = match data.group(index).filter(|group| group.core.id.as_str() == id) {
            None => {
                let (updated, members_updated) = (said.unwrap_or(now), said_of_members.unwrap_or(now));
                GroupCore { id: Id::given(id), kind: truth.kind, source, created: now, updated, members_updated }
            }
            Some(group) => {
                let is_same = group.core.kind == truth.kind && group.core.source == source && group.attributes() == profile;
                let updated = said.unwrap_or(if is_same { group.core.updated } else { now });
                let members_updated = said_of_members.unwrap_or(if group.members == members { group.core.members_updated } else { now });
                GroupCore { kind: truth.kind, source, updated, members_updated, ..group.core.clone() }
            }
        };
        data.keep_group(index);
        if let Some(Group { members: Members::Listed(before), .. }) = &data.groups[index as usize] {
            data.stale_members.keep(data.lag, index, || before.clone());
        }
        data.groups[index as usize] = Some(Group::new(core, &profile, members, &self.shared.base));
    }
}

/// The index of the built-in group Everyone.
const EVERYONE: u32 = 0;

impl Data {
    /// Where a user with this id is, or is to be.
    fn place_of_user(&mut self, id: &str) -> u32 {
        if let Some(index) = self.user_index(id).or_else(|| self.given_users.get(id).copied()) {
            return index;
        }
        let index = self.users.len() as u32;
        self.users.push(None);
        self.given_users.insert(id.to_owned(), index);
        index
    }

    /// Where a group with this id is, or is to be.
    fn place_of_group(&mut self, id: &str) -> u32 {
        let known = self.group_index(id).or_else(|| self.given_groups.get(id).copied());
        // A group that was Everyone, and is an ordinary one now, has to give up its place.
        if let Some(index) = known.filter(|index| *index != EVERYONE) {
            return index;
        }
        let index = self.groups.len() as u32;
        self.groups.push(None);
        self.given_groups.insert(id.to_owned(), index);
        index
    }

    fn place_of_everyone(&mut self, id: &str) -> u32 {
        self.given_groups.insert(id.to_owned(), EVERYONE);
        EVERYONE
    }
}
