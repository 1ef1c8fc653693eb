//! The scopes that an app was granted.

use super::apps::find;
use super::json::{body, list as rows, needed, record};
use crate::auth::Caller;
use crate::id::Kind;
use crate::org::{App, Grant, GrantAgain, GrantsByApps, Shared, Span, Statuses, effects};
use crate::server::{Answer, Call, Failure};
use serde_json::{Value, json};

/// `GET /api/v1/apps/{id}/grants`.
pub(super) fn list(shared: &Shared, call: &Call, app: &str, caller: &Caller) -> Result<Answer, Failure> {
    check_sight(caller)?;
    let access = shared.access();
    let app = find(&access.managed, app)?;
    let grants = access.managed.listed_grants(app.client_id().unwrap_or_default());
    rows(shared, call, Kind::Grant, grants.map(|grant| write(shared, app, grant, Embedded::Nothing)))
}

/// `GET /api/v1/apps/{id}/grants/{id}`.
pub(super) fn one(shared: &Shared, app: &str, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    check_sight(caller)?;
    let access = shared.access();
    let app = find(&access.managed, app)?;
    let grant = access.managed.listed_grants(app.client_id().unwrap_or_default()).find(|grant| grant.id.as_str() == id);
    let grant = grant.ok_or_else(|| not_found(id))?;
    Ok(Answer::json(200, write(shared, app, grant, Embedded::Nothing)))
}

/// `POST /api/v1/apps/{id}/grants`.
pub(super) fn create(shared: &Shared, call: &Call, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    let (millis, now) = (shared.clock.millis(), shared.now());
    let access = &mut *shared.access();
    if !caller.is_user() && access.quirks.grants_by_apps == GrantsByApps::InvalidSession {
        return Err(Failure::invalid_session());
    }
    check_power(caller)?;
    let body = body(call)?;
    let app = find(&access.managed, id)?;
    let client_id = app.client_id().ok_or_else(|| Failure::invalid("clientId", "The app is not an OAuth 2.0 client."))?.to_owned();
    let (scope, issuer) = (needed(&body, "scopeId")?.to_owned(), needed(&body, "issuer")?);
    if issuer != shared.base {
        return Err(Failure::invalid("issuer", "issuer: The issuer must be the org authorization server."));
    }
    if !is_scope(&scope) {
        return Err(Failure::invalid("scopeId", &format!("scopeId: The scope {scope} does not exist.")));
    }
    let status = if access.quirks.statuses == Statuses::Recorded { 200 } else { 201 };
    let known = access.managed.listed_grants(&client_id).find(|grant| grant.scope == scope);
    match (known, access.quirks.grant_again) {
        (None, _) | (_, GrantAgain::Another) => {}
        (Some(known), GrantAgain::SameGrant) => return Ok(Answer::json(200, write(shared, app, known, Embedded::Scope))),
        (Some(_), GrantAgain::Refused) => {
            return Err(Failure::invalid("scopeId", &format!("scopeId: The scope {scope} was already granted.")));
        }
    }
    let place = access.managed.place(id).unwrap_or_default();
    let (from, _) = effects(&access.managed, place, &access.quirks, access.delay, millis);
    let grant =
        Grant { id: access.managed.id(Kind::Grant), client_id, scope, created: now, by: caller.author(), span: Span::starting(from) };
    let answer = write(shared, find(&access.managed, id)?, &grant, Embedded::Scope);
    access.managed.grants.push(grant);
    Ok(Answer::json(status, answer))
}

/// `DELETE /api/v1/apps/{id}/grants/{id}`.
pub(super) fn delete(shared: &Shared, app: &str, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    check_power(caller)?;
    let millis = shared.clock.millis();
    let access = &mut *shared.access();
    let client_id = find(&access.managed, app)?.client_id().unwrap_or_default().to_owned();
    let place = access.managed.place(app).unwrap_or_default();
    let (until, _) = effects(&access.managed, place, &access.quirks, access.delay, millis);
    let is_meant = |grant: &&mut Grant| grant.client_id == client_id && grant.id.as_str() == id && grant.span.is_listed();
    let grant = access.managed.grants.iter_mut().find(is_meant).ok_or_else(|| not_found(id))?;
    grant.span.end(until);
    Ok(Answer::empty(204))
}

fn not_found(id: &str) -> Failure {
    Failure::not_found(id, "OAuth2ScopeConsentGrant")
}

fn check_sight(caller: &Caller) -> Result<(), Failure> {
    if caller.rights.sees_apps() { Ok(()) } else { Err(Failure::no_permission()) }
}

/// Only a super admin may grant scopes (Okta reference: "Implement OAuth for Okta with a service app").
fn check_power(caller: &Caller) -> Result<(), Failure> {
    if caller.rights.is_super() { Ok(()) } else { Err(Failure::no_permission()) }
}

/// Whether a text has the form of the scopes of the org's own authorization server.
fn is_scope(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let is_word = |part: &&str| !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphanumeric());
    matches!(parts.as_slice(), ["okta", _, "manage" | "read", ..]) && parts.iter().all(is_word)
}

/// Whether the scope stands in `_embedded`, which is so in the answer to a grant, and in no other (recorded).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Embedded {
    Nothing,
    Scope,
}

fn write(shared: &Shared, app: &App, grant: &Grant, embedded: Embedded) -> Vec<u8> {
    let (base, label, client_id) = (&shared.base, &app.label, &grant.client_id);
    let own = format!("{base}/api/v1/apps/{}", app.id);
    let (by, kind) = &grant.by;
    let mut members: Vec<(&str, Value)> = vec![
        ("id", grant.id.as_str().into()),
        ("status", "ACTIVE".into()),
        ("created", grant.created.text().into()),
        ("createdBy", json!({"id": by, "type": kind})),
        ("lastUpdated", grant.created.text().into()),
        ("issuer", base.as_str().into()),
        ("clientId", client_id.as_str().into()),
        ("scopeId", grant.scope.as_str().into()),
        ("source", "ADMIN".into()),
    ];
    if embedded == Embedded::Scope {
        members.push(("_embedded", json!({"scope": {"id": grant.scope}})));
    }
    members.push((
        "_links",
        json!({
            "app": {"href": own, "title": label},
            "self": {"href": format!("{own}/grants/{}", grant.id), "hints": {"allow": ["GET", "DELETE"]}},
            "client": {"href": format!("{base}/oauth2/v1/clients/{client_id}"), "title": label},
        }),
    ));
    record(&members)
}

#[cfg(test)]
mod tests {
    use super::is_scope;

    #[test]
    fn scopes_have_a_form() {
        assert!(["okta.users.read", "okta.appGrants.manage", "okta.users.read.self"].into_iter().all(is_scope));
        assert!(!["users.read", "okta.users", "okta.users.write", "okta..read", "openid", "okta.us ers.read"].into_iter().any(is_scope));
    }
}
