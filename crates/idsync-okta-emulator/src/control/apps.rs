//! Looking at apps, and changing them behind the back of whoever set them up.

use super::{Refused, Reply, body, done, done_if};
use crate::auth::Dpop;
use crate::org::{AppStatus, KeyStatus, Org, Role, TruthApp, TruthRole};
use crate::server::{Call, decode_segment};
use serde_json::{Value, json};

pub(super) fn answer(org: &Org, call: &Call, parts: &[&str]) -> Result<Reply, Refused> {
    match (call.method.as_str(), parts) {
        ("GET", ["apps"]) => Ok(Reply::Json(org.apps().iter().map(write).collect())),
        ("POST", ["apps"]) => Ok(Reply::Json(json!({"id": org.create_app(text(&body(call)?, "label")?)}))),
        ("GET", ["apps", id]) => org.app(id).map(|app| Reply::Json(write(&app))).ok_or(Refused::NotFound),
        ("PATCH", ["apps", id]) => change(org, id, &body(call)?),
        ("DELETE", ["apps", id]) => done_if(org.delete_app(id)),
        ("POST", ["apps", id, "grants"]) => done_if(org.grant_scope(id, text(&body(call)?, "scope")?)),
        ("DELETE", ["apps", id, "grants", scope]) => done_if(org.take_away_grant(id, &decode_segment(scope))),
        ("POST", ["apps", id, "roles"]) => done_if(org.give_role(id, role(text(&body(call)?, "role")?)?)),
        ("DELETE", ["apps", id, "roles"]) => done_if(org.take_away_roles(id)),
        ("DELETE", ["apps", id, "roles", name]) => done_if(org.take_away_role(id, role(name)?)),
        ("PATCH", ["apps", id, "keys", kid]) => {
            let status = match text(&body(call)?, "status")? {
                "ACTIVE" => KeyStatus::Active,
                "INACTIVE" => KeyStatus::Inactive,
                _ => return Err(wrong("`status` must be ACTIVE or INACTIVE")),
            };
            done_if(org.set_key_status(id, &decode_segment(kid), status))
        }
        ("GET", ["api-tokens"]) => Ok(Reply::Json(tokens(org))),
        ("POST", ["api-tokens"]) => {
            let made = org.create_api_token(role(text(&body(call)?, "role")?)?);
            Ok(Reply::Json(json!({"id": made.id(), "token": made.secret()})))
        }
        ("DELETE", ["api-tokens", id]) => done_if(org.revoke_api_token(id)),
        ("GET", ["custom-roles"]) => {
            let roles = org.custom_roles();
            let roles = roles.iter().map(|role| json!({"id": role.id, "label": role.label, "permissions": role.permissions}));
            Ok(Reply::Json(roles.collect()))
        }
        ("GET", ["resource-sets"]) => {
            let sets = org.resource_sets();
            Ok(Reply::Json(sets.iter().map(|set| json!({"id": set.id, "label": set.label, "resources": set.resources})).collect()))
        }
        _ => Err(Refused::NoSuchCall),
    }
}

fn change(org: &Org, id: &str, body: &Value) -> Result<Reply, Refused> {
    // Everything is looked at before anything is changed.
    let status = match body.get("status").map(|status| status.as_str()) {
        None => None,
        Some(Some("ACTIVE")) => Some(AppStatus::Active),
        Some(Some("INACTIVE")) => Some(AppStatus::Inactive),
        Some(_) => return Err(wrong("`status` must be ACTIVE or INACTIVE")),
    };
    let dpop = body.get("dpop").map(dpop).transpose()?;
    let label = body.get("label").map(|_| text(body, "label")).transpose()?;
    if org.app(id).is_none_or(|app| app.id != *id) {
        return Err(Refused::NotFound);
    }
    if let Some(label) = label {
        org.rename_app(id, label);
    }
    if let Some(dpop) = dpop {
        org.set_app_dpop(id, dpop);
    }
    if let Some(status) = status {
        org.set_app_status(id, status);
    }
    done()
}

pub(super) fn dpop(value: &Value) -> Result<Dpop, Refused> {
    match value.as_str() {
        Some("not_required") => Ok(Dpop::NotRequired),
        Some("optional") => Ok(Dpop::Optional),
        Some("required") => Ok(Dpop::Required),
        _ => Err(wrong("`dpop` must be not_required, optional or required")),
    }
}

fn role(name: &str) -> Result<Role, Refused> {
    let names: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).filter(|name| !name.is_empty()).collect();
    let role = Role::parse(name).filter(|role| *role != Role::None);
    role.ok_or_else(|| Refused::NotUnderstood(format!("`role` must be one of: {}", names.join(", "))))
}

fn tokens(org: &Org) -> Value {
    let tokens = org.api_tokens();
    let tokens = tokens.iter();
    let tokens = tokens.map(|token| json!({"id": token.id, "name": token.name, "role": token.role.as_str(), "revoked": token.is_revoked}));
    tokens.collect()
}

fn write(app: &TruthApp) -> Value {
    let keys = app.keys.iter().map(|key| json!({"id": key.id, "kid": key.kid, "status": key.status.as_str()}));
    let grants = app.grants.iter().map(|grant| json!({"id": grant.id, "scope": grant.scope}));
    let roles = app.roles.iter().map(|role| match role {
        TruthRole::Custom { id, role, resource_set } => json!({"id": id, "type": "CUSTOM", "role": role, "resource_set": resource_set}),
        TruthRole::Standard { id, role } => json!({"id": id, "type": role.as_str()}),
    });
    let dpop = match app.dpop {
        Dpop::NotRequired => "not_required",
        Dpop::Optional => "optional",
        Dpop::Required => "required",
    };
    json!({
        "id": app.id, "client_id": app.client_id, "name": app.name, "label": app.label, "status": app.status.as_str(), "dpop": dpop,
        "keys": keys.collect::<Value>(), "grants": grants.collect::<Value>(), "roles": roles.collect::<Value>(),
    })
}

fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refused> {
    body.get(name).and_then(Value::as_str).ok_or_else(|| Refused::NotUnderstood(format!("`{name}` must be a text")))
}

fn wrong(text: &str) -> Refused {
    Refused::NotUnderstood(text.to_owned())
}
