//! Who calls the management API.

use super::dpop;
use crate::id::{Id, Kind};
use crate::log::Credential;
use crate::org::{Access, App, Network, Rights, Shared, USUAL_SHARE};
use crate::server::{Call, Failure};

/// Somebody whose credential holds.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// What the caller's roles allow.
    pub(crate) rights: Rights,
    /// Whose rate-limit windows count.
    pub(crate) principal: Principal,
    /// The share of the rate limits that the caller gets, in percent.
    pub(crate) share: u32,
    /// The id of the user, or of the app, that the caller is.
    id: String,
    /// `None` for API tokens, which need no scopes.
    scopes: Option<Vec<String>>,
}

/// Whom rate limits are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Principal {
    /// The app in this place.
    App(usize),
    /// The API token in this place.
    ApiToken(usize),
    /// Callers of the token endpoint, who are not known before the request was counted.
    Unknown,
}

impl Caller {
    /// Whether the caller is an admin with an API token, and not an app.
    pub(crate) fn is_user(&self) -> bool {
        self.scopes.is_none()
    }

    /// Who the caller is, and what that is, as Okta writes it.
    pub(crate) fn author(&self) -> (String, &'static str) {
        (self.id.clone(), if self.is_user() { "User" } else { "Client" })
    }

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
    let (scheme, credential) = header.and_then(|text| text.split_once(' ')).ok_or_else(Failure::invalid_session)?;
    match scheme {
        "SSWS" => api_token(access, shared, credential.trim()),
        "Bearer" | "DPoP" => access_token(access, shared, call, scheme, credential.trim()),
        _ => Err(Failure::invalid_session()),
    }
}

fn invalid_token() -> Failure {
    Failure::okta(401, "E0000011", "Invalid token provided")
}

fn api_token(access: &mut Access, shared: &Shared, secret: &str) -> Result<Caller, Failure> {
    let now = shared.now();
    let place = access.managed.api_tokens.iter().position(|token| token.secret == secret && token.is_good_at(now));
    let known = place.and_then(|place| Some((place, access.managed.api_tokens.get_mut(place)?)));
    let (place, token) = known.ok_or_else(|| invalid_token().with_header("www-authenticate", "SSWS"))?;
    if access.quirks.network == Network::Outside {
        return Err(Failure::no_permission());
    }
    token.used = now.max(token.used);
    let (rights, owner, id) = (Rights::of(token.role), token.owner, token.id.to_string());
    let share = share(access, &id);
    let id = Id::new(shared.seed, Kind::User, owner).to_string();
    Ok(Caller { rights, principal: Principal::ApiToken(place), share, id, scopes: None })
}

/// The share of the rate limits that an app or an API token gets, in percent.
fn share(access: &Access, principal: &str) -> u32 {
    access.managed.shares.iter().find(|share| share.principal == principal).map_or(USUAL_SHARE, |share| share.percentage)
}

fn access_token(access: &mut Access, shared: &Shared, call: &Call, scheme: &str, text: &str) -> Result<Caller, Failure> {
    if text.split('.').count() != 3 {
        return Err(Failure::invalid_session());
    }
    let now = shared.clock.seconds();
    let Some(token) = access.tokens.get(text).filter(|token| token.is_good_at(now, &access.managed)) else {
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
    let (place, scopes) = (token.app, token.scopes.clone());
    let id = access.managed.app_mut(place).map(|app| {
        app.requests += 1;
        app.id.to_string()
    });
    let id = id.unwrap_or_default();
    let rights = access.managed.rights_of(place, shared.clock.millis());
    Ok(Caller { rights, principal: Principal::App(place), share: share(access, &id), id, scopes: Some(scopes) })
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

/// Whose credential a request brings, good or not, as the log names it.
pub(crate) fn credential(shared: &Shared, call: &Call) -> Option<Credential> {
    if call.endpoint.is_oauth() {
        return super::endpoint::claimed_client(call).map(Credential::App);
    }
    let header = call.headers.get("authorization").and_then(|value| value.to_str().ok())?;
    let (scheme, text) = header.split_once(' ')?;
    let access = shared.access();
    if scheme == "SSWS" {
        let token = access.managed.api_tokens.iter().find(|token| token.secret == text.trim())?;
        return Some(Credential::ApiToken(token.id.to_string()));
    }
    let token = access.tokens.get(text.trim())?;
    access.managed.app(token.app).and_then(App::client_id).map(|id| Credential::App(id.to_owned()))
}
