//! What has to be done, by what there is and what is wanted.

use super::spec::{AppSpec, KeySource, TokenBinding, WantedRole};
use super::state::{App, AppKey, CUSTOM, ClientRole, Grant, Named, READ_ONLY_ADMIN, RateLimit};
use crate::key::PublicJwk;
use std::fmt;

/// What a custom role may do.
pub(super) const PERMISSIONS: [&str; 2] = ["okta.users.read", "okta.groups.read"];
/// What is in a resource set.
pub(super) const RESOURCES: [&str; 2] = ["users", "groups"];

/// One thing that has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Create the app, with its key.
    CreateApp,
    /// Take a role away from the app: one that it should not have, or that is in the way of an update.
    UnassignRole {
        /// The id of the assignment.
        id: String,
        /// The type of the role.
        role: String,
    },
    /// Update the app's settings.
    UpdateApp {
        /// What differs, in a few words.
        what: &'static str,
    },
    /// Activate the app.
    ActivateApp,
    /// Add the key to the app.
    AddKey,
    /// Activate the key of the app.
    ActivateKey {
        /// Okta's id of the key.
        id: String,
    },
    /// Grant a scope.
    GrantScope {
        /// The scope.
        scope: String,
    },
    /// Revoke a scope that is not wanted.
    RevokeScope {
        /// The id of the grant.
        id: String,
        /// The scope.
        scope: String,
    },
    /// Create the custom role.
    CreateRole,
    /// Add a permission to the custom role.
    AddPermission {
        /// The permission.
        permission: &'static str,
    },
    /// Create the resource set.
    CreateResourceSet,
    /// Add users or groups to the resource set.
    AddResources,
    /// Assign the custom role to the app.
    AssignCustomRole,
    /// Assign the role Read-Only Administrator to the app.
    AssignReadOnlyAdmin,
    /// Set the app's share of the rate limits.
    SetRateShare {
        /// The share in percent.
        percent: u8,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateApp => f.write_str("create the service app with its key"),
            Self::UnassignRole { role, .. } => write!(f, "take the role {role} away from the app"),
            Self::UpdateApp { what } => write!(f, "update the app: {what}"),
            Self::ActivateApp => f.write_str("activate the app"),
            Self::AddKey => f.write_str("add the key to the app"),
            Self::ActivateKey { .. } => f.write_str("activate the key of the app"),
            Self::GrantScope { scope } => write!(f, "grant the scope {scope}"),
            Self::RevokeScope { scope, .. } => write!(f, "revoke the scope {scope}, which is not wanted"),
            Self::CreateRole => f.write_str("create a custom role that may read users and groups"),
            Self::AddPermission { permission } => write!(f, "add the permission {permission} to the custom role"),
            Self::CreateResourceSet => f.write_str("create a resource set with users and groups"),
            Self::AddResources => f.write_str("add users and groups to the resource set"),
            Self::AssignCustomRole => f.write_str("assign the custom role to the app"),
            Self::AssignReadOnlyAdmin => f.write_str("assign the role Read-Only Administrator to the app"),
            Self::SetRateShare { percent } => write!(f, "set the app's share of the rate limits to {percent} %"),
        }
    }
}

/// Everything that matters, as it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) app: Option<App>,
    /// Apps of ours with the same label, beside the first.
    pub(super) duplicates: Vec<String>,
    pub(super) grants: Vec<Grant>,
    pub(super) roles: Vec<ClientRole>,
    pub(super) custom_role: Option<Named>,
    pub(super) resource_set: Option<Named>,
    pub(super) rate_limit: Option<RateLimit>,
}

/// What was learnt on the way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Learnt {
    /// The org has no custom roles for apps.
    pub(super) no_custom_roles: bool,
    /// The app refuses updates as long as it has a role.
    pub(super) role_blocks_updates: bool,
}

impl Found {
    /// What is left to do, in order: the app is finished before it gets a role, for with one it may refuse updates.
    pub(super) fn steps(&self, spec: &AppSpec, learnt: Learnt) -> Vec<Step> {
        let mut steps = Vec::new();
        let custom = self.wants_custom(spec, learnt);
        match &self.app {
            None => steps.push(Step::CreateApp),
            Some(app) => self.app_steps(app, spec, custom, learnt, &mut steps),
        }
        let granted = |scope: &String| self.grants.iter().any(|grant| grant.scope == *scope);
        steps.extend(spec.scopes.iter().filter(|scope| !granted(scope)).map(|scope| Step::GrantScope { scope: scope.clone() }));
        let unwanted = self.grants.iter().filter(|grant| !spec.scopes.contains(&grant.scope));
        steps.extend(unwanted.map(|grant| Step::RevokeScope { id: grant.id.clone(), scope: grant.scope.clone() }));
        if custom {
            self.custom_role_steps(&mut steps);
        }
        let blocked = steps.iter().any(|step| matches!(step, Step::UnassignRole { .. } if learnt.role_blocks_updates));
        if blocked || !self.roles.iter().any(|role| self.is_wanted(role, custom)) {
            steps.push(if custom { Step::AssignCustomRole } else { Step::AssignReadOnlyAdmin });
        }
        if let Some(share) = spec.rate_share
            && self.rate_limit.as_ref().and_then(|limit| limit.percent) != Some(share.in_percent().into())
        {
            steps.push(Step::SetRateShare { percent: share.in_percent() });
        }
        steps
    }

