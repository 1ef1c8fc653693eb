//! The apps of the org, and what they may do.

use crate::auth::{Dpop, PublicKey};
use crate::id::Id;
use std::collections::BTreeSet;

/// The admin role of an app. Scopes say which calls an app may make, the role says which things it sees (Okta reference: "Build an OAuth
/// 2.0 service app").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// `HELP_DESK_ADMIN`; reads users and groups.
    HelpDeskAdmin,
    /// No role: user lists and member lists are empty, and everything else is refused.
    None,
    /// `ORG_ADMIN`; reads users and groups.
    OrgAdmin,
    /// `READ_ONLY_ADMIN`; reads users and groups.
    ReadOnlyAdmin,
    /// `SUPER_ADMIN`; may do everything.
    SuperAdmin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::HelpDeskAdmin, Self::None, Self::OrgAdmin, Self::ReadOnlyAdmin, Self::SuperAdmin];

    /// The role as Okta spells it; empty for [`Role::None`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HelpDeskAdmin => "HELP_DESK_ADMIN",
            Self::None => "",
            Self::OrgAdmin => "ORG_ADMIN",
            Self::ReadOnlyAdmin => "READ_ONLY_ADMIN",
            Self::SuperAdmin => "SUPER_ADMIN",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// What `GET /api/v1/groups` answers to an app without a role: the sources leave it open, so a client must bear both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupsWithoutRole {
    /// 200 with an empty list.
    EmptyList,
    /// 403 `E0000006`, as reported.
    #[default]
    Forbidden,
}

/// A service app.
#[derive(Debug)]
pub(crate) struct App {
    /// The id of the app, too: Okta makes them the same unless it is told otherwise (recorded).
    pub(crate) client_id: String,
    pub(crate) status: AppStatus,
    pub(crate) dpop: Dpop,
    pub(crate) keys: Vec<AppKey>,
    scopes: BTreeSet<String>,
    role: Role,
    upcoming: Option<Upcoming>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppStatus {
    Active,
    Inactive,
}

/// A public key with which an app may sign its assertions.
#[derive(Debug)]
pub(crate) struct AppKey {
    pub(crate) kid: String,
    pub(crate) key: PublicKey,
    pub(crate) status: KeyStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyStatus {
    Active,
    Inactive,
}

/// A change that is not effective yet.
#[derive(Debug)]
struct Upcoming {
    scopes: Option<BTreeSet<String>>,
    role: Option<Role>,
    requests_left: u32,
}

impl App {
    pub(crate) fn new(id: Id, scopes: BTreeSet<String>, role: Role, dpop: Dpop) -> Self {
        let client_id = id.to_string();
        Self { client_id, status: AppStatus::Active, dpop, keys: Vec::new(), scopes, role, upcoming: None }
    }

    pub(crate) fn scopes(&self) -> &BTreeSet<String> {
        &self.scopes
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn set_role(&mut self, role: Role, delay: u32) {
        self.change(delay, None, Some(role));
    }

    pub(crate) fn set_scopes(&mut self, scopes: BTreeSet<String>, delay: u32) {
        self.change(delay, Some(scopes), None);
    }

    fn change(&mut self, delay: u32, scopes: Option<BTreeSet<String>>, role: Option<Role>) {
        let upcoming = self.upcoming.get_or_insert(Upcoming { scopes: None, role: None, requests_left: 0 });
        upcoming.requests_left = delay;
        upcoming.scopes = scopes.or(upcoming.scopes.take());
        upcoming.role = role.or(upcoming.role.take());
        if delay == 0 {
            self.settle();
        }
    }

    /// Notes a request of the app; what was changed becomes effective when enough of them were made.
    pub(crate) fn note_request(&mut self) {
        match &mut self.upcoming {
            Some(Upcoming { requests_left: 0, .. }) => self.settle(),
            Some(upcoming) => upcoming.requests_left -= 1,
            None => {}
        }
    }

    fn settle(&mut self) {
        let Some(upcoming) = self.upcoming.take() else { return };
        self.scopes = upcoming.scopes.unwrap_or_else(|| std::mem::take(&mut self.scopes));
        self.role = upcoming.role.unwrap_or(self.role);
    }
}
