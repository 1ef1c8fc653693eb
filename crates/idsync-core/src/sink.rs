//! Where changes go.

use crate::{Change, Counts, DirectoryId, Error, IdempotencyKey, Phase, PlanHash, Result, Revision, Timestamp};
use async_trait::async_trait;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Receives changes, batch by batch.
///
/// # Contract
///
/// * **Order.** Batches come in the order in which they must be applied, one at a time, and a batch never crosses a [`Phase`]. Within a
///   batch, changes are applied in order, or in any way that ends the same.
/// * **Outcome.** `Ok` holds one outcome per delivery, in order. `Err` means that *nothing is known* about the batch: some of it may
///   have been applied. It never stands for "some failed".
/// * **Retries.** An `Err` ends the run, whatever [`Error::retry`] says; the next run delivers the batch again before anything else. What
///   may pass in a moment is tried again inside the sink. A change that is answered with [`ChangeOutcome::Failed`] comes again by itself,
///   ever less often.
/// * **Contents.** The engine does not look at what the sink holds, and notices nothing when it is lost or edited. To fill a sink anew, begin
///   with a state store that is new as well.
/// * **Idempotence.** Delivery is at least once: after a crash or an `Err` the same deliveries come again, under the same
///   [`Delivery::key`], and after a crash so may some that were answered right before it. Applying one again must end in the same state
///   and answers [`ChangeOutcome::Unchanged`] or `Applied`. Creating what is there replaces it; deleting or removing what is gone is
///   `Unchanged`.
/// * **Exactly once.** A sink that records each key in the transaction in which it applies the change can promise that its history
///   shows every change once. Keys count as long as changes come out of the same revision ([`RunContext::from`]): a state that was restored
///   from a backup gives its revisions again, and with them keys of changes that others were applied after.
/// * **Cancellation.** A dropped future leaves what an `Err` leaves: nothing is known, the batch comes again.
/// * **Unknown kinds.** [`Change`] grows: a kind that the sink does not know is answered with `Failed` of kind
///   [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported), never skipped.
/// * **Name.** [`Display`](fmt::Display) names the sink, in the same way every time: the engine tells by it that one sink took the place of
///   another.
///
/// The smallest sinks handle one change at a time: implement [`ChangeHandler`] and wrap it in [`PerChange`].
#[async_trait]
pub trait DirectorySink: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// What the engine must respect when it cuts batches.
    fn limits(&self) -> SinkLimits {
        SinkLimits::default()
    }

    /// A run is about to deliver its first batch. Called only when there is something to deliver.
    ///
    /// # Errors
    /// The sink cannot take changes now; nothing is delivered.
    async fn begin(&self, run: &RunContext) -> Result<()> {
        let _ = run;
        Ok(())
    }

    /// Applies a batch.
    ///
    /// # Errors
    /// Nothing is known about the batch; it will be delivered again.
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome>;

    /// The run has delivered everything that it had to deliver, with these changes applied. What was applied is recorded by then, so that
    /// nobody is told again if the process dies before this returns: what must not be missed belongs into [`DirectorySink::apply`].
    ///
    /// # Errors
    /// The run is reported as failed, though its changes stand.
    async fn finish(&self, run: &RunContext, applied: &Counts) -> Result<()> {
        let _ = (run, applied);
        Ok(())
    }
}

/// What the engine must respect when it cuts batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkLimits {
    /// The most deliveries in one batch.
    pub max_batch: NonZeroUsize,
    /// The most bytes of deliveries in one batch, by the estimate of [`Change::size_hint`]. A delivery that is larger by itself comes in
    /// a batch of its own.
    pub max_bytes: NonZeroUsize,
}

impl SinkLimits {
    /// What two sinks can take that receive the same batches.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { max_batch: self.max_batch.min(other.max_batch), max_bytes: self.max_bytes.min(other.max_bytes) }
    }

    /// At most this many bytes of deliveries in a batch.
    #[must_use]
    pub const fn with_max_bytes(mut self, max_bytes: NonZeroUsize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// At most this many deliveries in a batch.
    #[must_use]
    pub const fn with_max_batch(mut self, max_batch: NonZeroUsize) -> Self {
        self.max_batch = max_batch;
        self
    }
}

impl Default for SinkLimits {
    /// Batches of at most 500 deliveries and 4 MiB.
    fn default() -> Self {
        // Neither is zero, which is checked when this is compiled.
        const BATCH: NonZeroUsize = NonZeroUsize::new(500).unwrap();
        const BYTES: NonZeroUsize = NonZeroUsize::new(4 * 1024 * 1024).unwrap();
        Self { max_batch: BATCH, max_bytes: BYTES }
    }
}

/// Which run delivers, and between which states.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunContext {
    /// The directory whose changes are delivered.
    pub directory: DirectoryId,
    /// The change set that is delivered.
    pub change_set: PlanHash,
    /// The revision that the sink is at, as far as the engine knows.
    pub from: Revision,
    /// The revision that the sink is at afterwards.
    pub to: Revision,
    /// When the directory was read.
    pub read_at: Timestamp,
    /// The number of the lease under which the run delivers ([`Lease::fence`](crate::Lease::fence)), which grows from run to run. A sink
    /// that shares a database with the state store refuses a run with an older one than the store last saw, in its own transaction and
    /// with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict): a run that was paused, overtaken and continued then changes nothing.
    pub fence: u64,
}

impl RunContext {
    /// A run that leads `directory` from one revision to the next.
    pub const fn new(directory: DirectoryId, change_set: PlanHash, from: Revision, read_at: Timestamp) -> Self {
        Self { directory, change_set, from, to: from.next(), read_at, fence: u64::MAX }
    }

