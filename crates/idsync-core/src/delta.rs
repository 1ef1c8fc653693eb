//! Reading only what changed.

use crate::{HeldRecord, User, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A place in the changes of a directory, in the provider's own words. Nobody else looks into it.
///
/// It is handed out with [`DirectoryInfo::cursor`](crate::DirectoryInfo::cursor) and means: everything up to now is known to whoever
/// reads the whole directory after this.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor that the provider can read back.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// What the provider wrote.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One page of the users that changed, in no particular order.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ChangedUsers {
    /// Users in scope that were made, changed or came back, as the provider shows them now. An index may lag behind, so a user may be
    /// shown as it was before, or although it is gone.
    pub users: Vec<User>,
    /// Users that are said to have left the scope, or the directory. They are asked for by id before anything follows from it.
    pub departed: Vec<UserId>,
    /// Records that could not be understood.
    pub held: Vec<HeldRecord>,
}

impl ChangedUsers {
    /// A page of users in scope.
    pub const fn new(users: Vec<User>) -> Self {
        Self { users, departed: Vec::new(), held: Vec::new() }
    }

    /// Adds users that left.
    #[must_use]
    pub fn with_departed(mut self, departed: Vec<UserId>) -> Self {
        self.departed = departed;
        self
    }

    /// Adds records that could not be understood.
    #[must_use]
    pub fn with_held(mut self, held: Vec<HeldRecord>) -> Self {
        self.held = held;
        self
    }
}
