//! What the org answers to, and how requests find it.

use super::method::Method;
use super::query::decode_segment;
use crate::rate::Bucket;
use std::fmt;

/// A kind of request: a path, with all methods that it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// In a fault: whatever is asked. Requests themselves are never of this kind.
    Any,
    /// `GET /api/v1/api-tokens/{id}`, `DELETE`.
    ApiToken,
    /// `GET /api/v1/api-tokens`.
    ApiTokens,
    /// `GET /api/v1/apps/{id}`, `PUT`, `DELETE`.
    App,
    /// `POST /api/v1/apps/{id}/lifecycle/activate`.
    AppActivation,
    /// `POST /api/v1/apps/{id}/lifecycle/deactivate`.
    AppDeactivation,
    /// `GET /api/v1/apps`, `POST`.
    Apps,
    /// `GET /api/v1/iam/resource-sets/{id}/bindings/{id}`, `DELETE`.
    Binding,
    /// `GET /api/v1/iam/resource-sets/{id}/bindings/{id}/members/{id}`, `DELETE`.
    BindingMember,
    /// `GET /api/v1/iam/resource-sets/{id}/bindings/{id}/members`, `PATCH`.
    BindingMembers,
    /// `GET /api/v1/iam/resource-sets/{id}/bindings`, `POST`.
    Bindings,
    /// `GET /oauth2/v1/clients/{id}`.
    Client,
    /// `GET /api/v1/org/settings/clientPrivilegesSetting`, `PUT`.
    ClientPrivileges,
    /// `GET /oauth2/v1/clients/{id}/roles/{id}`, `DELETE`.
    ClientRole,
    /// `GET /oauth2/v1/clients/{id}/roles`, `POST`.
    ClientRoles,
    /// `DELETE /api/v1/api-tokens/current`.
    CurrentApiToken,
    /// `GET /.well-known/okta-organization`.
    Discovery,
    /// `GET /api/v1/apps/{id}/grants/{id}`, `DELETE`.
    Grant,
    /// `GET /api/v1/apps/{id}/grants`, `POST`.
    Grants,
    /// `GET /api/v1/groups/{id}`.
    Group,
    /// `GET /api/v1/groups`.
    Groups,
    /// `POST /oauth2/v1/introspect`.
    Introspect,
    /// `GET /api/v1/apps/{id}/credentials/jwks/{id}`, `DELETE`.
    Key,
    /// `POST /api/v1/apps/{id}/credentials/jwks/{id}/lifecycle/activate`.
    KeyActivation,
    /// `POST /api/v1/apps/{id}/credentials/jwks/{id}/lifecycle/deactivate`.
    KeyDeactivation,
    /// `GET /api/v1/apps/{id}/credentials/jwks`, `POST`.
    Keys,
    /// `GET /api/v1/users/me`.
    Me,
    /// `GET /api/v1/groups/{id}/users`.
    Members,
    /// `GET /api/v1/org`.
    Org,
    /// Any other method or path.
    Other,
    /// `GET /api/v1/iam/roles/{id}/permissions/{id}`, `POST`, `DELETE`.
    Permission,
    /// `GET /api/v1/iam/roles/{id}/permissions`.
    Permissions,
    /// `GET /api/v1/principal-rate-limits/{id}`, `PUT`.
    PrincipalRateLimit,
    /// `GET /api/v1/principal-rate-limits`, `POST`.
    PrincipalRateLimits,
    /// `GET /api/v1/iam/resource-sets/{id}/resources/{id}`, `DELETE`.
    Resource,
    /// `GET /api/v1/iam/resource-sets/{id}`, `PUT`, `DELETE`.
    ResourceSet,
    /// `GET /api/v1/iam/resource-sets`, `POST`.
    ResourceSets,
    /// `GET /api/v1/iam/resource-sets/{id}/resources`, `PATCH`.
    Resources,
    /// `GET /api/v1/iam/roles/{id}`, `PUT`, `DELETE`.
    Role,
    /// `GET /api/v1/iam/roles`, `POST`.
    Roles,
    /// `POST /oauth2/v1/token`.
    Token,
    /// `GET /api/v1/users/{id}`.
    User,
    /// `GET /api/v1/users/{id}/groups`.
    UserGroups,
    /// `GET /api/v1/users/{id}/roles`.
    UserRoles,
    /// `GET /api/v1/users`.
    Users,
}

