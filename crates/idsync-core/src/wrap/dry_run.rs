//! A sink that only looks.

use crate::{Batch, BatchOutcome, ChangeOutcome, Counts, Delivery, DirectorySink, Result, RunContext, SinkLimits};
use async_trait::async_trait;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Stands in front of a sink, records what would reach it, and lets nothing through.
///
/// Every delivery is answered with [`ChangeOutcome::Declined`]. Any other answer would make the engine note the change as delivered, or
/// keep it aside for a while. A run into a dry run therefore ends with every change refused, and the first run into the sink itself
/// reads everything and delivers all of it at once, however many dry runs there were.
///
/// To see what a sync would do without running one, ask the engine for a plan. This is for watching a real schedule before a new sink
/// is let in, and shows less: what depends on something new is not offered, such as members of a group that the sink does not have.
///
/// **Beside another sink** in a [`FanOut`](super::FanOut) it has no say: what the other one took counts as delivered, and the sink behind
/// the dry run never gets it. Give that sink an engine, with a state store, of its own.
///
/// **What it costs.** Clones share the record. It grows with what is offered, which is the whole directory where the state store is new,
/// and the whole difference again with every full read; so [`DryRun::take`] it after each run. While a run delivers, the engine holds the
/// ids of all users and groups that were declined in memory; nothing is written down for them. Groups that the state store does not know
/// are offered by every delta, and their members read.
#[derive(Debug, Clone)]
pub struct DryRun<S> {
    inner: S,
    seen: Arc<Mutex<Vec<Delivery>>>,
}

impl<S> DryRun<S> {
    /// Keeps `inner` from receiving anything; only its limits are asked for.
    pub fn new(inner: S) -> Self {
        Self { inner, seen: Arc::default() }
    }

    /// Takes out what the inner sink would have received since the last call, in order.
    pub fn take(&self) -> Vec<Delivery> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The sink that receives nothing.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: fmt::Display> fmt::Display for DryRun<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DryRun({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: DirectorySink> DirectorySink for DryRun<S> {
    fn limits(&self) -> SinkLimits {
        self.inner.limits()
    }

    async fn begin(&self, _run: &RunContext) -> Result<()> {
        Ok(())
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(batch.deliveries);
        Ok(batch.deliveries.iter().map(|_| ChangeOutcome::Declined).collect())
    }

    async fn finish(&self, _run: &RunContext, _applied: &Counts) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{batch_of, context, users};
    use super::*;
    use crate::Phase;
    use crate::memory::MemorySink;
    use futures::executor::block_on;

    #[test]
    fn nothing_reaches_the_inner_sink_and_nothing_counts_as_delivered() {
        let inner = MemorySink::new();
        let (sink, run, deliveries) = (DryRun::new(inner.clone()), context(), batch_of(users(3)));
        let outcome = block_on(sink.apply(Batch::new(&run, Phase::CreateUsers, &deliveries))).unwrap();
        assert_eq!(outcome.outcomes().len(), 3);
        assert!(outcome.outcomes().iter().all(|outcome| matches!(outcome, ChangeOutcome::Declined)));
        assert_eq!(inner.snapshot().users().len(), 0);
        assert_eq!(sink.take(), deliveries);
        assert_eq!(sink.take(), []);
    }
}
