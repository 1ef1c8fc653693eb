//! A private key in this process.

use super::{Algorithm, PublicJwk, Signer, der};
use crate::error::Error;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idsync_core::BoxError;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm as JwtAlgorithm, EncodingKey};
use std::fmt;

const MIN_RSA_BITS: usize = 2048;

/// A key whose bytes are wiped when it is dropped.
#[derive(Clone)]
pub(crate) struct LocalKey {
    key: EncodingKey,
    algorithm: Algorithm,
    public: PublicJwk,
}

impl LocalKey {
    /// An RSA key from its PKCS#1 structure.
    pub(super) fn rsa(pkcs1: &[u8]) -> Result<Self, Error> {
        let key = EncodingKey::from_rsa_der(pkcs1);
        let local = Self::checked(key, Algorithm::Rs256).ok_or_else(|| Error::key("it is not a valid RSA key of 2048 to 8192 bits"))?;
        let bits = local.public.n.as_deref().and_then(|n| URL_SAFE_NO_PAD.decode(n).ok()).map_or(0, |n| n.len() * 8);
        if bits < MIN_RSA_BITS {
            return Err(Error::key(format!("it is an RSA key of {bits} bits, and Okta wants at least {MIN_RSA_BITS}")));
        }
        Ok(local)
    }

    /// An elliptic-curve key from its PKCS#8 structure.
    pub(super) fn ec(pkcs8: &[u8]) -> Result<Self, Error> {
        [Algorithm::Es256, Algorithm::Es384]
            .into_iter()
            .find_map(|algorithm| Self::checked(EncodingKey::from_ec_der(pkcs8), algorithm))
            .ok_or_else(|| Error::key("it is not a valid key on the curve P-256 or P-384"))
    }

    /// An elliptic-curve key from its SEC 1 structure, which need not name its curve.
    pub(super) fn sec1(sec1: &[u8]) -> Result<Self, Error> {
        Self::ec(&der::wrap_ec(der::P256, sec1)).or_else(|_| Self::ec(&der::wrap_ec(der::P384, sec1)))
    }

    /// A new RSA key of 2048 bits, for proofs of possession.
    pub(crate) fn generate() -> Result<Self, Error> {
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
        let fail = |_| Error::key("a key could not be generated");
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).map_err(fail)?;
        let document: Pkcs8V1Der<'_> = pair.as_der().map_err(fail)?;
        let (_, pkcs1) = der::pkcs8(document.as_ref()).ok_or_else(|| Error::key("a key could not be generated"))?;
        Self::rsa(pkcs1)
    }

    fn checked(key: EncodingKey, algorithm: Algorithm) -> Option<Self> {
        let jwk = Jwk::from_encoding_key(&key, algorithm.jwt()).ok()?;
        let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).ok()?;
        let public = public_jwk(&jwk, thumbprint, algorithm)?;
        let local = Self { key, algorithm, public };
        // A structure can be read and still not be usable, so it signs once before it counts as a key.
        local.sign_now(b"probe").ok()?;
        Some(local)
    }

    /// The same key with another hash of its family.
    pub(super) fn with_algorithm(mut self, algorithm: Algorithm) -> Result<Self, Error> {
        let fits = match self.algorithm {
            Algorithm::Es256 | Algorithm::Es384 => algorithm == self.algorithm,
            _ => matches!(algorithm, Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512),
        };
        if !fits {
            return Err(Error::key(format!("it cannot sign with {}", algorithm.as_str())));
        }
        self.algorithm = algorithm;
        self.public.alg = algorithm.as_str();
        Ok(self)
    }

    pub(crate) fn public(&self) -> &PublicJwk {
        &self.public
    }

    pub(crate) fn sign_now(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let encoded = jsonwebtoken::crypto::sign(message, &self.key, self.algorithm.jwt()).map_err(|_| Error::key("signing failed"))?;
        URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Error::key("signing failed"))
    }
}

fn public_jwk(jwk: &Jwk, thumbprint: String, algorithm: Algorithm) -> Option<PublicJwk> {
    let mut public =
        PublicJwk { kty: "", kid: thumbprint, alg: algorithm.as_str(), usage: "sig", n: None, e: None, crv: None, x: None, y: None };
    match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            (public.kty, public.n, public.e) = ("RSA", Some(rsa.n.clone()), Some(rsa.e.clone()));
        }
        AlgorithmParameters::EllipticCurve(ec) => {
            public.kty = "EC";
            public.crv = Some(if ec.curve == EllipticCurve::P256 { "P-256" } else { "P-384" });
            (public.x, public.y) = (Some(ec.x.clone()), Some(ec.y.clone()));
        }
        _ => return None,
    }
    Some(public)
}

impl Algorithm {
    const fn jwt(self) -> JwtAlgorithm {
        match self {
            Self::Es256 => JwtAlgorithm::ES256,
            Self::Es384 => JwtAlgorithm::ES384,
            Self::Rs256 => JwtAlgorithm::RS256,
            Self::Rs384 => JwtAlgorithm::RS384,
            Self::Rs512 => JwtAlgorithm::RS512,
        }
    }
}

#[async_trait]
impl Signer for LocalKey {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn key_id(&self) -> &str {
        &self.public.kid
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, BoxError> {
        Ok(self.sign_now(message)?)
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").field("algorithm", &self.algorithm).field("key_id", &self.public.kid).finish_non_exhaustive()
    }
}
