//! Members of groups: whole users on the wire, of whom only the id and the status are read.

use super::scan::Scan;
use super::{DecodeFault, Record, page};
use idsync_core::{HeldRecord, Page, UserId};
use serde::Deserialize;
use std::borrow::Cow;

/// How deep a record's members are in a page: within its array and within the record.
const DEPTH: usize = 2;

#[derive(Deserialize)]
pub(crate) struct WireMember<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    status: Option<Cow<'a, str>>,
}

/// A user in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: UserId,
    pub(crate) is_deprovisioned: bool,
}

impl<'de> Record<'de> for WireMember<'de> {
    type Entry = Member;

    fn into_entry(self) -> Result<Member, HeldRecord> {
        let Some(text) = self.id else { return Err(HeldRecord::new(None, "the member has no id")) };
        let Ok(id) = UserId::new(&text) else { return Err(HeldRecord::new(None, "the member's id is not usable")) };
        Ok(Member { id, is_deprovisioned: self.status.as_deref() == Some(DEPROVISIONED) })
    }
}

const DEPROVISIONED: &str = "DEPROVISIONED";

/// Reads a page of members.
///
/// They are the bulk of a directory, and nearly all of each record is passed over. So pages without any oddity are only scanned; all
/// others are for the parser, which knows what to make of them.
pub(crate) fn members(body: &[u8]) -> Result<Page<Member>, DecodeFault> {
    match plain_members(body) {
        Some(members) => Ok(Page::new(members)),
        None => page::<WireMember<'_>>(body),
    }
}

/// The members of a page that is without fault and without anything that would need a second look.
pub(super) fn plain_members(body: &[u8]) -> Option<Vec<Member>> {
    let (mut scan, mut members) = (Scan::new(body), Vec::new());
    scan.take(b'[')?;
    if !scan.has(b']') {
        loop {
            members.push(plain_member(&mut scan)?);
            if !scan.has(b',') {
                break;
            }
        }
        scan.take(b']')?;
    }
    scan.is_over().then_some(members)
}

fn plain_member(scan: &mut Scan<'_>) -> Option<Member> {
    let (mut id, mut status) = (None, None);
    scan.take(b'{')?;
    loop {
        let name = scan.plain_text()?;
        scan.take(b':')?;
        match name {
            b"id" if id.is_none() => id = Some(scan.plain_text()?),
            b"status" if status.is_none() => status = Some(scan.plain_text()?),
            b"id" | b"status" => return None,
            // The parser does not take names that are not UTF-8.
            name if !name.is_ascii() => return None,
            _ => scan.skip_value(DEPTH)?,
        }
        if !scan.has(b',') {
            break;
        }
    }
    scan.take(b'}')?;
    let id = UserId::new(std::str::from_utf8(id?).ok()?).ok()?;
    let status = std::str::from_utf8(status?).ok()?;
    Some(Member { id, is_deprovisioned: status == DEPROVISIONED })
}