/// What is known of an endpoint.
struct Row {
    endpoint: Endpoint,
    /// The name in the JSON of the control API.
    name: &'static str,
    path: &'static str,
    methods: &'static [Method],
    /// The rate-limit bucket that counts the request (recorded); `None` where Okta does not count.
    bucket: Option<Bucket>,
}

const fn row(endpoint: Endpoint, name: &'static str, path: &'static str, methods: &'static [Method], bucket: Option<Bucket>) -> Row {
    Row { endpoint, name, path, methods, bucket }
}

/// Every endpoint. A path with a word in a place comes before one with an id there, and what is asked most comes first.
const ROWS: [Row; 45] = {
    use Method::{Delete, Get, Patch, Post, Put};
    [
        row(Endpoint::Any, "any", "*", &[], None),
        row(Endpoint::Discovery, "discovery", "/.well-known/okta-organization", &[Get], None),
        row(Endpoint::Token, "token", "/oauth2/v1/token", &[Post], Some(Bucket::Token)),
        row(Endpoint::Introspect, "introspect", "/oauth2/v1/introspect", &[Post], Some(Bucket::Token)),
        row(Endpoint::Members, "members", "/api/v1/groups/{id}/users", &[Get], Some(Bucket::Groups)),
        row(Endpoint::Groups, "groups", "/api/v1/groups", &[Get], Some(Bucket::Groups)),
        row(Endpoint::Group, "group", "/api/v1/groups/{id}", &[Get], Some(Bucket::Group)),
        row(Endpoint::Users, "users", "/api/v1/users", &[Get], Some(Bucket::Users)),
        row(Endpoint::Me, "me", "/api/v1/users/me", &[Get], Some(Bucket::User)),
        row(Endpoint::User, "user", "/api/v1/users/{id}", &[Get], Some(Bucket::User)),
        row(Endpoint::UserGroups, "user_groups", "/api/v1/users/{id}/groups", &[Get], Some(Bucket::Users)),
        row(Endpoint::UserRoles, "user_roles", "/api/v1/users/{id}/roles", &[Get], Some(Bucket::Users)),
        row(Endpoint::Org, "org", "/api/v1/org", &[Get], Some(Bucket::Other)),
        row(
            Endpoint::ClientPrivileges,
            "client_privileges",
            "/api/v1/org/settings/clientPrivilegesSetting",
            &[Get, Put],
            Some(Bucket::Other),
        ),
        row(Endpoint::Apps, "apps", "/api/v1/apps", &[Get, Post], Some(Bucket::Apps)),
        row(Endpoint::App, "app", "/api/v1/apps/{id}", &[Get, Put, Delete], Some(Bucket::App)),
        row(Endpoint::AppActivation, "app_activation", "/api/v1/apps/{id}/lifecycle/activate", &[Post], Some(Bucket::Apps)),
        row(Endpoint::AppDeactivation, "app_deactivation", "/api/v1/apps/{id}/lifecycle/deactivate", &[Post], Some(Bucket::Apps)),
        row(Endpoint::Keys, "keys", "/api/v1/apps/{id}/credentials/jwks", &[Get, Post], Some(Bucket::Apps)),
        row(Endpoint::Key, "key", "/api/v1/apps/{id}/credentials/jwks/{id}", &[Get, Delete], Some(Bucket::Apps)),
        row(
            Endpoint::KeyActivation,
            "key_activation",
            "/api/v1/apps/{id}/credentials/jwks/{id}/lifecycle/activate",
            &[Post],
            Some(Bucket::Apps),
        ),
        row(
            Endpoint::KeyDeactivation,
            "key_deactivation",
            "/api/v1/apps/{id}/credentials/jwks/{id}/lifecycle/deactivate",
            &[Post],
            Some(Bucket::Apps),
        ),
        row(Endpoint::Grants, "grants", "/api/v1/apps/{id}/grants", &[Get, Post], Some(Bucket::Apps)),
        row(Endpoint::Grant, "grant", "/api/v1/apps/{id}/grants/{id}", &[Get, Delete], Some(Bucket::Apps)),
        row(Endpoint::Client, "client", "/oauth2/v1/clients/{id}", &[Get], Some(Bucket::Clients)),
        row(Endpoint::ClientRoles, "client_roles", "/oauth2/v1/clients/{id}/roles", &[Get, Post], Some(Bucket::Clients)),
        row(Endpoint::ClientRole, "client_role", "/oauth2/v1/clients/{id}/roles/{id}", &[Get, Delete], Some(Bucket::Clients)),
        row(Endpoint::Roles, "roles", "/api/v1/iam/roles", &[Get, Post], Some(Bucket::Iam)),
        row(Endpoint::Role, "role", "/api/v1/iam/roles/{id}", &[Get, Put, Delete], Some(Bucket::Iam)),
        row(Endpoint::Permissions, "permissions", "/api/v1/iam/roles/{id}/permissions", &[Get], Some(Bucket::Iam)),
        row(Endpoint::Permission, "permission", "/api/v1/iam/roles/{id}/permissions/{id}", &[Get, Post, Delete], Some(Bucket::Iam)),
        row(Endpoint::ResourceSets, "resource_sets", "/api/v1/iam/resource-sets", &[Get, Post], Some(Bucket::Iam)),
        row(Endpoint::ResourceSet, "resource_set", "/api/v1/iam/resource-sets/{id}", &[Get, Put, Delete], Some(Bucket::Iam)),
        row(Endpoint::Resources, "resources", "/api/v1/iam/resource-sets/{id}/resources", &[Get, Patch], Some(Bucket::Iam)),
        row(Endpoint::Resource, "resource", "/api/v1/iam/resource-sets/{id}/resources/{id}", &[Get, Delete], Some(Bucket::Iam)),
        row(Endpoint::Bindings, "bindings", "/api/v1/iam/resource-sets/{id}/bindings", &[Get, Post], Some(Bucket::Iam)),
        row(Endpoint::Binding, "binding", "/api/v1/iam/resource-sets/{id}/bindings/{id}", &[Get, Delete], Some(Bucket::Iam)),
        row(
            Endpoint::BindingMembers,
            "binding_members",
            "/api/v1/iam/resource-sets/{id}/bindings/{id}/members",
            &[Get, Patch],
            Some(Bucket::Iam),
        ),
        row(
            Endpoint::BindingMember,
            "binding_member",
            "/api/v1/iam/resource-sets/{id}/bindings/{id}/members/{id}",
            &[Get, Delete],
            Some(Bucket::Iam),
        ),
        row(Endpoint::ApiTokens, "api_tokens", "/api/v1/api-tokens", &[Get], Some(Bucket::Other)),
        row(Endpoint::CurrentApiToken, "current_api_token", "/api/v1/api-tokens/current", &[Delete], Some(Bucket::Other)),
        row(Endpoint::ApiToken, "api_token", "/api/v1/api-tokens/{id}", &[Get, Delete], Some(Bucket::Other)),
        row(Endpoint::PrincipalRateLimits, "principal_rate_limits", "/api/v1/principal-rate-limits", &[Get, Post], Some(Bucket::Other)),
        row(Endpoint::PrincipalRateLimit, "principal_rate_limit", "/api/v1/principal-rate-limits/{id}", &[Get, Put], Some(Bucket::Other)),
        row(Endpoint::Other, "other", "*", &[], Some(Bucket::Other)),
    ]
};

