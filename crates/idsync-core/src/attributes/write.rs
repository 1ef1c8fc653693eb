//! Writing canonical JSON at the end of a text.

use crate::words;
use serde_json::Value;
use std::fmt::{Display, Write};

/// Writes a string.
pub(super) fn text(out: &mut String, text: &str) {
    if is_plain(text.as_bytes()) {
        out.reserve(text.len() + 2);
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        plain(out, Value::from(text));
    }
}

/// Whether a string is written as it is.
fn is_plain(bytes: &[u8]) -> bool {
    match bytes.last_chunk() {
        Some(last) => words::escapes(*last) == 0 && bytes.as_chunks().0.iter().all(|word| words::escapes(*word) == 0),
        None => !bytes.iter().any(|byte| matches!(byte, 0..b' ' | b'"' | b'\\')),
    }
}

/// Writes any value, with its objects sorted.
pub(super) fn value(out: &mut String, json: &Value) {
    match json {
        Value::String(string) => text(out, string),
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                value(out, element);
            }
            out.push(']');
        }
        Value::Object(members) => {
            // They are sorted, unless some crate asked `serde_json` to keep another order.
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by(|one, other| one.0.cmp(other.0));
            out.push('{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                text(out, name);
                out.push(':');
                value(out, member);
            }
            out.push('}');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => plain(out, json),
    }
}

/// Writes what prints itself as JSON.
pub(super) fn plain(out: &mut String, value: impl Display) {
    // Writing to a text cannot fail.
    let _ = write!(out, "{value}");
}
