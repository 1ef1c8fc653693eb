//! Provisioning from the first look to the proof.

use super::apply::{Run, falls_back};
use super::connection::Connection;
use super::listener::{StepListener, StepOutcome};
use super::look::Admin;
use super::plan::{ProvisionError, ProvisionPlan};
use super::preflight::Preflight;
use super::remove::Removed;
use super::spec::AppSpec;
use super::steps::{Found, Learnt};
use super::verify::{Proof, prove};
use crate::error::{Error, SetupFault};
use crate::key::SigningKey;
use async_trait::async_trait;
use idsync_core::{AppProvisioner, RequestUsage};
use std::fmt;
use std::time::Duration;

/// Makes, proves, repairs and removes the service app that reads an org.
///
/// It works with the API token of a super administrator, which nobody needs any more once the app is proven.
///
/// ```no_run
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// use idsync_core::Secret;
/// use idsync_okta::{ApiToken, AppSpec, KeyKind, KeySource, NewKey, OktaProvisioner, OrgUrl};
///
/// let token = ApiToken::new(Secret::new(std::env::var("OKTA_SETUP_TOKEN")?));
/// let provisioner = OktaProvisioner::builder(OrgUrl::parse("acme.okta.com")?, token).build()?;
/// provisioner.preflight().await?; // whose token it is, and whether it will do
///
/// let key = NewKey::generate(KeyKind::Es256)?;
/// key.save("acme.pem")?; // before anybody depends on it
/// let spec = AppSpec::new("Acme directory sync", KeySource::Private(key.signing_key().clone()))?;
/// let plan = provisioner.plan(&spec).await?;
/// let connection = provisioner.apply(&plan).await?; // made, and proven by reading
/// provisioner.revoke_setup_token().await?;
///
/// let okta = connection.client(key.signing_key())?.build()?; // reads as the new app
/// # Ok(())
/// # }
/// ```
///
/// # What can go wrong
///
#[doc = include_str!("failures.md")]
#[derive(Clone)]
pub struct OktaProvisioner {
    pub(super) admin: Admin,
    pub(super) grace: Duration,
    pub(super) listener: Option<StepListener>,
}

impl OktaProvisioner {
    /// Which org it is, and whose token. Writes nothing.
    ///
    /// # Errors
    /// It is no Okta org, the token is refused, or its owner is no super administrator.
    pub async fn preflight(&self) -> Result<Preflight, Error> {
        self.admin.preflight().await
    }

    /// Says what has to be done. Writes nothing.
    ///
    /// # Errors
    /// As for [`OktaProvisioner::preflight`]; and [`SetupFault::ForeignApp`].
    pub async fn plan(&self, spec: &AppSpec) -> Result<ProvisionPlan, Error> {
        let preflight = self.admin.preflight().await?;
        let (mut learnt, mut found) = (Learnt::default(), self.admin.look(spec).await?);
        self.look_at_roles(spec, &mut found, &mut learnt).await?;
        Ok(ProvisionPlan {
            steps: found.steps(spec, learnt),
            app_id: found.app.as_ref().map(|app| app.id.clone()),
            other_keys: found.other_keys(spec),
            duplicates: found.duplicates,
            spec: spec.clone(),
            preflight,
        })
    }

    /// Makes what is missing, repairs what has drifted, and proves it. What is there is looked at again before anything is written.
    ///
    /// The specification says all that the app may do: OAuth scopes and admin roles that it does not name are taken away, also those that an
    /// administrator added by hand. Further keys of the app stay ([`ProvisionPlan::other_keys`]).
    ///
    /// With a key that is not here ([`KeySource::Public`](crate::KeySource::Public), [`KeySource::JwksUri`](crate::KeySource::JwksUri)) the proof is left to
    /// [`OktaProvisioner::verify`].
    ///
    /// # Errors
    /// What went wrong, and what stands.
    pub async fn apply(&self, plan: &ProvisionPlan) -> Result<Connection, ProvisionError> {
        let mut run = Run::new(self, plan);
        match run.make().await {
            Ok(connection) => Ok(connection),
            Err(source) => Err(ProvisionError { source, stands: run.journal }),
        }
    }

    /// Looks at the custom role and the resource set, where they are wanted.
    pub(super) async fn look_at_roles(&self, spec: &AppSpec, found: &mut Found, learnt: &mut Learnt) -> Result<(), Error> {
        if !found.wants_custom(spec, *learnt) {
            return Ok(());
        }
        let looked = async {
            found.custom_role = self.admin.custom_role(&spec.role_label()).await?;
            found.resource_set = self.admin.resource_set(&spec.resource_set_label()).await?;
            Ok(())
        };
        match looked.await {
            Err(Error::Setup { fault: SetupFault::FeatureMissing | SetupFault::NotAllowed, .. }) if falls_back(spec) => {
                learnt.no_custom_roles = true;
                Ok(())
            }
            other => other,
        }
    }

    /// Reads a little as the new app, and goes on trying for a while: grants and roles take a moment to count.
    ///
    /// # Errors
    /// What the app lacks; an empty directory is a failure.
    pub async fn verify(&self, connection: &Connection, key: &SigningKey) -> Result<Proof, Error> {
        prove(connection, key, self.grace).await
    }

    /// Revokes the setup token, and proves that it is dead. Doing so twice is fine.
    ///
    /// # Errors
    /// It could not be revoked, or still works ([`SetupFault::TokenAlive`]).
    pub async fn revoke_setup_token(&self) -> Result<(), Error> {
        self.admin.revoke_token().await
    }

    /// How many requests the setup token was used for.
    pub fn usage(&self) -> RequestUsage {
        self.admin.client.usage()
    }

    pub(super) fn tell(&self, outcome: StepOutcome) {
        if let Some(listener) = &self.listener {
            listener(&outcome);
        }
    }
}

impl fmt::Debug for OktaProvisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaProvisioner").field("org", self.admin.client.org()).finish_non_exhaustive()
    }
}

impl fmt::Display for OktaProvisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Okta {}", self.admin.client.org().host())
    }
}

#[async_trait]
impl AppProvisioner for OktaProvisioner {
    type Spec = AppSpec;
    type Plan = ProvisionPlan;
    type Connection = Connection;
    type Key = SigningKey;
    type Proof = Proof;
    type Removed = Removed;

    async fn plan(&self, spec: &AppSpec) -> idsync_core::Result<ProvisionPlan> {
        Ok(Self::plan(self, spec).await?)
    }

    async fn apply(&self, plan: &ProvisionPlan) -> idsync_core::Result<Connection> {
        Ok(Self::apply(self, plan).await?)
    }

    async fn verify(&self, connection: &Connection, key: &SigningKey) -> idsync_core::Result<Proof> {
        Ok(Self::verify(self, connection, key).await?)
    }

    async fn rotate_key(
        &self,
        connection: &Connection,
        key: &SigningKey,
        keep: &(dyn for<'c> Fn(&'c Connection) -> idsync_core::Result<()> + Send + Sync),
    ) -> idsync_core::Result<Connection> {
        let kept = |connection: &Connection| keep(connection).map_err(Into::into);
        Ok(Self::rotate_key(self, connection, key, kept).await?)
    }

    async fn teardown(&self, connection: &Connection) -> idsync_core::Result<Removed> {
        Ok(Self::teardown(self, connection).await?)
    }

    async fn revoke_setup_token(&self) -> idsync_core::Result<()> {
        Ok(Self::revoke_setup_token(self).await?)
    }
}
