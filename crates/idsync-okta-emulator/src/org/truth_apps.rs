//! What the apps and the API tokens of the org are, to compare with.

use super::app::{App, AppStatus, KeyStatus};
use super::managed::Managed;
use super::{Org, Role};
use crate::auth::Dpop;

/// An app.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TruthApp {
    /// Its id.
    pub id: String,
    /// The id with which it asks for access tokens; `None` for an app that is no OAuth client.
    pub client_id: Option<String>,
    /// Its name in Okta's catalogue, such as `oidc_client`.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// Whether it is in use.
    pub status: AppStatus,
    /// Whether its access tokens must be bound to a key.
    pub dpop: Dpop,
    /// Its keys, in the order in which they were added.
    pub keys: Vec<TruthKey>,
    /// The scopes that it was granted, in the order in which it was.
    pub grants: Vec<TruthGrant>,
    /// Its roles, in the order in which they were given, custom ones last.
    pub roles: Vec<TruthRole>,
}

/// A key of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TruthKey {
    /// The id that Okta gave it.
    pub id: String,
    /// The id that whoever made it gave it.
    pub kid: Option<String>,
    /// Whether it is in use.
    pub status: KeyStatus,
}

/// A scope that an app was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TruthGrant {
    /// The id of the grant.
    pub id: String,
    /// The scope, such as `okta.users.read`.
    pub scope: String,
}

/// A role that an app has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TruthRole {
    /// A custom role over a resource set.
    Custom {
        /// The id of the assignment.
        id: String,
        /// The id of the role.
        role: String,
        /// The id of the resource set.
        resource_set: String,
    },
    /// A standard role.
    Standard {
        /// The id of the assignment, which may be the same for all who have the role.
        id: String,
        /// The role.
        role: Role,
    },
}

/// A custom role.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TruthCustomRole {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// Its permissions, such as `okta.users.read`.
    pub permissions: Vec<String>,
}

/// A resource set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TruthResourceSet {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub label: String,
    /// The paths of what is in it, such as `/api/v1/users`.
    pub resources: Vec<String>,
}

/// An API token of an admin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TruthApiToken {
    /// Its id, which is no secret.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The role of the admin whose token it is.
    pub role: Role,
    /// Whether it was revoked.
    pub is_revoked: bool,
}

impl Org {
    /// The apps, in the order of their ids; those that Okta makes itself come first.
    #[must_use]
    pub fn apps(&self) -> Vec<TruthApp> {
        let access = self.shared.access();
        access.managed.apps.iter().flatten().map(|app| truth(&access.managed, app)).collect()
    }

    /// The app with this id, or this client id.
    #[must_use]
    pub fn app(&self, id: &str) -> Option<TruthApp> {
        let access = self.shared.access();
        let managed = &access.managed;
        let place = managed.place(id).or_else(|| managed.place_of_client(id))?;
        managed.app(place).map(|app| truth(managed, app))
    }

    /// The custom roles.
    #[must_use]
    pub fn custom_roles(&self) -> Vec<TruthCustomRole> {
        let access = self.shared.access();
        let roles = access.managed.iam.roles.iter().map(|role| TruthCustomRole {
            id: role.id.to_string(),
            label: role.label.clone(),
            permissions: role.permissions.iter().map(|permission| permission.label.clone()).collect(),
        });
        roles.collect()
    }

    /// The resource sets.
    #[must_use]
    pub fn resource_sets(&self) -> Vec<TruthResourceSet> {
        let access = self.shared.access();
        let sets = access.managed.iam.sets.iter().map(|set| TruthResourceSet {
            id: set.id.to_string(),
            label: set.label.clone(),
            resources: set.resources.iter().map(|entry| entry.resource.path()).collect(),
        });
        sets.collect()
    }

    /// The API tokens, those that were revoked among them.
    #[must_use]
    pub fn api_tokens(&self) -> Vec<TruthApiToken> {
        let access = self.shared.access();
        let tokens = access.managed.api_tokens.iter().map(|token| TruthApiToken {
            id: token.id.to_string(),
            name: token.name.clone(),
            role: token.role,
            is_revoked: token.is_revoked,
        });
        tokens.collect()
    }
}

fn truth(managed: &Managed, app: &App) -> TruthApp {
    let client_id = app.client_id().unwrap_or_default();
    let keys = app.client.iter().flat_map(|client| &client.keys);
    let custom = managed.iam.listed_of(client_id).map(|binding| TruthRole::Custom {
        id: binding.id.to_string(),
        role: binding.role.to_string(),
        resource_set: binding.set.to_string(),
    });
    let standard = app.listed_roles().map(|assigned| TruthRole::Standard { id: assigned.id.clone(), role: assigned.role });
    TruthApp {
        id: app.id.to_string(),
        client_id: app.client_id().map(str::to_owned),
        name: app.name.clone(),
        label: app.label.clone(),
        status: app.status,
        dpop: app.client.as_ref().map_or(Dpop::NotRequired, |client| client.dpop),
        keys: keys.map(|key| TruthKey { id: key.id.to_string(), kid: key.kid.clone(), status: key.status }).collect(),
        grants: managed.listed_grants(client_id).map(|grant| TruthGrant { id: grant.id.to_string(), scope: grant.scope.clone() }).collect(),
        roles: standard.chain(custom).collect(),
    }
}
