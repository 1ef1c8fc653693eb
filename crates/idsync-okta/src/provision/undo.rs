//! Taking away what one call made.

use super::journal::{Journal, Made};
use super::provisioner::OktaProvisioner;
use super::remove::Removed;
use crate::error::Error;
use crate::transport::Route;

impl OktaProvisioner {
    /// Takes away exactly what a journal lists, the last thing first. What is gone already is fine.
    ///
    /// # Errors
    /// Something could not be removed; the next call goes on from there.
    pub async fn undo(&self, journal: &Journal) -> Result<Removed, Error> {
        let mut removed = Removed::default();
        for made in journal.made().iter().rev() {
            self.take_away(made, journal, &mut removed).await?;
        }
        Ok(removed)
    }

    async fn take_away(&self, made: &Made, journal: &Journal, removed: &mut Removed) -> Result<(), Error> {
        // With an app everything goes that belongs to it, but a role that somebody has cannot be deleted.
        let whole =
            |id: &str| journal.made().iter().any(|made| matches!(made, Made::App { app_id, client_id } if app_id == id || client_id == id));
        match made {
            Made::App { app_id, .. } => self.remove_app(app_id, removed).await,
            Made::ResourceSet { resource_set_id } => self.remove_set(resource_set_id, removed).await,
            Made::Role { role_id } => self.remove_role(role_id, removed).await,
            Made::Scope { app_id, scope } if !whole(app_id) => self.take_scope(app_id, scope, made, removed).await,
            Made::Assignment { client_id, role } => self.take_assignment(client_id, role, made, removed).await,
            Made::Key { app_id, key_id } if !whole(app_id) => self.take_key(app_id, key_id, made, removed).await,
            _ => Ok(()),
        }
    }

    async fn take_scope(&self, app_id: &str, scope: &str, made: &Made, removed: &mut Removed) -> Result<(), Error> {
        let mut settling = self.settling();
        while let Some(grant) = self.admin.grants(app_id).await?.into_iter().find(|grant| grant.scope == scope) {
            if settling.waits(Route::RevokeScope, &self.admin.client.inner).await? {
                continue;
            }
            let url = self.admin.url(&["api", "v1", "apps", app_id, "grants", &grant.id]);
            settling.wrote(Route::RevokeScope, self.remove(Route::RevokeScope, &url, made.to_string(), removed).await)?;
        }
        Ok(())
    }

    async fn take_assignment(&self, client_id: &str, role: &str, made: &Made, removed: &mut Removed) -> Result<(), Error> {
        let mut settling = self.settling();
        while let Some(assigned) = self.admin.roles(client_id).await?.into_iter().find(|assigned| assigned.kind == role) {
            if settling.waits(Route::UnassignRole, &self.admin.client.inner).await? {
                continue;
            }
            let url = self.admin.url(&["oauth2", "v1", "clients", client_id, "roles", &assigned.id]);
            settling.wrote(Route::UnassignRole, self.remove(Route::UnassignRole, &url, made.to_string(), removed).await)?;
        }
        Ok(())
    }

    async fn take_key(&self, app_id: &str, key_id: &str, made: &Made, removed: &mut Removed) -> Result<(), Error> {
        let Some(app) = self.admin.our_app(app_id).await? else { return Ok(()) };
        if app.keys.iter().any(|key| key.kid == key_id) {
            self.step(&format!("remove {made}"), self.admin.retire_keys(app_id, |key| key.kid == key_id)).await?;
            removed.note(made.to_string());
        }
        Ok(())
    }
}
