//! What runs side by side.

use crate::checks::Ending;
use crate::clock::SimClock;
use crate::executor::{Role, Task};
use crate::faults::Fault;
use crate::mutation;
use crate::provider::SimProvider;
use crate::simulation::{Simulation, Slot};
use crate::sink::SimSink;
use crate::store::SimStore;
use crate::universe::lock;
use crate::watch::{Step, Watch};
use idsync_engine::{SyncEngine, SyncError};
use std::sync::Arc;

impl Simulation<'_> {
    fn engine(&self, watch: &Arc<Watch>) -> SyncEngine {
        let universe = &self.universe;
        let provider = SimProvider { universe: Arc::clone(universe), watch: Arc::clone(watch), directory: self.directory.clone() };
        let store = SimStore {
            universe: Arc::clone(universe),
            watch: Arc::clone(watch),
            ledger: Arc::clone(&self.ledger),
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
        SyncEngine::builder(self.parts.provider(Arc::new(provider)), store, sink)
            .safeguards(self.parts.limits(watch.limits))
            .concurrency(self.concurrency)
            .holder(watch.name)
            .clock(clock)
            .build()
    }

    pub(crate) fn engine_task<'t>(&self, watch: &'t Arc<Watch>, steps: &'static [Step], slot: &Slot, late: u64) -> Task<'t> {
        let (engine, slot, universe) = (self.engine(watch), Arc::clone(slot), Arc::clone(&self.universe));
        let future = async move {
            for _ in 0..late {
                universe.pause().await;
            }
            let ending = go(&engine, steps, watch).await.unwrap_or_else(Ending::Failed);
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

/// Takes an engine through the steps of a run.
async fn go(engine: &SyncEngine, steps: &[Step], watch: &Watch) -> Result<Ending, SyncError> {
    watch.set_step(steps.first().copied().unwrap_or(Step::Sync));
    if steps == [Step::Sync] {
        let report = engine.sync().await?;
        let Some(held) = report.held.as_ref().filter(|_| watch.plans(Fault::Approval)) else { return Ok(Ending::Done(Box::new(report))) };
        // An approval that fails may still have been kept.
        watch.approve();
        engine.approve(held.hash).await?;
        let report = engine.sync().await?;
        if report.held.is_none() {
            watch.strike(Fault::Approval);
        }
        return Ok(Ending::Done(Box::new(report)));
    }
    let plan = engine.plan().await?;
    match steps.get(1) {
        Some(Step::Apply) => {
            watch.set_step(Step::Apply);
            *lock(&watch.expected) = plan.hash;
            Ok(Ending::Done(Box::new(engine.apply(&plan).await?)))
        }
        Some(Step::ApplyHash) => {
            let Some(hash) = plan.hash else { return Ok(Ending::Planned(Box::new(plan))) };
            watch.set_step(Step::ApplyHash);
            *lock(&watch.expected) = Some(hash);
            Ok(Ending::Done(Box::new(engine.apply_hash(hash).await?)))
        }
        _ => Ok(Ending::Planned(Box::new(plan))),
    }
}
