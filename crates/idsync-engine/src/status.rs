//! Where a directory stands, for the people who look after it.

use crate::escrow::{BACKOFF, Escrow};
use crate::{Escrowed, HeldSet, Quarantine, SyncEngine, SyncError};
use idsync_core::{DirectoryId, PlanHash, RunRecord, StateStore};

/// Where a directory stands: what waits, why, and what its last runs came to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The directory.
    pub directory_id: DirectoryId,
    /// The quarantine that it is in.
    pub quarantine: Option<Quarantine>,
    /// The delivery that was interrupted and that the next sync finishes first.
    pub unfinished: Option<PlanHash>,
    /// What a safeguard holds.
    pub held: Option<HeldSet>,
    /// What the sink refused.
    pub escrow: Vec<Escrowed>,
    /// The last runs, newest first, up to 20.
    pub runs: Vec<RunRecord>,
}

impl SyncEngine {
    /// Where the directory stands. Nothing is read from it, and nothing is written.
    ///
    /// # Errors
    /// The directory cannot be identified, or the state store cannot be read.
    pub async fn status(&self) -> Result<Status, SyncError> {
        const RUNS: usize = 20;
        let directory_id = self.identify().await?.id;
        let journal = self.store.journal(&directory_id).await.map_err(SyncError::store)?;
        let unfinished = journal.filter(|journal| journal.stage.is_delivering()).and_then(|journal| journal.plan);
        Ok(Status {
            quarantine: self.quarantine_of(&directory_id).await?,
            unfinished,
            held: self.held_of(&directory_id).await?,
            escrow: self.escrow_of(&directory_id).await?,
            runs: self.store.runs(&directory_id, RUNS).await.map_err(SyncError::store)?,
            directory_id,
        })
    }

    pub(crate) async fn escrow_of(&self, directory: &DirectoryId) -> Result<Vec<Escrowed>, SyncError> {
        let escrow = Escrow::load(&self.store, directory, BACKOFF, self.now()).await.map_err(SyncError::store)?;
        Ok(escrow.into_entries())
    }
}
