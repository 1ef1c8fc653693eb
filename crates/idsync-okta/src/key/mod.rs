//! The key that a service app signs in with.

mod der;
mod generate;
mod jwk;
mod local;
mod pem;
mod signer;

pub use generate::{KeyKind, NewKey};
pub(crate) use local::LocalKey;
pub use signer::Signer;

use crate::error::Error;
use idsync_core::Secret;
use serde::Serialize;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The signature algorithms that Okta accepts for service apps and this crate can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSA with SHA-256.
    Rs256,
    /// RSA with SHA-384.
    Rs384,
    /// RSA with SHA-512.
    Rs512,
}

impl Algorithm {
    /// The name in a JWS header (RFC 7518), such as `RS256`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Es256, Self::Es384, Self::Rs256, Self::Rs384, Self::Rs512].into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// The public half of a key, as it is registered with the app (RFC 7517). It serializes to a JWK.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PublicJwk {
    /// `RSA` or `EC`.
    pub kty: &'static str,
    /// The key id.
    pub kid: String,
    /// The algorithm it is used with.
    pub alg: &'static str,
    /// What it is used for: always `sig`.
    #[serde(rename = "use")]
    pub usage: &'static str,
    /// The RSA modulus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// The RSA exponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// The curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<&'static str>,
    /// The point's first coordinate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// The point's second coordinate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
}

/// The private key of a service app, or something that signs with it.
///
/// Its key id (`kid`) is the one that a JWK names, otherwise the RFC 7638 thumbprint; [`SigningKey::with_key_id`] sets the one under which
/// the public key was registered, when that is another. `Debug` shows neither the key nor anything derived from its private half.
#[derive(Clone)]
pub struct SigningKey {
    signer: Arc<dyn Signer>,
    local: Option<Arc<LocalKey>>,
    key_id: Option<String>,
}

impl SigningKey {
    /// A private key as PEM: PKCS#1, PKCS#8 or SEC 1. Line ends may be written as `\n`, as they often are in environment variables.
    ///
    /// # Errors
    /// [`Error::Key`] when it is not such a key, is encrypted, or is an RSA key of fewer than 2048 bits.
    pub fn from_pem(text: Secret) -> Result<Self, Error> {
        pem::read(text.expose()).map(Self::from_local)
    }

    /// A private key as JSON Web Key, with all its private members.
    ///
    /// # Errors
    /// As for [`SigningKey::from_pem`].
    pub fn from_jwk(text: Secret) -> Result<Self, Error> {
        let (key, key_id) = jwk::read(text.expose())?;
        Ok(Self { key_id, ..Self::from_local(key) })
    }

    /// A private key as PEM or as JWK, whichever the text is.
    ///
    /// # Errors
    /// As for [`SigningKey::from_pem`].
    pub fn from_text(text: Secret) -> Result<Self, Error> {
        if text.expose().trim_start().starts_with('{') { Self::from_jwk(text) } else { Self::from_pem(text) }
    }

    /// A private key from a file that holds it as PEM or JWK. Reads the file at once, so call it at start-up.
    ///
    /// # Errors
    /// [`Error::Key`] when the file cannot be read, can be read by others than its owner (on Unix), or holds no key.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let unreadable = |error: &std::io::Error| {
            Error::key_file(
                format!("{} cannot be read: {}", path.display(), error.kind()),
                "check that the file is there and may be read by you",
            )
        };
        let mut file = std::fs::File::open(path).map_err(|error| unreadable(&error))?;
        check_mode(path, &file.metadata().map_err(|error| unreadable(&error))?)?;
        let mut text = Zeroizing::new(String::with_capacity(MAX_KEY_FILE + 1));
        let limited = &mut std::io::Read::take(&mut file, MAX_KEY_FILE as u64 + 1);
        std::io::Read::read_to_string(limited, &mut text).map_err(|error| unreadable(&error))?;
        if text.len() > MAX_KEY_FILE {
            return Err(Error::key(format!("{} is too large for a key file", path.display())));
        }
        Self::from_text(Secret::new(text.as_str().to_owned()))
    }

    /// A key that stays elsewhere.
    pub fn from_signer(signer: Arc<dyn Signer>) -> Self {
        Self { signer, local: None, key_id: None }
    }

    fn from_local(key: LocalKey) -> Self {
        let key = Arc::new(key);
        Self { signer: Arc::<LocalKey>::clone(&key), local: Some(key), key_id: None }
    }

    /// Sets the `kid` under which the public key is registered with the app.
    #[must_use]
    pub fn with_key_id(mut self, key_id: impl Into<String>) -> Self {
        self.key_id = Some(key_id.into());
        self
    }

    /// Signs with another hash; only RSA keys have a choice.
    ///
    /// # Errors
    /// [`Error::Key`] when the key cannot do that, or is held by a [`Signer`], whose algorithm is its own.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Result<Self, Error> {
        let local = self.local.ok_or_else(|| Error::key("the algorithm of a signer is its own"))?;
        Ok(Self { key_id: self.key_id, ..Self::from_local(LocalKey::clone(&local).with_algorithm(algorithm)?) })
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        self.signer.algorithm()
    }

    /// The `kid` that assertions carry.
    pub fn key_id(&self) -> &str {
        self.key_id.as_deref().unwrap_or_else(|| self.signer.key_id())
    }

    /// The public half, to be registered with the app; `None` when a [`Signer`] holds the key.
    pub fn public_jwk(&self) -> Option<PublicJwk> {
        self.local.as_ref().map(|key| PublicJwk { kid: self.key_id().to_owned(), ..key.public().clone() })
    }

    pub(crate) async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.signer.sign(message).await.map_err(|source| Error::Signer { source })
    }

    /// Signs once, where that takes no waiting.
    pub(crate) fn probe(&self) -> Result<(), Error> {
        self.local.as_ref().map_or(Ok(()), |key| key.sign_now(b"probe").map(drop))
    }
}

const MAX_KEY_FILE: usize = 64 * 1024;

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &std::fs::Metadata) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    let reason = format!("{path} can be read by others than its owner (mode {mode:03o}); run `chmod 600 {path}`");
    Err(Error::key_file(reason, "keep it to yourself; if others may have read it, make a new key"))
}

#[cfg(not(unix))]
fn check_mode(_path: &Path, _metadata: &std::fs::Metadata) -> Result<(), Error> {
    Ok(())
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm()).field("key_id", &self.key_id()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
