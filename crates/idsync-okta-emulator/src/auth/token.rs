//! Access tokens.

use crate::id::letters;
use crate::org::{Managed, Shared};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use std::fmt;

/// Always an hour (Okta reference: "Implement OAuth for Okta with a service app").
pub(super) const LIFETIME: i64 = 3600;

/// What the bearer of a token may do.
pub(crate) struct Token {
    /// The place of the app among the apps.
    pub(crate) app: usize,
    /// The app's, when the token was made.
    pub(super) epoch: u32,
    pub(crate) scopes: Vec<String>,
    pub(super) expires: i64,
    /// The thumbprint of the key that it is bound to.
    pub(super) bound_to: Option<String>,
}

impl Token {
    pub(super) fn is_good_at(&self, now: i64, managed: &Managed) -> bool {
        now < self.expires && managed.is_in_use(self.app, self.epoch)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

/// The text of a token, in the recorded form and size. Its signature is noise: only the org itself ever looks at a token, by looking it
/// up.
pub(super) fn text(shared: &Shared, client_id: &str, token: &Token) -> String {
    let encode = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let number = shared.number();
    let header = encode(json!({"alg": "RS256", "kid": letters(shared.seed, 43), "typ": "application/okta-internal-at+jwt"}));
    let mut claims = json!({
        "ver": 1, "jti": format!("AT.{}", letters(number, 43)), "iss": shared.base, "aud": shared.base, "sub": client_id,
        "cid": client_id, "iat": token.expires - LIFETIME, "exp": token.expires, "scp": token.scopes,
    });
    if let Some(jkt) = &token.bound_to {
        claims["cnf"] = json!({"jkt": jkt});
    }
    format!("{header}.{}.{}", encode(claims), letters(shared.number(), 342))
}
