//! The app that the emulator's credentials belong to. Without it these methods do nothing.

use super::app::AppStatus;
use super::{Org, Role};
use crate::auth::Dpop;

impl Org {
    /// Gives the emulator's app this role, instead of those it has.
    pub fn set_role(&self, role: Role) {
        if let Some(app) = self.reader_id() {
            self.take_away_roles(&app);
            self.give_role(&app, role);
        }
    }

    /// Grants the emulator's app these scopes, and takes back all others. Tokens that are out keep theirs, as in Okta.
    pub fn set_granted_scopes(&self, scopes: &[&str]) {
        let Some(app) = self.reader_id() else { return };
        let had: Vec<String> = self.app(&app).map(|app| app.grants.into_iter().map(|grant| grant.scope).collect()).unwrap_or_default();
        for scope in had.iter().filter(|scope| !scopes.contains(&scope.as_str())) {
            self.take_away_grant(&app, scope);
        }
        for scope in scopes.iter().filter(|scope| !had.iter().any(|had| had == *scope)) {
            self.grant_scope(&app, scope);
        }
    }

    /// Activates the emulator's app, or deactivates it, which also ends its tokens for good.
    pub fn set_app_active(&self, active: bool) {
        if let Some(app) = self.reader_id() {
            self.set_app_status(&app, if active { AppStatus::Active } else { AppStatus::Inactive });
        }
    }

    /// Sets whether the tokens of the emulator's app must be bound to a key.
    pub fn set_dpop(&self, dpop: Dpop) {
        if let Some(app) = self.reader_id() {
            self.set_app_dpop(&app, dpop);
        }
    }

    fn reader_id(&self) -> Option<String> {
        let access = self.shared.access();
        access.managed.app(access.managed.reader).map(|app| app.id.to_string())
    }
}