    fn app_steps(&self, app: &App, spec: &AppSpec, custom: bool, learnt: Learnt, steps: &mut Vec<Step>) {
        let differs = difference(app, spec);
        let in_the_way = learnt.role_blocks_updates && differs.is_some();
        let unwanted = self.roles.iter().filter(|role| in_the_way || !self.is_wanted(role, custom));
        steps.extend(unwanted.map(|role| Step::UnassignRole { id: role.id.clone(), role: role.kind.clone() }));
        if !app.is_active {
            steps.push(Step::ActivateApp);
        }
        if let Some(what) = differs {
            steps.push(Step::UpdateApp { what });
        }
        let Some(jwk) = spec.public_jwk() else { return };
        match app.keys.iter().find(|key| is_key(key, &jwk)) {
            None => steps.push(Step::AddKey),
            Some(key) if !key.is_active => steps.push(Step::ActivateKey { id: key.id.clone() }),
            Some(_) => {}
        }
    }

    /// The keys under which the app can sign in beside the one that is wanted.
    pub(super) fn other_keys(&self, spec: &AppSpec) -> Vec<String> {
        let Some(jwk) = spec.public_jwk() else { return Vec::new() };
        let others = self.app.iter().flat_map(|app| &app.keys).filter(|key| key.is_active && !is_key(key, &jwk));
        others.map(|key| key.kid.clone()).collect()
    }

    fn custom_role_steps(&self, steps: &mut Vec<Step>) {
        match &self.custom_role {
            None => steps.push(Step::CreateRole),
            Some(role) => {
                let missing = PERMISSIONS.into_iter().filter(|permission| !role.has.iter().any(|has| has == permission));
                steps.extend(missing.map(|permission| Step::AddPermission { permission }));
            }
        }
        match &self.resource_set {
            None => steps.push(Step::CreateResourceSet),
            Some(set) if RESOURCES.iter().any(|wanted| !set.has.iter().any(|has| has == wanted)) => steps.push(Step::AddResources),
            Some(_) => {}
        }
    }

    /// Whether the app is to have a custom role. One that got the standard role because there was no other keeps it.
    pub(super) fn wants_custom(&self, spec: &AppSpec, learnt: Learnt) -> bool {
        match spec.role {
            WantedRole::Custom => true,
            WantedRole::LeastPrivilege => {
                let has_standard = self.roles.iter().any(|role| role.kind == READ_ONLY_ADMIN);
                let has_custom = self.custom_role.is_some() || self.roles.iter().any(|role| role.kind == CUSTOM);
                !learnt.no_custom_roles && (has_custom || !has_standard)
            }
            WantedRole::ReadOnlyAdmin => false,
        }
    }

    pub(super) fn is_wanted(&self, role: &ClientRole, custom: bool) -> bool {
        if !custom {
            return role.kind == READ_ONLY_ADMIN;
        }
        // An answer may leave out which role it is; then the type has to do.
        let same = |named: &Option<Named>, id: &Option<String>| id.is_none() || named.as_ref().map(|named| &named.id) == id.as_ref();
        role.kind == CUSTOM && same(&self.custom_role, &role.role) && same(&self.resource_set, &role.resource_set)
    }
}

impl AppSpec {
    /// The key that is to be registered; `None` when Okta finds the keys by itself.
    pub(super) fn public_jwk(&self) -> Option<PublicJwk> {
        match &self.key {
            KeySource::Private(key) => key.public_jwk(),
            KeySource::Public(jwk) => Some(jwk.clone()),
            KeySource::JwksUri(_) => None,
        }
    }
}

/// Whether it is the same key, under the same id.
pub(super) fn is_key(key: &AppKey, jwk: &PublicJwk) -> bool {
    key.kid == jwk.kid && key.material == [jwk.n.clone(), jwk.e.clone(), jwk.x.clone(), jwk.y.clone()]
}

/// What of an app's settings is not as it is wanted.
fn difference(app: &App, spec: &AppSpec) -> Option<&'static str> {
    let oauth = app.oauth();
    let wants_dpop = spec.binding == TokenBinding::Dpop;
    if oauth["dpop_bound_access_tokens"].as_bool().unwrap_or_default() != wants_dpop {
        return Some(if wants_dpop { "bind its tokens to a key" } else { "do not bind its tokens to a key" });
    }
    if app.whole["credentials"]["oauthClient"]["token_endpoint_auth_method"] != "private_key_jwt" {
        return Some("sign in with a private key");
    }
    if !oauth["grant_types"].as_array().is_some_and(|types| types.iter().any(|kind| kind == "client_credentials")) {
        return Some("sign in as itself");
    }
    match &spec.key {
        KeySource::JwksUri(url) if oauth["jwks_uri"] != url.as_str() => Some("find its keys under another address"),
        _ => None,
    }
}
