//! The one JSON object that `sync --json` prints.

use idsync::engine::{HeldSet, Plan, Status, SyncError, SyncReport};
use idsync::{Counts, RequestUsage};
use serde_json::{Value, json};
use std::error::Error;

/// The object for a run that ended.
pub fn report(report: &SyncReport) -> Value {
    let mut object = json!({
        "outcome": report.outcome,
        "mode": report.mode,
        "run": report.run,
        "change_set": report.change_set,
        "changes": report.changes,
        "recovered": report.recovered,
        "held": held(report.held.as_ref()),
        "escrowed": report.escrowed,
        "directory": report.directory,
        "requests": report.requests,
        "complete": report.complete,
        "evidence": report.evidence,
        "elapsed_ms": u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX),
        "error": null,
    });
    if let Some(refusal) = &report.first_refusal {
        object["first_refusal"] = json!(refusal);
    }
    if let Some(retry_at) = &report.retry_at {
        object["retry_at"] = json!(retry_at);
    }
    object
}

/// The object for a plan.
pub fn plan(plan: &Plan, changes: Vec<Value>, requests: RequestUsage, elapsed_ms: u64) -> Value {
    json!({
        "outcome": "planned",
        "mode": "full",
        "run": plan.run,
        "change_set": plan.hash,
        "changes": plan.changes,
        "recovered": Counts::default(),
        "held": held(plan.held.as_ref()),
        "escrowed": plan.waiting,
        "directory": plan.directory,
        "requests": requests,
        "complete": plan.evidence.is_complete(),
        "evidence": plan.evidence,
        "elapsed_ms": elapsed_ms,
        "error": null,
        "plan": changes,
    })
}

/// The object for what is held.
pub fn held_set(set: Option<&HeldSet>, requests: RequestUsage, elapsed_ms: u64) -> Value {
    let mut object = failure("", "", "", requests, elapsed_ms);
    object["outcome"] = json!(if set.is_some() { "held" } else { "done" });
    object["held"] = held(set.map(|set| &set.summary));
    object["complete"] = json!(true);
    object["error"] = Value::Null;
    object["held_set"] = json!(set);
    object
}

/// The object for where things stand.
pub fn status(status: &Status, requests: RequestUsage, elapsed_ms: u64) -> Value {
    let mut object = held_set(status.held.as_ref(), requests, elapsed_ms);
    object["outcome"] = json!("status");
    object["escrowed"] = json!(status.escrow.len());
    object["escrow"] = json!(status.escrow);
    object["quarantine"] = json!(status.quarantine);
    object["unfinished"] = json!(status.unfinished);
    let runs = status.runs.iter().map(|run| {
        let report: Value = serde_json::from_str(&run.report).unwrap_or_default();
        json!({"started": run.started, "finished": run.finished, "outcome": run.outcome, "report": report})
    });
    object["runs"] = runs.collect();
    object
}

/// The object for a run that failed, as far as it is known.
pub fn failure(kind: &str, message: &str, remedy: &str, requests: RequestUsage, elapsed_ms: u64) -> Value {
    json!({
        "outcome": "failed",
        "mode": "full",
        "run": null,
        "change_set": null,
        "changes": Counts::default(),
        "recovered": Counts::default(),
        "held": held(None),
        "escrowed": 0,
        "directory": {"users": 0, "groups": 0, "memberships": 0},
        "requests": requests,
        "complete": false,
        "evidence": null,
        "elapsed_ms": elapsed_ms,
        "error": {"kind": kind, "message": message, "remedy": remedy},
    })
}

/// The message of a failed run: the phase, and what caused it.
pub fn message(error: &SyncError) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    message
}

fn held(held: Option<&idsync::engine::Held>) -> Value {
    held.map_or_else(|| json!({"total": 0, "hash": null, "reason": null, "by_kind": {}}), |held| json!(held))
}
