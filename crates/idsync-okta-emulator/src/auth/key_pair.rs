//! Making keys.

use super::public_key::PublicKey;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::{fmt, io};

/// What kind of key an app signs with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// An elliptic curve key for ES256; made in no time.
    #[default]
    Ec256,
    /// An RSA key for RS256; takes a while to make.
    Rsa2048,
}

/// A key that was made for the app.
pub struct NewKey {
    key_id: String,
    pem: String,
}

impl NewKey {
    pub(crate) fn generate(kind: KeyKind) -> io::Result<(Self, PublicKey)> {
        let failed = |_| io::Error::other("the cryptographic library could not make a key");
        let (der, public) = match kind {
            KeyKind::Ec256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
                let der = pair.to_pkcs8v1().map_err(failed)?;
                (der.as_ref().to_vec(), PublicKey::from_p256_point(pair.public_key().as_ref()))
            }
            KeyKind::Rsa2048 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let der = pair.as_der().map_err(failed)?;
                (der.as_ref().to_vec(), PublicKey::from_pkcs1(pair.public_key().as_ref()))
            }
        };
        let public = public.ok_or_else(|| io::Error::other("the cryptographic library made a key of an unknown form"))?;
        Ok((Self { key_id: public.thumbprint(), pem: pem(&der) }, public))
    }

    /// The key id (`kid`): the RFC 7638 thumbprint.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The private key, PKCS#8 in PEM.
    #[must_use]
    pub fn private_key_pem(&self) -> &str {
        &self.pem
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_owned();
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|&byte| char::from(byte)));
        pem.push('\n');
    }
    pem + "-----END PRIVATE KEY-----\n"
}
