//! Where a directory stands, for the people who look after it.

use crate::escrow::{BACKOFF, Escrow};
use crate::number::number;
use crate::{Escrowed, HeldSet, Quarantine, SyncEngine, SyncError};
use idsync_core::{DirectoryId, PlanHash, RunRecord, StateStore};
use std::fmt;

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

/// A few lines: why it is set aside, what is interrupted, held and refused, and how the last run ended; no personal data.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.runs.first() {
            Some(run) => write!(f, "{}: {} on {}", self.directory_id, run.outcome, run.started)?,
            None => write!(f, "{}: no run yet", self.directory_id)?,
        }
        if let Some(quarantine) = &self.quarantine {
            write!(f, "\nset aside until {}: {quarantine}", quarantine.until)?;
        }
        if let Some(unfinished) = &self.unfinished {
            write!(f, "\nthe delivery of {unfinished} was interrupted; the next sync finishes it")?;
        }
        if let Some(held) = &self.held {
            write!(f, "\n{held}")?;
        }
        if !self.escrow.is_empty() {
            write!(f, "\n{} refused by the sink", number(self.escrow.len() as u64, "change"))?;
        }
        Ok(())
    }
}

impl SyncEngine {
    /// Where the directory stands. Nothing is read from it, and nothing is written.
    ///
    /// # Errors
    /// The directory cannot be identified, which [`SyncEngineBuilder::directory`](crate::SyncEngineBuilder::directory) spares, or the state
    /// store cannot be read.
    pub async fn status(&self) -> Result<Status, SyncError> {
        const RUNS: usize = 20;
        let directory_id = self.directory_id().await?;
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
