//! Who may read the org: the app, its scopes and role, and the tokens that are out.

use super::app::{App, AppStatus, GroupsWithoutRole, Role};
use super::{Org, Shared};
use crate::auth::{Dpop, Token};
use crate::id::letters;
use crate::random::mix;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Apps, tokens, and what may be used only once.
pub(crate) struct Access {
    /// The first one is the app that the emulator's credentials belong to.
    pub(crate) apps: Vec<App>,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) api_tokens: ApiTokens,
    pub(crate) used_assertions: HashSet<String>,
    pub(crate) used_proofs: HashSet<String>,
    /// The current DPoP nonce, then the one before, which is still good.
    pub(crate) nonces: [String; 2],
    pub(crate) groups_without_role: GroupsWithoutRole,
    delay: u32,
}

/// The API tokens of the org's admins.
pub(crate) struct ApiTokens {
    /// Reads everything.
    pub(crate) reader: String,
    /// Belongs to the super admin.
    pub(crate) setup: String,
}

impl Access {
    pub(crate) fn new(app: App, api_tokens: ApiTokens, seed: u64) -> Self {
        Self {
            apps: vec![app],
            tokens: HashMap::new(),
            api_tokens,
            used_assertions: HashSet::new(),
            used_proofs: HashSet::new(),
            nonces: [letters(mix(seed ^ 3), 32), letters(mix(seed ^ 4), 32)],
            groups_without_role: GroupsWithoutRole::default(),
            delay: 0,
        }
    }
}

impl Org {
    /// Gives the app this role, instead of the one it has.
    pub fn set_role(&self, role: Role) {
        self.with_app(|app, delay| app.set_role(role, delay));
    }

    /// Grants the app these scopes, and takes back all others. Tokens that are out keep theirs, as in Okta.
    pub fn set_granted_scopes(&self, scopes: &[&str]) {
        self.with_app(|app, delay| app.set_scopes(scopes.iter().map(|&scope| scope.to_owned()).collect(), delay));
    }

    /// Lets changes of role and scopes take effect only after this many further requests of the app, as in an org where a grant has not
    /// spread yet. Counts for the changes that are made from now on.
    pub fn set_access_delay(&self, requests: u32) {
        self.shared.access().delay = requests;
    }

    /// Activates the app, or deactivates it, which also ends its tokens for good.
    pub fn set_app_active(&self, active: bool) {
        let mut access = self.shared.access();
        access.tokens.retain(|_, token| active || token.app != 0);
        access.apps[0].status = if active { AppStatus::Active } else { AppStatus::Inactive };
    }

    /// Sets whether the app's tokens must be bound to a key.
    pub fn set_dpop(&self, dpop: Dpop) {
        self.with_app(|app, _| app.dpop = dpop);
    }

    /// Replaces the DPoP nonce that the token endpoint asks for. The one before stays good, those before it do not.
    pub fn rotate_nonce(&self) {
        let nonce = letters(self.shared.number(), 32);
        let mut access = self.shared.access();
        access.nonces = [nonce, std::mem::take(&mut access.nonces[0])];
    }

    /// Ends all access tokens: the next call with one answers 401.
    pub fn revoke_tokens(&self) {
        self.shared.access().tokens.clear();
    }

    /// Sets what `GET /api/v1/groups` answers to an app without a role.
    pub fn set_groups_without_role(&self, answer: GroupsWithoutRole) {
        self.shared.access().groups_without_role = answer;
    }

    fn with_app(&self, change: impl FnOnce(&mut App, u32)) {
        let mut access = self.shared.access();
        let delay = access.delay;
        change(&mut access.apps[0], delay);
    }
}

impl Shared {
    /// The client id of the emulator's app.
    pub(crate) fn client_id(&self) -> String {
        self.access().apps[0].client_id.clone()
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("apps", &self.apps).field("tokens", &self.tokens.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for ApiTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiTokens").finish_non_exhaustive()
    }
}
