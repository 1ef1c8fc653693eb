//! Records that are not what they should be.

use super::kind::Malformed;

/// How every record begins: `{"id":"`, twenty characters, `"`.
const ID_END: usize = 28;

/// Makes a record malformed.
pub(super) fn malform(record: &[u8], what: Malformed) -> Vec<u8> {
    let rest = record.get(ID_END..).unwrap_or(b"}");
    match what {
        Malformed::MissingId => [b"{", rest.strip_prefix(b",").unwrap_or(rest)].concat(),
        Malformed::MissingStatus => without(&without(record, "status"), "type"),
        Malformed::NotAnObject => br#""not an object""#.to_vec(),
        Malformed::Null => b"null".to_vec(),
        Malformed::NumericId => [br#"{"id":20260327"#, rest].concat(),
        Malformed::WrongTypes => {
            let id = record.get(..ID_END).unwrap_or(br#"{"id":"""#);
            let wrong =
                br#","status":7,"type":true,"created":{},"lastUpdated":[1],"lastMembershipUpdated":0.5,"profile":"none","_links":3}"#;
            [id, wrong].concat()
        }
    }
}

/// Adds members that nobody knows.
pub(super) fn with_unknown_members(record: &[u8]) -> Vec<u8> {
    let (id, rest) = record.split_at(ID_END.min(record.len()));
    [id, br#","futureMember":{"list":[1,null,{"deep":true}],"text":"x"},"futureFlag":true"#, rest].concat()
}

/// Gives a user a state, or a group a type, that nobody knows.
pub(super) fn with_unknown_kind(record: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(record);
    for (name, unknown) in [("status", "ACTIVATING"), ("type", "FUTURE_GROUP")] {
        let before = format!("\"{name}\":\"");
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
    let (id, rest) = record.split_at(ID_END.min(record.len()));
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
        assert_eq!(read(&with_unknown_members(USER))["futureFlag"], true);
        assert!(read(&with_deep_member(USER, 20))["futureMember"].is_array());
    }
}
