//! Faults as the control API writes them.

use super::fault::{Calls, Fault};
use super::kind::{BodyShape, FaultKind, Malformed};
use crate::server::{Endpoint, Method};
use serde_json::{Value, json};
use std::time::Duration;

const SHAPES: [(&str, BodyShape); 3] = [("empty", BodyShape::Empty), ("html", BodyShape::Html), ("okta", BodyShape::Okta)];
const MALFORMED: [(&str, Malformed); 6] = [
    ("missing_id", Malformed::MissingId),
    ("missing_status", Malformed::MissingStatus),
    ("not_an_object", Malformed::NotAnObject),
    ("null", Malformed::Null),
    ("numeric_id", Malformed::NumericId),
    ("wrong_types", Malformed::WrongTypes),
];
const CALLS: [(&str, Calls); 3] = [("all", Calls::All), ("reading", Calls::Reading), ("writing", Calls::Writing)];
/// The kinds that need no more than their name.
const PLAIN: [FaultKind; 23] = [
    FaultKind::Concurrency429,
    FaultKind::DuplicatedRateHeaders,
    FaultKind::EmptyLastPage,
    FaultKind::EmptyMiddlePage,
    FaultKind::EmptyUsers200,
    FaultKind::EndlessEmptyPages,
    FaultKind::Ignored,
    FaultKind::InvalidCursor,
    FaultKind::JoinedLinkHeader,
    FaultKind::LoopingNext,
    FaultKind::LostAnswer,
    FaultKind::MalformedJson,
    FaultKind::MissingRateHeaders,
    FaultKind::NextOnAdminHost,
    FaultKind::RepeatedRows,
    FaultKind::Reset,
    FaultKind::ResetMidBody,
    FaultKind::SelfNext,
    FaultKind::ShiftedRows,
    FaultKind::ShrunkPages,
    FaultKind::TruncatedBody,
    FaultKind::UnknownMembers,
    FaultKind::VanishedGroup,
];

/// Reads a fault; the error says what is wrong with it.
pub(crate) fn from_json(value: &Value) -> Result<Fault, String> {
    let mut fault = Fault::new(kind(value)?);
    if let Some(name) = value.get("on") {
        let endpoint = name.as_str().and_then(Endpoint::parse);
        fault = fault.on(endpoint.ok_or_else(|| choice("on", Endpoint::ALL.iter().map(|endpoint| endpoint.as_str())))?);
    }
    if let Some(name) = value.get("method") {
        let method = Method::ALL.into_iter().find(|method| name.as_str() == Some(method.as_str()));
        fault = fault.of_method(method.ok_or_else(|| choice("method", Method::ALL.iter().map(|method| method.as_str())))?);
    }
    if value.get("calls").is_some() {
        fault = fault.of_calls(named(&CALLS, value, "calls")?);
    }
    if value.get("skip").is_some() {
        fault = fault.skip(number(value, "skip")?);
    }
    match value.get("times") {
        None => {}
        Some(Value::String(text)) if text == "always" => fault = fault.always(),
        Some(times) => fault = fault.times(times.as_u64().ok_or("`times` must be a number or \"always\"")?),
    }
    if let Some(id) = value.get("id") {
        fault = fault.for_id(id.as_str().ok_or("`id` must be a text")?);
    }
    if let Some(id) = value.get("record") {
        fault = fault.of_record(id.as_str().ok_or("`record` must be a text")?);
    }
    Ok(fault)
}

/// Writes a fault.
pub(crate) fn to_json(fault: &Fault) -> Value {
    let mut object = match &fault.kind {
        FaultKind::BucketLimit429(time) => json!({"reset_after_seconds": time.as_secs()}),
        FaultKind::DeepNesting(depth) => json!({"depth": depth}),
        FaultKind::Delay(time) => json!({"millis": time.as_millis() as u64}),
        FaultKind::ForeignNext(origin) => json!({"origin": origin}),
        FaultKind::HugeBody(bytes) => json!({"bytes": bytes}),
        FaultKind::LargeLimit500(limit) => json!({"limit": limit}),
        FaultKind::MalformedRecord(what) => json!({"what": name_of(&MALFORMED, what)}),
        FaultKind::Redirect(url) => json!({"url": url}),
        FaultKind::SkewedDate(seconds) => json!({"seconds": seconds}),
        FaultKind::SlowBody { bytes, tick } => json!({"bytes": bytes, "millis": tick.as_millis() as u64}),
        FaultKind::UnknownKind(text) => json!({"text": text}),
        FaultKind::StatusAfter(status, shape) | FaultKind::Status(status, shape) => {
            json!({"status": status, "body": name_of(&SHAPES, shape)})
        }
        _ => json!({}),
    };
    object["kind"] = json!(fault.kind.name());
    object["on"] = json!(fault.endpoint.as_str());
    object["calls"] = json!(name_of(&CALLS, &fault.calls));
    if let Some(method) = fault.method {
        object["method"] = json!(method.as_str());
    }
    object["skip"] = json!(fault.skip);
    object["times"] = fault.times.map_or_else(|| json!("always"), |times| json!(times));
    if let Some(id) = &fault.id {
        object["id"] = json!(id);
    }
    if let Some(id) = &fault.record {
        object["record"] = json!(id);
    }
    object
}

