//! A running org.

use crate::auth::NewKey;
use crate::builder::{OktaEmulatorBuilder, Secrets};
use crate::faults::Faults;
use crate::log::RequestLog;
use crate::org::Org;
use crate::rate::RateLimits;
use crate::server::Running;
use std::{fmt, io};

/// A small Okta org that answers over HTTP on this machine until it is dropped.
///
/// It runs on a thread of its own, so that it answers also while the test's own thread is blocked.
pub struct OktaEmulator {
    url: String,
    client_id: String,
    key: NewKey,
    secrets: Secrets,
    org: Org,
    /// Dropped with this, which stops the server and closes its connections.
    _running: Running,
}

impl OktaEmulator {
    /// Starts a small org: 120 users, 12 groups and 600 memberships.
    ///
    /// # Errors
    ///
    /// When no port is free, or no thread or key can be made.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Says what org to start.
    pub fn builder() -> OktaEmulatorBuilder {
        OktaEmulatorBuilder::new()
    }

    pub(crate) fn new(url: String, client_id: String, key: NewKey, secrets: Secrets, org: Org, running: Running) -> Self {
        Self { url, client_id, key, secrets, org, _running: running }
    }

    /// The URL of the org, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The client id of the service app that may read the org.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The id of the app's key: its RFC 7638 thumbprint.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.key.key_id()
    }

    /// The app's private key, PKCS#8 in PEM.
    #[must_use]
    pub fn private_key_pem(&self) -> &str {
        self.key.private_key_pem()
    }

    /// An API token of a read-only admin, who may read everything that people and groups are. For admins of other kinds see
    /// [`Org::create_api_token`].
    #[must_use]
    pub fn api_token(&self) -> &str {
        &self.secrets.reader
    }

    /// The API token of the super admin.
    #[must_use]
    pub fn setup_token(&self) -> &str {
        &self.secrets.setup
    }

    /// A handle on the org, to change it and to learn what is in it.
    #[must_use]
    pub fn org(&self) -> &Org {
        &self.org
    }

    /// The faults, to add some.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.org.shared.faults
    }

    /// The requests since the start, or since they were cleared.
    #[must_use]
    pub fn requests(&self) -> RequestLog {
        self.org.shared.log.snapshot()
    }

    /// Forgets the requests.
    pub fn clear_requests(&self) {
        self.org.shared.log.clear();
    }

    /// Sets other rate limits, and forgets what was counted.
    pub fn set_rate_limits(&self, limits: RateLimits) {
        self.org.shared.windows().set_limits(limits);
    }
}

impl fmt::Debug for OktaEmulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaEmulator").field("url", &self.url).field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
