//! What Okta sends, read leniently: every member is optional, unknown ones are kept, and one bad record does not spoil its page.

mod challenge;
mod depth;
pub(crate) mod error;
mod group;
mod member;
mod object;
pub(crate) mod org;
mod scan;
pub(crate) mod token;
mod user;

pub(crate) use group::WireGroup;
pub(crate) use member::members;
pub(crate) use user::WireUser;

use depth::check_depth;
use idsync_core::{HeldRecord, Page};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// How deep an answer may nest; Okta's own nest about six deep.
const MAX_DEPTH: usize = 64;

/// Why an answer could not be understood at all, without a word of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecodeFault {
    NotJson,
    NotTheShape,
    TooDeep,
}

impl DecodeFault {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not complete JSON",
            Self::NotTheShape => "not of the documented shape",
            Self::TooDeep => "nested too deeply",
        }
    }
}

/// A record as it stands in a page, and what it becomes.
pub(crate) trait Record<'de>: Deserialize<'de> {
    /// What it becomes; `None` when it is to be passed over.
    type Entry;

    /// The entry, or the id and what is wrong.
    fn into_entry(self) -> Result<Self::Entry, HeldRecord>;
}

/// Parses what a server sent.
///
/// All of it comes through here, so the parser can be replaced in this place alone. What takes its place must be a `serde` deserializer
/// that borrows from the body, and must give the records of a page as they stand there ([`RawValue`]) when one of them is spoilt. How
/// deep the body nests is for the caller to check, where anything recursive is read of it.
pub(crate) fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, DecodeFault> {
    let parsed = match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        // There may be anything in what is passed over; the parser looks at what is not.
        Err(_) => serde_json::from_slice(body),
    };
    parsed.map_err(|error| if error.is_data() { DecodeFault::NotTheShape } else { DecodeFault::NotJson })
}

/// Reads a page, an array of records.
pub(crate) fn page<'de, R: Record<'de>>(body: &'de [u8]) -> Result<Page<R::Entry>, DecodeFault> {
    check_depth(body)?;
    // Nearly every page is without fault, and is read in one pass; only one that is not is taken apart record by record.
    if let Ok(records) = parse::<Vec<R>>(body) {
        return Ok(sorted(records.into_iter().map(R::into_entry)));
    }
    let records: Vec<&RawValue> = parse(body)?;
    Ok(sorted(records.into_iter().map(|raw| record::<R>(raw.get()))))
}

/// Reads one record that is the whole answer.
pub(crate) fn single<'de, R: Record<'de>>(body: &'de [u8]) -> Result<Result<R::Entry, HeldRecord>, DecodeFault> {
    check_depth(body)?;
    let raw: &RawValue = parse(body)?;
    Ok(record::<R>(raw.get()))
}

/// Reads any JSON.
pub(crate) fn value(body: &[u8]) -> Result<serde_json::Value, DecodeFault> {
    check_depth(body)?;
    parse(body)
}

fn record<'de, R: Record<'de>>(text: &'de str) -> Result<R::Entry, HeldRecord> {
    match parse::<R>(text.as_bytes()) {
        Ok(record) => record.into_entry(),
        Err(_) => Err(HeldRecord::new(id_of(text), "a member has another type than documented")),
    }
}

/// The id of a record of which nothing else is sure.
fn id_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
    }
    parse::<Id<'_>>(text.as_bytes()).ok().map(|record| record.id.into_owned()).filter(|id| !id.is_empty())
}

fn sorted<T>(records: impl Iterator<Item = Result<T, HeldRecord>>) -> Page<T> {
    let (mut items, mut held) = (Vec::with_capacity(records.size_hint().0), Vec::new());
    for record in records {
        match record {
            Ok(entry) => items.push(entry),
            Err(record) => held.push(record),
        }
    }
    Page::new(items).with_held(held)
}

#[cfg(test)]
mod tests;
