//! Members of groups: whole users on the wire, of whom only the id and the status are read.

use super::Record;
use idsync_core::{HeldRecord, UserId};
use serde::Deserialize;
use std::borrow::Cow;

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
        Ok(Member { id, is_deprovisioned: self.status.as_deref() == Some("DEPROVISIONED") })
    }
}
