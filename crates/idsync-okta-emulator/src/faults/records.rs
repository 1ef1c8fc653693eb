//! Records that are not what they should be.

use super::kind::Malformed;
use serde_json::json;

/// How every record begins.
const START: &[u8] = br#"{"id":""#;

/// Where the member with the id ends, which is always the first one; the end of a record that has none.
fn id_end(record: &[u8]) -> usize {
    let Some(rest) = record.strip_prefix(START) else { return record.len() };
    let mut escaped = false;
    let quote = rest.iter().position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    quote.map_or(record.len(), |at| START.len() + at + 1)
}

/// Whether a body is one record.
pub(super) fn is_record(body: &[u8]) -> bool {
    body.starts_with(START)
}

/// Whether the record has this id.
pub(super) fn has_id(record: &[u8], id: &str) -> bool {
    let id = json!(id).to_string();
    record.strip_prefix(&START[..START.len() - 1]).and_then(|rest| rest.strip_prefix(id.as_bytes())).is_some()
}

/// Makes a record malformed.
pub(super) fn malform(record: &[u8], what: Malformed) -> Vec<u8> {
    let end = id_end(record);
    let rest = if end < record.len() { &record[end..] } else { b"}" };
    match what {
        Malformed::MissingId => [b"{", rest.strip_prefix(b",").unwrap_or(rest)].concat(),
        Malformed::MissingStatus => without(&without(record, "status"), "type"),
        Malformed::NotAnObject => br#""not an object""#.to_vec(),
        Malformed::Null => b"null".to_vec(),
        Malformed::NumericId => [br#"{"id":20260327"#, rest].concat(),
        Malformed::WrongTypes => {
            let id = if end < record.len() { &record[..end] } else { br#"{"id":"""# };
            let wrong =
                br#","status":7,"type":true,"created":{},"lastUpdated":[1],"lastMembershipUpdated":0.5,"profile":"none","_links":3}"#;
            [id, wrong].concat()
        }
    }
}

/// Adds members that nobody knows.
pub(super) fn with_unknown_members(record: &[u8]) -> Vec<u8> {
    let (id, rest) = record.split_at(id_end(record));
    [id, br#","futureMember":{"list":[1,null,{"deep":true}],"text":"x"},"futureFlag":true"#, rest].concat()
}

/// Gives a user a state, or a group a type, that nobody knows.
pub(super) fn with_unknown_kind(record: &[u8]) -> Vec<u8> {
    with_kinds(record, "ACTIVATING", "FUTURE_GROUP")
}

/// Gives a user this state, or a group this type.
pub(super) fn with_kind(record: &[u8], kind: &str) -> Vec<u8> {
    let quoted = json!(kind).to_string();
    let escaped = &quoted[1..quoted.len() - 1];
    with_kinds(record, escaped, escaped)
}

/// What has a `status` that is a text has its state there; of what has none, only groups have such a `type`.
fn with_kinds(record: &[u8], status: &str, kind: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(record);
    for (name, unknown) in [("status", status), ("type", kind)] {
        let before = format!(",\"{name}\":\"");
        if let Some((head, tail)) = text.split_once(&before)
            && let Some((_, tail)) = tail.split_once('"')
        {
            return format!("{head}{before}{unknown}\"{tail}").into_bytes();
        }
    }
    record.to_vec()
}

/// Adds a member that is nested deeply.
pub(super) fn with_deep_member(record: &[u8], depth: usize) -> Vec<u8> {
    let (id, rest) = record.split_at(id_end(record));
    [id, br#","futureMember":"#, "[".repeat(depth).as_bytes(), "]".repeat(depth).as_bytes(), rest].concat()
}

/// Removes a member whose value is a text.
fn without(record: &[u8], name: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(record);
    let before = format!(",\"{name}\":\"");
    let removed = text.split_once(&before).and_then(|(head, tail)| Some(format!("{head}{}", tail.split_once('"')?.1)));
    removed.map_or_else(|| record.to_vec(), String::into_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const USER: &[u8] = br#"{"id":"00u4567890123456789A","status":"ACTIVE","type":{"id":"oty1"},"profile":{"login":"a@example.com"}}"#;

    fn read(record: &[u8]) -> Value {
        serde_json::from_slice(record).unwrap()
    }

    #[test]
    fn malformed_records_are_json_and_wrong() {
        assert!(read(&malform(USER, Malformed::MissingId)).get("id").is_none());
        assert!(read(&malform(USER, Malformed::NumericId))["id"].is_number());
        assert!(read(&malform(USER, Malformed::MissingStatus)).get("status").is_none());
        assert!(read(&malform(USER, Malformed::WrongTypes))["status"].is_number());
        assert!(read(&malform(USER, Malformed::NotAnObject)).is_string());
        assert!(read(&malform(USER, Malformed::Null)).is_null());
        assert_eq!(read(&with_unknown_kind(USER))["status"], "ACTIVATING");
        assert_eq!(read(&with_kind(USER, "auf \"Urlaub\""))["status"], "auf \"Urlaub\"");
        assert_eq!(read(&with_unknown_members(USER))["futureFlag"], true);
        assert!(read(&with_deep_member(USER, 20))["futureMember"].is_array());
    }

    #[test]
    fn the_id_is_found_however_it_is_spelled() {
        let record = br#"{"id":"a\"\\","status":"ACTIVE"}"#;
        assert!(has_id(record, r#"a"\"#) && !has_id(record, "a") && !has_id(b"null", "a"));
        assert_eq!(read(&malform(record, Malformed::WrongTypes))["id"], r#"a"\"#);
        assert!(read(&malform(record, Malformed::MissingId)).get("id").is_none());
    }
}
