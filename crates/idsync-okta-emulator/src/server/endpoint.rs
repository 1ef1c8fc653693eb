//! What the org answers to, and how requests find it.

use super::query::decode_segment;
use crate::rate::Bucket;
use hyper::Method;
use std::fmt;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// In a fault: whatever is asked. Requests themselves are never of this kind.
    Any,
    /// `GET /.well-known/okta-organization`.
    Discovery,
    /// `GET /api/v1/groups/{id}`.
    Group,
    /// `GET /api/v1/groups`.
    Groups,
    /// `POST /oauth2/v1/introspect`.
    Introspect,
    /// `GET /api/v1/groups/{id}/users`.
    Members,
    /// `GET /api/v1/org`.
    Org,
    /// Any other method or path.
    Other,
    /// `POST /oauth2/v1/token`.
    Token,
    /// `GET /api/v1/users/{id}`.
    User,
    /// `GET /api/v1/users/{id}/groups`.
    UserGroups,
    /// `GET /api/v1/users`.
    Users,
}

impl Endpoint {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Any,
        Self::Discovery,
        Self::Group,
        Self::Groups,
        Self::Introspect,
        Self::Members,
        Self::Org,
        Self::Other,
        Self::Token,
        Self::User,
        Self::UserGroups,
        Self::Users,
    ];

    /// The path, with `{id}` for an id.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Any | Self::Other => "*",
            Self::Discovery => "/.well-known/okta-organization",
            Self::Group => "/api/v1/groups/{id}",
            Self::Groups => "/api/v1/groups",
            Self::Introspect => "/oauth2/v1/introspect",
            Self::Members => "/api/v1/groups/{id}/users",
            Self::Org => "/api/v1/org",
            Self::Token => "/oauth2/v1/token",
            Self::User => "/api/v1/users/{id}",
            Self::UserGroups => "/api/v1/users/{id}/groups",
            Self::Users => "/api/v1/users",
        }
    }

    /// The name in the JSON of the control API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Discovery => "discovery",
            Self::Group => "group",
            Self::Groups => "groups",
            Self::Introspect => "introspect",
            Self::Members => "members",
            Self::Org => "org",
            Self::Other => "other",
            Self::Token => "token",
            Self::User => "user",
            Self::UserGroups => "user_groups",
            Self::Users => "users",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.as_str() == text)
    }

    /// The rate-limit bucket that counts the request (recorded); `None` where Okta does not count.
    pub(crate) fn bucket(self) -> Option<Bucket> {
        match self {
            Self::Any | Self::Discovery => None,
            Self::Group => Some(Bucket::Group),
            Self::Groups | Self::Members => Some(Bucket::Groups),
            Self::Introspect | Self::Token => Some(Bucket::Token),
            Self::Org | Self::Other => Some(Bucket::Other),
            Self::User => Some(Bucket::User),
            Self::UserGroups | Self::Users => Some(Bucket::Users),
        }
    }

    /// The page size without `limit`, and the largest (recorded).
    pub(crate) fn limits(self) -> Option<(usize, usize)> {
        match self {
            Self::Groups => Some((10_000, 10_000)),
            Self::Members => Some((1000, 1000)),
            Self::UserGroups | Self::Users => Some((200, 200)),
            _ => None,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The endpoint of a request, and the id in its path. A slash at the end is dropped, as Okta does (recorded).
pub(crate) fn find(method: &Method, path: &str) -> (Endpoint, Option<String>) {
    let path = path.strip_suffix('/').unwrap_or(path);
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let id = |text: &&str| Some(decode_segment(text));
    match (method.as_str(), parts.as_slice()) {
        ("GET", [".well-known", "okta-organization"]) => (Endpoint::Discovery, None),
        ("POST", ["oauth2", "v1", "token"]) => (Endpoint::Token, None),
        ("POST", ["oauth2", "v1", "introspect"]) => (Endpoint::Introspect, None),
        ("GET", ["api", "v1", "org"]) => (Endpoint::Org, None),
        ("GET", ["api", "v1", "users"]) => (Endpoint::Users, None),
        ("GET", ["api", "v1", "users", user]) => (Endpoint::User, id(user)),
        ("GET", ["api", "v1", "users", user, "groups"]) => (Endpoint::UserGroups, id(user)),
        ("GET", ["api", "v1", "groups"]) => (Endpoint::Groups, None),
        ("GET", ["api", "v1", "groups", group]) => (Endpoint::Group, id(group)),
        ("GET", ["api", "v1", "groups", group, "users"]) => (Endpoint::Members, id(group)),
        _ => (Endpoint::Other, None),
    }
}
