//! The token endpoint and the introspection endpoint of the org's own authorization server.

use super::jws::Jws;
use super::refusal::{client, request};
use super::token::{self, LIFETIME, Token};
use super::{Dpop, assertion, dpop};
use crate::org::{Access, App, Managed, Network, Shared};
use crate::server::{Answer, Call, Failure, Query};
use serde_json::json;

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// `POST /oauth2/v1/token`.
pub(crate) fn issue(shared: &Shared, call: &Call) -> Result<Answer, Failure> {
    let form = form(call);
    match form.get("grant_type") {
        Some("client_credentials") => {}
        None => {
            return Err(request("invalid_request", "The token request must specify a 'grant_type'. Valid values: [client_credentials]."));
        }
        Some(_) => {
            return Err(request("unsupported_grant_type", "The authorization grant type is not supported by the authorization server."));
        }
    }
    let now = shared.clock.seconds();
    let access = &mut *shared.access();
    if access.quirks.network == Network::Outside {
        return Err(Failure::oauth(403, "access_denied", "The client is not allowed to access the server from this network zone."));
    }
    let app = authenticate(access, shared, call, &form, now)?;
    let Some(known) = access.managed.app_mut(app) else { return Err(client("No client credentials found.")) };
    known.requests += 1;
    let (client_id, epoch) = (known.client_id().unwrap_or_default().to_owned(), known.epoch);
    let bound_to = bind(access, shared, call, app, now)?;
    let scopes = granted(&access.managed, app, &form, shared.clock.millis())?;
    let token_type = if bound_to.is_some() { "DPoP" } else { "Bearer" };
    let token = Token { app, epoch, scopes, expires: now + LIFETIME, bound_to };
    let text = token::text(shared, &client_id, &token);
    let body = json!({"token_type": token_type, "expires_in": LIFETIME, "access_token": text, "scope": token.scopes.join(" ")});
    let answer = Answer::json(200, body.to_string()).with_header("x-robots-tag", "noindex,nofollow");
    let [nonce, _] = &access.nonces;
    let answer = if token.bound_to.is_some() { answer.with_header("dpop-nonce", nonce) } else { answer };
    access.tokens.insert(text, token);
    Ok(answer)
}

/// `POST /oauth2/v1/introspect` (RFC 7662): whether a token is good, and for what.
pub(crate) fn introspect(shared: &Shared, call: &Call) -> Result<Answer, Failure> {
    let form = form(call);
    let now = shared.clock.seconds();
    let access = &mut *shared.access();
    let app = authenticate(access, shared, call, &form, now)?;
    let text = form.get("token").ok_or_else(|| request("invalid_request", "The 'token' parameter is required."))?;
    let body = match access.tokens.get(text).filter(|token| token.app == app && token.is_good_at(now, &access.managed)) {
        Some(token) => {
            let kind = if token.bound_to.is_some() { "DPoP" } else { "Bearer" };
            let id = access.managed.app(app).and_then(App::client_id).unwrap_or_default();
            let (issued, scope) = (token.expires - LIFETIME, token.scopes.join(" "));
            json!({"active": true, "scope": scope, "client_id": id, "sub": id, "token_type": kind, "exp": token.expires, "iat": issued})
        }
        None => json!({"active": false}),
    };
    Ok(Answer::json(200, body.to_string()))
}

/// Parameters may come in the body and in the query (recorded: the Go SDK sends them in the query).
fn form(call: &Call) -> Query {
    let mut form = Query::parse(&String::from_utf8_lossy(&call.body));
    form.extend(&call.query);
    form
}

fn authenticate(access: &mut Access, shared: &Shared, call: &Call, form: &Query, now: i64) -> Result<usize, Failure> {
    let has_header = call.headers.contains_key("authorization");
    match (form.get("client_assertion"), form.get("client_assertion_type")) {
        (Some(_), _) if has_header || form.get("client_secret").is_some() => Err(Failure::oauth(
            401,
            "invalid_request",
            "Cannot supply multiple client credentials. Use one of the following: credentials in the Authorization header, credentials in the post body, or a client_assertion in the post body.",
        )),
        (Some(assertion), Some(ASSERTION)) => assertion::check(access, assertion, &call.urls(shared), now),
        (Some(_), _) => Err(request("invalid_request", "The 'client_assertion_type' parameter is invalid.")),
        (None, _) if has_header => Err(client(
            "Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.",
        )),
        (None, _) => Err(client("No client credentials found.")),
    }
}

/// The key that the token will be bound to, where it is to be bound to one.
fn bind(access: &mut Access, shared: &Shared, call: &Call, app: usize, now: i64) -> Result<Option<String>, Failure> {
    let has_proof = call.headers.contains_key("dpop");
    match access.managed.app(app).and_then(|app| app.client.as_ref()).map_or(Dpop::NotRequired, |client| client.dpop) {
        Dpop::NotRequired => return Ok(None),
        Dpop::Optional if !has_proof => return Ok(None),
        Dpop::Optional | Dpop::Required => {}
    }
    let subject = dpop::Subject { method: call.method.as_str(), urls: &call.urls(shared), access_token: None };
    let proof = dpop::check(&call.headers, &subject, &mut access.used_proofs, now);
    let proof = proof.map_err(|description| request("invalid_dpop_proof", description))?;
    if !proof.nonce.is_some_and(|nonce| access.nonces.contains(&nonce)) {
        let failure = request("use_dpop_nonce", "Authorization server requires nonce in DPoP proof.");
        let [nonce, _] = &access.nonces;
        return Err(failure.with_header("dpop-nonce", nonce));
    }
    Ok(Some(proof.thumbprint))
}

/// The wanted scopes that the app has. Those that it has not are dropped without a word, as long as one remains.
fn granted(managed: &Managed, app: usize, form: &Query, millis: i64) -> Result<Vec<String>, Failure> {
    let wanted = form.get("scope").unwrap_or_default();
    if wanted.split_ascii_whitespace().next().is_none() {
        return Err(request("invalid_scope", "No scopes were requested."));
    }
    if wanted.split_ascii_whitespace().any(|scope| matches!(scope, "openid" | "profile" | "offline_access")) {
        return Err(request(
            "invalid_scope",
            "The authorization server resource does not have any configured default scopes, and OpenID scopes are not allowed.",
        ));
    }
    let mut scopes: Vec<String> = Vec::new();
    for scope in wanted.split_ascii_whitespace().filter(|scope| managed.is_granted(app, scope, millis)) {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    if scopes.is_empty() { Err(request("consent_required", "You are not allowed any of the requested scopes.")) } else { Ok(scopes) }
}

/// The client id that a token request claims to come from, for the log; nothing is checked.
pub(crate) fn claimed_client(call: &Call) -> Option<String> {
    let form = form(call);
    Jws::parse(form.get("client_assertion")?)?.claim("iss").map(str::to_owned)
}
