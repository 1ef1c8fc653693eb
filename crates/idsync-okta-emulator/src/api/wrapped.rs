//! Lists that come as an object with the rows inside, as those of custom roles and resource sets do (recorded).

use super::json::record;
use crate::server::{Answer, Call, Failure, encode};
use serde_json::{Value, json};

/// The rows of a page where no `limit` was sent, and the most of them (Okta reference: "List all custom roles").
const PAGE: usize = 100;

/// A page of such a list: `rows` are ids with what stands in the list, `links` more links of the list itself.
pub(super) fn page(call: &Call, url: &str, name: &str, rows: &[(String, Value)], links: &Value) -> Result<Answer, Failure> {
    let limit = match call.query.get("limit") {
        None => PAGE,
        Some(text) => {
            text.parse().ok().filter(|limit: &usize| *limit > 0).ok_or_else(|| Failure::invalid("limit", "limit is invalid"))?.min(PAGE)
        }
    };
    let start = match call.query.get("after") {
        None => 0,
        Some(cursor) => 1 + rows.iter().position(|(id, _)| id == cursor).ok_or_else(Failure::invalid_cursor)?,
    };
    let rest = rows.get(start..).unwrap_or_default();
    let shown = rest.get(..limit).unwrap_or(rest);
    let mut all = json!({"self": {"href": url}});
    if let (true, Some((last, _))) = (rest.len() > shown.len(), shown.last()) {
        all = super::json::overlay(all, Some(&json!({"next": {"href": format!("{url}?after={}", encode(last))}})));
    }
    let all = super::json::overlay(all, Some(links));
    let shown: Vec<&Value> = shown.iter().map(|(_, row)| row).collect();
    Ok(linked(Answer::json(200, record(&[(name, json!(shown)), ("_links", all)])), url))
}

/// Adds the link to itself that every answer about custom roles and resource sets carries (recorded).
pub(super) fn linked(answer: Answer, url: &str) -> Answer {
    answer.with_header("link", &format!("<{url}>; rel=\"self\""))
}
