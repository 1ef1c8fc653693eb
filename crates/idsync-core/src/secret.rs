//! A text that cannot be printed by accident.

use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// A credential: an API token, a private key, an access token.
///
/// It has no `Display`, no `Serialize` and no `PartialEq`; its `Debug` prints `[redacted]`; its memory is zeroized on drop. Credentials
/// enter every builder of idsync as a `Secret`, never as a `String`, so that redaction is a property of the type and not of whoever
/// prints it.
///
/// ```
/// let token = idsync_core::Secret::new("00abc".to_owned());
/// assert_eq!(format!("{token:?}"), "[redacted]");
/// assert_eq!(token.expose(), "00abc");
/// ```
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes ownership of the text; the caller's own copies, if any, remain the caller's to wipe.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The text itself. Keep the borrow short, and never format, log or store it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p17_debug_of_a_secret_and_of_what_holds_it_is_redacted() {
        let secret = Secret::new("canary".to_owned());
        assert!(!format!("{secret:?} {:?} {:#?}", Some(&secret), vec![secret.clone()]).contains("canary"));
    }
}
