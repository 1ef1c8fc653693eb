//! Making a new key.

use super::{LocalKey, SigningKey, der};
use crate::error::Error;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use idsync_core::Secret;
use std::fmt;
use std::io::Write;
use std::path::Path;
use zeroize::Zeroizing;

/// What kind of key to make.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// An elliptic-curve key on P-256, which signs with `ES256`.
    #[default]
    Es256,
    /// An RSA key of 3072 bits, which signs with `RS256`.
    Rsa3072,
}

/// A private key that was made here and is not saved yet.
///
/// Save it before its public half is registered anywhere, so that there is never an app whose key nobody has.
pub struct NewKey {
    key: SigningKey,
    pem: Secret,
}

impl NewKey {
    /// Makes a key.
    ///
    /// # Errors
    /// [`Error::Key`] when the system cannot make one.
    pub fn generate(kind: KeyKind) -> Result<Self, Error> {
        let fail = |_| Error::key("a key could not be generated");
        let pkcs8: Zeroizing<Vec<u8>> = match kind {
            KeyKind::Es256 => {
                let pair = aws_lc_rs::signature::EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING);
                let document = pair.and_then(|pair| pair.to_pkcs8v1()).map_err(fail)?;
                Zeroizing::new(document.as_ref().to_vec())
            }
            KeyKind::Rsa3072 => {
                let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa3072).map_err(fail)?;
                let document: Pkcs8V1Der<'_> = pair.as_der().map_err(fail)?;
                Zeroizing::new(document.as_ref().to_vec())
            }
        };
        let local = match kind {
            KeyKind::Es256 => LocalKey::ec(&pkcs8)?,
            KeyKind::Rsa3072 => {
                let (_, pkcs1) = der::pkcs8(&pkcs8).ok_or_else(|| Error::key("a key could not be generated"))?;
                LocalKey::rsa(pkcs1)?
            }
        };
        Ok(Self { key: SigningKey::from_local(local), pem: Secret::new(pem(&pkcs8)) })
    }

    /// The key, to sign with.
    pub const fn signing_key(&self) -> &SigningKey {
        &self.key
    }

    /// The key as PEM (PKCS#8), to be kept somewhere safe.
    pub const fn pem(&self) -> &Secret {
        &self.pem
    }

    /// Writes the key into a new file that only its owner can read.
    ///
    /// # Errors
    /// [`Error::Key`] when the file is there already, which is left as it is, or cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut file| {
            file.write_all(self.pem.expose().as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::key_file(
                format!("{} is there already and was left as it is", path.display()),
                "name another file, or use the key in it",
            ),
            kind => {
                let remedy = "check that its folder is there and may be written by you";
                Error::key_file(format!("{} cannot be written: {kind}", path.display()), remedy)
            }
        })
    }
}

/// PKCS#8 in its textual form (RFC 7468).
fn pem(pkcs8: &[u8]) -> String {
    let encoded = Zeroizing::new(STANDARD.encode(pkcs8));
    const BEGIN: &str = "-----BEGIN PRIVATE KEY-----\n";
    const END: &str = "-----END PRIVATE KEY-----\n";
    // Exactly as long as it gets, so that it is never moved, which would leave a copy behind.
    let mut text = String::with_capacity(BEGIN.len() + encoded.len() + encoded.len().div_ceil(64) + END.len());
    text.push_str(BEGIN);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(END);
    text
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("key", &self.key).finish_non_exhaustive()
    }
}
