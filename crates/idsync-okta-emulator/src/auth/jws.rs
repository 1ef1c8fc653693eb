//! Signed tokens in the compact form (RFC 7515, section 7.1).

use super::public_key::{Algorithm, PublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// A signed token whose signature was not looked at yet.
pub(super) struct Jws<'a> {
    pub(super) header: Value,
    pub(super) claims: Value,
    signed: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Jws<'a> {
    /// Takes a token apart. `None` when it has another form.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let object = |part: &str| -> Option<Value> {
            let value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()?;
            value.is_object().then_some(value)
        };
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { header: object(header)?, claims: object(claims)?, signed: signed.as_bytes(), signature })
    }

    pub(super) fn algorithm(&self) -> Option<Algorithm> {
        Algorithm::parse(self.header.get("alg")?.as_str()?)
    }

    pub(super) fn claim(&self, name: &str) -> Option<&str> {
        self.claims.get(name)?.as_str()
    }

    /// A time claim in seconds; a fraction is dropped.
    pub(super) fn time(&self, name: &str) -> Option<i64> {
        let value = self.claims.get(name)?;
        value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
    }

    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.algorithm().is_some_and(|algorithm| key.verify(algorithm, self.signed, &self.signature))
    }
}
