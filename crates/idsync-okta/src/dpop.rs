//! Proof of possession (RFC 9449): each request proves that its sender holds the key to which the access token is bound.

use crate::error::Error;
use crate::jws::{self, BACKDATE_SECONDS};
use crate::key::LocalKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use std::sync::{Mutex, OnceLock, PoisonError};
use url::Url;
use zeroize::Zeroizing;

/// Whether the app's access tokens are bound to a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DpopMode {
    /// From the first request on.
    Always,
    /// When Okta asks for it, which costs one refused token request.
    #[default]
    Auto,
    /// Never; an app that requires it is then refused.
    Never,
}

/// The key and the nonces of one client. The key never leaves this process and is forgotten with it.
#[derive(Debug, Default)]
pub(crate) struct Dpop {
    key: OnceLock<LocalKey>,
    token_nonce: Mutex<Option<String>>,
    resource_nonce: Mutex<Option<String>>,
}

/// Where a proof is presented; each keeps its own nonce.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Audience<'a> {
    Resource { access_token: &'a str },
    Token,
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'static str,
    alg: &'static str,
    jwk: PublicMembers<'a>,
}

#[derive(Serialize)]
struct PublicMembers<'a> {
    kty: &'static str,
    n: Option<&'a str>,
    e: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

impl Dpop {
    pub(crate) fn is_on(&self) -> bool {
        self.key.get().is_some()
    }

    /// Makes the key, once.
    pub(crate) fn switch_on(&self) -> Result<(), Error> {
        if !self.is_on() {
            // Whoever comes second throws its key away.
            _ = self.key.set(LocalKey::generate()?);
        }
        Ok(())
    }

    pub(crate) fn remember_nonce(&self, audience: Audience<'_>, nonce: &str) {
        *self.nonce(audience).lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce.to_owned());
    }

    fn nonce(&self, audience: Audience<'_>) -> &Mutex<Option<String>> {
        match audience {
            Audience::Token => &self.token_nonce,
            Audience::Resource { .. } => &self.resource_nonce,
        }
    }

    /// A proof for one attempt at one request; `None` while proofs are off.
    pub(crate) fn proof(&self, method: &str, url: &Url, audience: Audience<'_>, now: i64) -> Result<Option<Zeroizing<String>>, Error> {
        let Some(key) = self.key.get() else { return Ok(None) };
        let mut target = url.clone();
        target.set_query(None);
        target.set_fragment(None);
        let nonce = self.nonce(audience).lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ath = match audience {
            Audience::Token => None,
            Audience::Resource { access_token } => {
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, access_token.as_bytes());
                Some(URL_SAFE_NO_PAD.encode(digest))
            }
        };
        let public = key.public();
        let jwk = PublicMembers { kty: public.kty, n: public.n.as_deref(), e: public.e.as_deref() };
        let header = Header { typ: "dpop+jwt", alg: public.alg, jwk };
        let claims =
            Claims { htm: method, htu: target.as_str(), iat: now - BACKDATE_SECONDS, jti: jws::fresh_jti(), nonce: nonce.as_deref(), ath };
        let input = jws::signing_input(&header, &claims)?;
        let signature = key.sign_now(input.as_bytes())?;
        Ok(Some(jws::compact(&input, &signature)))
    }
}