    /// Sets the number of the lease; without one, no other run is newer.
    #[must_use]
    pub const fn with_fence(mut self, fence: u64) -> Self {
        self.fence = fence;
        self
    }
}

/// One change on its way to a sink.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Delivery {
    /// The same for every delivery of this change.
    pub key: IdempotencyKey,
    /// The change.
    pub change: Change,
}

impl Delivery {
    /// `change` under `key`.
    pub const fn new(key: IdempotencyKey, change: Change) -> Self {
        Self { key, change }
    }
}

/// Some deliveries of one phase of one run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Batch<'a> {
    /// The run that delivers.
    pub run: &'a RunContext,
    /// The phase that all deliveries belong to.
    pub phase: Phase,
    /// The deliveries, in order.
    pub deliveries: &'a [Delivery],
}

impl<'a> Batch<'a> {
    /// A batch of `deliveries`, all of `phase`.
    pub const fn new(run: &'a RunContext, phase: Phase, deliveries: &'a [Delivery]) -> Self {
        Self { run, phase, deliveries }
    }
}

/// What became of one delivery.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChangeOutcome {
    /// The sink is changed.
    Applied,
    /// The sink refuses this change; others go on. It stays in the next difference and comes again.
    Failed(Error),
    /// The sink was in that state already.
    Unchanged,
    /// The sink only looks, and takes nothing: see [`DryRun`](crate::wrap::DryRun). It stays in the next difference, and nothing waits: the
    /// next full read offers it again, and the first run into another sink, one that displays otherwise, is one. What depends on it is not
    /// offered.
    Declined,
}

/// What became of a batch: one outcome per delivery, in order.
#[derive(Debug, Default)]
pub struct BatchOutcome(Vec<ChangeOutcome>);

impl BatchOutcome {
    /// The outcomes, in the order of the deliveries.
    pub fn outcomes(&self) -> &[ChangeOutcome] {
        &self.0
    }
}

impl FromIterator<ChangeOutcome> for BatchOutcome {
    fn from_iter<I: IntoIterator<Item = ChangeOutcome>>(outcomes: I) -> Self {
        Self(outcomes.into_iter().collect())
    }
}

impl IntoIterator for BatchOutcome {
    type Item = ChangeOutcome;
    type IntoIter = std::vec::IntoIter<ChangeOutcome>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Handles one change at a time. [`PerChange`] makes it a [`DirectorySink`], whose contract it shares.
#[async_trait]
pub trait ChangeHandler: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Applies one change; must be idempotent.
    ///
    /// # Errors
    /// The change is refused; the run goes on with the others, and this one comes again in the next run.
    async fn handle(&self, run: &RunContext, delivery: &Delivery) -> Result<()>;
}

/// A sink that hands its changes to a [`ChangeHandler`] one by one.
///
/// A change that fails with an error that advises to retry ([`Error::retry`]) ends the batch with that error, because the next change
/// would meet the same fault; a change that is refused for good is recorded as failed, and the next one is tried.
///
/// A batch is answered as a whole: what a run that is interrupted had done of it comes again. A slow handler therefore wants small batches
/// ([`PerChange::with_limits`]).
#[derive(Debug, Clone)]
pub struct PerChange<H> {
    handler: H,
    limits: SinkLimits,
}

impl<H: ChangeHandler> PerChange<H> {
    /// Hands changes to `handler`, in batches of the default size.
    pub fn new(handler: H) -> Self {
        Self { handler, limits: SinkLimits::default() }
    }

    /// Sets how large batches may be.
    #[must_use]
    pub const fn with_limits(mut self, limits: SinkLimits) -> Self {
        self.limits = limits;
        self
    }
}

impl<H: ChangeHandler> fmt::Display for PerChange<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.handler, f)
    }
}

#[async_trait]
impl<H: ChangeHandler> DirectorySink for PerChange<H> {
    fn limits(&self) -> SinkLimits {
        self.limits
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let mut outcomes = Vec::with_capacity(batch.deliveries.len());
        for delivery in batch.deliveries {
            outcomes.push(match self.handler.handle(batch.run, delivery).await {
                Ok(()) => ChangeOutcome::Applied,
                Err(error) if matches!(error.retry(), crate::Retry::Never) => ChangeOutcome::Failed(error),
                Err(error) => return Err(error),
            });
        }
        Ok(outcomes.into_iter().collect())
    }
}

macro_rules! forward {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<S: DirectorySink + ?Sized> DirectorySink for $pointer<S> {
            fn limits(&self) -> SinkLimits {
                (**self).limits()
            }
            async fn begin(&self, run: &RunContext) -> Result<()> {
                (**self).begin(run).await
            }
            async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
                (**self).apply(batch).await
            }
            async fn finish(&self, run: &RunContext, applied: &Counts) -> Result<()> {
                (**self).finish(run, applied).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trait_is_object_safe_and_pointers_implement_it() {
        fn sink<S: DirectorySink>() {}
        sink::<Arc<dyn DirectorySink>>();
        sink::<Box<dyn DirectorySink>>();
    }

    #[derive(Debug)]
    struct Slow;

    impl fmt::Display for Slow {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Slow")
        }
    }

    #[async_trait]
    impl ChangeHandler for Slow {
        async fn handle(&self, _run: &RunContext, _delivery: &Delivery) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_handler_gets_batches_of_the_size_that_it_wants() {
        let limits = SinkLimits::default().with_max_batch(NonZeroUsize::MIN);
        assert_eq!(PerChange::new(Slow).limits(), SinkLimits::default());
        assert_eq!(PerChange::new(Slow).with_limits(limits).limits(), limits);
    }
}
