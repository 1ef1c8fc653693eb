//! Who calls the management API.

use super::dpop;
use crate::org::{Access, Role, Shared};
use crate::server::{Call, Failure};

/// Somebody whose credential holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) role: Role,
    /// Whose rate-limit windows count.
    pub(crate) principal: Principal,
    /// `None` for API tokens, which need no scopes.
    scopes: Option<Vec<String>>,
}

/// Whom rate limits are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Principal {
    App(usize),
    ApiToken,
    SetupToken,
    /// Callers of the token endpoint, who are not known before the request was counted.
    Unknown,
}

impl Caller {
    /// Refuses a caller whose token lacks this scope: 403 with an empty body, and the reason in `WWW-Authenticate` (reported).
    pub(crate) fn needs(&self, scope: &str, shared: &Shared, call: &Call) -> Result<(), Failure> {
        let manage = scope.replace(".read", ".manage");
        let has = |scopes: &Vec<String>| scopes.iter().any(|known| known == scope || *known == manage);
        if self.scopes.as_ref().is_none_or(has) {
            return Ok(());
        }
        let description = "The access token provided does not contain the required scopes.";
        Err(challenge(shared, call, 403, "Bearer", Some(scope), "insufficient_scope", description))
    }
}

/// Finds out who calls; does not look at scopes yet.
pub(crate) fn authorize(shared: &Shared, call: &Call) -> Result<Caller, Failure> {
    let access = &mut *shared.access();
    let header = call.headers.get("authorization").and_then(|value| value.to_str().ok());
    // Without a credential Okta looks for a session.
    let (scheme, credential) = header.and_then(|text| text.split_once(' ')).ok_or_else(invalid_session)?;
    match scheme {
        "SSWS" => api_token(access, credential.trim()),
        "Bearer" | "DPoP" => access_token(access, shared, call, scheme, credential.trim()),
        _ => Err(invalid_session()),
    }
}

fn invalid_session() -> Failure {
    Failure::okta(403, "E0000005", "Invalid session")
}

fn invalid_token() -> Failure {
    Failure::okta(401, "E0000011", "Invalid token provided")
}

fn api_token(access: &Access, token: &str) -> Result<Caller, Failure> {
    let principal = match token {
        _ if token == access.api_tokens.reader => Principal::ApiToken,
        _ if token == access.api_tokens.setup => Principal::SetupToken,
        _ => return Err(invalid_token().with_header("www-authenticate", "SSWS")),
    };
    let role = if principal == Principal::SetupToken { Role::SuperAdmin } else { Role::ReadOnlyAdmin };
    Ok(Caller { role, principal, scopes: None })
}

fn access_token(access: &mut Access, shared: &Shared, call: &Call, scheme: &str, text: &str) -> Result<Caller, Failure> {
    if text.split('.').count() != 3 {
        return Err(invalid_session());
    }
    let now = shared.clock.seconds();
    let Some(token) = access.tokens.get(text).filter(|token| token.is_good_at(now)) else {
        let about = format!(r#"{scheme} error="invalid_token", error_description="The access token is invalid.""#);
        return Err(invalid_token().with_header("www-authenticate", &about));
    };
    match (scheme, &token.bound_to) {
        ("Bearer", Some(_)) => {
            let description = "The access token is bound to a key and must use the DPoP authentication scheme.";
            return Err(challenge(shared, call, 400, "DPoP", None, "invalid_request", description));
        }
        ("DPoP", None) => {
            return Err(challenge(shared, call, 401, "DPoP", None, "invalid_token", "The access token is not DPoP bound."));
        }
        ("DPoP", Some(bound_to)) => {
            let subject = dpop::Subject { method: call.method.as_str(), urls: &call.urls(shared), access_token: Some(text) };
            let refuse = |description: &str| challenge(shared, call, 400, "DPoP", None, "invalid_dpop_proof", description);
            if !call.headers.contains_key("dpop") {
                return Err(refuse("The resource request requires a DPoP proof."));
            }
            let proof = dpop::check(&call.headers, &subject, &mut access.used_proofs, now).map_err(refuse)?;
            if proof.thumbprint != *bound_to {
                return Err(refuse("The access_token is not bound to the provided DPoP proof."));
            }
        }
        _ => {}
    }
    let (app, scopes) = (token.app, token.scopes.clone());
    access.apps[app].note_request();
    Ok(Caller { role: access.apps[app].role(), principal: Principal::App(app), scopes: Some(scopes) })
}

/// An answer with an empty body and everything in `WWW-Authenticate` (reported).
fn challenge(shared: &Shared, call: &Call, status: u16, scheme: &str, scope: Option<&str>, error: &str, description: &str) -> Failure {
    let algorithms = if scheme == "DPoP" { r#"algs="RS256 RS384 RS512 ES256 ES384 ES512", "# } else { "" };
    let scope = scope.map(|scope| format!(r#"scope="{scope}", "#)).unwrap_or_default();
    let (base, path) = (&shared.base, &call.path);
    let value = format!(
        r#"{scheme} {algorithms}authorization_uri="{base}/oauth2/v1/authorize", realm="{base}", {scope}error="{error}", error_description="{description}", resource="{path}""#
    );
    Failure::empty(status).with_header("www-authenticate", &value)
}
