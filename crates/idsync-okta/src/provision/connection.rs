//! What is left of provisioning: how to read with the new identity.

use super::spec::{AppRole, TokenBinding};
use crate::error::Error;
use crate::key::SigningKey;
use crate::{DpopMode, OktaClient, OktaClientBuilder, OrgUrl, ServiceApp};
use serde::{Deserialize, Serialize};

/// A service app that is ready to read an org, as [`OktaProvisioner`](crate::OktaProvisioner) leaves it behind. It serializes to JSON, and
/// never holds a key. To read with an app that was made otherwise takes none: [`OktaClient::builder`] with a [`ServiceApp`] does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Connection {
    /// The org's host, such as `acme.okta.com`, or its whole address.
    pub org: String,
    /// The org's id, which stays the same when its address changes.
    pub org_id: String,
    /// The id of the app.
    pub app_id: String,
    /// The id under which the app signs in.
    pub client_id: String,
    /// The label of the app.
    pub label: String,
    /// The id of the key that it signs in with; `None` when Okta finds the keys by itself.
    pub key_id: Option<String>,
    /// The OAuth scopes that it has.
    pub scopes: Vec<String>,
    /// The admin role that it has.
    pub role: AppRole,
    /// Whether its access tokens are bound to a key.
    pub binding: TokenBinding,
}

impl Connection {
    /// Starts building a client that signs in with this private key. The org's address is trusted as [`OrgUrl::parse_or_local`] does, for it
    /// was checked before there was a connection; do not take whole connections from strangers.
    ///
    /// # Errors
    /// [`Error::Config`] when the org's address is not one.
    pub fn client(&self, key: &SigningKey) -> Result<OktaClientBuilder, Error> {
        let key = match &self.key_id {
            Some(key_id) => key.clone().with_key_id(key_id),
            None => key.clone(),
        };
        let app = ServiceApp::new(&self.client_id, key).with_scopes(self.scopes.iter().cloned());
        let dpop = match self.binding {
            TokenBinding::Dpop => DpopMode::Always,
            _ => DpopMode::default(),
        };
        Ok(OktaClient::builder(OrgUrl::parse_or_local(&self.org)?, app).dpop(dpop))
    }
}
