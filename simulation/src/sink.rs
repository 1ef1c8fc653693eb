//! The sink as an engine sees it: at its own pace, and with faults.

use crate::clock::Instants;
use crate::faults::Fault;
use crate::ledger::{Ledger, describe};
use crate::random::lot;
use crate::universe::{Oracle, Universe, lock};
use crate::watch::{Step, Watch};
use async_trait::async_trait;
use idsync_core::{
    Batch, BatchOutcome, ChangeOutcome, Counts, Delivery, DirectoryId, DirectorySink, EntryId, Error, ErrorKind, Result, RunContext,
    SinkLimits,
};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// A [`DirectorySink`] for one run of one engine, in front of the one that holds the directory.
#[derive(Debug, Clone)]
pub(crate) struct SimSink {
    pub(crate) universe: Arc<Universe>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) instants: Arc<Instants>,
    pub(crate) directory: DirectoryId,
    pub(crate) max_batch: NonZeroUsize,
    pub(crate) inner: Arc<dyn DirectorySink>,
}

impl fmt::Display for SimSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulated")
    }
}

impl SimSink {
    /// Whether the sink refuses this delivery. It never refuses what it has applied before.
    fn refuses(&self, delivery: &Delivery) -> bool {
        if self.ledger.has_applied(delivery) {
            return false;
        }
        let unlucky = |entry: EntryId| match entry {
            EntryId::User(id) => lot(self.watch.salt ^ 7, id.as_str()).is_multiple_of(5),
            EntryId::Group(id) => lot(self.watch.salt ^ 7, id.as_str()).is_multiple_of(5),
            _ => false,
        };
        let fault = if self.watch.plans(Fault::SinkRefusesEntries) && delivery.change.entries().any(unlucky) {
            Fault::SinkRefusesEntries
        } else if self.watch.plans(Fault::SinkRefuses) && self.universe.once_in(5) {
            Fault::SinkRefuses
        } else {
            return false;
        };
        self.watch.strike(fault);
        self.ledger.refuse(&self.watch, &delivery.change);
        true
    }

    async fn deliver(&self, batch: Batch<'_>, delivery: &Delivery) -> Result<ChangeOutcome> {
        if self.refuses(delivery) {
            return Ok(ChangeOutcome::Failed(Error::new(ErrorKind::InvalidData, "planted")));
        }
        let single = Batch::new(batch.run, batch.phase, std::slice::from_ref(delivery));
        let outcome = self.inner.apply(single).await?.into_iter().next().unwrap_or(ChangeOutcome::Unchanged);
        if matches!(outcome, ChangeOutcome::Applied | ChangeOutcome::Unchanged) {
            self.ledger.take(&delivery.change);
        }
        match &outcome {
            ChangeOutcome::Applied => match self.universe.notes.reading(batch.run.change_set) {
                Some(reading) => self.ledger.apply(&self.watch, &reading, delivery),
                None => self.universe.violate(Oracle::Justification, format!("{} follows from no plan", describe(&delivery.change))),
            },
            ChangeOutcome::Failed(error) => {
                self.universe.violate(Oracle::Order, format!("{} was refused: {error}", describe(&delivery.change)));
            }
            _ => self.universe.note(format_args!("{} changes nothing: {}", self.watch.name, describe(&delivery.change))),
        }
        Ok(outcome)
    }

    fn fail(&self, fault: Fault) -> Error {
        self.watch.strike(fault);
        Error::new(ErrorKind::Timeout, "planted")
    }

    /// Whether a fault that ends a call strikes now.
    fn is_due(&self, fault: Fault, call: u64) -> bool {
        self.watch.plans(fault) && call == self.watch.moments.sink_call
    }
}

#[async_trait]
impl DirectorySink for SimSink {
    fn limits(&self) -> SinkLimits {
        SinkLimits::default().with_max_batch(self.max_batch)
    }

    async fn begin(&self, run: &RunContext) -> Result<()> {
        if self.watch.step() == Step::Plan {
            self.universe.violate(Oracle::Order, "a plan was delivered before anybody said so");
        }
        if run.directory != self.directory {
            self.universe.violate(Oracle::Isolation, format!("a delivery for {}", run.directory));
        }
        if let Some(expected) = lock(&self.watch.expected).filter(|expected| *expected != run.change_set) {
            self.universe.violate(Oracle::Plan, format!("{} is delivered in place of {expected}", run.change_set));
        }
        let read_at = self.instants.reading(run.read_at).map(|reading| reading.started());
        if read_at.is_none_or(|version| self.universe.notes.reading(run.change_set).is_some_and(|reading| version > reading.started())) {
            self.universe.violate(Oracle::Justification, format!("nothing was read at {}", run.read_at));
        }
        self.watch.did(|call| call.delivers = true);
        self.ledger.begin(&self.watch);
        self.universe.pause().await;
        if self.watch.plans(Fault::SinkRefusesRun) && self.universe.once_in(2) {
            return Err(self.fail(Fault::SinkRefusesRun));
        }
        Ok(())
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        self.ledger.deliver(&self.watch, batch);
        if batch.deliveries.len() > self.max_batch.get() {
            self.universe.violate(Oracle::Order, format!("a batch of {}", batch.deliveries.len()));
        }
        self.universe.pause().await;
        let call = Watch::count(&self.watch.sink_calls);
        if self.is_due(Fault::SinkFailsBefore, call) {
            return Err(self.fail(Fault::SinkFailsBefore));
        }
        let mut outcomes = Vec::with_capacity(batch.deliveries.len());
        for delivery in batch.deliveries {
            outcomes.push(self.deliver(batch, delivery).await?);
            if self.is_due(Fault::SinkFailsMidway, call) && self.universe.once_in(2) {
                return Err(self.fail(Fault::SinkFailsMidway));
            }
            if self.universe.once_in(8) {
                self.universe.pause().await;
            }
        }
        self.universe.pause().await;
        if self.is_due(Fault::SinkFailsAfter, call) || self.is_due(Fault::SinkFailsMidway, call) {
            return Err(self.fail(if self.watch.plans(Fault::SinkFailsAfter) { Fault::SinkFailsAfter } else { Fault::SinkFailsMidway }));
        }
        Ok(outcomes.into_iter().collect())
    }

    async fn finish(&self, _run: &RunContext, _applied: &Counts) -> Result<()> {
        self.universe.pause().await;
        if self.watch.plans(Fault::SinkRefusesRun) {
            return Err(self.fail(Fault::SinkRefusesRun));
        }
        Ok(())
    }
}