impl Endpoint {
    /// Every kind.
    pub const ALL: [Self; ROWS.len()] = {
        let mut all = [Self::Any; ROWS.len()];
        let mut at = 0;
        while at < ROWS.len() {
            all[at] = ROWS[at].endpoint;
            at += 1;
        }
        all
    };

    /// The path, with `{id}` for an id.
    #[must_use]
    pub fn path(self) -> &'static str {
        self.row().map_or("*", |row| row.path)
    }

    /// The name in the JSON of the control API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().map_or("other", |row| row.name)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.name == text).map(|row| row.endpoint)
    }

    /// The rate-limit bucket that counts the request; `None` where Okta does not count.
    pub(crate) fn bucket(self) -> Option<Bucket> {
        self.row()?.bucket
    }

    /// The page size without `limit`, and the largest (recorded).
    pub(crate) fn limits(self) -> Option<(usize, usize)> {
        match self {
            Self::Apps => Some((20, 200)),
            Self::Groups => Some((10_000, 10_000)),
            Self::Members => Some((1000, 1000)),
            Self::UserGroups | Self::Users => Some((200, 200)),
            _ => None,
        }
    }

    /// Whether this is the OAuth part of the org, in which `POST` changes nothing.
    pub(crate) fn is_oauth(self) -> bool {
        matches!(self, Self::Introspect | Self::Token)
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.endpoint == self)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The endpoint of a request, and the ids in its path. A slash at the end is dropped, as Okta does (recorded).
pub(crate) fn find(method: Method, path: &str) -> (Endpoint, Vec<String>) {
    let path = path.strip_suffix('/').unwrap_or(path);
    let found = ROWS.iter().filter(|row| row.methods.contains(&method)).find_map(|row| Some((row.endpoint, ids(path, row.path)?)));
    found.unwrap_or((Endpoint::Other, Vec::new()))
}

