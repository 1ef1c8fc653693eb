//! Proofs of possession (RFC 9449).

use super::jws::Jws;
use super::public_key::PublicKey;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::HeaderMap;
use serde_json::Value;
use std::collections::HashSet;

/// Whether access tokens of the app are bound to a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dpop {
    /// They never are: a proof is ignored, and the token is a bearer token (as for apps that are made through the API).
    #[default]
    NotRequired,
    /// They are where the token request carries a proof.
    Optional,
    /// They always are: a token request without a proof is refused (as for apps that are made in the admin console).
    Required,
}

/// A proof that holds.
#[derive(Debug)]
pub(super) struct Proof {
    /// The thumbprint of the key that made it.
    pub(super) thumbprint: String,
    pub(super) nonce: Option<String>,
}

/// What a proof must be about.
pub(super) struct Subject<'a> {
    pub(super) method: &'a str,
    /// The URL without query and fragment, in each form that the client may know the org by.
    pub(super) urls: &'a [String],
    pub(super) access_token: Option<&'a str>,
}

/// The oldest proof that is taken (Okta reference: OAuth error code `invalid_dpop_proof`).
const OLDEST: i64 = 300;

/// Checks the proof in these headers and uses it up. The error is what is wrong with it, in Okta's words.
pub(super) fn check(headers: &HeaderMap, subject: &Subject<'_>, used: &mut HashSet<String>, now: i64) -> Result<Proof, &'static str> {
    let mut sent = headers.get_all("dpop").iter();
    let text = sent.next().ok_or("The DPoP proof JWT header is missing.")?;
    if sent.next().is_some() {
        return Err("Multiple DPoP proof JWT headers are not allowed.");
    }
    let unreadable = "The DPoP proof JWT cannot be parsed.";
    let jws = Jws::parse(text.to_str().map_err(|_| unreadable)?).ok_or(unreadable)?;
    if jws.header.get("typ").and_then(Value::as_str) != Some("dpop+jwt") {
        return Err("'typ' must be 'dpop+jwt' in the DPoP proof JWT.");
    }
    if jws.algorithm().is_none() {
        return Err("The DPoP proof JWT signature algorithm is invalid.");
    }
    let key = jws.header.get("jwk").and_then(PublicKey::from_jwk).ok_or("The DPoP proof JWT is invalid.")?;
    if !jws.is_signed_by(&key) {
        return Err("The DPoP proof JWT signature is invalid.");
    }
    check_claims(&jws, subject, now)?;
    let thumbprint = key.thumbprint();
    let jti = jws.claim("jti").filter(|jti| !jti.is_empty()).ok_or("'jti' claim in the DPoP proof JWT is invalid.")?;
    if !used.insert(format!("{thumbprint} {jti}")) {
        return Err("The DPoP proof JWT has already been used.");
    }
    Ok(Proof { thumbprint, nonce: jws.claim("nonce").map(str::to_owned) })
}

fn check_claims(jws: &Jws<'_>, subject: &Subject<'_>, now: i64) -> Result<(), &'static str> {
    if jws.claim("htm") != Some(subject.method) {
        return Err("'htm' claim in the DPoP proof JWT is invalid.");
    }
    if !jws.claim("htu").is_some_and(|htu| subject.urls.iter().any(|url| url == htu)) {
        return Err("'htu' claim in the DPoP proof JWT is invalid.");
    }
    let issued = jws.time("iat").ok_or("'iat' claim in the DPoP proof JWT is invalid.")?;
    if issued > now {
        return Err("The DPoP proof JWT is issued in the future.");
    }
    if issued < now - OLDEST {
        return Err("The DPoP proof JWT is issued more than five minutes in the past.");
    }
    if jws.time("exp").is_some_and(|expires| expires <= now) {
        return Err("The DPoP proof JWT is expired.");
    }
    if let Some(token) = subject.access_token {
        let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.as_bytes()));
        if jws.claim("ath") != Some(&hash) {
            return Err("'ath' claim in the DPoP proof does not match the presented access_token.");
        }
    }
    Ok(())
}
