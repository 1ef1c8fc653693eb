//! The keys of the app.

use super::Org;
use super::app::{AppKey, KeyStatus};
use crate::auth::{KeyKind, NewKey, PublicKey};
use serde_json::Value;
use std::io;

impl Org {
    /// Makes a further key for the app and registers it; both keys are good, as during a rotation.
    ///
    /// # Errors
    ///
    /// When the cryptographic library cannot make a key.
    pub fn add_key(&self, kind: KeyKind) -> io::Result<NewKey> {
        let (key, public) = NewKey::generate(kind)?;
        self.register(key.key_id().to_owned(), public);
        Ok(key)
    }

    /// Registers a public key that was made elsewhere, a JWK with or without `kid`; returns its key id, which is the RFC 7638 thumbprint
    /// unless the JWK names one. `None` when it is not a public key of a supported kind.
    pub fn add_public_key(&self, jwk: &Value) -> Option<String> {
        let key = PublicKey::from_jwk(jwk)?;
        let kid = jwk.get("kid").and_then(Value::as_str).map_or_else(|| key.thumbprint(), str::to_owned);
        self.register(kid.clone(), key);
        Some(kid)
    }

    /// Activates a key again. False when there is no such key.
    pub fn activate_key(&self, key_id: &str) -> bool {
        self.set_key_status(key_id, KeyStatus::Active)
    }

    /// Deactivates a key: assertions signed with it are refused. False when there is no such key.
    pub fn deactivate_key(&self, key_id: &str) -> bool {
        self.set_key_status(key_id, KeyStatus::Inactive)
    }

    /// Removes a key. False when there is no such key.
    pub fn remove_key(&self, key_id: &str) -> bool {
        let mut access = self.shared.access();
        let keys = &mut access.apps[0].keys;
        let before = keys.len();
        keys.retain(|key| key.kid != key_id);
        keys.len() < before
    }

    /// Registers a key that was made already.
    pub(crate) fn register_key(&self, key: &NewKey, public: PublicKey) {
        self.register(key.key_id().to_owned(), public);
    }

    fn set_key_status(&self, key_id: &str, status: KeyStatus) -> bool {
        let mut access = self.shared.access();
        let Some(key) = access.apps[0].keys.iter_mut().find(|key| key.kid == key_id) else { return false };
        key.status = status;
        true
    }

    fn register(&self, kid: String, key: PublicKey) {
        self.shared.access().apps[0].keys.push(AppKey { kid, key, status: KeyStatus::Active });
    }
}
