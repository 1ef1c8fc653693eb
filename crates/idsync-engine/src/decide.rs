//! What a person may do about a held set.

use crate::held::{Approval, Decision, HeldSet};
use crate::memo::Memo;
use crate::{SyncEngine, SyncError};
use idsync_core::{DirectoryId, Lease, PlanHash, StateStore};

impl SyncEngine {
    /// The changes that a safeguard holds, if there are any, as the last run held them, and what was decided about them since. Nothing is
    /// read from the directory.
    ///
    /// # Errors
    /// The directory cannot be identified, which [`SyncEngineBuilder::directory`](crate::SyncEngineBuilder::directory) spares, or the state
    /// store cannot be read.
    pub async fn held(&self) -> Result<Option<HeldSet>, SyncError> {
        self.held_of(&self.directory_id().await?).await
    }

    pub(crate) async fn held_of(&self, directory: &DirectoryId) -> Result<Option<HeldSet>, SyncError> {
        let set: Option<HeldSet> = Memo::HeldSet.read(self.store(), directory).await.map_err(SyncError::store)?;
        let decision: Option<Decision> = Memo::Decision.read(self.store(), directory).await.map_err(SyncError::store)?;
        Ok(set.map(|mut set| {
            set.summary.standing = decision.unwrap_or_default().standing(set.summary.hash, self.now());
            set
        }))
    }

    /// Approves the held set with this hash: the next sync within 24 hours applies it, if the directory still wants exactly that. If it
    /// wants anything else, that is held again, and has another hash.
    ///
    /// # Errors
    /// [`SyncError::NotHeld`] when the last run held another set, or none; [`SyncError::Busy`] when another run holds the directory;
    /// otherwise as for [`SyncEngine::held`].
    ///
    /// # Cancellation
    /// The future may be dropped at any await; the decision is kept or not, and [`SyncEngine::held`] says which.
    pub async fn approve(&self, hash: PlanHash) -> Result<(), SyncError> {
        let approved = Some(Approval { hash, at: self.now() });
        self.decide(hash, &Decision { approved, rejected: None }).await
    }

    /// Rejects the held set with this hash: runs go on holding it, and report it as done, until the directory wants something else. It
    /// stays held when the limits would let it go by now, because the window has passed or they were raised. Once anything of it is not
    /// wanted any more, or more is held, it is another set, about which the limits decide anew.
    ///
    /// # Errors
    /// As for [`SyncEngine::approve`].
    ///
    /// # Cancellation
    /// As for [`SyncEngine::approve`].
    pub async fn reject(&self, hash: PlanHash) -> Result<(), SyncError> {
        self.decide(hash, &Decision { approved: None, rejected: Some(hash) }).await
    }

    /// Notes what was decided about the set with this hash.
    async fn decide(&self, hash: PlanHash, decision: &Decision) -> Result<(), SyncError> {
        let (_, lease) = self.take().await?;
        let decided = self.decide_holding(&lease, hash, decision).await;
        self.end(&lease, decided).await
    }

    /// Exactly this set must be held.
    async fn decide_holding(&self, lease: &Lease, hash: PlanHash, decision: &Decision) -> Result<(), SyncError> {
        let held: Option<HeldSet> = Memo::HeldSet.read(self.store(), &lease.directory).await.map_err(SyncError::store)?;
        let found = held.map(|set| set.summary.hash);
        if found != Some(hash) {
            return Err(SyncError::NotHeld { expected: hash, found });
        }
        Memo::Decision.write(self.store(), lease, Some(decision)).await.map_err(SyncError::store)?;
        self.give_back(lease).await
    }

    fn store(&self) -> &dyn StateStore {
        self.store.as_ref()
    }
}
