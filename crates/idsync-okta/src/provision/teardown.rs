//! Removing what was made.

use super::connection::Connection;
use super::journal::{Journal, Made};
use super::listener::StepOutcome;
use super::look::marker_gone;
use super::provisioner::OktaProvisioner;
use super::spec::AppRole;
use super::state::{App, Named};
use super::write::WriteFault;
use crate::error::Error;
use crate::transport::{Attempts, Route};
use serde::Serialize;
use url::Url;

/// What was removed, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Removed {
    /// In a few words each; nothing when nothing was left.
    pub removed: Vec<String>,
}

impl OktaProvisioner {
    /// Removes the app of this connection with its grants and roles, and the custom role and the resource set that were made for it, and
    /// nothing else. Doing so twice is fine.
    ///
    /// # Errors
    /// Something could not be removed; the next call goes on from there.
    pub async fn teardown(&self, connection: &Connection) -> Result<Removed, Error> {
        self.admin.preflight().await?;
        let mut removed = Removed::default();
        let mut attempts = Attempts::new(self.admin.client.inner.retry);
        while let Some(app) = self.admin.our_app(&connection.app_id).await? {
            self.remove_app(&app, &mut removed, &mut attempts).await?;
        }
        if let AppRole::Custom { role_id, resource_set_id } = &connection.role {
            self.remove_set(resource_set_id, &mut removed, &mut attempts).await?;
            self.remove_role(role_id, &mut removed, &mut attempts).await?;
        }
        Ok(removed)
    }

    /// Takes away exactly what a journal lists, the last thing first. What is gone already is fine.
    ///
    /// # Errors
    /// Something could not be removed; the next call goes on from there.
    pub async fn undo(&self, journal: &Journal) -> Result<Removed, Error> {
        let mut removed = Removed::default();
        let mut attempts = Attempts::new(self.admin.client.inner.retry);
        for made in journal.made().iter().rev() {
            self.take_away(made, journal, &mut removed, &mut attempts).await?;
        }
        Ok(removed)
    }

    async fn take_away(&self, made: &Made, journal: &Journal, removed: &mut Removed, attempts: &mut Attempts) -> Result<(), Error> {
        // With an app everything goes that belongs to it, but a role that somebody has cannot be deleted.
        let whole =
            |id: &str| journal.made().iter().any(|made| matches!(made, Made::App { app_id, client_id } if app_id == id || client_id == id));
        match made {
            Made::App { app_id, .. } => {
                while let Some(app) = self.admin.our_app(app_id).await? {
                    self.remove_app(&app, removed, attempts).await?;
                }
                Ok(())
            }
            Made::ResourceSet { resource_set_id } => self.remove_set(resource_set_id, removed, attempts).await,
            Made::Role { role_id } => self.remove_role(role_id, removed, attempts).await,
            Made::Scope { app_id, scope } if !whole(app_id) => {
                let grants = self.admin.grants(app_id).await?;
                let Some(grant) = grants.into_iter().find(|grant| grant.scope == *scope) else { return Ok(()) };
                let url = self.admin.url(&["api", "v1", "apps", app_id, "grants", &grant.id]);
                self.remove(Route::RevokeScope, &url, made.to_string(), removed, attempts).await
            }
            Made::Assignment { client_id, role } => {
                let roles = self.admin.roles(client_id).await?;
                let Some(assigned) = roles.into_iter().find(|assigned| assigned.kind == *role) else { return Ok(()) };
                let url = self.admin.url(&["oauth2", "v1", "clients", client_id, "roles", &assigned.id]);
                self.remove(Route::UnassignRole, &url, made.to_string(), removed, attempts).await
            }
            Made::Key { app_id, key_id } if !whole(app_id) => {
                let Some(app) = self.admin.our_app(app_id).await? else { return Ok(()) };
                let Some(key) = app.keys.iter().find(|key| key.kid == *key_id) else { return Ok(()) };
                let path = ["api", "v1", "apps", app_id.as_str(), "credentials", "jwks", key.id.as_str()];
                if key.is_active {
                    let url = self.admin.url(&[&path[..], &["lifecycle", "deactivate"]].concat());
                    self.remove(Route::DeactivateKey, &url, format!("the activity of {made}"), removed, attempts).await?;
                }
                self.remove(Route::DeleteKey, &self.admin.url(&path), made.to_string(), removed, attempts).await
            }
            _ => Ok(()),
        }
    }

    /// Takes one step towards the end of an app: roles and grants first, for they belong to its client id and would outlive it.
    async fn remove_app(&self, app: &App, removed: &mut Removed, attempts: &mut Attempts) -> Result<(), Error> {
        for role in self.admin.roles(&app.client_id).await? {
            let url = self.admin.url(&["oauth2", "v1", "clients", &app.client_id, "roles", &role.id]);
            self.remove(Route::UnassignRole, &url, format!("role {} of app {}", role.kind, app.client_id), removed, attempts).await?;
        }
        for grant in self.admin.grants(&app.id).await? {
            let url = self.admin.url(&["api", "v1", "apps", &app.id, "grants", &grant.id]);
            self.remove(Route::RevokeScope, &url, format!("scope {} of app {}", grant.scope, app.id), removed, attempts).await?;
        }
        if app.is_active {
            let url = self.admin.url(&["api", "v1", "apps", &app.id, "lifecycle", "deactivate"]);
            self.remove(Route::DeactivateApp, &url, format!("the activity of app {}", app.id), removed, attempts).await?;
        }
        let url = self.admin.url(&["api", "v1", "apps", &app.id]);
        self.remove(Route::DeleteApp, &url, format!("app {}", app.id), removed, attempts).await
    }

    async fn remove_set(&self, id: &str, removed: &mut Removed, attempts: &mut Attempts) -> Result<(), Error> {
        let url = self.admin.url(&["api", "v1", "iam", "resource-sets", id]);
        while self.is_there(Route::ResourceSet, &url).await? {
            self.remove(Route::DeleteResourceSet, &url, format!("resource set {id}"), removed, attempts).await?;
        }
        Ok(())
    }

    async fn remove_role(&self, id: &str, removed: &mut Removed, attempts: &mut Attempts) -> Result<(), Error> {
        let url = self.admin.url(&["api", "v1", "iam", "roles", id]);
        while self.is_there(Route::CustomRole, &url).await? {
            self.remove(Route::DeleteRole, &url, format!("custom role {id}"), removed, attempts).await?;
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

    async fn remove(&self, route: Route, url: &Url, what: String, removed: &mut Removed, attempts: &mut Attempts) -> Result<(), Error> {
        let step = format!("remove {what}");
        self.tell(StepOutcome::Begun(step.clone()));
        let written = self.admin.write(route, url, None).await.map(drop);
        match &written {
            Ok(()) => {
                self.tell(StepOutcome::Done { step, made: None });
                if !removed.removed.contains(&what) {
                    removed.removed.push(what);
                }
            }
            Err(WriteFault::Unknown(error)) => self.tell(StepOutcome::Unsure { step, reason: error.to_string() }),
            Err(WriteFault::Refused(_)) => {}
        }
        self.admin.after(written, route, attempts).await
    }
}
