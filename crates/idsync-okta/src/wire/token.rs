//! Answers of the token endpoint (RFC 6749).

use super::{DecodeFault, parse};
use idsync_core::Secret;
use serde::Deserialize;
use std::time::Duration;
use zeroize::{Zeroize, ZeroizeOnDrop};

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct WireToken {
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
    #[serde(default)]
    scope: Option<String>,
}

/// How a token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenType {
    Bearer,
    Dpop,
}

#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) text: Secret,
    pub(crate) token_type: TokenType,
    pub(crate) lifetime: Duration,
    /// `None` when the answer does not say, which means "as requested".
    pub(crate) scopes: Option<Vec<String>>,
}

/// Okta's access tokens live for an hour.
const DEFAULT_LIFETIME: u64 = 3600;

pub(crate) fn token(body: &[u8]) -> Result<Issued, DecodeFault> {
    let mut wire: WireToken = parse(body)?;
    let text = wire.access_token.take().filter(|token| !token.is_empty()).ok_or(DecodeFault::NotTheShape)?;
    let token_type = match wire.token_type.as_deref() {
        Some(name) if name.eq_ignore_ascii_case("bearer") => TokenType::Bearer,
        Some(name) if name.eq_ignore_ascii_case("dpop") => TokenType::Dpop,
        _ => return Err(DecodeFault::NotTheShape),
    };
    let lifetime = Duration::from_secs(wire.expires_in.unwrap_or(DEFAULT_LIFETIME).min(24 * DEFAULT_LIFETIME));
    let scopes = wire.scope.as_deref().map(|scopes| scopes.split_ascii_whitespace().map(str::to_owned).collect());
    Ok(Issued { text: Secret::new(text), token_type, lifetime, scopes })
}
