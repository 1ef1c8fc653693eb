//! Connecting to an Okta org, and reading it as an [`IdentityProvider`](idsync_core::IdentityProvider).
//!
//! # What the org needs
//!
//! [`OktaProvisioner`] makes all of it with a token that an administrator lends, proves it, and revokes the token. By hand, or as
//! [`manual_steps`] tells:
//!
//! 1. A **service app** ("API Services" in the Admin Console) with *public key / private key* authentication. Its private key, as PEM or
//!    JWK, becomes the [`SigningKey`]. Proof of possession (DPoP) may be on or off; the client finds out.
//! 2. The **scopes** `okta.users.read` and `okta.groups.read`, granted under *Okta API Scopes*. They say which interfaces the app may call.
//! 3. An **admin role** that may see users and groups, such as *Read-Only Administrator*, under *Admin roles*. Scopes alone are not
//!    enough: without a role Okta answers with an empty list of users and no error, which this crate reports as a missing role.
//!
//! An API token works, too ([`ApiToken`]), with all privileges of the administrator who made it.
//!
//! # Reading
//!
//! ```no_run
//! use futures::StreamExt;
//! use idsync_core::{IdentityProvider, ReadOptions};
//! use idsync_okta::{OktaClient, OktaProvider, OrgUrl, ServiceApp, SigningKey};
//!
//! # async fn read() -> Result<(), idsync_core::Error> {
//! let key = SigningKey::from_file("key.pem")?;
//! let org = OrgUrl::parse("acme.okta.com")?;
//! let client = OktaClient::builder(org, ServiceApp::new("0oa1b2c3d4", key)).build()?;
//! let okta = OktaProvider::new(client);
//! okta.check().await?;
//! let mut users = okta.users(ReadOptions::default());
//! while let Some(page) = users.next().await {
//!     println!("{} users", page?.items.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | You want to … | Read |
//! |---|---|
//! | keep the private key in a key service | [`Signer`] |
//! | take less of the org's rate limits | [`OktaClientBuilder::rate_share`] |
//! | know when a read will be done | [`OktaClient::forecast`] |
//! | read deactivated users, or the members of Everyone | [`OktaProvider`] |
//! | read some groups, users or attributes only | [`SyncScope`] |
//! | read Okta's JSON from elsewhere | [`decode`] |
//! | connect in one step, change the key, or leave | [`OktaProvisioner`] |
//! | do the same with Terraform | [`TerraformModule`] |
//! | tell failures apart | [`Error`] |

mod access;
mod builder;
mod client;
mod clock;
mod credentials;
pub mod decode;
mod delta;
mod dpop;
mod error;
mod identity;
mod jws;
mod key;
mod link;
mod org_url;
mod page_size;
mod paginate;
mod partition;
mod provider;
mod provision;
mod random;
mod rate;
mod scope;
mod scoped;
mod token;
mod transport;
mod usage;
mod wire;

pub use builder::{OktaClientBuilder, PageSizes};
pub use client::OktaClient;
pub use credentials::{ApiToken, Credentials, READER_SCOPES, ServiceApp};
pub use dpop::DpopMode;
pub use error::{AuthFault, Error, ErrorDetail, LinkFault, ListingFault, SetupFault};
pub use key::{Algorithm, KeyKind, NewKey, PublicJwk, Signer, SigningKey};
pub use org_url::OrgUrl;
pub use provider::{Deprovisioned, Everyone, OktaProvider};
pub use provision::{
    AppRole, AppSpec, Connection, Journal, KeySource, Made, OktaProvisioner, OktaProvisionerBuilder, Preflight, Proof, ProvisionError,
    ProvisionPlan, Removed, Rights, Step, StepListener, StepOutcome, TerraformFile, TerraformModule, TokenBinding, WantedRole,
    manual_steps,
};
pub use rate::{BucketForecast, Forecast, RateShare, Remaining};
pub use scope::{GroupSelection, SyncScope, UserSelection};
pub use transport::RetryPolicy;
pub use usage::{Progress, ProgressListener};

#[cfg(test)]
mod tests;
