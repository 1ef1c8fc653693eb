//! The requests that this crate makes.

use super::RetryPolicy;
use crate::rate::Bucket;

/// A kind of request: what it is for, its path as a template, and the rate-limit bucket it counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Discovery,
    Group,
    Groups,
    Members,
    Token,
    User,
    Users,
}

impl Route {
    pub(crate) const fn operation(self) -> &'static str {
        match self {
            Self::Discovery => "identify the org",
            Self::Group => "look up a group",
            Self::Groups => "list groups",
            Self::Members => "list the members of a group",
            Self::Token => "fetch an access token",
            Self::User => "look up a user",
            Self::Users => "list users",
        }
    }

    pub(crate) const fn template(self) -> &'static str {
        match self {
            Self::Discovery => "/.well-known/okta-organization",
            Self::Group => "/api/v1/groups/{id}",
            Self::Groups => "/api/v1/groups",
            Self::Members => "/api/v1/groups/{id}/users",
            Self::Token => "/oauth2/v1/token",
            Self::User => "/api/v1/users/{id}",
            Self::Users => "/api/v1/users",
        }
    }

    pub(crate) const fn method(self) -> &'static str {
        match self {
            Self::Token => "POST",
            _ => "GET",
        }
    }

    pub(crate) const fn bucket(self) -> Bucket {
        match self {
            Self::Discovery => Bucket::Other,
            Self::Group => Bucket::Group,
            Self::Groups | Self::Members => Bucket::Groups,
            Self::Token => Bucket::Token,
            Self::User => Bucket::User,
            Self::Users => Bucket::Users,
        }
    }

    /// How often this is sent: the first contact with a host gives up early, for the usual cause of failure is a mistyped name.
    pub(crate) fn retry(self, policy: RetryPolicy) -> RetryPolicy {
        let most = if self == Self::Discovery { 4 } else { u32::MAX };
        RetryPolicy { max_attempts: policy.max_attempts.min(most), ..policy }
    }

    /// Whether a smaller page can help a server that is overburdened.
    pub(crate) const fn is_listing(self) -> bool {
        matches!(self, Self::Groups | Self::Members | Self::Users)
    }
}
