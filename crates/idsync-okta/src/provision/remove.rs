//! Removing one thing until it is gone.

use super::listener::StepOutcome;
use super::look::marker_gone;
use super::provisioner::OktaProvisioner;
use super::settle::Settling;
use super::state::{App, Named};
use super::write::WriteFault;
use crate::error::Error;
use crate::transport::Route;
use serde::Serialize;
use url::Url;

/// What was removed, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Removed {
    /// In a few words each; nothing when nothing was left.
    pub removed: Vec<String>,
}

impl Removed {
    pub(super) fn note(&mut self, what: String) {
        if !self.removed.contains(&what) {
            self.removed.push(what);
        }
    }
}

impl OktaProvisioner {
    pub(super) fn settling(&self) -> Settling {
        Settling::new(self.admin.client.inner.retry)
    }

    /// Removes the app of ours with this id, and what belongs to it.
    pub(super) async fn remove_app(&self, id: &str, removed: &mut Removed) -> Result<(), Error> {
        let mut settling = self.settling();
        while let Some(app) = self.admin.our_app(id).await? {
            if settling.waits(Route::DeleteApp, &self.admin.client.inner).await? {
                continue;
            }
            settling.wrote(Route::DeleteApp, self.remove_whole(&app, removed).await)?;
        }
        Ok(())
    }

    /// Roles and grants go first, for they belong to the client id of the app and would outlive it.
    async fn remove_whole(&self, app: &App, removed: &mut Removed) -> Result<(), WriteFault> {
        for role in self.admin.roles(&app.client_id).await? {
            let url = self.admin.url(&["oauth2", "v1", "clients", &app.client_id, "roles", &role.id]);
            self.remove(Route::UnassignRole, &url, format!("role {} of app {}", role.kind, app.client_id), removed).await?;
        }
        for grant in self.admin.grants(&app.id).await? {
            let url = self.admin.url(&["api", "v1", "apps", &app.id, "grants", &grant.id]);
            self.remove(Route::RevokeScope, &url, format!("scope {} of app {}", grant.scope, app.id), removed).await?;
        }
        if app.is_active {
            let url = self.admin.url(&["api", "v1", "apps", &app.id, "lifecycle", "deactivate"]);
            self.remove(Route::DeactivateApp, &url, format!("the activity of app {}", app.id), removed).await?;
        }
        let url = self.admin.url(&["api", "v1", "apps", &app.id]);
        self.remove(Route::DeleteApp, &url, format!("app {}", app.id), removed).await
    }

    pub(super) async fn remove_set(&self, id: &str, removed: &mut Removed) -> Result<(), Error> {
        let url = self.admin.url(&["api", "v1", "iam", "resource-sets", id]);
        let mut settling = self.settling();
        while self.is_there(Route::ResourceSet, &url).await? {
            if settling.waits(Route::DeleteResourceSet, &self.admin.client.inner).await? {
                continue;
            }
            let written = self.remove(Route::DeleteResourceSet, &url, format!("resource set {id}"), removed).await;
            settling.wrote(Route::DeleteResourceSet, written)?;
        }
        Ok(())
    }

    pub(super) async fn remove_role(&self, id: &str, removed: &mut Removed) -> Result<(), Error> {
        let url = self.admin.url(&["api", "v1", "iam", "roles", id]);
        let mut settling = self.settling();
        while self.is_there(Route::CustomRole, &url).await? {
            if settling.waits(Route::DeleteRole, &self.admin.client.inner).await? {
                continue;
            }
            settling.wrote(Route::DeleteRole, self.remove(Route::DeleteRole, &url, format!("custom role {id}"), removed).await)?;
        }
        Ok(())
    }

    /// Whether something that was made here is still there.
    async fn is_there(&self, route: Route, url: &Url) -> Result<bool, Error> {
        let found = self.admin.read(route, url.clone()).await?;
        match found.as_ref().and_then(Named::read) {
            Some(named) if !named.is_ours => Err(marker_gone(route, &named.id)),
            found => Ok(found.is_some()),
        }
    }

    /// Sends a removal until it is answered, for to send one twice does no harm. What is gone already is fine.
    pub(super) async fn remove(&self, route: Route, url: &Url, what: String, removed: &mut Removed) -> Result<(), WriteFault> {
        let step = format!("remove {what}");
        self.tell(StepOutcome::Begun(step.clone()));
        let (mut sending, mut is_unsure) = (self.settling(), false);
        let is_done = loop {
            match self.admin.write(route, url, None).await {
                Ok(_) => break true,
                Err(WriteFault::Unknown(error)) => {
                    self.tell(StepOutcome::Unsure { step: step.clone(), reason: error.to_string() });
                    is_unsure = true;
                    sending.wrote(route, Err(WriteFault::Unknown(error)))?;
                    sending.waits(route, &self.admin.client.inner).await?;
                }
                // Where an answer was lost, it was this call that removed it.
                Err(WriteFault::Refused(error)) if matches!(*error, Error::NotFound { .. }) => break is_unsure,
                Err(refused) => return Err(refused),
            }
        };
        if is_done {
            self.tell(StepOutcome::Done { step, made: None });
            removed.note(what);
        }
        Ok(())
    }
}
