//! Signed tokens, made with a key that the test holds.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) enum Key {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    pub(crate) fn fresh() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn from_pem(pem: &str) -> Self {
        let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(text).unwrap();
        match EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der) {
            Ok(pair) => Self::Ec(pair),
            Err(_) => Self::Rsa(RsaKeyPair::from_pkcs8(&der).unwrap()),
        }
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_) => "ES256",
            Self::Rsa(_) => "RS256",
        }
    }

    /// The public JWK of an elliptic curve key.
    pub(crate) fn jwk(&self) -> Value {
        let Self::Ec(pair) = self else { panic!("only elliptic curve keys make proofs here") };
        let point = pair.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..])})
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", part(header), part(claims));
        let signature = match self {
            Self::Ec(pair) => pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A proof of possession with these claims besides the usual ones.
    pub(crate) fn proof(&self, claims: &Value) -> String {
        self.exact_proof(&merged(&json!({"iat": now(), "jti": unique()}), claims))
    }

    /// A proof of possession with these claims and no others.
    pub(crate) fn exact_proof(&self, claims: &Value) -> String {
        self.sign(&json!({"typ": "dpop+jwt", "alg": self.algorithm(), "jwk": self.jwk()}), claims)
    }
}

pub(crate) fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

#[expect(clippy::disallowed_methods, reason = "the tests know no other clock")]
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

pub(crate) fn unique() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    format!("unique-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn merged(usual: &Value, other: &Value) -> Value {
    let mut all = usual.as_object().unwrap().clone();
    for (name, value) in other.as_object().unwrap() {
        match value {
            Value::Null => _ = all.remove(name),
            _ => _ = all.insert(name.clone(), value.clone()),
        }
    }
    all.into()
}
