//! The counters that Okta keeps per group of endpoints.

/// A group of endpoints that share one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Bucket {
    /// One app by id.
    App,
    /// Everything else about apps, which is the smallest of all.
    Apps,
    /// The clients of the authorization server, and their roles.
    Clients,
    /// One group by id.
    Group,
    /// The list of groups, and all lists of members.
    Groups,
    /// Custom roles and resource sets.
    Iam,
    /// Everything else.
    Other,
    /// The token endpoint.
    Token,
    /// One user by id.
    User,
    /// The list of users.
    Users,
}

impl Bucket {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Apps => "apps",
            Self::Clients => "clients",
            Self::Group => "group",
            Self::Groups => "groups",
            Self::Iam => "iam",
            Self::Other => "other",
            Self::Token => "token",
            Self::User => "user",
            Self::Users => "users",
        }
    }
}
