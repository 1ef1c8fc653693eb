//! What a read proves.

use crate::DirectorySize;
use idsync_core::{Error, HeldRecord};
use serde::Serialize;
use std::fmt;

/// What was seen of one kind of listing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StreamEvidence {
    /// Listings that ran to their end.
    pub listings: u64,
    /// Pages.
    pub pages: u64,
    /// Records that were understood, repeats included.
    pub records: u64,
    /// Records that were there but could not be understood; they are left as they are.
    pub held: u64,
}

impl StreamEvidence {
    /// Whether so many records could not be understood that more is wrong than single records: above a hundredth, but at least 10 and at
    /// most 100.
    pub const fn is_garbled(&self) -> bool {
        let share = (self.records + self.held) / 100;
        let most = if share < 10 {
            10
        } else if share > 100 {
            100
        } else {
            share
        };
        self.held > most
    }
}

/// A record that was there and could not be understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NotUnderstood {
    /// The listing in which it was: `users`, `groups` or `members`.
    pub listing: &'static str,
    /// Its id, if that much could be read.
    pub id: Option<String>,
    /// What is wrong with it, without the value.
    pub reason: String,
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReadFailure {
    /// What kind of failure it is, in one machine-readable word.
    pub kind: &'static str,
    /// What was said, in one line without personal data.
    pub reason: String,
    /// What to do about it, if it is known.
    pub remedy: Option<String>,
}

impl From<&Error> for ReadFailure {
    fn from(error: &Error) -> Self {
        Self { kind: error.kind().as_str(), reason: error.to_string(), remedy: error.remedy().map(str::to_owned) }
    }
}

/// The reason and the remedy in one line.
impl fmt::Display for ReadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

/// What a read proves, and what it does not.
///
/// Users and groups are deleted only when both of their listings ran to the end and the entry itself was confirmed to be gone;
/// memberships end only in groups whose listing ran to the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// The listing of users; in a delta, of those that changed.
    pub users: StreamEvidence,
    /// The listing of groups.
    pub groups: StreamEvidence,
    /// The listings of members; in a delta, of the groups whose members changed.
    pub members: StreamEvidence,
    /// How large the directory was when it was last synced, to compare with.
    pub before: DirectorySize,
    /// How often the identity was found to have its scopes and its role: before the read, after it, and at each checkpoint; in a delta
    /// only where somebody was not found, or a list showed nobody.
    pub access_checks: u64,
    /// Groups whose members an earlier attempt at this read had read already; they count among the listings of members.
    pub resumed: u64,
    /// The first of the records that could not be understood, up to 20.
    pub not_understood: Vec<NotUnderstood>,
    /// Groups whose members could not be read, or may not be read; they keep the members they had.
    pub groups_failed: u64,
    /// The first of the failures for which something stays as it was.
    pub first_failure: Option<ReadFailure>,
    /// Entries that a listing did not show and that were looked up by id; in a delta also those that are new or may be out of date.
    pub looked_up: u64,
    /// Of those, the ones that are still there.
    pub still_there: u64,
    /// Of those, the ones whose look-up failed; they are left as they are.
    pub unconfirmed: u64,
    /// Memberships of users or groups that were not listed; they are taken up once both ends are.
    pub dangling: u64,
    /// Entries that would have been removed or deactivated, were they not protected.
    pub protected: u64,
}

impl Evidence {
    /// Whether everything in scope was read, single records apart.
    pub const fn is_complete(&self) -> bool {
        self.groups_failed == 0 && self.unconfirmed == 0 && !self.is_garbled()
    }

    /// Whether so many records of some listing could not be understood that more is wrong than single records.
    pub const fn is_garbled(&self) -> bool {
        self.users.is_garbled() || self.groups.is_garbled() || self.members.is_garbled()
    }

    /// Takes note of records that could not be understood.
    pub(crate) fn note(&mut self, listing: &'static str, held: &[HeldRecord]) {
        const KEPT: usize = 20;
        let room = KEPT.saturating_sub(self.not_understood.len());
        let new = held.iter().take(room).map(|held| NotUnderstood { listing, id: held.id.clone(), reason: held.reason.clone() });
        self.not_understood.extend(new);
    }
}
