//! Client assertions (RFC 7523, section 3): how an app shows who it is.

use super::jws::Jws;
use super::public_key::PublicKey;
use super::refusal::client;
use crate::org::{Access, AppStatus, Client, PRIVATE_KEY_JWT};
use crate::server::Failure;
use serde_json::Value;

/// The longest time ahead that an assertion may expire (Okta reference: "Implement OAuth for Okta with a service app").
const LONGEST: i64 = 3600;

/// Checks an assertion that was sent to one of these URLs, and uses it up; returns the place of the app among the apps.
pub(super) fn check(access: &mut Access, assertion: &str, audiences: &[String], now: i64) -> Result<usize, Failure> {
    let jws = Jws::parse(assertion).ok_or_else(|| client("The parsing of the client_assertion failed."))?;
    if jws.algorithm().is_none() {
        return Err(client("The client_assertion JWT signature algorithm is invalid."));
    }
    let app = find_app(access, &jws)?;
    check_times(&jws, audiences, now)?;
    check_signature(access, app, &jws)?;
    // A refused assertion is not used up, a good one is, whatever becomes of the request.
    if let Some(jti) = jws.claim("jti") {
        let is_new = access.used_assertions.insert(format!("{app} {jti}"));
        if !is_new {
            return Err(client("The client_assertion token has already been used."));
        }
    }
    Ok(app)
}

fn find_app(access: &Access, jws: &Jws<'_>) -> Result<usize, Failure> {
    let managed = &access.managed;
    let is_active = |place: &usize| managed.app(*place).is_some_and(|app| app.status == AppStatus::Active);
    let place = |client_id: &str| managed.place_of_client(client_id).filter(is_active);
    let issuer = jws.claim("iss").and_then(place);
    let app = issuer.ok_or_else(|| client("The issuer claim for client_assertion is not a valid client_id."))?;
    if jws.claim("sub").and_then(place) != Some(app) {
        return Err(client("The subject claim for client_assertion is not a valid client_id."));
    }
    Ok(app)
}

fn check_times(jws: &Jws<'_>, audiences: &[String], now: i64) -> Result<(), Failure> {
    let is_audience = |text: &str| audiences.iter().any(|audience| audience == text);
    let is_meant = match jws.claims.get("aud") {
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).any(is_audience),
        one => one.and_then(Value::as_str).is_some_and(is_audience),
    };
    if !is_meant {
        return Err(client("The audience claim for client_assertion must be the endpoint invoked for the request."));
    }
    let expires = jws.time("exp").ok_or_else(|| client("The client_assertion must contain the 'exp' claim as seconds since epoch."))?;
    if expires <= now {
        return Err(client("The client_assertion token is expired."));
    }
    if expires > now + LONGEST {
        return Err(client("The client_assertion token has an expiration too far into the future."));
    }
    if jws.time("iat").is_some_and(|issued| issued > now) {
        return Err(client("The client_assertion token must be issued before the current time."));
    }
    Ok(())
}

fn check_signature(access: &Access, app: usize, jws: &Jws<'_>) -> Result<(), Failure> {
    let known = access.managed.app(app).and_then(|app| app.client.as_ref());
    let known = known.ok_or_else(|| client("The issuer claim for client_assertion is not a valid client_id."))?;
    if known.auth_method != PRIVATE_KEY_JWT {
        return Err(client(
            "Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.",
        ));
    }
    if !known.is_service {
        return Err(client("Only clients with 'application_type' of 'service' may use the client credentials grant with Okta API scopes."));
    }
    let published = known.keys_uri.as_ref().and_then(|uri| access.published_keys.get(uri)).map(Vec::as_slice).unwrap_or_default();
    let keys = good_keys(known, published);
    if keys.is_empty() {
        return Err(client("The client does not have a JWKSet configured, but the client_assertion requires one."));
    }
    let kid = jws.header.get("kid").and_then(Value::as_str);
    let key = match (kid, keys.as_slice()) {
        (Some(kid), keys) => keys.iter().find(|(known, _)| *known == Some(kid)),
        // Without a `kid` there must be no doubt about the key.
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let (_, key) = key.ok_or_else(|| client("The client_assertion JWT kid is invalid."))?;
    if !jws.is_signed_by(key) {
        return Err(client("The client_assertion signature is invalid."));
    }
    Ok(())
}

/// The keys that a client may sign with, each with its `kid`: those that are active, or those that were published.
fn good_keys<'a>(known: &'a Client, published: &'a [Value]) -> Vec<(Option<&'a str>, PublicKey)> {
    if known.keys_uri.is_some() {
        let read = |jwk: &'a Value| Some((jwk.get("kid").and_then(Value::as_str), PublicKey::from_jwk(jwk)?));
        return published.iter().filter_map(read).collect();
    }
    let active = known.keys.iter().filter(|key| key.is_active() && !key.is_for_encryption());
    active.map(|key| (key.kid.as_deref(), key.key.clone())).collect()
}
