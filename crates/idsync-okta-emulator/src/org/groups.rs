//! Changing groups.

use super::group::{Group, GroupCore, Members};
use super::{GroupType, Lag, Org};
use crate::id::{Id, Kind};
use serde_json::{Map, Value, json};

impl Org {
    /// Adds a group without members; returns its id. Names need not be unique.
    pub fn create_group(&self, name: &str, description: Option<&str>) -> String {
        self.create_group_of_type(name, description, GroupType::Okta)
    }

    /// Adds a group of this type; returns its id.
    pub fn create_group_of_type(&self, name: &str, description: Option<&str>, kind: GroupType) -> String {
        let (now, mut data) = (self.shared.now(), self.shared.write());
        let index = data.groups.len() as u32;
        let id = Id::new(self.shared.seed, Kind::Group, index);
        let source = (kind == GroupType::App).then(|| Id::new(self.shared.seed, Kind::App, 1));
        let core = GroupCore { id: id.clone(), kind, source, created: now, updated: now, members_updated: now };
        let profile = Map::from_iter([("name".to_owned(), json!(name)), ("description".to_owned(), json!(description))]);
        data.groups.push(None);
        data.keep_group(index);
        data.groups[index as usize] = Some(Group::new(core, &profile, Members::Listed(Vec::new()), &self.shared.base));
        id.to_string()
    }

    /// Sets these members of the profile. Null removes a member; `name` and `description` stay, as null. False when there is no such
    /// group.
    pub fn update_group(&self, id: &str, changes: &[(&str, Value)]) -> bool {
        let (now, mut data) = (self.shared.now(), self.shared.write());
        let Some(index) = data.group_index(id) else { return false };
        data.keep_group(index);
        let Some(group) = &mut data.groups[index as usize] else { return false };
        let mut profile = group.attributes();
        for (name, value) in changes {
            match value {
                Value::Null => _ = profile.remove(*name),
                _ => _ = profile.insert((*name).to_owned(), value.clone()),
            }
        }
        group.rewrite(GroupCore { updated: now, ..group.core.clone() }, &profile, &self.shared.base);
        true
    }

    /// Deletes a group. False when there is no such group, or when it is a built-in one, which Okta does not delete.
    pub fn delete_group(&self, id: &str) -> bool {
        let mut data = self.shared.write();
        let Some(index) = data.group_index(id) else { return false };
        if data.group(index).is_none_or(|group| group.core.kind == GroupType::BuiltIn) {
            return false;
        }
        data.keep_group(index);
        data.groups[index as usize] = None;
        true
    }

    /// Lets searches and member lists lag behind the changes that are made from now on. [`Lag::None`] also shows all earlier changes.
    pub fn set_lag(&self, lag: Lag) {
        let mut data = self.shared.write();
        data.lag = lag;
        if lag == Lag::None {
            data.stale_users.clear();
            data.stale_groups.clear();
            data.stale_members.clear();
        }
    }
}
