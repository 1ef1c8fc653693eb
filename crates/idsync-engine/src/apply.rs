//! Delivers a planned journal to the sink, batch by batch.

use crate::blocked::{Blocked, Subject};
use crate::escrow::Escrow;
use crate::held::Decision;
use crate::index::MemberIndex;
use crate::memo::Memo;
use crate::note::PlanNote;
use crate::noting::Noting;
use crate::packs::{self, Pack, mark_position};
use crate::pending::{Last, Origin, Pending};
use crate::run::Observer;
use crate::upheld::KeptSet;
use crate::{Activity, Progress, SyncError, payload, recount};
use futures::TryStreamExt;
use idsync_core::{
    Batch, Change, ChangeOutcome, Clock, Counts, Delivery, Detail, DirectorySink, Error, ErrorKind, JournalHeader, KeyMaker, Lease, Mark,
    Membership, Phase, PlanHash, Result, RunContext, Stage, StagedKey, StagedRow, StateStore, StoreCommit,
};
use std::fmt;
use std::sync::Arc;

/// What a delivery came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Applied {
    pub(crate) counts: Counts,
    pub(crate) refused: u64,
    /// Whether some of that was not refused for what it is, but by a sink that takes nothing.
    pub(crate) declined: bool,
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
    keys: KeyMaker,
    noting: Noting,
    applied: Applied,
    escrow: Escrow,
    /// What depends on something that the sink refused.
    refused: Blocked,
}

impl Applier {
    pub(crate) fn new(
        store: Arc<dyn StateStore>,
        sink: Arc<dyn DirectorySink>,
        lease: Lease,
        journal: &JournalHeader,
        hash: PlanHash,
        escrow: Escrow,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let context = RunContext::new(lease.directory.clone(), hash, journal.base, journal.read_at).with_fence(lease.fence);
        Self {
            store,
            sink,
            keys: KeyMaker::new(&lease.directory, journal.base),
            lease,
            observer: None,
            progress: Progress::START,
            context,
            noting: Noting::new(clock),
            applied: Applied::default(),
            escrow,
            refused: Blocked::default(),
        }
    }

    /// Delivers what is not delivered yet, folds what was applied into the base, and commits.
    pub(crate) async fn run(mut self, mut journal: JournalHeader, members: Option<MemberIndex>) -> Result<Applied, SyncError> {
        let mut note = PlanNote::decode(&journal.note).map_err(SyncError::store)?;
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
        crate::fold::fold_members(&self.store, &self.lease, members).await.map_err(SyncError::store)?;
        if self.applied.refused > 0 {
            recount::leave_out_refused(self.store.as_ref(), &self.lease, &mut note).await.map_err(SyncError::store)?;
        }
        if note.approved {
            // Before the commit, so that it is done again if it is interrupted. The sink may still fail, and then nobody else would.
            Memo::HeldSet.write::<KeptSet>(self.store.as_ref(), &self.lease, None).await.map_err(SyncError::store)?;
        }
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
        let mut pending = Pending::new(self.sink.limits());
        let mut pages = self.store.staged(&self.lease.directory, None, Detail::Records);
        while let Some(rows) = pages.try_next().await.map_err(SyncError::store)? {
            for row in rows {
                if done.as_ref().is_some_and(|done| row.position <= *done) {
                    // A pack may be done in part.
                    for row in packs::unpack(row).map_err(SyncError::store)? {
                        match done.as_ref().is_some_and(|done| row.position <= *done) {
                            true => self.recall(&row).map_err(SyncError::store)?,
                            false => self.take(&mut pending, row).await?,
                        }
                    }
                } else {
                    self.take(&mut pending, row).await?;
                }
            }
        }
        self.send(&mut pending).await
    }

    /// Takes a row, all of it, and sends what is ready to go.
    async fn take(&mut self, pending: &mut Pending, row: StagedRow) -> Result<(), SyncError> {
        let phase = row.position.phase;
        let Some(pack) = Pack::of(&row).map_err(SyncError::store)? else {
            let change = (row.mark == Mark::Apply).then(|| payload::change(&row)).transpose().map_err(SyncError::store)?;
            self.make_room(pending, phase, change.as_ref()).await?;
            pending.last = Some(Last::Row(row.position.clone()));
            if let Some(change) = change {
                self.add(pending, change, Origin::row(row));
            }
            return Ok(());
        };
        let group = pack.group_id().map_err(SyncError::store)?;
        for (item, mark) in pack.marked() {
            let membership = Membership::new(group.clone(), item.user_id().map_err(SyncError::store)?);
            let last = Last::Member(phase, membership.clone());
            let change = (mark == Mark::Apply).then(|| match phase {
                Phase::AddMembers => Change::GroupUserAdded { membership },
                _ => Change::GroupUserRemoved { membership, reason: item.reason() },
            });
            self.make_room(pending, phase, change.as_ref()).await?;
            pending.last = Some(last);
            if let Some(change) = change {
                self.add(pending, change, Origin::Member);
            }
        }
        Ok(())
    }

