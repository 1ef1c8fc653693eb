//! Doing what is left to do, until nothing is.

use super::connection::Connection;
use super::journal::{Journal, Made};
use super::listener::StepOutcome;
use super::plan::ProvisionPlan;
use super::provisioner::OktaProvisioner;
use super::remove::Removed;
use super::settle::{is_conflict, not_done};
use super::spec::{AppRole, AppSpec, KeySource, WantedRole};
use super::state::{App, CUSTOM};
use super::steps::{Found, Learnt, Step};
use super::verify::prove;
use super::write::WriteFault;
use super::written::{Written, made};
use crate::error::{Error, ErrorDetail, SetupFault};
use crate::transport::Route;
use std::time::Duration;

/// One call of `apply`.
pub(super) struct Run<'a> {
    provisioner: &'a OktaProvisioner,
    plan: &'a ProvisionPlan,
    /// What was made so far.
    pub(super) journal: Journal,
    learnt: Learnt,
    app: KnownApp,
    /// What was written, and did not show yet.
    written: Vec<Written>,
}

/// What is known of the app, so that there is never a second one.
#[derive(Debug, Default)]
struct KnownApp {
    id: Option<String>,
    /// It was shown in this call, so that it need not be made.
    is_seen: bool,
    /// It was made in this call, by an answer that named no id: it must be found, and not made again.
    is_nameless: bool,
    /// It may just have been made, so that a look may come too early.
    is_fresh: bool,
}

impl<'a> Run<'a> {
    pub(super) fn new(provisioner: &'a OktaProvisioner, plan: &'a ProvisionPlan) -> Self {
        let app = KnownApp { id: plan.app_id.clone(), ..KnownApp::default() };
        Self { provisioner, plan, journal: Journal::default(), learnt: Learnt::default(), app, written: Vec::new() }
    }

