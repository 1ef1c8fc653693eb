//! Changing people, groups and memberships.

use super::{Refused, Reply, body, done, done_if};
use crate::org::{GroupType, Org, Status};
use crate::server::Call;
use serde_json::{Value, json};

pub(super) fn answer(org: &Org, call: &Call, parts: &[&str]) -> Result<Reply, Refused> {
    match (call.method.as_str(), parts) {
        ("POST", ["users"]) => create_user(org, &body(call)?),
        ("PATCH", ["users", id]) => change_user(org, id, &body(call)?),
        ("DELETE", ["users", id]) => done_if(org.delete_user(id)),
        ("POST", ["groups"]) => create_group(org, &body(call)?),
        ("PATCH", ["groups", id]) => change_group(org, id, &body(call)?),
        ("DELETE", ["groups", id]) => done_if(org.delete_group(id)),
        ("POST", ["groups", group, "users", user]) => done_if(org.add_member(group, user)),
        ("DELETE", ["groups", group, "users", user]) => done_if(org.remove_member(group, user)),
        _ => Err(Refused::NoSuchCall),
    }
}

fn create_user(org: &Org, body: &Value) -> Result<Reply, Refused> {
    let profile = body.get("profile").filter(|profile| profile.is_object());
    let profile = profile.ok_or_else(|| wrong("`profile` must be an object"))?.clone();
    let status = status(body)?.unwrap_or(Status::Active);
    Ok(Reply::Json(json!({"id": org.create_user_with_status(profile, status)})))
}

fn change_user(org: &Org, id: &str, body: &Value) -> Result<Reply, Refused> {
    let status = status(body)?;
    let changes = changes(body)?;
    if !changes.is_empty() && !org.update_user(id, &changes) {
        return Err(Refused::NotFound);
    }
    status.map_or_else(done, |status| done_if(org.set_status(id, status)))
}

fn create_group(org: &Org, body: &Value) -> Result<Reply, Refused> {
    let name = body.get("name").and_then(Value::as_str).ok_or_else(|| wrong("`name` must be a text"))?;
    let kind = match body.get("type").and_then(Value::as_str) {
        None | Some("OKTA_GROUP") => GroupType::Okta,
        Some("APP_GROUP") => GroupType::App,
        Some(_) => return Err(wrong("`type` must be OKTA_GROUP or APP_GROUP")),
    };
    let id = org.create_group_of_type(name, body.get("description").and_then(Value::as_str), kind);
    Ok(Reply::Json(json!({"id": id})))
}

fn change_group(org: &Org, id: &str, body: &Value) -> Result<Reply, Refused> {
    done_if(org.update_group(id, &changes(body)?))
}

fn changes(body: &Value) -> Result<Vec<(&str, Value)>, Refused> {
    match body.get("profile") {
        None => Ok(Vec::new()),
        Some(Value::Object(profile)) => Ok(profile.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()),
        Some(_) => Err(wrong("`profile` must be an object")),
    }
}

fn status(body: &Value) -> Result<Option<Status>, Refused> {
    let Some(status) = body.get("status") else { return Ok(None) };
    let known = status.as_str().and_then(Status::parse);
    known.map(Some).ok_or_else(|| {
        let all = Status::ALL.map(Status::as_str).join(", ");
        Refused::NotUnderstood(format!("`status` must be one of: {all}"))
    })
}

fn wrong(text: &str) -> Refused {
    Refused::NotUnderstood(text.to_owned())
}
