//! API tokens, and the admins whose they are.

use super::client_roles::write as write_role;
use super::json::{list as rows, record};
use super::users;
use crate::auth::{Caller, Principal};
use crate::id::{Id, Kind};
use crate::org::{ApiToken, Role, RoleAssignment, Shared, Span};
use crate::server::{Answer, Call, Failure};
use serde_json::{Value, json};

/// `GET /api/v1/api-tokens`.
pub(super) fn list(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    check(caller)?;
    let access = shared.access();
    let tokens = access.managed.api_tokens.iter().filter(|token| !token.is_revoked);
    rows(shared, call, Kind::ApiToken, tokens.map(|token| write(shared, token)))
}

/// `GET /api/v1/api-tokens/{id}`.
pub(super) fn one(shared: &Shared, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    check(caller)?;
    let access = shared.access();
    let token = access.managed.api_tokens.iter().find(|token| token.id.as_str() == id && !token.is_revoked);
    Ok(Answer::json(200, write(shared, token.ok_or_else(|| not_found(id))?)))
}

/// `DELETE /api/v1/api-tokens/{id}`.
pub(super) fn revoke(shared: &Shared, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    check(caller)?;
    let mut access = shared.access();
    let token = access.managed.api_tokens.iter_mut().find(|token| token.id.as_str() == id && !token.is_revoked);
    token.ok_or_else(|| not_found(id))?.is_revoked = true;
    Ok(Answer::empty(204))
}

/// `DELETE /api/v1/api-tokens/current`: for API tokens only, each of which may end itself.
pub(super) fn revoke_current(shared: &Shared, caller: &Caller) -> Result<Answer, Failure> {
    let Principal::ApiToken(place) = caller.principal else { return Err(Failure::invalid_session()) };
    let mut access = shared.access();
    if let Some(token) = access.managed.api_tokens.get_mut(place) {
        token.is_revoked = true;
    }
    Ok(Answer::empty(204))
}

/// `GET /api/v1/users/me`: the admin whose API token it is. An app is no user.
pub(super) fn me(shared: &Shared, caller: &Caller) -> Result<Answer, Failure> {
    let Principal::ApiToken(place) = caller.principal else { return Err(Failure::not_found("me", "User")) };
    let owner = shared.access().managed.api_tokens.get(place).map(|token| token.owner).unwrap_or_default();
    users::at(shared, owner).ok_or_else(|| Failure::not_found("me", "User"))
}

/// `GET /api/v1/users/{id}/roles`: the roles of those admins whose API tokens there are.
pub(super) fn user_roles(shared: &Shared, call: &Call, id: &str, caller: &Caller) -> Result<Answer, Failure> {
    if !caller.rights.is_super() {
        return Err(Failure::no_permission());
    }
    let access = shared.access();
    let owner = match (id, caller.principal) {
        ("me", Principal::ApiToken(place)) => access.managed.api_tokens.get(place).map(|token| token.owner),
        _ => shared.read().find_user(id).and_then(|user| Id::index(user.core.id.as_str())),
    };
    let owner = owner.ok_or_else(|| Failure::not_found(id, "User"))?;
    let mut roles: Vec<Role> = access
        .managed
        .api_tokens
        .iter()
        .filter(|token| token.owner == owner)
        .map(|token| token.role)
        .filter(|role| *role != Role::None)
        .collect();
    roles.sort_unstable();
    roles.dedup();
    let assignee = format!("{}/api/v1/users/{}", shared.base, Id::new(shared.seed, Kind::User, owner));
    let write = roles.into_iter().map(|role| {
        let id = role.common_id().unwrap_or_else(|| Id::new(shared.seed, Kind::Role, u32::MAX - owner).to_string());
        let assigned = RoleAssignment { id, role, created: shared.founded(), span: Span::default() };
        write_role(&assigned, "USER", &assignee)
    });
    rows(shared, call, Kind::Role, write)
}

fn not_found(id: &str) -> Failure {
    Failure::not_found(id, "Token")
}

/// Whether others than super admins may is not known, and so they may not.
fn check(caller: &Caller) -> Result<(), Failure> {
    if caller.rights.is_super() { Ok(()) } else { Err(Failure::no_permission()) }
}

fn write(shared: &Shared, token: &ApiToken) -> Vec<u8> {
    let (base, id, owner) = (&shared.base, &token.id, Id::new(shared.seed, Kind::User, token.owner));
    let links = json!({
        "self": {"href": format!("{base}/api/v1/api-tokens/{id}"), "hints": {"allow": ["GET", "DELETE"]}},
        "user": {"href": format!("{base}/api/v1/users/{owner}"), "hints": {"allow": ["GET"]}},
    });
    let members: [(&str, Value); 10] = [
        ("id", id.as_str().into()),
        ("name", token.name.as_str().into()),
        ("userId", owner.as_str().into()),
        ("clientName", "Okta API".into()),
        ("tokenWindow", "P30D".into()),
        ("network", json!({"connection": "ANYWHERE"})),
        ("expiresAt", token.expires().text().into()),
        ("created", token.created.text().into()),
        ("lastUpdated", token.used.text().into()),
        ("_links", links),
    ];
    record(&members)
}
