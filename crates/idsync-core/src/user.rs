//! A person or a service account.

use crate::{Attributes, Lifecycle, Timestamp, UserId, UserStatus};
use serde::{Deserialize, Serialize};

/// A user as the provider shows it.
///
/// Two users are the same content when all but [`User::timestamps`] are equal: timestamps move without anything having changed that a
/// sink could act on (a login, a password change), so they travel along and never make a change by themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// The provider's id, the identity of the user.
    pub id: UserId,
    /// The name the user signs in with, where the provider shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The status in the provider's words.
    pub status: UserStatus,
    /// The profile, without the login.
    #[serde(default)]
    pub attributes: Attributes,
    /// What the provider says beside the profile, such as the user type; kept as it came.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub extra: Attributes,
    /// When things happened to the user; not part of the content.
    #[serde(default)]
    pub timestamps: Timestamps,
}

impl User {
    /// A user with nothing but an id and a status.
    pub const fn new(id: UserId, status: UserStatus) -> Self {
        Self { id, login: None, status, attributes: Attributes::new(), extra: Attributes::new(), timestamps: Timestamps::NONE }
    }

    /// Sets the login.
    #[must_use]
    pub fn with_login(mut self, login: impl Into<String>) -> Self {
        self.login = Some(login.into());
        self
    }

    /// Sets one attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: impl AsRef<str>, value: impl Into<serde_json::Value>) -> Self {
        self.attributes.insert(name, value);
        self
    }

    /// The coarse state of the user.
    pub const fn lifecycle(&self) -> Lifecycle {
        self.status.lifecycle()
    }

    /// Whether `other` says the same of the user, timestamps apart.
    pub fn same_content(&self, other: &Self) -> bool {
        self.id == other.id
            && self.login == other.login
            && self.status == other.status
            && self.attributes == other.attributes
            && self.extra == other.extra
    }
}

/// When things happened to a user or a group, as far as the provider tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Timestamps {
    /// Creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// Last change of the profile or the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Timestamp>,
    /// Last change of the status (users).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_changed: Option<Timestamp>,
    /// Last sign-in (users).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_login: Option<Timestamp>,
    /// Last change of the members (groups).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_updated: Option<Timestamp>,
}

impl Timestamps {
    /// Nothing is known.
    pub const NONE: Self = Self { created: None, updated: None, status_changed: None, last_login: None, members_updated: None };
}