    /// Sends what is there if the next change may not go with it.
    async fn make_room(&mut self, pending: &mut Pending, phase: Phase, next: Option<&Change>) -> Result<(), SyncError> {
        if pending.has_room(phase, next.map_or(0, Change::size_hint)) { Ok(()) } else { self.send(pending).await }
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

    fn add(&mut self, pending: &mut Pending, change: Change, origin: Origin) {
        if !self.refused.is_empty() {
            let subject = Subject::from(&change);
            if self.refused.stops(&subject) {
                self.applied.refused += 1;
                self.refused.withhold(&subject);
                pending.marks.push((mark_position(origin.position(&change)), Mark::Failed));
                return;
            }
        }
        pending.push(Delivery::new(self.keys.key(&change), change), origin);
    }

    async fn send(&mut self, pending: &mut Pending) -> Result<(), SyncError> {
        let Some((phase, last)) = pending.phase().zip(pending.last.take()) else { return Ok(()) };
        if !pending.deliveries.is_empty() {
            let batch = Batch::new(&self.context, phase, &pending.deliveries);
            let outcome = match self.sink.apply(batch).await {
                Ok(outcome) => outcome,
                Err(error) => {
                    // A note only spares the sink what it has; why it failed is what people must know.
                    let _ = self.note(Vec::new()).await;
                    return Err(SyncError::sink(error));
                }
            };
            if outcome.outcomes().len() != pending.deliveries.len() {
                return Err(SyncError::Sink(miscounted(outcome.outcomes().len(), pending.deliveries.len())));
            }
            for ((outcome, delivery), origin) in outcome.into_iter().zip(&pending.deliveries).zip(&pending.origins) {
                match outcome {
                    ChangeOutcome::Applied | ChangeOutcome::Unchanged => {
                        self.applied.counts.add(delivery.change.kind(), 1);
                        if !self.escrow.is_empty() {
                            pending.escrow.extend(self.escrow.settle(&origin.position(&delivery.change)));
                        }
                    }
                    ChangeOutcome::Failed(error) => {
                        self.refuse(&delivery.change, &error);
                        let row = origin.to_row(&delivery.change);
                        pending.escrow.push(self.escrow.refuse(&row, &delivery.change, error.to_string()).map_err(SyncError::store)?);
                        pending.marks.push((mark_position(row.position.clone()), Mark::Failed));
                    }
                    // The sink may be another one next time, so nothing is to wait.
                    ChangeOutcome::Declined => {
                        self.decline(&delivery.change);
                        pending.marks.push((mark_position(origin.position(&delivery.change)), Mark::Failed));
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
        self.noting.settled(last);
        let is_due = !pending.marks.is_empty() || !pending.escrow.is_empty() || self.noting.is_due();
        if !pending.escrow.is_empty() {
            // Before the outcome is recorded: whoever is refused again after a crash waits as long, and is not forgotten.
            self.store.write_base(&self.lease, std::mem::take(&mut pending.escrow)).await.map_err(SyncError::store)?;
        }
        if is_due {
            self.note(std::mem::take(&mut pending.marks)).await.map_err(SyncError::store)?;
        }
        self.progress.delivered += pending.deliveries.len() as u64;
        pending.clear();
        self.report(Activity::Applying);
        Ok(())
    }

    /// Writes down how far the delivery has come, and what is not applied after all.
    async fn note(&mut self, marks: Vec<(StagedKey, Mark)>) -> Result<()> {
        match self.noting.take() {
            Some(progress) => self.store.mark(&self.lease, marks, Some(progress)).await,
            None => Ok(()),
        }
    }

    fn refuse(&mut self, change: &Change, error: &Error) {
        tracing::warn!(change = change.kind().as_str(), kind = error.kind().as_str(), "the sink refused a change; it is tried again");
        self.withhold(change, error);
    }

    fn decline(&mut self, change: &Change) {
        self.applied.declined = true;
        self.withhold(change, &"the sink only looks, and takes nothing");
    }

    /// The sink does not have it, so that nothing that depends on it is offered.
    fn withhold(&mut self, change: &Change, reason: &dyn fmt::Display) {
        self.applied.refused += 1;
        self.applied.first_refusal.get_or_insert_with(|| format!("{}: {reason}", change.kind()));
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
