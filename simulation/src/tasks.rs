//! What runs side by side.

use crate::call::Doing;
use crate::checks::Ending;
use crate::clock::SimClock;
use crate::executor::{Role, Task};
use crate::faults::Fault;
use crate::mutation;
use crate::provider::SimProvider;
use crate::records::Ended;
use crate::simulation::{Simulation, Slot};
use crate::sink::SimSink;
use crate::store::SimStore;
use crate::universe::{Oracle, lock};
use crate::watch::{CLEAN, Step, Watch};
use idsync_core::{ManualClock, PlanHash};
use idsync_engine::{Plan, Standing, SyncEngine, SyncError, SyncReport};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// An engine, and the store that it works with.
struct Hand {
    engine: SyncEngine,
    store: SimStore,
    watch: Arc<Watch>,
    manual: Arc<ManualClock>,
}

impl Simulation<'_> {
    fn engine(&self, watch: &Arc<Watch>) -> Hand {
        let universe = &self.universe;
        let provider = SimProvider { universe: Arc::clone(universe), watch: Arc::clone(watch), directory: self.directory.clone() };
        let store = SimStore {
            universe: Arc::clone(universe),
            watch: Arc::clone(watch),
            ledger: Arc::clone(&self.ledger),
            directory: self.directory.clone(),
            inner: Arc::clone(&self.store),
            key: self.key.clone(),
        };
        let sink = SimSink {
            universe: Arc::clone(universe),
            watch: Arc::clone(watch),
            ledger: Arc::clone(&self.ledger),
            instants: Arc::clone(&self.instants),
            directory: self.directory.clone(),
            max_batch: self.max_batch,
            inner: Arc::clone(&self.front),
        };
        let clock = SimClock {
            universe: Arc::clone(universe),
            watch: Arc::clone(watch),
            manual: Arc::clone(&self.manual),
            instants: Arc::clone(&self.instants),
        };
        let settings = &watch.settings;
        let engine = SyncEngine::builder(self.parts.provider(Arc::new(provider)), store.clone(), sink)
            .safeguards(self.parts.limits(watch.limits))
            .protect(self.parts.protected(settings.shield.protected()))
            .escrow(settings.escrow)
            .quarantine(settings.quarantine)
            .checkpoint(settings.checkpoint)
            .concurrency(self.concurrency)
            .member_ids(self.member_ids)
            .holder(watch.name)
            .clock(clock)
            .build();
        Hand { engine, store, watch: Arc::clone(watch), manual: Arc::clone(&self.manual) }
    }

    pub(crate) fn engine_task<'t>(&self, watch: &'t Arc<Watch>, steps: &'static [Step], slot: &Slot, late: u64) -> Task<'t> {
        let (hand, slot, universe) = (self.engine(watch), Arc::clone(slot), Arc::clone(&self.universe));
        let future = async move {
            for _ in 0..late {
                universe.pause().await;
            }
            let ending = hand.go(steps).await.unwrap_or_else(Ending::Failed);
            *lock(&slot) = ending;
        };
        Task { name: watch.name, future: Box::pin(future), role: Role::Foreground(watch) }
    }

    /// The source changes while it is read.
    pub(crate) fn source_task<'t>(&self, watch: &'t Watch) -> Task<'t> {
        let universe = Arc::clone(&self.universe);
        let future = async move {
            for _ in 0..=universe.below(8) {
                for _ in 0..universe.below(12) {
                    universe.pause().await;
                }
                let shifts = watch.plans(Fault::RowsMoved) && universe.once_in(2);
                let flickers = watch.plans(Fault::RowsRepeated) && !universe.once_in(4);
                let mutate = if shifts {
                    mutation::shift
                } else if flickers {
                    mutation::flicker
                } else {
                    mutation::mutate
                };
                let what = mutate(&mut universe.world(), &mut universe.random());
                if let Some(what) = what {
                    universe.note(format_args!("{what}: version {}", universe.version()));
                    watch.strike(Fault::SourceMoves);
                }
            }
        };
        Task { name: "source", future: Box::pin(future), role: Role::Background }
    }
}

