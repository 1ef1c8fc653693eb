//! JSON Web Signatures in their compact form (RFC 7515), and the assertion that a service app signs in with (RFC 7523).

use crate::error::Error;
use crate::random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use zeroize::Zeroizing;

/// How long an assertion is valid. Okta accepts up to an hour; a short one is of little use to whoever finds it.
const LIFETIME_SECONDS: i64 = 5 * 60;
/// How far `iat` lies in the past: Okta tolerates nothing from the future, and `Date` has whole seconds only.
pub(crate) const BACKDATE_SECONDS: i64 = 5;

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    kid: &'a str,
    typ: &'static str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

/// A fresh identifier of 128 random bits.
pub(crate) fn fresh_jti() -> String {
    URL_SAFE_NO_PAD.encode(random::bytes::<16>())
}

/// `header.claims`, which is what gets signed.
pub(crate) fn signing_input(header: &impl Serialize, claims: &impl Serialize) -> Result<Zeroizing<String>, Error> {
    let encode =
        |part: serde_json::Result<Vec<u8>>| part.map(|json| URL_SAFE_NO_PAD.encode(json)).map_err(|_| Error::key("signing failed"));
    let (header, claims) = (encode(serde_json::to_vec(header))?, encode(serde_json::to_vec(claims))?);
    Ok(Zeroizing::new(format!("{header}.{claims}")))
}

/// The signed whole.
pub(crate) fn compact(input: &str, signature: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// A new client assertion for one request to `audience`.
pub(crate) async fn assertion(app: &crate::ServiceApp, audience: &str, now: i64) -> Result<Zeroizing<String>, Error> {
    let header = Header { alg: app.key.algorithm().as_str(), kid: app.key.key_id(), typ: "JWT" };
    let iat = now - BACKDATE_SECONDS;
    let claims = Claims { iss: &app.client_id, sub: &app.client_id, aud: audience, iat, exp: iat + LIFETIME_SECONDS, jti: fresh_jti() };
    let input = signing_input(&header, &claims)?;
    let signature = app.key.sign(input.as_bytes()).await?;
    Ok(compact(&input, &signature))
}