    const fn spec(&self) -> &'a AppSpec {
        &self.plan.spec
    }

    /// Makes the app, and proves it.
    pub(super) async fn make(&mut self) -> Result<Connection, Error> {
        let found = self.converge().await?;
        let connection = self.connection(&found)?;
        if let KeySource::Private(key) = &self.spec().key {
            self.provisioner.tell(StepOutcome::Begun("read users, groups and members as the new app".to_owned()));
            let proof = prove(&connection, key, self.provisioner.grace).await?;
            let step = format!("read {} users, {} groups and {} members as the new app", proof.users, proof.groups, proof.members);
            self.provisioner.tell(StepOutcome::Done { step, made: None });
        }
        Ok(connection)
    }

    /// Looks and acts until nothing is left to do.
    async fn converge(&mut self) -> Result<Found, Error> {
        loop {
            let mut found = self.look().await?;
            self.provisioner.look_at_roles(self.spec(), &mut found, &mut self.learnt).await?;
            let steps = found.steps(self.spec(), self.learnt);
            self.note_what_shows(&steps, &found);
            if steps.is_empty() {
                return Ok(found);
            }
            if self.waits(&steps).await? {
                continue;
            }
            let had_custom_roles = !self.learnt.no_custom_roles;
            self.act(&steps, &mut found).await?;
            if had_custom_roles && self.learnt.no_custom_roles {
                self.clear_away(&found).await?;
            }
        }
    }

    /// Looks; where the app may just have been made, patiently, for a second one must never be.
    async fn look(&mut self) -> Result<Found, Error> {
        const PAUSES: [u64; 3] = [1, 2, 3];
        let mut found = self.look_once().await?;
        for seconds in PAUSES {
            if found.app.is_some() || !self.app.is_fresh {
                break;
            }
            self.provisioner.admin.client.inner.timer.sleep(Duration::from_secs(seconds)).await;
            found = self.look_once().await?;
        }
        self.app.is_fresh = false;
        match &found.app {
            Some(app) => {
                self.app.id = Some(app.id.clone());
                self.app.is_seen = true;
                Ok(found)
            }
            None if self.app.is_seen => {
                let app_id = self.app.id.clone().unwrap_or_default();
                let fault = SetupFault::AppGone { app_id };
                Err(Error::Setup { operation: Route::Apps.operation(), fault, detail: ErrorDetail::default() })
            }
            None => Ok(found),
        }
    }

    /// Looks for the app by its id where that is known, for the search lags behind; and else by its label.
    async fn look_once(&mut self) -> Result<Found, Error> {
        let admin = &self.provisioner.admin;
        let mut found = Found::default();
        if let Some(id) = &self.app.id {
            // That it is ours is known of an app that was made or found in this call, though somebody may write over its notes.
            let is_known = |app: &App| app.is_ours || self.app.is_seen || self.has_made(&app.id);
            found.app = admin.app_by_id(id).await?.filter(is_known);
        }
        if found.app.is_none() && !self.app.is_seen {
            admin.find_app(self.spec().label(), &mut found).await?;
        }
        admin.look_at_app(self.spec(), &mut found).await?;
        Ok(found)
    }

    fn has_made(&self, id: &str) -> bool {
        self.journal.made().iter().any(|made| matches!(made, Made::App { app_id, .. } if app_id == id))
    }

    /// Notes what was in doubt and shows now: its answer was lost, but it happened.
    fn note_what_shows(&mut self, steps: &[Step], found: &Found) {
        let spec = self.spec();
        for written in self.written.iter_mut().filter(|written| written.is_doubtful && !steps.contains(&written.step)) {
            written.is_doubtful = false;
            let made = made(&written.step, spec, found);
            made.iter().for_each(|made| self.journal.push(made.clone()));
            self.provisioner.tell(StepOutcome::Done { step: written.step.to_string(), made });
        }
    }

    /// Pauses where something that was sent since the last look is still to be done, and says whether to look again before it is sent again.
    async fn waits(&mut self, steps: &[Step]) -> Result<bool, Error> {
        let mut waits = false;
        for written in &mut self.written {
            if let Some(error) = written.last.take().filter(|_| steps.contains(&written.step)) {
                written.settling.pause(error, &self.provisioner.admin.client.inner).await?;
                waits = true;
            }
        }
        Ok(waits)
    }

    /// Does all steps; stops at the first of which nobody knows whether it was done.
    async fn act(&mut self, steps: &[Step], found: &mut Found) -> Result<(), Error> {
        let is_new = steps.contains(&Step::CreateApp);
        for step in steps {
            // Of an app that was just made nobody knows yet whether it has a share.
            if is_new && matches!(step, Step::SetRateShare { .. }) {
                break;
            }
            self.provisioner.tell(StepOutcome::Begun(step.to_string()));
            let done = match step {
                // It was made, and only has to be found: another one would be a second.
                Step::CreateApp if self.app.is_nameless => Err(WriteFault::Unknown(not_done(Route::CreateApp).into())),
                _ => self.provisioner.admin.execute(step, self.spec(), &self.plan.preflight.issuer, found).await,
            };
            let is_sent = self.take_in(step, done, found)?;
            self.app.is_fresh |= *step == Step::CreateApp;
            // Without the app as it is now, no further step can be done.
            if is_sent == Sent::Unsure || found.app.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Removes the custom role and the resource set that nobody can have, and that nobody would remove later.
    async fn clear_away(&mut self, found: &Found) -> Result<(), Error> {
        let mut removed = Removed::default();
        if let Some(set) = &found.resource_set {
            let gone = self.provisioner.remove_set(&set.id, &mut removed).await;
            self.forget(Made::ResourceSet { resource_set_id: set.id.clone() }, gone)?;
        }
        if let Some(role) = &found.custom_role {
            let gone = self.provisioner.remove_role(&role.id, &mut removed).await;
            self.forget(Made::Role { role_id: role.id.clone() }, gone)?;
        }
        Ok(())
    }

    fn forget(&mut self, made: Made, gone: Result<(), Error>) -> Result<(), Error> {
        match gone {
            Ok(()) => self.journal.forget(&made),
            // An org that does not let them be removed either keeps them, and the journal says so.
            Err(Error::Setup { .. }) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Takes in what came of a step.
    fn take_in(&mut self, step: &Step, done: Result<Option<Made>, WriteFault>, found: &Found) -> Result<Sent, Error> {
        match done {
            Ok(None) if *step == Step::CreateApp => {
                self.app.is_nameless = true;
                self.doubt(step, not_done(Route::CreateApp));
                Ok(Sent::Unsure)
            }
            Ok(made) => {
                if let Some(Made::App { app_id, .. }) = &made {
                    self.app.id = Some(app_id.clone());
                }
                made.iter().for_each(|made| self.journal.push(made.clone()));
                self.provisioner.tell(StepOutcome::Done { step: step.to_string(), made });
                self.entry(step).note(undone());
                Ok(Sent::Accepted)
            }
            Err(WriteFault::Unknown(error)) => {
                self.doubt(step, *error);
                Ok(Sent::Unsure)
            }
            Err(WriteFault::Refused(error)) => self.learn(step, found, *error).map(|()| Sent::Unsure),
        }
    }

    fn doubt(&mut self, step: &Step, error: Error) {
        self.provisioner.tell(StepOutcome::Unsure { step: step.to_string(), reason: error.to_string() });
        let written = self.entry(step);
        written.is_doubtful = true;
        written.note(error);
    }

    fn entry(&mut self, step: &Step) -> &mut Written {
        let place = self.written.iter().position(|written| written.step == *step).unwrap_or_else(|| {
            let settling = self.provisioner.settling();
            self.written.push(Written { step: step.clone(), settling, is_doubtful: false, last: None });
            self.written.len() - 1
        });
        &mut self.written[place]
    }

    /// Makes the best of a refusal, where there is one.
    fn learn(&mut self, step: &Step, found: &Found, error: Error) -> Result<(), Error> {
        let is_custom = matches!(
            step,
            Step::CreateRole | Step::CreateResourceSet | Step::AddPermission { .. } | Step::AddResources | Step::AssignCustomRole
        );
        match &error {
            Error::Setup { fault: SetupFault::FeatureMissing | SetupFault::NotAllowed, .. } if is_custom && falls_back(self.spec()) => {
                let reason = "the org has no custom admin roles for apps, so the app gets Read-Only Administrator".to_owned();
                self.provisioner.tell(StepOutcome::Unsure { step: step.to_string(), reason });
                self.learnt.no_custom_roles = true;
            }
            Error::Setup { fault: SetupFault::NotAllowed, .. }
                if matches!(step, Step::UpdateApp { .. }) && !found.roles.is_empty() && !self.learnt.role_blocks_updates =>
            {
                self.learnt.role_blocks_updates = true;
            }
            _ if self.may_be_done(step, &error) => {
                let written = self.entry(step);
                let error = written.settling.bear(error)?;
                written.note(error);
            }
            _ => return Err(error),
        }
        Ok(())
    }

    /// Whether a refusal may mean that it was done, by this call or by somebody else, or that its app does not show yet.
    fn may_be_done(&self, step: &Step, error: &Error) -> bool {
        let was_sent = self.written.iter().any(|written| written.step == *step);
        let may_be_taken = matches!(step, Step::CreateRole | Step::CreateResourceSet | Step::AddKey);
        match error {
            Error::Api { status: 409, .. } => true,
            Error::Api { status: 400, .. } => is_conflict(error) && (was_sent || may_be_taken),
            Error::Setup { fault: SetupFault::LabelTaken | SetupFault::ScopeRefused { .. }, .. } => was_sent,
            Error::NotFound { .. } => *step != Step::CreateApp,
            _ => false,
        }
    }

    fn connection(&self, found: &Found) -> Result<Connection, Error> {
        let app: &App = found.app.as_ref().ok_or_else(|| not_done(Route::Apps))?;
        let custom = found.wants_custom(self.spec(), self.learnt) && found.roles.iter().any(|role| role.kind == CUSTOM);
        let role = match (&found.custom_role, &found.resource_set) {
            (Some(role), Some(set)) if custom => AppRole::Custom { role_id: role.id.clone(), resource_set_id: set.id.clone() },
            _ => AppRole::ReadOnlyAdmin,
        };
        let org = self.provisioner.admin.client.org();
        Ok(Connection {
            org: if org.is_plain() { org.address() } else { org.host().to_owned() },
            org_id: self.plan.preflight.org_id.clone(),
            app_id: app.id.clone(),
            client_id: app.client_id.clone(),
            label: self.spec().label().to_owned(),
            key_id: self.spec().public_jwk().map(|jwk| jwk.kid),
            scopes: self.spec().scopes().to_vec(),
            role,
            binding: self.spec().binding,
        })
    }
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Accepted,
    /// What is there is to be looked at before anything else is done.
    Unsure,
}

pub(super) fn falls_back(spec: &AppSpec) -> bool {
    spec.role == WantedRole::LeastPrivilege
}

fn undone() -> Error {
    Error::Setup { operation: "provision the app", fault: SetupFault::NotDone, detail: ErrorDetail::default() }
}
