//! The engine: plan, apply, sync.

use crate::apply::Applied;
use crate::checkpoint::CheckpointPolicy;
use crate::delta::Wish;
use crate::draft::{Before, Draft};
use crate::note::{PlanNote, ReadResult};
use crate::payload;
use crate::plan::Plan;
use crate::report::{Mode, SyncReport};
use crate::run::{Surroundings, run_name};
use crate::{Backoff, DeltaPolicy, Protected, QuarantinePolicy, Safeguards, SyncError};
use idsync_core::{
    Clock, Counts, DirectoryId, DirectoryInfo, DirectorySink, Error, ErrorKind, IdentityProvider, JournalHeader, Lease, PlanHash,
    RequestUsage, RunRecord, StateStore, Timestamp,
};
use std::num::NonZeroUsize;
use std::sync::Arc;
use tracing::{Instrument, Span};

/// Keeps one sink in step with one directory.
///
/// An engine holds no state of its own: everything is in the state store, so it may be dropped and built anew at any time, and a future
/// of it may be dropped at any await. The next run goes on from what the store last confirmed.
#[derive(Debug, Clone)]
pub struct SyncEngine {
    pub(crate) provider: Arc<dyn IdentityProvider>,
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) sink: Arc<dyn DirectorySink>,
    pub(crate) safeguards: Safeguards,
    pub(crate) protected: Protected,
    pub(crate) escrow: Backoff,
    pub(crate) quarantine: QuarantinePolicy,
    pub(crate) checkpoint: CheckpointPolicy,
    pub(crate) delta: DeltaPolicy,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) most_ids: u64,
    pub(crate) holder: String,
    pub(crate) directory: Option<DirectoryId>,
    pub(crate) surroundings: Surroundings,
}

impl SyncEngine {
    /// Reads all of the directory and says what a sync would do. The sink is not touched; the plan is kept in the state store until it is
    /// applied or another run replaces it.
    ///
    /// # Errors
    /// [`SyncError`] says what could not be done; nothing was changed. [`SyncError::Interrupted`] where a delivery was interrupted, which
    /// must be finished by [`SyncEngine::sync`] before anything can be planned.
    ///
    /// # Cancellation
    /// The future may be dropped at any await; nothing was changed, and the next run goes on from what the store last confirmed.
    pub async fn plan(&self) -> Result<Plan, SyncError> {
        let usage = self.provider.usage();
        let (info, lease) = self.take().await?;
        let planned = self.plan_holding(info, &lease, usage).instrument(span("plan", &lease)).await;
        self.end(&lease, planned).await
    }

    async fn plan_holding(&self, info: Option<DirectoryInfo>, lease: &Lease, usage: RequestUsage) -> Result<Plan, SyncError> {
        if self.unfinished(lease).await?.is_some() {
            return Err(SyncError::Interrupted);
        }
        let last_run = self.last_run(lease).await;
        if let Err(error) = &last_run {
            self.record_failure(lease, self.now(), error).await;
        }
        let last_run = last_run?;
        let draft = self.draft(info, lease, Before { usage, ..Before::default() }, Wish::Full).await?;
        let plan = self.to_plan(&draft, last_run);
        self.give_back(&draft.lease).await?;
        Ok(plan)
    }

    /// Applies a plan exactly as it was hashed, once, without reading the directory again, and reports what came of it. A plan that has
    /// nothing to apply is done with as well.
    ///
    /// # Errors
    /// [`SyncError::StalePlan`] when it was applied already or another run came in between; nothing was changed. Otherwise as for
    /// [`SyncEngine::sync`].
    ///
    /// # Cancellation
    /// The future may be dropped at any await. A delivery that had begun by then is finished by the next [`SyncEngine::sync`]; if none
    /// had, the plan can be applied still.
    pub async fn apply(&self, plan: &Plan) -> Result<SyncReport, SyncError> {
        let lease = self.store.acquire(&plan.directory_id, &self.holder).await.map_err(SyncError::store)?;
        let applied = self.apply_holding(plan, lease.clone()).instrument(span("apply", &lease)).await;
        self.end(&lease, applied).await
    }

