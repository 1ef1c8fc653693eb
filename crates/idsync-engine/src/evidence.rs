//! What a read proves.

use crate::DirectorySize;
use serde::Serialize;

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

/// What a read proves, and what it does not.
///
/// Users and groups are deleted only when both of their listings ran to the end and the entry itself was confirmed to be gone;
/// memberships end only in groups whose listing ran to the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Evidence {
    /// The listing of users.
    pub users: StreamEvidence,
    /// The listing of groups.
    pub groups: StreamEvidence,
    /// The listings of members.
    pub members: StreamEvidence,
    /// How large the directory was when it was last synced, to compare with.
    pub before: DirectorySize,
    /// How often the identity was found to have its scopes and its role: before the read, after it, and at each checkpoint.
    pub access_checks: u64,
    /// Groups whose members an earlier attempt at this read had read already; they count among the listings of members.
    pub resumed: u64,
    /// Groups whose members could not be read; they keep the members they had.
    pub groups_failed: u64,
    /// Entries that a listing did not show and that were looked up by id.
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
    /// Whether everything in scope was read.
    pub const fn is_complete(&self) -> bool {
        self.groups_failed == 0 && self.unconfirmed == 0
    }
}
