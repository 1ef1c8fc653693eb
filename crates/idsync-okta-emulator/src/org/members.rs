//! Changing memberships.

use super::{Members, Org};

impl Org {
    /// Puts a user into a group. False when either is unknown, when the user is in it already, or when the group is Everyone, whose
    /// members follow from the users.
    pub fn add_member(&self, group: &str, user: &str) -> bool {
        self.change_members(group, user, |members, user| match members.binary_search(&user) {
            Ok(_) => false,
            Err(at) => {
                members.insert(at, user);
                true
            }
        })
    }

    /// Takes a user out of a group. False when either is unknown, or the user was not in it.
    pub fn remove_member(&self, group: &str, user: &str) -> bool {
        self.change_members(group, user, |members, user| match members.binary_search(&user) {
            Ok(at) => {
                members.remove(at);
                true
            }
            Err(_) => false,
        })
    }

    fn change_members(&self, group: &str, user: &str, change: impl FnOnce(&mut Vec<u32>, u32) -> bool) -> bool {
        let (now, mut data) = (self.shared.now(), self.shared.write());
        let (Some(index), Some(user)) = (data.group_index(group), data.user_index(user)) else { return false };
        let data = &mut *data;
        let Some(Members::Listed(members)) = data.groups[index as usize].as_mut().map(|group| &mut group.members) else { return false };
        let before = data.lag.ne(&super::Lag::None).then(|| members.clone());
        if !change(members, user) {
            return false;
        }
        if let Some(before) = before {
            data.stale_members.keep(data.lag, index, || before);
        }
        data.touch_members(index, now, &self.shared.base);
        true
    }
}
