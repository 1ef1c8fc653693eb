//! What is in the org, and what was asked of it.

use crate::log::{Credential, RequestLog};
use crate::org::{Org, Truth};
use serde_json::{Map, Value, json};

/// What is in the org; with `scope=default` only what a default sync sees.
pub(super) fn truth(org: &Org, scope: Option<&str>) -> Value {
    let truth = org.truth();
    let Truth { groups, memberships, users } = if scope == Some("default") { truth.in_scope() } else { truth };
    let users: Map<String, Value> = users
        .into_iter()
        .map(|(id, user)| (id, json!({"status": user.status.as_str(), "lastUpdated": user.last_updated, "profile": user.profile})))
        .collect();
    let groups: Map<String, Value> = groups
        .into_iter()
        .map(|(id, group)| {
            let (updated, members) = (group.last_updated, group.last_membership_updated);
            let kind = group.kind.as_str();
            (id, json!({"type": kind, "lastUpdated": updated, "lastMembershipUpdated": members, "profile": group.profile}))
        })
        .collect();
    json!({"users": users, "groups": groups, "memberships": memberships})
}

fn credential(credential: Option<&Credential>) -> Value {
    match credential {
        Some(Credential::ApiToken(id)) => json!({"api_token": id}),
        Some(Credential::App(client_id)) => json!({"app": client_id}),
        None => Value::Null,
    }
}

pub(super) fn requests(log: &RequestLog) -> Value {
    let counts: Vec<Value> = log
        .counts()
        .into_iter()
        .map(
            |((endpoint, status), count)| json!({"endpoint": endpoint.as_str(), "path": endpoint.path(), "status": status, "count": count}),
        )
        .collect();
    let requests: Vec<Value> = log
        .entries()
        .iter()
        .map(|entry| {
            json!({
                "endpoint": entry.endpoint.as_str(), "method": entry.method.as_str(), "path": entry.path, "query": entry.query,
                "writing": entry.is_writing, "body": entry.body, "credential": credential(entry.credential.as_ref()), "status": entry.status, "scheme": entry.scheme.as_str(),
                "at_millis": entry.at.as_millis() as u64, "took_micros": entry.took.map(|took| took.as_micros() as u64),
                "foreign": entry.is_foreign,
            })
        })
        .collect();
    json!({
        "total": log.total(), "rate_limited": log.rate_limited(), "max_in_flight": log.max_in_flight(),
        "counts": counts, "requests": requests,
    })
}
