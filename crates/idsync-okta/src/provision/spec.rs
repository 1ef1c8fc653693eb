//! What is to be made.

use super::label::in_one_form;
use crate::READER_SCOPES;
use crate::error::Error;
use crate::key::{PublicJwk, SigningKey};
use crate::rate::RateShare;
use serde::{Deserialize, Serialize};
use std::fmt;
use url::Url;

/// How the new app proves who it is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum KeySource {
    /// With this private key, whose public half is registered. Save it first: Okta never has it.
    Private(SigningKey),
    /// With a private key that stays elsewhere; its public half is registered.
    Public(PublicJwk),
    /// With the keys that Okta finds under this `https` address.
    JwksUri(Url),
}

/// Which admin role the app gets: a scope says which interfaces it may call, a role says what it sees there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WantedRole {
    /// A custom role that may read users and groups and nothing else; where the org has no custom roles, [`WantedRole::ReadOnlyAdmin`].
    #[default]
    LeastPrivilege,
    /// A custom role, or failure.
    Custom,
    /// The standard role Read-Only Administrator, which sees the whole org.
    ReadOnlyAdmin,
}

impl std::str::FromStr for WantedRole {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "least-privilege" => Ok(Self::LeastPrivilege),
            "custom" => Ok(Self::Custom),
            "READ_ONLY_ADMIN" | "read-only-admin" => Ok(Self::ReadOnlyAdmin),
            _ => Err(Error::config(format!("`{text}` is not a role for the app"), "use least-privilege, custom or READ_ONLY_ADMIN")),
        }
    }
}

/// Whether the app's access tokens are bound to a key (RFC 9449), so that a stolen one is of no use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TokenBinding {
    /// They are plain bearer tokens.
    Bearer,
    /// They are bound.
    #[default]
    Dpop,
}

/// The service app that is wanted.
///
/// ```
/// # fn main() -> Result<(), idsync_okta::Error> {
/// use idsync_okta::{AppSpec, KeyKind, KeySource, NewKey};
///
/// let key = NewKey::generate(KeyKind::Es256)?;
/// key.save("acme.pem")?;
/// let spec = AppSpec::new("Directory sync", KeySource::Private(key.signing_key().clone()))?;
/// # std::fs::remove_file("acme.pem").ok();
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AppSpec {
    pub(crate) label: String,
    pub(crate) key: KeySource,
    pub(crate) scopes: Vec<String>,
    pub(crate) role: WantedRole,
    pub(crate) binding: TokenBinding,
    pub(crate) rate_share: Option<RateShare>,
}

impl AppSpec {
    /// An app with this label and key, which may read users and groups.
    ///
    /// The label is how administrators see the app, and how it is found again: within one org, one label is one app. Several blanks in a
    /// row are one.
    ///
    /// # Errors
    /// [`Error::Config`] when the label is empty, longer than 100 characters, or has control characters or blanks at its ends; when a
    /// signer holds the key and its public half is therefore not known, or when the address of the keys is not `https`.
    pub fn new(label: impl Into<String>, key: KeySource) -> Result<Self, Error> {
        let given = label.into();
        let label = in_one_form(&given);
        if label.is_empty() || given.trim() != given || label.chars().count() > 100 || given.chars().any(char::is_control) {
            return Err(Error::config("the label is not a line of 1 to 100 characters", "give the app a name that people recognise"));
        }
        match &key {
            KeySource::Private(key) if key.public_jwk().is_none() => {
                return Err(Error::config("the public half of the key is not known", "give it as `KeySource::Public`"));
            }
            KeySource::JwksUri(url) if url.scheme() != "https" => {
                return Err(Error::config("the address of the keys is not https", "serve the keys under https"));
            }
            _ => {}
        }
        let scopes = READER_SCOPES.map(str::to_owned).to_vec();
        Ok(Self { label, key, scopes, role: WantedRole::default(), binding: TokenBinding::default(), rate_share: None })
    }

    /// Grants these OAuth scopes, and no others. Default: [`READER_SCOPES`].
    ///
    /// # Errors
    /// [`Error::Config`] when there is none, or one that is not a reading scope of Okta's (`okta.….read`).
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let mut wanted: Vec<String> = Vec::new();
        for scope in scopes.into_iter().map(Into::into) {
            // To be granted twice would be refused.
            if !wanted.contains(&scope) {
                wanted.push(scope);
            }
        }
        let scopes = wanted;
        let reads = |scope: &String| scope.starts_with("okta.") && scope.ends_with(".read") && scope.bytes().all(|b| b.is_ascii_graphic());
        if let Some(wrong) = scopes.iter().find(|scope| !reads(scope)) {
            return Err(Error::config(format!("`{wrong}` is not a scope for reading"), "use scopes such as okta.users.read"));
        }
        if scopes.is_empty() {
            return Err(Error::config("no scopes are wanted", "leave them at their default"));
        }
        self.scopes = scopes;
        Ok(self)
    }

    /// Gives the app this role.
    #[must_use]
    pub const fn with_role(mut self, role: WantedRole) -> Self {
        self.role = role;
        self
    }

    /// Binds the app's access tokens to a key, or not.
    #[must_use]
    pub const fn with_binding(mut self, binding: TokenBinding) -> Self {
        self.binding = binding;
        self
    }

    /// Sets which share of each of the org's rate limits the app may use; Okta gives an app half of them unless told otherwise.
    #[must_use]
    pub const fn with_rate_share(mut self, share: RateShare) -> Self {
        self.rate_share = Some(share);
        self
    }

    /// The label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The OAuth scopes.
    pub fn scopes(&self) -> &[String] {
        &self.scopes
    }

    /// The label of the custom role that is made for the app.
    pub(crate) fn role_label(&self) -> String {
        format!("{} (directory reader)", self.label)
    }

    /// The label of the resource set that is made for the app.
    pub(crate) fn resource_set_label(&self) -> String {
        format!("{} (users and groups)", self.label)
    }
}

/// The role that an app has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AppRole {
    /// A custom role that was made for it.
    Custom {
        /// The id of the role.
        role_id: String,
        /// The id of the resource set on which it has the role.
        resource_set_id: String,
    },
    /// The standard role Read-Only Administrator.
    ReadOnlyAdmin,
}

impl fmt::Display for AppRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom { role_id, .. } => write!(f, "custom role {role_id}, which may read users and groups"),
            Self::ReadOnlyAdmin => f.write_str("Read-Only Administrator"),
        }
    }
}
