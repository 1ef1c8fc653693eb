//! What requests are made of, next to those that others were seen to send.

use super::contract::matches;
use super::scenarios::Sent;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Each place in a value with the types that are there; the items of an array are one place.
type Shape = BTreeMap<String, BTreeSet<&'static str>>;

/// A call of which there are recordings, and in what ours differs from them.
pub(super) struct Call {
    pub(super) method: &'static str,
    pub(super) template: &'static str,
    /// Whether a recorded body is for the same purpose.
    pub(super) is_meant: fn(&Value) -> bool,
    /// What only we send, and why.
    pub(super) added: &'static [(&'static str, &'static str)],
    /// What everybody else sends, and why we do not.
    pub(super) left_out: &'static [(&'static str, &'static str)],
}

/// How many requests were compared.
pub(super) struct Compared {
    pub(super) ours: usize,
    pub(super) recorded: usize,
}

impl Call {
    /// A call of which ours are exactly like the recorded ones.
    pub(super) const fn like(method: &'static str, template: &'static str) -> Self {
        Self { method, template, is_meant: |_| true, added: &[], left_out: &[] }
    }

    pub(super) fn compare(&self, sent: &[Sent], recorded: &[Value]) -> Compared {
        let ours = sent.iter().filter(|sent| sent.method == self.method && matches(self.template, &sent.path));
        let ours: Vec<Shape> = ours.filter_map(|sent| sent.body.as_ref()).map(shape).collect();
        let is_it = |exchange: &&Value| {
            exchange["method"] == self.method && matches(self.template, exchange["path"].as_str().unwrap()) && has_body(exchange)
        };
        let recorded: Vec<_> = recorded.iter().filter(is_it).filter(|exchange| (self.is_meant)(&exchange["request_body"])).collect();
        let shapes: Vec<Shape> = recorded.iter().map(|exchange| shape(&exchange["request_body"])).collect();
        assert!(!ours.is_empty() && !shapes.is_empty(), "{self}: {} of ours, {} recorded", ours.len(), shapes.len());
        let good = recorded.iter().map(|exchange| matches!(exchange["status"].as_u64(), Some(200..=299)));
        let good: Vec<_> = shapes.iter().zip(good).filter(|(_, good)| *good).map(|(shape, _)| shape).collect();
        self.assert_accounted("only we send", added(&ours, &shapes), self.added);
        self.assert_accounted("everybody else sends", left_out(&ours, &good), self.left_out);
        Compared { ours: ours.len(), recorded: shapes.len() }
    }

    /// Each difference has a reason, and each reason is of use.
    fn assert_accounted(&self, what: &str, places: BTreeSet<String>, reasons: &[(&str, &str)]) {
        let accounts = |reason: &str, place: &str| place.strip_prefix(reason).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let unaccounted: Vec<_> = places.iter().filter(|place| !reasons.iter().any(|(reason, _)| accounts(reason, place))).collect();
        assert!(unaccounted.is_empty(), "{self}: {what} {unaccounted:?}");
        for (reason, _) in reasons {
            assert!(places.iter().any(|place| accounts(reason, place)), "{self}: {what} {reason} no more");
        }
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.template)
    }
}

fn has_body(exchange: &Value) -> bool {
    exchange["kind"] == "recorded" && exchange["request_body"].is_object()
}

/// Places of ours that are in no recording, or never with that type.
fn added(ours: &[Shape], recorded: &[Shape]) -> BTreeSet<String> {
    let is_recorded = |place: &str, kinds: &BTreeSet<&str>| {
        kinds.iter().all(|kind| recorded.iter().any(|shape| shape.get(place).is_some_and(|found| found.contains(kind))))
    };
    let added = ours.iter().flatten().filter(|(place, kinds)| !is_recorded(place, kinds));
    added.map(|(place, _)| place.clone()).collect()
}

/// Places that are in every recording, and not in every request of ours.
fn left_out(ours: &[Shape], recorded: &[&Shape]) -> BTreeSet<String> {
    let Some((first, others)) = recorded.split_first() else { return BTreeSet::new() };
    let common = first.keys().filter(|place| others.iter().all(|shape| shape.contains_key(*place)));
    common.filter(|place| !ours.iter().all(|shape| shape.contains_key(*place))).cloned().collect()
}

fn shape(value: &Value) -> Shape {
    fn walk(value: &Value, place: &str, shape: &mut Shape) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        shape.entry(place.to_owned()).or_default().insert(kind);
        match value {
            Value::Array(items) => items.iter().for_each(|item| walk(item, &format!("{place}[]"), shape)),
            Value::Object(members) => members.iter().for_each(|(name, member)| {
                let dot = if place.is_empty() { "" } else { "." };
                walk(member, &format!("{place}{dot}{name}"), shape);
            }),
            _ => {}
        }
    }
    let mut shape = Shape::new();
    walk(value, "", &mut shape);
    shape
}
