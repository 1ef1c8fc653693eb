//! Which groups are held back from being deleted.
//!
//! A delta lists all groups, so that it finds these again each time. What was held by the last full read need not be looked at by another.

use crate::packs::Pack;
use crate::plan_hash::{Covers, PlanHasher};
use idsync_core::{DirectoryId, Phase, PlanHash, RemovalReason, Result, StagedRow};

/// Makes the hash of the groups whose deletion is held, out of all that is held.
pub(crate) struct GroupsHeldHasher {
    hash: PlanHasher,
    groups: u64,
    others: u64,
}

/// The groups whose deletion is held, among all that is held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GroupsHeld {
    /// Which ones; `None` when there are none.
    pub(crate) hash: Option<PlanHash>,
    /// How much is held that does not go with them.
    others: u64,
}

impl GroupsHeldHasher {
    pub(crate) fn new(directory: &DirectoryId) -> Self {
        let hash = PlanHasher::new("idsync 2026 held groups", directory, &[], Covers::Removals);
        Self { hash, groups: 0, others: 0 }
    }

    /// Takes note of a row that is held.
    pub(crate) fn add(&mut self, row: &StagedRow) -> Result<()> {
        if row.position.phase == Phase::DeleteGroups {
            self.groups += 1;
            return self.hash.add(row);
        }
        let mut items = Pack::of(row)?.into_iter().flat_map(|pack| pack.items()).peekable();
        self.others += u64::from(items.peek().is_none() || items.any(|item| item.reason() != RemovalReason::GroupDeleted));
        Ok(())
    }

    pub(crate) fn finish(&self) -> GroupsHeld {
        GroupsHeld { hash: (self.groups > 0).then(|| self.hash.finish()), others: self.others }
    }
}

impl GroupsHeld {
    /// Whether exactly these groups are held, and nothing else.
    pub(crate) fn are_all(self, groups: Option<PlanHash>) -> bool {
        self.others == 0 && self.hash == groups
    }
}
