//! The apps of the org.

use super::role::Role;
use super::span::{Progress, Span};
use crate::auth::{Dpop, PublicKey};
use crate::id::Id;
use crate::moment::Moment;
use serde_json::{Map, Value};

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

/// Whether an app is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AppStatus {
    /// `ACTIVE`.
    Active,
    /// `INACTIVE`: it gets no access tokens, and those that it had are void for good.
    Inactive,
}

/// Whether a key is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyStatus {
    /// `ACTIVE`.
    Active,
    /// `INACTIVE`: assertions signed with it are refused.
    Inactive,
}

impl AppStatus {
    /// The status as Okta spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
        }
    }
}

impl KeyStatus {
    /// The status as Okta spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Inactive].into_iter().find(|status| status.as_str() == text)
    }
}

/// An app of any kind.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) id: Id,
    /// The name in Okta's catalogue, such as `oidc_client`.
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) sign_on_mode: String,
    pub(crate) status: AppStatus,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
    /// Members that are only kept and shown: `accessibility`, `visibility`, and `settings` without those of the client.
    pub(crate) shown: Map<String, Value>,
    /// What makes it an OAuth client, if it is one.
    pub(crate) client: Option<Client>,
    pub(crate) roles: Vec<RoleAssignment>,
    /// How many requests it has made.
    pub(crate) requests: u64,
    /// Moves when the app is deactivated, which makes the tokens of before void for good.
    pub(crate) epoch: u32,
}

/// An OAuth client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// The id of the app, unless another one was asked for (recorded).
    pub(crate) id: String,
    pub(crate) auth_method: String,
    pub(crate) secret: Option<String>,
    pub(crate) is_service: bool,
    pub(crate) dpop: Dpop,
    pub(crate) keys: Vec<AppKey>,
    pub(crate) keys_uri: Option<String>,
    /// Members of `credentials.oauthClient` that are only kept and shown.
    pub(crate) credentials: Map<String, Value>,
    /// Members of `settings.oauthClient` that are only kept and shown.
    pub(crate) settings: Map<String, Value>,
}

/// A public key with which an app may sign its assertions.
#[derive(Debug, Clone)]
pub(crate) struct AppKey {
    pub(crate) id: Id,
    pub(crate) kid: Option<String>,
    pub(crate) key: PublicKey,
    /// The JWK as it was sent, without `kid` and `status`.
    pub(crate) members: Map<String, Value>,
    pub(crate) status: KeyStatus,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// A standard role that an app has. Custom roles are in the bindings of resource sets.
#[derive(Debug, Clone)]
pub(crate) struct RoleAssignment {
    pub(crate) id: String,
    pub(crate) role: Role,
    pub(crate) created: Moment,
    pub(crate) span: Span,
}

pub(crate) const PRIVATE_KEY_JWT: &str = "private_key_jwt";

impl App {
    pub(crate) fn client_id(&self) -> Option<&str> {
        self.client.as_ref().map(|client| client.id.as_str())
    }

    /// How far the app has come at this time.
    pub(crate) fn progress(&self, millis: i64) -> Progress {
        Progress { requests: self.requests, millis }
    }

    /// The roles that were given to it and not taken away.
    pub(crate) fn listed_roles(&self) -> impl Iterator<Item = &RoleAssignment> {
        self.roles.iter().filter(|assigned| assigned.span.is_listed())
    }

    pub(crate) fn set_status(&mut self, status: AppStatus) {
        if status == AppStatus::Inactive {
            self.epoch += 1;
        }
        self.status = status;
    }
}

impl AppKey {
    pub(crate) fn is_active(&self) -> bool {
        self.status == KeyStatus::Active
    }

    /// Whether the key is for encryption, and so not for assertions.
    pub(crate) fn is_for_encryption(&self) -> bool {
        self.members.get("use").and_then(Value::as_str) == Some("enc")
    }
}
