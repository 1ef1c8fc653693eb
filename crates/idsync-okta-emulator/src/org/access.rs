//! Who may read the org: apps and API tokens, and the access tokens that are out.

use super::managed::Managed;
use super::quirks::Quirks;
use super::{GroupsWithoutRole, Org};
use crate::auth::Token;
use crate::id::letters;
use crate::random::mix;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// What is managed, the tokens that are out, and what may be used only once.
pub(crate) struct Access {
    pub(crate) managed: Managed,
    pub(crate) quirks: Quirks,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) used_assertions: HashSet<String>,
    pub(crate) used_proofs: HashSet<String>,
    /// The current DPoP nonce, then the one before, which is still good.
    pub(crate) nonces: [String; 2],
    pub(crate) groups_without_role: GroupsWithoutRole,
    /// The key sets that Okta would find under URLs.
    pub(crate) published_keys: HashMap<String, Vec<Value>>,
    /// For how many requests of an app a change of its powers has no effect.
    pub(crate) delay: u32,
}

impl Access {
    pub(crate) fn new(managed: Managed, quirks: Quirks, seed: u64) -> Self {
        Self {
            managed,
            quirks,
            tokens: HashMap::new(),
            used_assertions: HashSet::new(),
            used_proofs: HashSet::new(),
            nonces: [letters(mix(seed ^ 3), 32), letters(mix(seed ^ 4), 32)],
            groups_without_role: GroupsWithoutRole::default(),
            published_keys: HashMap::new(),
            delay: 0,
        }
    }
}

impl Org {
    /// Lets changes of roles and scopes take effect only after this many further requests of the app, as in an org where a grant has not
    /// spread yet. Counts for the changes that are made from now on. For a delay in time see [`Quirks`].
    pub fn set_access_delay(&self, requests: u32) {
        self.shared.access().delay = requests;
    }

    /// Sets how the org behaves where orgs differ.
    pub fn set_quirks(&self, quirks: Quirks) {
        self.shared.access().quirks = quirks;
    }

    /// How the org behaves where orgs differ.
    #[must_use]
    pub fn quirks(&self) -> Quirks {
        self.shared.access().quirks.clone()
    }

    /// Replaces the DPoP nonce that the token endpoint asks for. The one before stays good, those before it do not.
    pub fn rotate_nonce(&self) {
        let nonce = letters(self.shared.number(), 32);
        let mut access = self.shared.access();
        let [current, _] = std::mem::take(&mut access.nonces);
        access.nonces = [nonce, current];
    }

    /// Ends all access tokens: the next call with one answers 401.
    pub fn revoke_tokens(&self) {
        self.shared.access().tokens.clear();
    }

    /// Sets what `GET /api/v1/groups` answers to an app without a role.
    pub fn set_groups_without_role(&self, answer: GroupsWithoutRole) {
        self.shared.access().groups_without_role = answer;
    }

    /// Sets the public keys that the org finds under a URL, for apps whose `jwks_uri` it is. Nothing is fetched.
    pub fn publish_keys(&self, url: &str, keys: &[Value]) {
        self.shared.access().published_keys.insert(url.to_owned(), keys.to_vec());
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("managed", &self.managed).field("tokens", &self.tokens.len()).finish_non_exhaustive()
    }
}
