//! How a provisioner is put together.

use super::listener::StepListener;
use super::look::Admin;
use super::provisioner::OktaProvisioner;
use crate::client::OktaClient;
use crate::error::Error;
use crate::rate::RateShare;
use crate::{ApiToken, OktaClientBuilder, OrgUrl, RetryPolicy};
use std::fmt;
use std::time::Duration;

/// Builds an [`OktaProvisioner`].
#[must_use]
pub struct OktaProvisionerBuilder {
    client: OktaClientBuilder,
    grace: Duration,
    listener: Option<StepListener>,
}

impl OktaProvisionerBuilder {
    /// How long the proof goes on trying, for grants and roles take a while to count. Default: a minute.
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How often and how long requests are repeated. Default: that of [`OktaClientBuilder::retry`].
    ///
    /// A request that only reads is repeated by itself. One that changes something is repeated only after what there is was looked at: each
    /// thing that is to be made, changed or removed is tried at most `max_attempts` times, also where Okta answers that it was done and goes
    /// on showing that it was not. The pauses between grow from a quarter of a second, and the last failure is told
    /// ([`Error::Exhausted`]). The proof has a [time of its own](Self::grace).
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.client = self.client.retry(policy);
        self
    }

    /// Is told about each step as it happens.
    pub fn on_step(mut self, listener: StepListener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Builds the provisioner. Sends nothing.
    ///
    /// # Errors
    /// As for [`OktaClientBuilder::build`].
    pub fn build(self) -> Result<OktaProvisioner, Error> {
        Ok(OktaProvisioner { admin: Admin { client: self.client.build()? }, grace: self.grace, listener: self.listener })
    }
}

impl OktaProvisioner {
    /// Starts building a provisioner for this org, with the API token of a super administrator.
    pub fn builder(org: OrgUrl, setup_token: ApiToken) -> OktaProvisionerBuilder {
        let whole = RateShare::percent(100).unwrap_or_default();
        OktaProvisionerBuilder {
            client: OktaClient::builder(org, setup_token).rate_share(whole),
            grace: Duration::from_secs(60),
            listener: None,
        }
    }
}

impl fmt::Debug for OktaProvisionerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaProvisionerBuilder").field("client", &self.client).finish_non_exhaustive()
    }
}
