//! Private keys as JSON Web Keys (RFC 7517, RFC 7518), as the Admin Console shows them when it generates a key.

use super::local::LocalKey;
use super::{Algorithm, der};
use crate::error::Error;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct PrivateJwk {
    kty: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<String>,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
}

/// Reads one private JWK; also returns the key id that it names.
pub(super) fn read(text: &str) -> Result<(LocalKey, Option<String>), Error> {
    // The parser's own message may quote the text, so it is dropped.
    let jwk: PrivateJwk = serde_json::from_str(text).map_err(|_| Error::key("it is not a JSON Web Key"))?;
    let key = match jwk.kty.as_deref() {
        Some("RSA") => rsa(&jwk)?,
        Some("EC") => ec(&jwk)?,
        _ => return Err(Error::key("its kty is neither RSA nor EC")),
    };
    let key = match jwk.alg.as_deref() {
        None => key,
        Some(name) => {
            let algorithm = Algorithm::from_name(name).ok_or_else(|| Error::key("its alg is not RS256, RS384, RS512, ES256 or ES384"))?;
            key.with_algorithm(algorithm)?
        }
    };
    Ok((key, jwk.kid.clone()))
}

fn rsa(jwk: &PrivateJwk) -> Result<LocalKey, Error> {
    let version = der::integer(&[]);
    let mut parts = vec![version];
    let members =
        [("n", &jwk.n), ("e", &jwk.e), ("d", &jwk.d), ("p", &jwk.p), ("q", &jwk.q), ("dp", &jwk.dp), ("dq", &jwk.dq), ("qi", &jwk.qi)];
    for (name, value) in members {
        parts.push(der::integer(&decode(name, value.as_deref())?));
    }
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_slice()).collect();
    LocalKey::rsa(&der::element(der::SEQUENCE, &parts))
}

fn ec(jwk: &PrivateJwk) -> Result<LocalKey, Error> {
    let (curve, size) = match jwk.crv.as_deref() {
        Some("P-256") => (der::P256, 32),
        Some("P-384") => (der::P384, 48),
        _ => return Err(Error::key("its crv is neither P-256 nor P-384")),
    };
    let d = decode("d", jwk.d.as_deref())?;
    let (x, y) = (decode("x", jwk.x.as_deref())?, decode("y", jwk.y.as_deref())?);
    if [d.len(), x.len(), y.len()] != [size; 3] {
        return Err(Error::key("its members do not have the size of its curve"));
    }
    let point = der::element(der::CONTEXT_1, &[&der::element(der::BIT_STRING, &[&[0, 4], &x, &y])]);
    let sec1 = der::element(der::SEQUENCE, &[&der::integer(&[1]), &der::element(der::OCTET_STRING, &[&d]), &point]);
    LocalKey::ec(&der::wrap_ec(curve, &sec1))
}

fn decode(name: &str, value: Option<&str>) -> Result<Zeroizing<Vec<u8>>, Error> {
    let value = value.ok_or_else(|| Error::key(format!("its member `{name}` is missing; a private JWK with all members is needed")))?;
    let bytes =
        URL_SAFE_NO_PAD.decode(value.trim_end_matches('=')).map_err(|_| Error::key(format!("its member `{name}` is not base64url")))?;
    Ok(Zeroizing::new(bytes))
}