fn kind(value: &Value) -> Result<FaultKind, String> {
    let name = value.get("kind").and_then(Value::as_str).ok_or("`kind` is missing")?;
    Ok(match name {
        "bucket_limit_429" => FaultKind::BucketLimit429(Duration::from_secs(number(value, "reset_after_seconds")?)),
        "deep_nesting" => FaultKind::DeepNesting(number(value, "depth")? as usize),
        "delay" => FaultKind::Delay(Duration::from_millis(number(value, "millis")?)),
        "foreign_next" => FaultKind::ForeignNext(text(value, "origin")?),
        "huge_body" => FaultKind::HugeBody(number(value, "bytes")?),
        "large_limit_500" => FaultKind::LargeLimit500(number(value, "limit")? as usize),
        "malformed_record" => FaultKind::MalformedRecord(named(&MALFORMED, value, "what")?),
        "redirect" => FaultKind::Redirect(text(value, "url")?),
        "skewed_date" => {
            let seconds = value.get("seconds").and_then(Value::as_i64);
            FaultKind::SkewedDate(seconds.ok_or("`seconds` must be a number")?)
        }
        "slow_body" => {
            let (bytes, tick) = (number(value, "bytes")? as usize, Duration::from_millis(number(value, "millis")?));
            FaultKind::SlowBody { bytes, tick }
        }
        "status" | "status_after" => {
            let status = u16::try_from(number(value, "status")?).ok().filter(|status| (200..600).contains(status));
            let status = status.ok_or("`status` must be from 200 to 599")?;
            let shape = named(&SHAPES, value, "body")?;
            if name == "status" { FaultKind::Status(status, shape) } else { FaultKind::StatusAfter(status, shape) }
        }
        "unknown_kind" => FaultKind::UnknownKind(text(value, "text")?),
        _ => {
            let plain = PLAIN.into_iter().find(|kind| kind.name() == name);
            plain.ok_or_else(|| choice("kind", FaultKind::NAMES.iter().copied()))?
        }
    })
}

fn number(value: &Value, name: &str) -> Result<u64, String> {
    value.get(name).and_then(Value::as_u64).ok_or_else(|| format!("`{name}` must be a number"))
}

fn text(value: &Value, name: &str) -> Result<String, String> {
    value.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("`{name}` must be a text"))
}

fn named<T: Copy>(all: &[(&'static str, T)], value: &Value, member: &str) -> Result<T, String> {
    let name = value.get(member).and_then(Value::as_str).unwrap_or_default();
    let found = all.iter().find(|(known, _)| *known == name);
    found.map(|(_, found)| *found).ok_or_else(|| choice(member, all.iter().map(|(name, _)| *name)))
}

fn name_of<T: PartialEq>(all: &[(&'static str, T)], wanted: &T) -> &'static str {
    all.iter().find(|(_, known)| known == wanted).map_or("", |(name, _)| *name)
}

fn choice(member: &str, all: impl Iterator<Item = &'static str>) -> String {
    format!("`{member}` must be one of: {}", all.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_fault_survives_the_way_through_json() {
        let mut kinds = PLAIN.to_vec();
        kinds.extend(MALFORMED.iter().map(|(_, what)| FaultKind::MalformedRecord(*what)));
        kinds.extend(SHAPES.iter().map(|(_, shape)| FaultKind::Status(502, *shape)));
        kinds.extend(SHAPES.iter().map(|(_, shape)| FaultKind::StatusAfter(500, *shape)));
        kinds.extend([
            FaultKind::BucketLimit429(Duration::from_secs(3)),
            FaultKind::DeepNesting(4),
            FaultKind::Delay(Duration::from_millis(5)),
            FaultKind::ForeignNext("http://127.0.0.2".to_owned()),
            FaultKind::HugeBody(6),
            FaultKind::LargeLimit500(7),
            FaultKind::Redirect("http://127.0.0.2/".to_owned()),
            FaultKind::SkewedDate(-8),
            FaultKind::SlowBody { bytes: 9, tick: Duration::from_millis(10) },
            FaultKind::UnknownKind("ON_LEAVE".to_owned()),
        ]);
        let names: BTreeSet<_> = kinds.iter().map(FaultKind::name).collect();
        assert_eq!(names, FaultKind::NAMES.iter().copied().collect(), "every kind is tried");
        for kind in kinds {
            let narrow = Fault::new(kind.clone()).on(Endpoint::Apps).of_method(Method::Post).of_calls(Calls::Writing);
            let members = Fault::new(kind.clone()).on(Endpoint::Members).skip(2).always().for_id("00g1").of_record("00u1");
            for fault in [Fault::new(kind), narrow, members] {
                assert_eq!(from_json(&to_json(&fault)), Ok(fault));
            }
        }
    }

    #[test]
    fn what_is_wrong_with_a_fault_is_said() {
        for (fault, words) in [
            (json!({}), "`kind` is missing"),
            (json!({"kind": "flood"}), "`kind` must be one of: bucket_limit_429, "),
            (json!({"kind": "status", "status": 99, "body": "html"}), "from 200 to 599"),
            (json!({"kind": "status", "status": 500, "body": "pdf"}), "empty, html, okta"),
            (json!({"kind": "reset", "on": "nowhere"}), "`on` must be one of: any"),
            (json!({"kind": "reset", "times": "often"}), "always"),
        ] {
            let error = from_json(&fault).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
