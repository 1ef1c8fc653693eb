//! Reading and writing JSON.

use super::cursor::{Form, Position};
use super::listing::Listing;
use super::page::{Links, Page};
use crate::id::Kind;
use crate::org::Shared;
use crate::server::{Answer, Call, Failure};
use serde_json::{Map, Value};

/// An object with its members in this order, which is Okta's: `id` comes first.
pub(super) fn record(members: &[(&str, Value)]) -> Vec<u8> {
    let mut json = Vec::with_capacity(512);
    for (name, value) in members {
        json.extend_from_slice(if json.is_empty() { b"{" } else { b"," });
        json.extend_from_slice(Value::from(*name).to_string().as_bytes());
        json.push(b':');
        json.extend_from_slice(value.to_string().as_bytes());
    }
    if json.is_empty() {
        json.push(b'{');
    }
    json.push(b'}');
    json
}

/// An answer with such an object.
pub(super) fn answer(status: u16, members: &[(&str, Value)]) -> Answer {
    Answer::json(status, record(members))
}

/// A list without pages and without links, as those of grants, roles and API tokens are (recorded).
pub(super) fn list(shared: &Shared, call: &Call, kind: Kind, rows: impl Iterator<Item = Vec<u8>>) -> Result<Answer, Failure> {
    let (listing, _) = Listing::of(shared, call, Form::Id, kind)?;
    let mut page = Page::new(listing, Position::START);
    page.links = Links::None;
    for (index, row) in (0..).zip(rows) {
        page.push(index, &row);
    }
    Ok(Answer::page(page))
}

/// The object that a request brings.
pub(super) fn body(call: &Call) -> Result<Map<String, Value>, Failure> {
    let kind = call.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.trim_start().to_ascii_lowercase().starts_with("application/json") {
        let summary = "Bad request. Accept and/or Content-Type headers likely do not match supported values.";
        return Err(Failure::okta(400, "E0000021", summary));
    }
    match serde_json::from_slice(&call.body) {
        Ok(Value::Object(object)) => Ok(object),
        _ => Err(Failure::okta(400, "E0000003", "The request body was not well-formed.")),
    }
}

/// The text of a member.
pub(super) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// The text of a member that must be there and not be blank; the refusal is worded as that of a resource set's label (recorded).
pub(super) fn needed<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, Failure> {
    text(object, name).filter(|text| !text.trim().is_empty()).ok_or_else(|| {
        let mut letters = name.chars();
        let capital: String = letters.next().iter().flat_map(|first| first.to_uppercase()).chain(letters).collect();
        Failure::invalid(name, &format!("{name}: {capital} must be specified"))
    })
}

/// The texts of a member that is an array of texts.
pub(super) fn texts(object: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    object.get(name)?.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect()
}

/// The members of one object laid over those of another, objects within them as well.
pub(super) fn overlay(base: Value, over: Option<&Value>) -> Value {
    match (base, over) {
        (Value::Object(mut base), Some(Value::Object(over))) => {
            for (name, value) in over {
                let laid = overlay(base.remove(name).unwrap_or_default(), Some(value));
                base.insert(name.clone(), laid);
            }
            Value::Object(base)
        }
        (_, Some(over)) => over.clone(),
        (base, None) => base,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_keep_their_order_and_objects_are_laid_over_each_other() {
        assert_eq!(record(&[("id", "\"".into()), ("a", json!([1]))]), br#"{"id":"\"","a":[1]}"#);
        assert_eq!(record(&[]), b"{}");
        let laid = overlay(json!({"a": {"b": 1, "c": 2}, "d": 3}), Some(&json!({"a": {"b": null}, "d": {"e": 4}})));
        assert_eq!(laid, json!({"a": {"b": null, "c": 2}, "d": {"e": 4}}));
        assert_eq!(overlay(json!({"a": 1}), None), json!({"a": 1}));
    }
}
