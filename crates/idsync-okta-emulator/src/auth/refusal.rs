//! Refusals, in the words of Okta's catalogue of OAuth error codes.

use crate::server::Failure;

/// 401: the app could not show who it is.
pub(super) fn client(description: &str) -> Failure {
    Failure::oauth(401, "invalid_client", description)
}

/// 400 from the token endpoint.
pub(super) fn request(error: &'static str, description: &str) -> Failure {
    Failure::oauth(400, error, description)
}
