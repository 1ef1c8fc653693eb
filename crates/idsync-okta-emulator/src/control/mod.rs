//! The control API: the org changed, broken and looked into over HTTP, for tests that are not written in Rust.

mod apps;
mod changes;
mod guard;
mod help;
mod quirks;
mod report;
mod settings;

use crate::org::{Org, Shared};
use crate::server::{Answer, Call};
use serde_json::{Value, json};
use std::sync::Arc;

/// Whether a path belongs to the control API.
pub(crate) fn is_meant(path: &str) -> bool {
    path == "/emulator" || path.starts_with("/emulator/")
}

/// Answers a request to the control API.
pub(crate) fn answer(shared: &Arc<Shared>, call: &Call) -> Answer {
    if !guard::is_allowed(call) {
        return refusal(403, "the control API answers only to this machine, and not to web pages");
    }
    let org = Org { shared: Arc::clone(shared) };
    let path = call.path.trim_end_matches('/');
    let parts: Vec<&str> = path.split('/').skip(2).collect();
    match route(&org, call, &parts) {
        Ok(Reply::Json(value)) => Answer::json(200, value.to_string()),
        Ok(Reply::Text(text)) => {
            let mut answer = Answer::empty(200).with_header("content-type", "text/plain;charset=UTF-8");
            answer.body = text.into();
            answer
        }
        Err(Refused::NotFound) => refusal(404, "there is no such thing"),
        Err(Refused::NotUnderstood(text)) => refusal(400, &text),
        Err(Refused::NoSuchCall) => refusal(404, "there is no such call; see GET /emulator"),
    }
}

/// What the control API answers.
#[derive(Debug)]
enum Reply {
    Json(Value),
    Text(String),
}

/// Why it does not do what was asked.
#[derive(Debug)]
enum Refused {
    NoSuchCall,
    NotFound,
    NotUnderstood(String),
}

fn route(org: &Org, call: &Call, parts: &[&str]) -> Result<Reply, Refused> {
    match (call.method.as_str(), parts) {
        ("GET", []) => Ok(Reply::Text(help::text(&org.shared.base))),
        ("GET", ["truth"]) => Ok(Reply::Json(report::truth(org, call.query.get("scope")))),
        ("GET", ["requests"]) => Ok(Reply::Json(report::requests(&org.shared.log.snapshot()))),
        ("DELETE", ["requests"]) => {
            org.shared.log.clear();
            done()
        }
        ("GET", ["quirks"]) => Ok(Reply::Json(quirks::to_json(&org.quirks()))),
        ("PATCH", ["quirks"]) => {
            let mut changed = org.quirks();
            quirks::change(&mut changed, &body(call)?)?;
            org.set_quirks(changed);
            done()
        }
        (_, ["users" | "groups", ..]) => changes::answer(org, call, parts),
        (_, ["apps" | "api-tokens" | "custom-roles" | "resource-sets", ..]) => apps::answer(org, call, parts),
        (_, [_, ..]) => settings::answer(org, call, parts),
        _ => Err(Refused::NoSuchCall),
    }
}

fn done() -> Result<Reply, Refused> {
    Ok(Reply::Json(json!({"done": true})))
}

/// Says whether what was to be changed was there.
fn done_if(found: bool) -> Result<Reply, Refused> {
    if found { done() } else { Err(Refused::NotFound) }
}

fn body(call: &Call) -> Result<Value, Refused> {
    serde_json::from_slice(&call.body).map_err(|error| Refused::NotUnderstood(format!("the body is not JSON: {error}")))
}

fn refusal(status: u16, text: &str) -> Answer {
    Answer::json(status, json!({"error": text}).to_string())
}
