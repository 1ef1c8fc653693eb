//! The keys of the emulator's app.

use super::Org;
use super::app::{AppKey, KeyStatus};
use super::managed::Managed;
use crate::auth::{KeyKind, NewKey, PublicKey};
use crate::id::Kind;
use crate::moment::Moment;
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
        self.with_keys(|keys| set_status(keys, key_id, KeyStatus::Active))
    }

    /// Deactivates a key: assertions signed with it are refused. False when there is no such key.
    pub fn deactivate_key(&self, key_id: &str) -> bool {
        self.with_keys(|keys| set_status(keys, key_id, KeyStatus::Inactive))
    }

    /// Removes a key. False when there is no such key.
    pub fn remove_key(&self, key_id: &str) -> bool {
        self.with_keys(|keys| {
            let before = keys.len();
            keys.retain(|key| key.kid.as_deref() != Some(key_id));
            keys.len() < before
        })
    }

    fn with_keys(&self, change: impl FnOnce(&mut Vec<AppKey>) -> bool) -> bool {
        let managed = &mut self.shared.access().managed;
        let reader = managed.reader;
        managed.app_mut(reader).and_then(|app| app.client.as_mut()).is_some_and(|client| change(&mut client.keys))
    }

    fn register(&self, kid: String, key: PublicKey) {
        let now = self.shared.now();
        let managed = &mut self.shared.access().managed;
        managed.register_key(managed.reader, kid, key, now);
    }
}

impl Managed {
    /// Adds a key to an app.
    pub(crate) fn register_key(&mut self, place: usize, kid: String, key: PublicKey, now: Moment) {
        let id = self.id(Kind::Key);
        let members = key.members();
        let key = AppKey { id, kid: Some(kid), key, members, status: KeyStatus::Active, created: now, updated: now };
        if let Some(client) = self.app_mut(place).and_then(|app| app.client.as_mut()) {
            client.keys.push(key);
        }
    }
}

/// Sets the status of the key with this `kid`. False when there is none.
pub(super) fn set_status(keys: &mut [AppKey], kid: &str, status: KeyStatus) -> bool {
    let Some(key) = keys.iter_mut().find(|key| key.kid.as_deref() == Some(kid)) else { return false };
    key.status = status;
    true
}
