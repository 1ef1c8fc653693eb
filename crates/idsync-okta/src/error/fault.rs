//! The details of an error: what exactly was wrong.

use idsync_core::ErrorKind;
use std::fmt;

/// Okta's own identifiers of a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorDetail {
    /// The error code, such as `E0000006` or `invalid_client`.
    pub code: Option<String>,
    /// The id under which Okta logged the error.
    pub error_id: Option<String>,
    /// The id of the request.
    pub request_id: Option<String>,
}

impl fmt::Display for ErrorDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("", &self.code), ("error id ", &self.error_id), ("request id ", &self.request_id)];
        let mut separator = " (";
        for (name, value) in parts {
            if let Some(value) = value {
                write!(f, "{separator}{name}{value}")?;
                separator = ", ";
            }
        }
        f.write_str(if separator == ", " { ")" } else { "" })
    }
}

/// Why a credential was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthFault {
    /// The address that requests come from is outside the network zones of the app.
    Address,
    /// The credential was made for another address of the org than the one that makes its tokens.
    Audience,
    /// The app has the wrong type or authentication method.
    AppType,
    /// There is no such active app in this org.
    Client,
    /// The clocks of this machine and the org differ.
    Clock,
    /// The key is not one of the app's keys.
    Key,
    /// A proof of possession was refused.
    Proof,
    /// The access token or API token was refused.
    Token,
    /// Some other reason.
    Other,
}

impl AuthFault {
    pub(super) const fn remedy(self) -> &'static str {
        match self {
            Self::Address => "add this machine's address to the network zones of the app, or lift the restriction",
            Self::Audience => "use the org's Okta address, such as https://acme.okta.com, instead of a custom domain",
            Self::AppType => "use an API Services app with public key / private key authentication",
            Self::Client => "check the client id, and that the app is active in this org",
            Self::Clock => "set the clock of this machine, for example with NTP",
            Self::Key => "register the public key with the app, or give the private key (and key id) that is registered",
            Self::Proof => "turn off proof of possession for the app, or report this with the request id",
            Self::Token => "make a new API token, or check that the app is active",
            Self::Other => "check the app's settings in the Admin Console",
        }
    }
}

impl fmt::Display for AuthFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "this machine's address may not use the credential",
            Self::Audience => "the org does not make its tokens at this address",
            Self::AppType => "the app is not a service app with private key authentication",
            Self::Client => "the org knows no active app with this client id",
            Self::Clock => "the org takes the credential for expired or not yet valid, so the clocks differ",
            Self::Key => "the key is not a key of the app",
            Self::Proof => "the proof of possession was refused",
            Self::Token => "the token was refused",
            Self::Other => "the credential was refused",
        })
    }
}

/// What is wrong with a link to the next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkFault {
    /// It leads to a host that is not the org's.
    Host,
    /// It is not a link of the listing interface.
    Path,
    /// It leads to another port.
    Port,
    /// It uses another scheme.
    Scheme,
    /// It is longer than 8 KiB.
    TooLong,
    /// Its header cannot be read to its end, or it is not a URL.
    Unreadable,
    /// It carries a user name or password.
    UserInfo,
}

impl fmt::Display for LinkFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "it leads to a host that is not the org's",
            Self::Path => "it leads outside /api/v1/",
            Self::Port => "it leads to another port",
            Self::Scheme => "it uses another scheme",
            Self::TooLong => "it is longer than 8 KiB",
            Self::Unreadable => "it cannot be read",
            Self::UserInfo => "it carries a user name",
        })
    }
}

/// Why a listing does not come to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListingFault {
    /// Its cursor was refused, and starting over did not help.
    CursorRefused,
    /// Too many pages without entries came in a row.
    EmptyPages,
    /// A link led to a page that was read before.
    Loop,
}

impl fmt::Display for ListingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CursorRefused => "Okta keeps refusing its own cursor",
            Self::EmptyPages => "too many pages in a row are empty",
            Self::Loop => "a link leads back to a page that was read before",
        })
    }
}

/// Why an app could not be set up, rotated or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetupFault {
    /// This machine's address is outside the network zones of the setup token.
    Address,
    /// The app of a connection is not in the org any more.
    AppGone {
        /// Its id.
        app_id: String,
    },
    /// The org has as many apps as it may have.
    AppQuota,
    /// The org does not offer this.
    FeatureMissing,
    /// An app with this label is there, and was not made here.
    ForeignApp {
        /// Its id.
        app_id: String,
    },
    /// A custom role or a resource set has the label that the app's own would have, and was not made here.
    ForeignRole {
        /// Its id.
        id: String,
    },
    /// An app of another kind has this label, and the org lets no two apps have the same.
    LabelTaken,
    /// What was made here does not say so any more, for somebody wrote over its notes or its description.
    MarkerGone {
        /// The id of the app, the custom role or the resource set.
        id: String,
    },
    /// The owner of the setup token may not do this.
    NotAllowed,
    /// Okta answered that it was done, and it was not.
    NotDone,
    /// The owner of the setup token is no super administrator.
    NotSuperAdmin,
    /// The connection is to another org than the one that is asked.
    OtherOrg {
        /// The id of the org that the connection is to.
        org_id: String,
    },
    /// Okta does not grant this scope.
    ScopeRefused {
        /// The scope.
        scope: String,
    },
    /// The setup token still works after it was revoked.
    TokenAlive,
    /// The setup token is not valid, or not any more.
    TokenRefused,
}

