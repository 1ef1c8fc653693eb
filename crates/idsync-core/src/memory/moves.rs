//! What changed in a directory in memory, and after what.

use crate::{Cursor, Error, ErrorKind, GroupId, Result, Timestamp, UserId};
use std::collections::BTreeMap;

/// Changes, counted. The clock of the directory goes on by an hour with each, so that nothing is ever too fresh to be believed.
#[derive(Debug, Default)]
pub(super) struct Moves {
    count: i64,
    users: BTreeMap<UserId, i64>,
    members: BTreeMap<GroupId, i64>,
    /// Cursors from before this one say nothing any more.
    oldest: i64,
}

impl Moves {
    /// The same clock, with nothing known of before.
    pub(super) fn begin_anew(&self) -> Self {
        Self { count: self.count + 1, oldest: self.count + 1, ..Self::default() }
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
        cursor.as_str().parse().map_err(|_| expired())
    }

    pub(super) fn check(&self, since: i64) -> Result<()> {
        if since < self.oldest { Err(expired()) } else { Ok(()) }
    }

    pub(super) fn has_changed(&self, user: &UserId, since: i64) -> bool {
        self.users.get(user).is_some_and(|at| *at > since)
    }

    /// When the members of a group last changed.
    pub(super) fn of_members(&self, group: &GroupId) -> Option<Timestamp> {
        hour(self.members.get(group).copied().unwrap_or(self.oldest))
    }

    pub(super) fn now(&self) -> Option<Timestamp> {
        hour(self.count + 1)
    }
}

fn hour(count: i64) -> Option<Timestamp> {
    const HOUR: i64 = 3_600_000;
    Timestamp::from_unix_millis(count.saturating_mul(HOUR))
}

fn expired() -> Error {
    Error::new(ErrorKind::CursorExpired, "the directory was replaced since the cursor was given")
}
