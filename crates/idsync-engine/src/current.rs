//! Whether a plan is still what would happen.

use crate::plan::Plan;
use crate::{SyncEngine, SyncError};
use idsync_core::{JournalHeader, Lease, RunRecord, Stage, StateStore};

impl Plan {
    /// Whether this is the journal that the plan left.
    fn has_left(&self, journal: Option<&JournalHeader>) -> bool {
        match (&self.draft, journal) {
            (Some(draft), Some(journal)) => {
                journal.stage == Stage::Planned && journal.plan == Some(draft.hash) && journal.base == self.base
            }
            (None, None) => true,
            _ => false,
        }
    }
}

impl SyncEngine {
    /// Whether no other run came in between.
    pub(crate) async fn is_current(&self, plan: &Plan, lease: &Lease, journal: Option<&JournalHeader>) -> Result<bool, SyncError> {
        if !plan.has_left(journal) {
            return Ok(false);
        }
        if plan.hash.is_some() {
            return Ok(true);
        }
        // A run that applies nothing leaves no other journal, but may have found what is held, and somebody may have decided about it.
        let head = self.store.head(&lease.directory).await.map_err(SyncError::store)?;
        Ok(head.map(|head| head.revision).unwrap_or_default() == plan.base && self.last_run(lease).await? == plan.last_run)
    }

    /// The last run that was recorded.
    pub(crate) async fn last_run(&self, lease: &Lease) -> Result<Option<RunRecord>, SyncError> {
        Ok(self.store.runs(&lease.directory, 1).await.map_err(SyncError::store)?.pop())
    }
}
