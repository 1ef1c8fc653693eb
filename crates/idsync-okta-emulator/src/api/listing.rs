//! What a listing is, apart from its rows.

use super::cursor::{Cursors, Form, Position};
use crate::id::Kind;
use crate::org::Shared;
use crate::random::digest;
use crate::server::{Call, Failure, encode};

/// A listing: a path, a page size, and what selects its rows.
#[derive(Debug)]
pub(crate) struct Listing {
    path: String,
    pub(super) limit: usize,
    /// The parameters that are repeated in links, in Okta's order.
    filters: Vec<(&'static str, String)>,
    cursors: Cursors,
}

/// Parameters that links repeat, in the order in which they do (recorded).
const REPEATED: [&str; 5] = ["q", "filter", "search", "sortBy", "sortOrder"];

impl Listing {
    /// The listing that is asked for, and where in it.
    pub(super) fn of(shared: &Shared, call: &Call, form: Form, kind: Kind) -> Result<(Self, Position), Failure> {
        let limit = call.limit().ok_or_else(|| Failure::okta(400, "E0000001", "Api validation failed: limit"))?;
        let value = |&name: &&'static str| Some((name, call.query.get(name)?.to_owned()));
        let filters: Vec<(&'static str, String)> =
            REPEATED.iter().filter_map(value).filter(|(name, text)| is_sensible(name, text)).collect();
        let path = call.path.strip_suffix('/').unwrap_or(&call.path).to_owned();
        let key = format!("{path}?{filters:?}");
        let cursors = Cursors { form, kind, seed: shared.seed, listing: digest(1, key.as_bytes()) };
        let start = match call.query.get("after") {
            None => Position::START,
            Some(cursor) => cursors.read(cursor).ok_or_else(Failure::invalid_cursor)?,
        };
        Ok((Self { path, limit, filters, cursors }, start))
    }

    /// A URL of the listing. It is written anew, not echoed: the page size is always there, parameters are in Okta's order (recorded).
    pub(super) fn url(&self, base: &str, position: Option<Position>) -> String {
        let after = position.map(|position| format!("after={}&", encode(&self.cursors.write(position)))).unwrap_or_default();
        let mut url = format!("{base}{}?{after}limit={}", self.path, self.limit);
        for (name, text) in &self.filters {
            url.push_str(&format!("&{name}={}", encode(text)));
        }
        url
    }
}

/// An order that is none disappears from the links (recorded).
fn is_sensible(name: &str, text: &str) -> bool {
    name != "sortOrder" || matches!(text, "asc" | "desc" | "ASC" | "DESC")
}