/// The ids in a path that has this form.
fn ids(path: &str, form: &str) -> Option<Vec<String>> {
    let mut ids = Vec::new();
    let mut parts = path.split('/');
    for wanted in form.split('/') {
        match parts.next()? {
            "" if wanted == "{id}" => return None,
            part if wanted == "{id}" => ids.push(decode_segment(part)),
            part if part == wanted => {}
            _ => return None,
        }
    }
    parts.next().is_none().then_some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_find_their_endpoint_and_the_ids_in_their_path() {
        let find = |method, path| {
            let (endpoint, ids) = find(method, path);
            (endpoint, ids.join(" "))
        };
        assert_eq!(find(Method::Get, "/api/v1/users/me"), (Endpoint::Me, String::new()));
        assert_eq!(find(Method::Get, "/api/v1/users/me/roles/"), (Endpoint::UserRoles, "me".to_owned()));
        assert_eq!(find(Method::Delete, "/api/v1/api-tokens/current"), (Endpoint::CurrentApiToken, String::new()));
        assert_eq!(find(Method::Get, "/api/v1/api-tokens/current"), (Endpoint::ApiToken, "current".to_owned()));
        assert_eq!(find(Method::Delete, "/api/v1/apps/a%2Fb/grants/c"), (Endpoint::Grant, "a/b c".to_owned()));
        assert_eq!(find(Method::Put, "/api/v1/users"), (Endpoint::Other, String::new()));
        assert_eq!(find(Method::Get, "/api/v1/apps//grants"), (Endpoint::Other, String::new()));
        assert_eq!(find(Method::Get, "/api/v1/users/1/2/3"), (Endpoint::Other, String::new()));
    }

    #[test]
    fn every_endpoint_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<&str> = Endpoint::ALL.iter().map(|endpoint| endpoint.as_str()).collect();
        assert_eq!(names.len(), Endpoint::ALL.len());
        for endpoint in Endpoint::ALL {
            assert_eq!(Endpoint::parse(endpoint.as_str()), Some(endpoint));
        }
    }
}
