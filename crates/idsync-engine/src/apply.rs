//! Delivers a planned journal to the sink, batch by batch.

use crate::blocked::{Blocked, Subject};
use crate::escrow::Escrow;
use crate::held::Decision;
use crate::memo::Memo;
use crate::note::PlanNote;
use crate::packs::{self, mark_position};
use crate::run::Observer;
use crate::{Activity, Progress, SyncError, payload};
use futures::TryStreamExt;
use idsync_core::{
    BaseWrite, Batch, ChangeOutcome, Counts, Delivery, Detail, DirectorySink, Error, ErrorKind, JournalHeader, Lease, Mark, Phase,
    PlanHash, Progress as Delivered, Result, RunContext, Stage, StagedKey, StagedRow, StateStore, StoreCommit,
};
use std::sync::Arc;

/// What a delivery came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Applied {
    pub(crate) counts: Counts,
    pub(crate) refused: u64,
    pub(crate) first_refusal: Option<String>,
}

/// Delivers one journal.
#[derive(Debug)]
pub(crate) struct Applier {
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) sink: Arc<dyn DirectorySink>,
    pub(crate) lease: Lease,
    pub(crate) observer: Option<Observer>,
    pub(crate) progress: Progress,
    context: RunContext,
    applied: Applied,
    escrow: Escrow,
    /// What depends on something that the sink refused.
    refused: Blocked,
}

/// A batch in the making.
struct Pending {
    phase: Phase,
    rows: Vec<StagedRow>,
    deliveries: Vec<Delivery>,
    marks: Vec<(StagedKey, Mark)>,
    escrow: Vec<BaseWrite>,
    through: StagedKey,
}

impl Applier {
    pub(crate) fn new(
        store: Arc<dyn StateStore>,
        sink: Arc<dyn DirectorySink>,
        lease: Lease,
        journal: &JournalHeader,
        hash: PlanHash,
        escrow: Escrow,
    ) -> Self {
        let context = RunContext::new(lease.directory.clone(), hash, journal.base, journal.read_at).with_fence(lease.fence);
        Self {
            store,
            sink,
            lease,
            observer: None,
            progress: Progress::START,
            context,
            applied: Applied::default(),
            escrow,
            refused: Blocked::default(),
        }
    }

    /// Delivers what is not delivered yet, folds what was applied into the base, and commits.
    pub(crate) async fn run(mut self, mut journal: JournalHeader) -> Result<Applied, SyncError> {
        let note = PlanNote::decode(&journal.note).map_err(SyncError::store)?;
        self.progress.to_deliver = Some(note.counts().total());
        if journal.stage != Stage::Folding {
            if note.counts().total() > 0 {
                self.deliver(&mut journal, note.approved).await?;
            }
            journal.stage = Stage::Folding;
            self.store.update_journal(&self.lease, journal.clone()).await.map_err(SyncError::store)?;
        } else {
            self.recount().await.map_err(SyncError::store)?;
        }
        self.report(Activity::Folding);
        crate::fold::fold_members(&self.store, &self.lease).await.map_err(SyncError::store)?;
        let head = payload::to_json(&note.head).map_err(SyncError::store)?;
        self.store.commit(&self.lease, StoreCommit::new(journal.base, head)).await.map_err(SyncError::store)?;
        if note.counts().total() > 0 {
            self.sink.finish(&self.context, &self.applied.counts).await.map_err(SyncError::sink)?;
        }
        Ok(self.applied)
    }

    async fn deliver(&mut self, journal: &mut JournalHeader, is_approved: bool) -> Result<(), SyncError> {
        if journal.stage != Stage::Applying {
            journal.stage = Stage::Applying;
            self.store.update_journal(&self.lease, journal.clone()).await.map_err(SyncError::store)?;
        }
        if is_approved {
            // It is good once, however this delivery ends.
            Memo::Decision.write::<Decision>(self.store.as_ref(), &self.lease, None).await.map_err(SyncError::store)?;
        }
        self.sink.begin(&self.context).await.map_err(SyncError::sink)?;
        let done = journal.progress.as_ref().map(|progress| progress.through.clone());
        let max_batch = self.sink.limits().max_batch.get();
        let mut pending: Option<Pending> = None;
        let mut pages = self.store.staged(&self.lease.directory, None, Detail::Records);
        while let Some(rows) = pages.try_next().await.map_err(SyncError::store)? {
            for row in rows.into_iter().map(packs::unpack) {
                for row in row.map_err(SyncError::store)? {
                    if done.as_ref().is_some_and(|done| row.position <= *done) {
                        self.recall(&row).map_err(SyncError::store)?;
                        continue;
                    }
                    if pending.as_ref().is_some_and(|batch| batch.phase != row.position.phase || batch.deliveries.len() >= max_batch) {
                        self.send(pending.take()).await?;
                    }
                    self.add(&mut pending, row).map_err(SyncError::store)?;
                }
            }
        }
        self.send(pending).await
    }