impl Hand {
    /// Takes an engine through the steps of a run.
    async fn go(&self, steps: &[Step]) -> Result<Ending, SyncError> {
        let (engine, watch) = (&self.engine, &self.watch);
        watch.set_step(steps.first().copied().unwrap_or(Step::Sync));
        if watch.plans(Fault::Released) {
            let something = self.store.is_something_set_aside();
            self.decide(Doing::Release, engine.release()).await?;
            if something {
                watch.strike(Fault::Released);
            }
        }
        if steps == [Step::Sync] {
            let report = self.report(Doing::Sync, engine.sync()).await?;
            let decides = watch.plans(Fault::Approval) || watch.plans(Fault::Rejection);
            if let Some(held) = report.held.as_ref().filter(|_| watch.name == CLEAN) {
                // Without limits only what was rejected is held, until somebody thinks better of it.
                self.decide(Doing::Approve(held.hash), engine.approve(held.hash)).await?;
                return Ok(Ending::Done(Box::new(self.report(Doing::Sync, engine.sync()).await?)));
            }
            let Some(held) = report.held.as_ref().filter(|_| decides) else { return Ok(Ending::Done(Box::new(report))) };
            return Ok(Ending::Done(Box::new(self.judge(held.hash).await?)));
        }
        let plan = self.plan().await?;
        match steps.get(1) {
            Some(Step::Apply) => {
                watch.set_step(Step::Apply);
                *lock(&watch.expected) = plan.hash;
                let report = self.report(Doing::Apply, engine.apply(&plan)).await?;
                let delivered = report.changes.total() + report.escrowed.saturating_sub(plan.waiting);
                if delivered != plan.changes.total() {
                    let finding = format!("{delivered} changes were delivered of a plan of {}", plan.changes.total());
                    self.store.universe.violate(Oracle::Plan, finding);
                }
                Ok(Ending::Done(Box::new(report)))
            }
            Some(Step::ApplyHash) => {
                let Some(hash) = plan.hash else { return Ok(Ending::Planned(Box::new(plan))) };
                watch.set_step(Step::ApplyHash);
                *lock(&watch.expected) = Some(hash);
                Ok(Ending::Done(Box::new(self.report(Doing::ApplyHash, engine.apply_hash(hash)).await?)))
            }
            _ => Ok(Ending::Planned(Box::new(plan))),
        }
    }

    /// Somebody decides about what is held, perhaps twice, and the engine is run again.
    async fn judge(&self, hash: PlanHash) -> Result<SyncReport, SyncError> {
        let (engine, watch, universe) = (&self.engine, &self.watch, &self.store.universe);
        let (approve, reject) = (Doing::Approve(hash), Doing::Reject(hash));
        let last = match (watch.plans(Fault::Approval), watch.plans(Fault::Rejection)) {
            (true, true) => universe.once_in(2),
            (approved, _) => approved,
        };
        let (first, last) = if last { (reject, approve) } else { (approve, reject) };
        for doing in [universe.once_in(2).then_some(first), Some(last)].into_iter().flatten() {
            match doing {
                Doing::Approve(hash) => self.decide(doing, engine.approve(hash)).await?,
                _ => self.decide(doing, engine.reject(hash)).await?,
            }
        }
        if universe.once_in(6) {
            // An approval is good for a day.
            self.manual.advance(Duration::from_secs(universe.random().between(20, 30) * 3_600));
        }
        let report = self.report(Doing::Sync, engine.sync()).await?;
        if last == approve && report.held.is_none() {
            watch.strike(Fault::Approval);
        }
        if last == reject && report.held.as_ref().is_some_and(|held| held.standing == Standing::Rejected) {
            watch.strike(Fault::Rejection);
        }
        Ok(report)
    }

    async fn plan(&self) -> Result<Plan, SyncError> {
        self.watch.start(Doing::Plan);
        let planned = self.engine.plan().await;
        self.store.check_call(planned.as_ref().map_or_else(Ended::Failed, Ended::Planned));
        planned
    }

    async fn report(&self, doing: Doing, call: impl Future<Output = Result<SyncReport, SyncError>>) -> Result<SyncReport, SyncError> {
        self.watch.start(doing);
        let reported = call.await;
        self.store.check_call(reported.as_ref().map_or_else(Ended::Failed, Ended::Reported));
        reported
    }

    async fn decide(&self, doing: Doing, call: impl Future<Output = Result<(), SyncError>>) -> Result<(), SyncError> {
        self.watch.start(doing);
        let decided = call.await;
        self.store.check_call(decided.as_ref().map_or_else(Ended::Failed, |()| Ended::Decided));
        decided
    }
}
