//! Answers of the token endpoint (RFC 6749).

use super::{DecodeFault, parse};
use idsync_core::Secret;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::time::Duration;
use zeroize::{Zeroize, ZeroizeOnDrop};

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct WireToken {
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
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

/// A number of seconds, as a number of any kind or as a text; whatever else it is counts as absent.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let seconds = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    Ok(seconds.filter(|seconds| *seconds >= 0.0).map(|seconds| seconds as u64))
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row21_a_lifetime_is_read_in_any_form_that_is_a_number() {
        let lifetime = |expires_in: &str| {
            let body = format!(r#"{{"token_type":"Bearer","access_token":"t","expires_in":{expires_in}}}"#);
            token(body.as_bytes()).unwrap().lifetime.as_secs()
        };
        for (text, read) in [("1800", 1800), ("1800.0", 1800), ("1.8e3", 1800), (r#""1800""#, 1800), (r#"" 1800 ""#, 1800), ("0", 0)] {
            assert_eq!(lifetime(text), read, "{text}");
        }
        assert_eq!(lifetime("1e300"), 24 * DEFAULT_LIFETIME, "no token lives for ever");
        for text in ["null", r#""soon""#, r#""NaN""#, "-5", "[1800]", "true"] {
            assert_eq!(lifetime(text), DEFAULT_LIFETIME, "{text}");
        }
    }
}
