//! Reading public keys.

use super::json::text;
use crate::auth::PublicKey;
use crate::id::Kind;
use crate::moment::Moment;
use crate::org::{AppKey, KeyStatus, Managed};
use crate::server::Failure;
use serde_json::{Map, Value};

/// The most keys of an app (Okta reference: "Add a JSON Web Key").
const MOST: usize = 50;
/// The members of a JWK that nobody but its owner may know (RFC 7518, section 6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A refusal in the words of Okta's examples; the one for short keys was recorded.
pub(super) fn refusal(cause: &str) -> Failure {
    Failure::invalid("JsonWebKey", cause)
}

/// Reads a key that is to be added to an app.
pub(super) fn read(jwk: &Map<String, Value>, managed: &mut Managed, now: Moment) -> Result<AppKey, Failure> {
    if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
        // What Okta does is not known. A client must never send them, and so must be told.
        return Err(refusal("The key must not have private members."));
    }
    let short = || refusal("RSA key length in the 'jwks' is less than '2,048' bits for the given key.");
    // A key without its modulus was refused as one that is too short (recorded).
    if text(jwk, "kty") == Some("RSA") && text(jwk, "n").is_none() {
        return Err(short());
    }
    let key = PublicKey::from_jwk(&Value::Object(jwk.clone())).ok_or_else(|| refusal("The key is not a valid public key."))?;
    if key.rsa_bits().is_some_and(|bits| bits < 2048) {
        return Err(short());
    }
    let status = match jwk.get("status") {
        None | Some(Value::Null) => Some(KeyStatus::Active),
        Some(status) => status.as_str().and_then(KeyStatus::parse),
    };
    let status = status.ok_or_else(|| refusal("The status of the key is invalid."))?;
    let kept = jwk
        .iter()
        .filter(|(name, value)| matches!(name.as_str(), "alg" | "crv" | "e" | "kty" | "n" | "use" | "x" | "y") && !value.is_null());
    let members = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    let kid = text(jwk, "kid").map(str::to_owned);
    Ok(AppKey { id: managed.id(Kind::Key), kid, key, members, status, created: now, updated: now })
}

/// Refuses keys that an app cannot have together.
pub(super) fn check_together(keys: &[AppKey]) -> Result<(), Failure> {
    if keys.len() > MOST {
        return Err(refusal(
            "You can't create a new key. You have reached the maximum number of keys allowed (50). To add another key, you must first delete an existing one.",
        ));
    }
    if keys.len() > 1 && keys.iter().any(|key| key.kid.is_none()) {
        return Err(refusal(
            "Each key should have a unique kid when adding multiple keys. Use the Apps API to update the JWKS to add a kid for the existing key, or delete the existing key and re-add the key with a kid using the JWKS APIs.",
        ));
    }
    let mut seen = std::collections::BTreeSet::new();
    if keys.iter().any(|key| !seen.insert(&key.kid)) {
        return Err(refusal("All keys in the 'jwks' must have a unique `kid`."));
    }
    Ok(())
}
