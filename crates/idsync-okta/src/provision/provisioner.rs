//! Provisioning from the first look to the proof.

use super::connection::Connection;
use super::journal::{Journal, Made};
use super::listener::{StepListener, StepOutcome};
use super::look::Admin;
use super::plan::{ProvisionError, ProvisionPlan};
use super::preflight::Preflight;
use super::remove::Removed;
use super::spec::{AppRole, AppSpec, KeySource};
use super::state::{App, CUSTOM};
use super::steps::{Found, Learnt, Step};
use super::verify::{Proof, prove};
use super::write::WriteFault;
use crate::error::{Error, ErrorDetail, SetupFault};
use crate::key::SigningKey;
use crate::transport::{Attempts, Route};
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
    /// How often it may look and act before it gives up.
    const ROUNDS: u32 = 12;

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
            duplicates: found.duplicates,
            spec: spec.clone(),
            preflight,
        })
    }

    /// Makes what is missing, repairs what has drifted, and proves it. What is there is looked at again before anything is written.
    ///
    /// With a key that is not here ([`KeySource::Public`], [`KeySource::JwksUri`]) the proof is left to
    /// [`OktaProvisioner::verify`].
    ///
    /// # Errors
    /// What went wrong, and what stands.
    pub async fn apply(&self, plan: &ProvisionPlan) -> Result<Connection, ProvisionError> {
        let mut journal = Journal::default();
        match self.make(plan, &mut journal).await {
            Ok(connection) => Ok(connection),
            Err(source) => Err(ProvisionError { source, stands: journal }),
        }
    }

    async fn make(&self, plan: &ProvisionPlan, journal: &mut Journal) -> Result<Connection, Error> {
        let spec = &plan.spec;
        let (mut learnt, mut round) = (Learnt::default(), 0);
        let mut attempts = Attempts::new(self.admin.client.inner.retry);
        let mut had_app = None;
        let found = loop {
            let mut found = self.look_for(spec, had_app == Some(false) && round > 0).await?;
            let had = *had_app.get_or_insert(found.app.is_some());
            if let Some(app) = found.app.as_ref().filter(|_| !had) {
                // Its creation was not answered, but it happened.
                journal.push(Made::App { app_id: app.id.clone(), client_id: app.client_id.clone() });
            }
            self.look_at_roles(spec, &mut found, &mut learnt).await?;
            let steps = found.steps(spec, learnt);
            if steps.is_empty() {
                break found;
            }
            round += 1;
            if let Some(error) = self.act(&steps, plan, &mut found, &mut learnt, journal).await? {
                self.admin.client.inner.again(&mut attempts, error, Duration::ZERO).await?;
            }
            if round >= Self::ROUNDS {
                let operation = "provision the app";
                return Err(Error::Setup { operation, fault: SetupFault::NotDone, detail: ErrorDetail::default() });
            }
        };
        let connection = self.connection(plan, &found, learnt)?;
        if let KeySource::Private(key) = &spec.key {
            self.tell(StepOutcome::Begun("read users, groups and members as the new app".to_owned()));
            let proof = prove(&connection, key, self.grace).await?;
            let step = format!("read {} users, {} groups and {} members as the new app", proof.users, proof.groups, proof.members);
            self.tell(StepOutcome::Done { step, made: None });
        }
        Ok(connection)
    }

    /// Looks; where an app may just have been made, patiently, for a second one must never be.
    async fn look_for(&self, spec: &AppSpec, may_lag: bool) -> Result<Found, Error> {
        const LOOKS: u32 = 4;
        let mut found = self.admin.look(spec).await?;
        for look in 1..LOOKS {
            if found.app.is_some() || !may_lag {
                break;
            }
            self.admin.client.inner.timer.sleep(Duration::from_secs(look.into())).await;
            found = self.admin.look(spec).await?;
        }
        Ok(found)
    }

    /// Looks at the custom role and the resource set, where they are wanted.
    async fn look_at_roles(&self, spec: &AppSpec, found: &mut Found, learnt: &mut Learnt) -> Result<(), Error> {
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

    /// Does all steps; stops at the first of which nobody knows whether it was done, and says why.
    async fn act(
        &self,
        steps: &[Step],
        plan: &ProvisionPlan,
        found: &mut Found,
        learnt: &mut Learnt,
        journal: &mut Journal,
    ) -> Result<Option<Error>, Error> {
        for step in steps {
            self.tell(StepOutcome::Begun(step.to_string()));
            match self.admin.execute(step, &plan.spec, &plan.preflight.issuer, found).await {
                Ok(made) => {
                    made.iter().for_each(|made| journal.push(made.clone()));
                    self.tell(StepOutcome::Done { step: step.to_string(), made });
                }
                Err(WriteFault::Unknown(error)) => {
                    self.tell(StepOutcome::Unsure { step: step.to_string(), reason: error.to_string() });
                    return Ok(Some(*error));
                }
                Err(WriteFault::Refused(error)) => {
                    self.learn(step, plan, found, learnt, *error)?;
                    return Ok(None);
                }
            }
        }
        Ok(None)
    }

    /// Makes the best of a refusal, where there is one.
    fn learn(&self, step: &Step, plan: &ProvisionPlan, found: &Found, learnt: &mut Learnt, error: Error) -> Result<(), Error> {
        let is_custom = matches!(
            step,
            Step::CreateRole | Step::CreateResourceSet | Step::AddPermission { .. } | Step::AddResources | Step::AssignCustomRole
        );
        let code = error.detail().and_then(|detail| detail.code.clone()).unwrap_or_default();
        match &error {
            // Somebody else, or a request whose answer was lost, was there first; looking again shows it.
            Error::Api { status: 409, .. } => {}
            Error::Api { status: 400, .. } if code == "E0000001" && may_be_taken(step) && !learnt.seen_conflict => {
                learnt.seen_conflict = true
            }
            Error::NotFound { .. } if *step != Step::CreateApp && !learnt.seen_conflict => learnt.seen_conflict = true,
            Error::Setup { fault: SetupFault::FeatureMissing | SetupFault::NotAllowed, .. } if is_custom && falls_back(&plan.spec) => {
                let reason = "the org has no custom admin roles for apps, so the app gets Read-Only Administrator".to_owned();
                self.tell(StepOutcome::Unsure { step: step.to_string(), reason });
                learnt.no_custom_roles = true;
            }
            Error::Setup { fault: SetupFault::NotAllowed, .. }
                if matches!(step, Step::UpdateApp { .. }) && !found.roles.is_empty() && !learnt.role_blocks_updates =>
            {
                learnt.role_blocks_updates = true;
            }
            _ => return Err(error),
        }
        Ok(())
    }

    fn connection(&self, plan: &ProvisionPlan, found: &Found, learnt: Learnt) -> Result<Connection, Error> {
        let missing = || Error::Setup { operation: Route::Apps.operation(), fault: SetupFault::NotDone, detail: ErrorDetail::default() };
        let app: &App = found.app.as_ref().ok_or_else(missing)?;
        let custom = found.wants_custom(&plan.spec, learnt) && found.roles.iter().any(|role| role.kind == CUSTOM);
        let role = match (&found.custom_role, &found.resource_set) {
            (Some(role), Some(set)) if custom => AppRole::Custom { role_id: role.id.clone(), resource_set_id: set.id.clone() },
            _ => AppRole::ReadOnlyAdmin,
        };
        let org = self.admin.client.org();
        Ok(Connection {
            org: if org.is_plain() { org.address() } else { org.host().to_owned() },
            org_id: plan.preflight.org_id.clone(),
            app_id: app.id.clone(),
            client_id: app.client_id.clone(),
            label: plan.spec.label().to_owned(),
            key_id: plan.spec.public_jwk().map(|jwk| jwk.kid),
            scopes: plan.spec.scopes().to_vec(),
            role,
            binding: plan.spec.binding,
        })
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

/// Whether a refusal may mean that the thing is there already.
const fn may_be_taken(step: &Step) -> bool {
    matches!(step, Step::CreateRole | Step::CreateResourceSet | Step::AddKey)
}

fn falls_back(spec: &AppSpec) -> bool {
    spec.role == super::spec::WantedRole::LeastPrivilege
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
