//! Signing, wherever the key is.

use super::Algorithm;
use async_trait::async_trait;
use idsync_core::BoxError;
use std::fmt;

/// Signs on behalf of a service app, so that the private key can stay in a key management service.
#[async_trait]
pub trait Signer: fmt::Debug + Send + Sync + 'static {
    /// How it signs. The same for the life of the signer.
    fn algorithm(&self) -> Algorithm;

    /// The `kid` under which the public key is registered with the app.
    fn key_id(&self) -> &str;

    /// The signature of `message` in the form that a JWS carries (RFC 7518): PKCS#1 v1.5 for RSA, and the fixed-length `r || s` for ECDSA,
    /// not its DER form, which is what most key services return.
    ///
    /// It may be cancelled at any await.
    ///
    /// # Errors
    /// The key cannot be used. The error must not hold key material.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, BoxError>;
}
