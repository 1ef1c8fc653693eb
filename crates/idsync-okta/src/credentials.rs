//! Who reads the org: a service app, or the owner of an API token.

use crate::key::SigningKey;
use idsync_core::Secret;

/// The scopes that reading a directory takes.
pub const READER_SCOPES: [&str; 2] = ["okta.users.read", "okta.groups.read"];

/// What an [`OktaClient`](crate::OktaClient) authenticates with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Credentials {
    /// A service app, the right choice for anything that runs unattended.
    App(ServiceApp),
    /// An API token, which has all privileges of the administrator who made it.
    Token(ApiToken),
}

impl Credentials {
    pub(crate) fn client_id(&self) -> Option<&str> {
        match self {
            Self::App(app) => Some(&app.client_id),
            Self::Token(_) => None,
        }
    }
}

impl From<ServiceApp> for Credentials {
    fn from(app: ServiceApp) -> Self {
        Self::App(app)
    }
}

impl From<ApiToken> for Credentials {
    fn from(token: ApiToken) -> Self {
        Self::Token(token)
    }
}

/// A service app ("API Services") with a private key, which signs in as itself with `private_key_jwt`.
#[derive(Debug, Clone)]
pub struct ServiceApp {
    pub(crate) client_id: String,
    pub(crate) key: SigningKey,
    pub(crate) scopes: Vec<String>,
}

impl ServiceApp {
    /// The app with this client id and the private key of one of its public keys. It asks for [`READER_SCOPES`].
    pub fn new(client_id: impl Into<String>, key: SigningKey) -> Self {
        Self { client_id: client_id.into(), key, scopes: READER_SCOPES.map(str::to_owned).to_vec() }
    }

    /// Asks for these scopes instead.
    #[must_use]
    pub fn with_scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }
}

/// An API token (`Authorization: SSWS …`).
#[derive(Debug, Clone)]
pub struct ApiToken {
    pub(crate) token: Secret,
}

impl ApiToken {
    /// The token as the Admin Console showed it.
    pub const fn new(token: Secret) -> Self {
        Self { token }
    }
}