    async fn apply_holding(&self, plan: &Plan, lease: Lease) -> Result<SyncReport, SyncError> {
        let started = self.surroundings.clock.now();
        let journal = self.store.journal(&lease.directory).await.map_err(SyncError::store)?;
        let is_current = self.is_current(plan, &lease, journal.as_ref()).await;
        if let Err(error) = &is_current {
            self.record_failure(&lease, started, error).await;
        }
        if !is_current? {
            let left = journal.map(|journal| PlanNote::decode(&journal.note).map(|note| note.to_apply(journal.plan))).transpose();
            let found = left.map_err(SyncError::store)?.flatten();
            let moved = "it was applied already, or another run came in between".to_owned();
            return Err(SyncError::StalePlan { expected: plan.hash, found, moved });
        }
        let applied = match (plan.hash, journal) {
            (Some(hash), Some(journal)) => self.deliver(&lease, journal, hash, None).await?,
            (_, Some(_)) => {
                // Nothing of it is to be applied, and the next run finds the same again.
                self.store.discard_journal(&lease).await.map_err(SyncError::store)?;
                Applied::default()
            }
            (_, None) => Applied::default(),
        };
        let read = ReadResult { evidence: plan.evidence.clone(), left_out: 0 };
        let before = Before { usage: self.provider.usage(), ..Before::default() };
        // A plan of which everything is held or waits has no hash of its own, and is still not done.
        let draft = Draft {
            lease,
            revision: plan.base,
            started,
            mode: Mode::Full,
            read,
            plan: plan.draft.clone(),
            members: None,
            before,
            next: None,
        };
        self.close(draft, applied).await
    }

    /// Reads all of the directory again, applies the differences if they are exactly those that `expected` names, and reports what came
    /// of it. The hash is that of an earlier [`Plan`], which need not be at hand.
    ///
    /// # Errors
    /// [`SyncError::StalePlan`] says what moved when they are not, and [`SyncError::Interrupted`] that a delivery must be finished first;
    /// nothing was changed. Otherwise as for [`SyncEngine::sync`].
    ///
    /// # Cancellation
    /// As for [`SyncEngine::apply`].
    pub async fn apply_hash(&self, expected: PlanHash) -> Result<SyncReport, SyncError> {
        let usage = self.provider.usage();
        let (info, lease) = self.take().await?;
        let applied = self.apply_hash_holding(expected, info, &lease, usage).instrument(span("apply", &lease)).await;
        self.end(&lease, applied).await
    }

    async fn apply_hash_holding(
        &self,
        expected: PlanHash,
        info: Option<DirectoryInfo>,
        lease: &Lease,
        usage: RequestUsage,
    ) -> Result<SyncReport, SyncError> {
        if self.unfinished(lease).await?.is_some() {
            return Err(SyncError::Interrupted);
        }
        let before = self.store.journal(&lease.directory).await.map_err(SyncError::store)?.filter(|journal| journal.plan == Some(expected));
        let before = before.map(|journal| PlanNote::decode(&journal.note)).transpose().map_err(SyncError::store)?;
        let draft = self.draft(info, lease, Before { usage, ..Before::default() }, Wish::Full).await?;
        let found = draft.plan.as_ref().and_then(|plan| plan.note.to_apply(Some(plan.hash)));
        if found != Some(expected) {
            let now = draft.plan.as_ref().map(|plan| plan.note.counts()).unwrap_or_default();
            let moved = what_moved(before.map(|note| note.counts()), now);
            return Err(SyncError::StalePlan { expected: Some(expected), found, moved });
        }
        self.finish(draft).await
    }

    /// Reads the directory, brings the sink in step with it, and reports what it did.
    ///
    /// Where the provider has deltas, only what changed is read most of the time ([`DeltaPolicy`]).
    ///
    /// A delivery that an earlier run did not finish is finished first.
    ///
    /// # Errors
    /// [`SyncError`] says what could not be done and what was left untouched. Changes that a safeguard holds back, and changes that
    /// the sink refuses, are not errors: the report tells.
    ///
    /// # Cancellation
    /// The future may be dropped at any await; the next run goes on from what the store last confirmed.
    pub async fn sync(&self) -> Result<SyncReport, SyncError> {
        let usage = self.provider.usage();
        let (info, lease) = self.take().await?;
        let synced = self.sync_holding(info, &lease, usage).instrument(span("sync", &lease)).await;
        self.end(&lease, synced).await
    }

    async fn sync_holding(&self, info: Option<DirectoryInfo>, lease: &Lease, usage: RequestUsage) -> Result<SyncReport, SyncError> {
        let recovered = match self.unfinished(lease).await? {
            Some((journal, hash)) => {
                tracing::info!("finishing the delivery of an interrupted run");
                self.deliver(lease, journal, hash, None).await?.counts
            }
            None => Counts::default(),
        };
        let draft = self.draft(info, lease, Before { recovered, usage }, Wish::Cheapest).await?;
        self.finish(draft).await
    }

    async fn identify(&self) -> Result<DirectoryInfo, SyncError> {
        self.provider.identify().await.map_err(SyncError::provider)
    }

    /// Which directory it is, asked only where it is not known beforehand.
    pub(crate) async fn directory_id(&self) -> Result<DirectoryId, SyncError> {
        match &self.directory {
            Some(known) => Ok(known.clone()),
            None => Ok(self.identify().await?.id),
        }
    }