impl SetupFault {
    /// One of each, for tables and tests.
    pub fn all() -> Vec<Self> {
        vec![
            Self::Address,
            Self::AppGone { app_id: "0oa1".to_owned() },
            Self::AppQuota,
            Self::FeatureMissing,
            Self::ForeignApp { app_id: "0oa1".to_owned() },
            Self::ForeignRole { id: "cr01".to_owned() },
            Self::LabelTaken,
            Self::MarkerGone { id: "0oa1".to_owned() },
            Self::NotAllowed,
            Self::NotDone,
            Self::NotSuperAdmin,
            Self::OtherOrg { org_id: "00o1".to_owned() },
            Self::ScopeRefused { scope: "okta.users.read".to_owned() },
            Self::TokenAlive,
            Self::TokenRefused,
        ]
    }

    /// What to do next, in the imperative.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Address => "run this from an address that the network zone of the token allows, or make a token without a zone",
            Self::AppGone { .. } => "check that the connection is the current one of this org, or connect the org again",
            Self::AppQuota => "delete an app that nobody uses in the Admin Console, or ask Okta for more, and run this again",
            Self::FeatureMissing => "use the role READ_ONLY_ADMIN, or ask Okta for custom admin roles",
            Self::ForeignApp { .. } => "choose another label, or rename or delete that app in the Admin Console",
            Self::ForeignRole { .. } => "choose another label for the app, or rename that role or resource set in the Admin Console",
            Self::LabelTaken => "choose another label, or rename the other app in the Admin Console",
            Self::MarkerGone { .. } => {
                "if it is what idsync made, delete it in the Admin Console, or write \"Made by idsync\" into the notes for administrators of \
                 the app, or the description of the role or resource set, and run this again"
            }
            Self::NotAllowed | Self::NotSuperAdmin => {
                "ask a super administrator of the org for an API token (Admin Console: Security > API > Tokens), and use that one"
            }
            Self::NotDone => "run this again; it goes on where it stopped",
            Self::OtherOrg { .. } => "give the address of the org that the connection is to, and a setup token of that org",
            Self::ScopeRefused { .. } => "leave the scope out, or check in the Admin Console that the org has the feature it belongs to",
            Self::TokenAlive => "revoke it in the Admin Console: Security > API > Tokens",
            Self::TokenRefused => {
                "make a new API token as a super administrator (Admin Console: Security > API > Tokens), and copy all of it"
            }
        }
    }

    pub(super) const fn kind(&self) -> ErrorKind {
        match self {
            Self::TokenRefused => ErrorKind::Unauthenticated,
            Self::AppGone { .. } => ErrorKind::NotFound,
            Self::AppQuota
            | Self::ForeignApp { .. }
            | Self::ForeignRole { .. }
            | Self::LabelTaken
            | Self::MarkerGone { .. }
            | Self::OtherOrg { .. } => ErrorKind::InvalidConfig,
            Self::NotDone | Self::TokenAlive => ErrorKind::Unavailable,
            Self::Address | Self::FeatureMissing | Self::NotAllowed | Self::NotSuperAdmin | Self::ScopeRefused { .. } => {
                ErrorKind::PermissionDenied
            }
        }
    }
}

impl fmt::Display for SetupFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("this machine's address may not use the setup token"),
            Self::AppGone { app_id } => write!(f, "the app {app_id} is not in the org any more"),
            Self::AppQuota => f.write_str("the org has as many apps as it may have"),
            Self::FeatureMissing => f.write_str("the org does not offer custom admin roles for apps"),
            Self::ForeignApp { app_id } => write!(f, "the app {app_id} has this label and was not made by idsync"),
            Self::ForeignRole { id } => {
                write!(f, "the custom role or resource set {id} has the label that the app's own would have, and was not made by idsync")
            }
            Self::LabelTaken => f.write_str("another app has this label, and the org lets no two apps have the same"),
            Self::MarkerGone { id } => write!(f, "{id} does not say any more that idsync made it, so it was left alone"),
            Self::NotAllowed => f.write_str("the owner of the setup token may not do this"),
            Self::NotDone => f.write_str("Okta answered that it was done, and it was not"),
            Self::NotSuperAdmin => {
                f.write_str("the owner of the setup token is no super administrator, and only one may grant scopes to an app")
            }
            Self::OtherOrg { org_id } => write!(f, "the connection is to the org {org_id}, and this is another one"),
            Self::ScopeRefused { scope } => write!(f, "Okta does not grant the scope `{scope}`"),
            Self::TokenAlive => f.write_str("the setup token still works after it was revoked"),
            Self::TokenRefused => f.write_str("the setup token is not valid, or not any more"),
        }
    }
}