    /// Takes note of a row whose outcome an earlier attempt recorded.
    fn recall(&mut self, row: &StagedRow) -> Result<()> {
        match row.mark {
            Mark::Apply => self.applied.counts.add(payload::kind(row)?, 1),
            Mark::Failed => {
                self.applied.refused += 1;
                self.refused.withhold(&payload::subject(row)?);
            }
            _ => {}
        }
        Ok(())
    }

    async fn recount(&mut self) -> Result<()> {
        let mut pages = self.store.staged(&self.lease.directory, None, Detail::Digests);
        while let Some(rows) = pages.try_next().await? {
            for row in rows {
                packs::unpack(row)?.iter().try_for_each(|row| self.recall(row))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, pending: &mut Option<Pending>, mut row: StagedRow) -> Result<()> {
        let batch = pending.get_or_insert_with(|| Pending {
            phase: row.position.phase,
            rows: Vec::new(),
            deliveries: Vec::new(),
            marks: Vec::new(),
            escrow: Vec::new(),
            through: row.position.clone(),
        });
        batch.through = row.position.clone();
        if row.mark != Mark::Apply {
            return Ok(());
        }
        let change = payload::change(&row)?;
        if !self.refused.is_empty() {
            let subject = Subject::from(&change);
            if self.refused.stops(&subject) {
                self.applied.refused += 1;
                self.refused.withhold(&subject);
                batch.marks.push((mark_position(row.position), Mark::Failed));
                return Ok(());
            }
        }
        batch.deliveries.push(Delivery::new(change.idempotency_key(&self.context.directory, self.context.from), change));
        // The change holds it; an identity needs its digest alone.
        if let Some(record) = row.effect.as_mut().and_then(|effect| effect.record.as_mut()) {
            record.record = Vec::new();
        }
        batch.rows.push(row);
        Ok(())
    }

    async fn send(&mut self, pending: Option<Pending>) -> Result<(), SyncError> {
        let Some(mut pending) = pending else { return Ok(()) };
        if !pending.deliveries.is_empty() {
            let batch = Batch::new(&self.context, pending.phase, &pending.deliveries);
            let outcome = self.sink.apply(batch).await.map_err(SyncError::sink)?;
            if outcome.outcomes().len() != pending.deliveries.len() {
                return Err(SyncError::Sink(miscounted(outcome.outcomes().len(), pending.deliveries.len())));
            }
            for ((outcome, delivery), row) in outcome.into_iter().zip(&pending.deliveries).zip(&pending.rows) {
                match outcome {
                    ChangeOutcome::Applied | ChangeOutcome::Unchanged => {
                        self.applied.counts.add(delivery.change.kind(), 1);
                        pending.escrow.extend(self.escrow.settle(&row.position));
                    }
                    ChangeOutcome::Failed(error) => {
                        self.refuse(&delivery.change, &error);
                        pending.escrow.push(self.escrow.refuse(row, &delivery.change, error.to_string()).map_err(SyncError::store)?);
                        pending.marks.push((mark_position(row.position.clone()), Mark::Failed));
                    }
                    _ => {
                        return Err(SyncError::Sink(Error::new(
                            ErrorKind::Unsupported,
                            "the sink gave an outcome that this engine does not know",
                        )));
                    }
                }
            }
        }
        if !pending.escrow.is_empty() {
            // Before the outcome is recorded: whoever is refused again after a crash waits as long, and is not forgotten.
            self.store.write_base(&self.lease, pending.escrow).await.map_err(SyncError::store)?;
        }
        self.store.mark(&self.lease, pending.marks, Some(Delivered::through(pending.through))).await.map_err(SyncError::store)?;
        self.progress.delivered += pending.deliveries.len() as u64;
        self.report(Activity::Applying);
        Ok(())
    }

    fn refuse(&mut self, change: &idsync_core::Change, error: &Error) {
        tracing::warn!(change = change.kind().as_str(), kind = error.kind().as_str(), "the sink refused a change; it is tried again");
        self.applied.refused += 1;
        self.applied.first_refusal.get_or_insert_with(|| format!("{}: {error}", change.kind()));
        self.refused.withhold(&Subject::from(change));
    }

    fn report(&mut self, activity: Activity) {
        self.progress.activity = activity;
        if let Some(observer) = &self.observer {
            (observer.0)(&self.progress);
        }
    }
}

fn miscounted(outcomes: usize, deliveries: usize) -> Error {
    Error::new(ErrorKind::InvalidData, format!("the sink answered {outcomes} outcomes to {deliveries} deliveries"))
        .with_remedy("the sink breaks its contract; report this to whoever wrote it")
}