    /// What the provider says of the directory that was taken, if it has not said it yet.
    pub(crate) async fn info_of(&self, directory: &DirectoryId, asked: Option<DirectoryInfo>) -> Result<DirectoryInfo, SyncError> {
        let info = match asked {
            Some(info) => info,
            None => self.identify().await?,
        };
        if info.id != *directory {
            let message = format!("the provider reads the directory {}, and the engine is set to {directory}", info.id);
            let remedy = "give the engine the connection to its own directory; nothing was read or changed";
            return Err(SyncError::Refused(Error::new(ErrorKind::InvalidConfig, message).with_remedy(remedy)));
        }
        Ok(info)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.surroundings.clock.now()
    }

    /// Takes the directory. Comes with what the provider said of it, where it had to be asked which one it is.
    pub(crate) async fn take(&self) -> Result<(Option<DirectoryInfo>, Lease), SyncError> {
        let (info, id) = match &self.directory {
            Some(known) => (None, known.clone()),
            None => {
                let info = self.identify().await?;
                let id = info.id.clone();
                (Some(info), id)
            }
        };
        let lease = self.store.acquire(&id, &self.holder).await.map_err(SyncError::store)?;
        Ok((info, lease))
    }

    /// The journal of a delivery that must be finished before anything else.
    async fn unfinished(&self, lease: &Lease) -> Result<Option<(JournalHeader, PlanHash)>, SyncError> {
        let journal = self.store.journal(&lease.directory).await.map_err(SyncError::store)?;
        let Some(journal) = journal.filter(|journal| journal.stage.is_delivering()) else {
            return Ok(None);
        };
        let hash = journal.plan.ok_or_else(|| SyncError::Store(payload::corrupt("a delivery without a plan")))?;
        Ok(Some((journal, hash)))
    }

    fn to_plan(&self, draft: &Draft, last_run: Option<RunRecord>) -> Plan {
        let note = draft.plan.as_ref().map(|plan| &plan.note);
        let changes = note.map(PlanNote::counts).unwrap_or_default();
        Plan {
            directory_id: draft.lease.directory.clone(),
            hash: draft.plan.as_ref().and_then(|plan| plan.note.to_apply(Some(plan.hash))),
            base: draft.revision,
            changes,
            held: note.and_then(|note| note.held.clone()),
            held_set: draft.plan.as_ref().and_then(|plan| plan.held.as_ref()).map(|held| held.set.clone()),
            waiting: note.map_or(0, |note| note.waiting.changes),
            directory: draft.read.evidence.before.after(&changes),
            evidence: draft.read.evidence.clone(),
            run: run_name(draft.started, &draft.lease),
            draft: draft.plan.clone(),
            last_run,
            store: Arc::clone(&self.store),
        }
    }

    async fn finish(&self, mut draft: Draft) -> Result<SyncReport, SyncError> {
        let applied = match &draft.plan {
            Some(plan) if plan.note.counts().total() > 0 => {
                let journal = self.store.journal(&draft.lease.directory).await.map_err(SyncError::store)?;
                let journal = journal.ok_or_else(|| SyncError::Store(payload::corrupt("no journal for the plan just made")))?;
                self.deliver(&draft.lease, journal, plan.hash, draft.members.take()).await?
            }
            Some(_) => {
                // Everything is held or waits: nothing is to be applied, and the next run finds the same again.
                self.store.discard_journal(&draft.lease).await.map_err(SyncError::store)?;
                Applied::default()
            }
            None => Applied::default(),
        };
        self.close(draft, applied).await
    }

    /// Ends work that needed the directory: after a failure it is given back here. A store whose leases end by themselves does not need
    /// that, but for one whose leases expire it would stay taken.
    pub(crate) async fn end<T>(&self, lease: &Lease, done: Result<T, SyncError>) -> Result<T, SyncError> {
        if done.is_err()
            && let Err(error) = self.store.release(lease).await
        {
            tracing::debug!(kind = error.kind().as_str(), "the directory is not held any more");
        }
        done
    }

    pub(crate) async fn give_back(&self, lease: &Lease) -> Result<(), SyncError> {
        self.store.release(lease).await.map_err(SyncError::store)
    }
}

/// What became of a plan: what it was to apply, if it is still known, and what would be applied now.
/// What says in a log of many directories which one it is about.
fn span(call: &'static str, lease: &Lease) -> Span {
    tracing::info_span!("idsync", call, directory = %lease.directory)
}

fn what_moved(before: Option<Counts>, now: Counts) -> String {
    let instead = if now.total() == 0 { "now there is nothing to apply".to_owned() } else { format!("a plan made now would apply {now}") };
    match before {
        Some(before) if before == now => format!("the counts are the same ({now}), but not the changes"),
        Some(before) => format!("it was to apply {before}; {instead}"),
        None => format!("no plan is kept under this hash: it was applied, or another run replaced it, or there never was one; {instead}"),
    }
}
