//! What changed in a directory in memory, and after what.

use crate::{Cursor, Error, ErrorKind, GroupId, Result, Snapshot, Timestamp, UserId};
use std::collections::BTreeMap;

/// Changes, counted. The clock of the directory goes on by an hour with each, so that nothing is ever too fresh to be believed.
#[derive(Debug, Default)]
pub(super) struct Moves {
    count: i64,
    users: BTreeMap<UserId, i64>,
    members: BTreeMap<GroupId, i64>,
}

impl Moves {
    /// The directory becomes this one, and whatever is in it counts as changed.
    pub(super) fn all_change(&mut self, directory: &Snapshot) {
        self.count += 1;
        self.users = directory.users().map(|user| (user.id.clone(), self.count)).collect();
        self.members = directory.groups().map(|group| (group.id.clone(), self.count)).collect();
    }

    pub(super) fn user_changes(&mut self, user: &UserId) {
        self.count += 1;
        self.users.insert(user.clone(), self.count);
    }

    pub(super) fn members_change(&mut self, group: &GroupId) {
        self.count += 1;
        self.members.insert(group.clone(), self.count);
    }

    pub(super) fn cursor(&self) -> Cursor {
        Cursor::new(self.count.to_string())
    }

    pub(super) fn read(cursor: &Cursor) -> Result<i64> {
        let unreadable = |_| Error::new(ErrorKind::CursorExpired, "the cursor is not one of a directory in memory");
        cursor.as_str().parse().map_err(unreadable)
    }

    pub(super) fn has_changed(&self, user: &UserId, since: i64) -> bool {
        self.users.get(user).is_some_and(|at| *at > since)
    }

    /// When the members of a group last changed.
    pub(super) fn of_members(&self, group: &GroupId) -> Option<Timestamp> {
        hour(self.members.get(group).copied().unwrap_or_default())
    }

    pub(super) fn now(&self) -> Option<Timestamp> {
        hour(self.count + 1)
    }
}

fn hour(count: i64) -> Option<Timestamp> {
    const HOUR: i64 = 3_600_000;
    Timestamp::from_unix_millis(count.saturating_mul(HOUR))
}
