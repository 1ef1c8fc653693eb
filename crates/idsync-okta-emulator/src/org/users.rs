//! Changing users.

use super::{Org, Status, User, UserCore};
use crate::id::{Id, Kind};
use serde_json::{Map, Value};

impl Org {
    /// Adds an active user with this profile, which should be a JSON object with `login` and `email`; returns its id.
    pub fn create_user(&self, profile: Value) -> String {
        self.create_user_with_status(profile, Status::Active)
    }

    /// Adds a user in this state; returns its id.
    pub fn create_user_with_status(&self, profile: Value, status: Status) -> String {
        let Value::Object(profile) = profile else { return self.create_user_with_status(Value::Object(Map::new()), status) };
        let (now, mut data) = (self.shared.now(), self.shared.write());
        let index = data.users.len() as u32;
        let id = Id::new(self.shared.seed, Kind::User, index);
        data.users.push(None);
        data.put_user(index, Some(self.render(UserCore::fresh(id.clone(), status, now), &completed(profile))));
        data.touch_members(0, now, &self.shared.base);
        id.to_string()
    }

    /// Sets these members of the profile. Null removes a member, except for `mobilePhone` and `secondEmail`, which Okta keeps as null.
    /// False when there is no such user.
    pub fn update_user(&self, id: &str, changes: &[(&str, Value)]) -> bool {
        self.change_user(id, |core, profile| {
            for (name, value) in changes {
                match value {
                    Value::Null if !matches!(*name, "mobilePhone" | "secondEmail") => _ = profile.remove(*name),
                    _ => _ = profile.insert((*name).to_owned(), value.clone()),
                }
            }
            core
        })
    }

    /// Moves a user to another state. False when there is no such user.
    pub fn set_status(&self, id: &str, status: Status) -> bool {
        let now = self.shared.now();
        self.change_user(id, |core, _| {
            let activated = if status == Status::Active { core.activated.or(Some(now)) } else { core.activated };
            UserCore { status, activated, status_changed: Some(now), ..core }
        })
    }

    /// Deactivates a user, who leaves the plain user list and stays in searches and groups. False when there is no such user.
    pub fn deactivate_user(&self, id: &str) -> bool {
        self.set_status(id, Status::Deprovisioned)
    }

    /// Notes a sign-in, which moves `lastLogin` and nothing else. False when there is no such user.
    pub fn sign_in(&self, id: &str) -> bool {
        let (now, mut data) = (self.shared.now(), self.shared.write());
        let Some(index) = data.user_index(id) else { return false };
        let Some(user) = data.user(index) else { return false };
        let changed = User::new(UserCore { last_login: Some(now), ..user.core.clone() }, user.profile(), &self.shared.base);
        data.put_user(index, Some(changed));
        true
    }

    /// Deletes a user for good. The user leaves all groups, whose `lastMembershipUpdated` stays as it was: whether Okta moves it is not
    /// known, and a client must not rely on it. False when there is no such user.
    pub fn delete_user(&self, id: &str) -> bool {
        let (now, mut data) = (self.shared.now(), self.shared.write());
        let Some(index) = data.user_index(id) else { return false };
        data.put_user(index, None);
        data.touch_members(0, now, &self.shared.base);
        true
    }

    fn change_user(&self, id: &str, change: impl FnOnce(UserCore, &mut Map<String, Value>) -> UserCore) -> bool {
        let (now, mut data) = (self.shared.now(), self.shared.write());
        let Some(index) = data.user_index(id) else { return false };
        let Some(user) = data.user(index) else { return false };
        let mut profile = user.attributes();
        let core = change(user.core.clone(), &mut profile);
        let changed = self.render(UserCore { updated: now.max(core.created), ..core }, &profile);
        data.put_user(index, Some(changed));
        true
    }

    pub(super) fn render(&self, core: UserCore, profile: &Map<String, Value>) -> User {
        // A map of JSON values is always JSON.
        User::new(core, &serde_json::to_vec(profile).unwrap_or_default(), &self.shared.base)
    }
}

/// The profile with the two members that are always there, if only as null (recorded).
pub(super) fn completed(mut profile: Map<String, Value>) -> Map<String, Value> {
    for name in ["mobilePhone", "secondEmail"] {
        profile.entry(name).or_insert(Value::Null);
    }
    profile
}
