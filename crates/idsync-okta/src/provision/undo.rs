//! Taking away what one call made.

use super::journal::{Journal, Made};
use super::provisioner::OktaProvisioner;
use super::remove::Removed;
use super::state::{CUSTOM, ClientRole, Named};
use crate::error::Error;
use crate::transport::Route;

impl OktaProvisioner {
    /// Takes away exactly what a journal lists, the last thing first. What is gone already is fine.
    ///
    /// An app goes with everything that belongs to it, whoever added it. Changes of what was there before the call
    /// ([`Made::Repaired`]) are not turned back. An app, a custom role or a resource set that does not say any more that it was made here is
    /// left alone, and that is an error ([`SetupFault::MarkerGone`](crate::SetupFault::MarkerGone)).
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
            Made::Assignment { client_id, role } => self.take_assignment(client_id, role, journal, removed).await,
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

    async fn take_assignment(&self, client_id: &str, role: &str, journal: &Journal, removed: &mut Removed) -> Result<(), Error> {
        let what = Made::Assignment { client_id: client_id.to_owned(), role: role.to_owned() }.to_string();
        let mut settling = self.settling();
        while let Some(assigned) = self.our_assignment(client_id, role, journal).await? {
            if settling.waits(Route::UnassignRole, &self.admin.client.inner).await? {
                continue;
            }
            let url = self.admin.url(&["oauth2", "v1", "clients", client_id, "roles", &assigned.id]);
            settling.wrote(Route::UnassignRole, self.remove(Route::UnassignRole, &url, what.clone(), removed).await)?;
        }
        Ok(())
    }

    /// The assignment that is meant: of custom roles an app can have several, and only that of a role and a resource set made here is ours.
    async fn our_assignment(&self, client_id: &str, kind: &str, journal: &Journal) -> Result<Option<ClientRole>, Error> {
        let mut assigned = self.admin.roles(client_id).await?;
        assigned.retain(|assigned| assigned.kind == kind);
        if kind != CUSTOM {
            return Ok(assigned.into_iter().next());
        }
        let is_only = assigned.len() == 1;
        for assigned in assigned {
            let is_ours = match (&assigned.role, &assigned.resource_set) {
                (Some(role), Some(set)) => self.is_our_role(role, journal).await? && self.is_our_set(set, journal).await?,
                (Some(role), None) => self.is_our_role(role, journal).await?,
                // An answer may leave out which role it is; then it is clear only where there is no other.
                (None, _) => is_only,
            };
            if is_ours {
                return Ok(Some(assigned));
            }
        }
        Ok(None)
    }

    async fn is_our_role(&self, id: &str, journal: &Journal) -> Result<bool, Error> {
        let is_listed = journal.made().contains(&Made::Role { role_id: id.to_owned() });
        Ok(is_listed || self.is_marked(Route::CustomRole, &["api", "v1", "iam", "roles", id]).await?)
    }

    async fn is_our_set(&self, id: &str, journal: &Journal) -> Result<bool, Error> {
        let is_listed = journal.made().contains(&Made::ResourceSet { resource_set_id: id.to_owned() });
        Ok(is_listed || self.is_marked(Route::ResourceSet, &["api", "v1", "iam", "resource-sets", id]).await?)
    }

    async fn is_marked(&self, route: Route, path: &[&str]) -> Result<bool, Error> {
        let found = self.admin.read(route, self.admin.url(path)).await?;
        Ok(found.as_ref().and_then(Named::read).is_some_and(|named| named.is_ours))
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
