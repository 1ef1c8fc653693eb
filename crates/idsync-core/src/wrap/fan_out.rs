//! One sink that is several.

use crate::{Batch, BatchOutcome, ChangeOutcome, Counts, DirectorySink, Error, ErrorKind, Result, RunContext, SinkLimits};
use async_trait::async_trait;
use futures::future::join_all;
use std::fmt;
use std::sync::Arc;

/// Delivers every batch to several sinks, side by side, and answers for all of them.
///
/// * If any sink answers `Err`, so does this one, after all have answered: the batch comes again to every sink, and those that had
///   applied it see the same keys again.
/// * A change is `Failed` if any sink refused it, with the first refusal as the reason; `Applied` if all took it and any was changed;
///   `Unchanged` otherwise. A change that one sink refuses comes again to all of them in a later run, under a new key, and finds the
///   others in that state already.
/// * A sink that only looks ([`DryRun`](super::DryRun)) has no say: a change is `Declined` only if all sinks do.
/// * A sink with the wrong number of outcomes makes the whole batch an `Err` of kind [`ErrorKind::InvalidData`].
/// * Batches are as large as the most modest sink allows.
///
/// Every sink is at the same revision, because the engine keeps one base for all. A sink that is added later starts empty and must be
/// filled first; so must one that was away.
///
/// # What is not promised
///
/// **A change that one sink took and another refused may stay in the first for ever.** The engine counts it as not delivered. If the
/// directory takes it back before all have taken it, there is no difference any more, and nobody tells the sink that has it: a
/// membership stays granted there, and a user who is gone stays. The refusal says so ("another sink has it already"), and shows in the
/// escrow for as long as the change is wanted.
///
/// So this is for sinks that refuse nothing, such as a log beside a table. Give every sink that may refuse a change an engine of its own,
/// with a state store of its own, and do the same with sinks that are to come and go alone. Each engine reads the directory for itself.
#[derive(Debug, Clone)]
pub struct FanOut {
    sinks: Vec<Arc<dyn DirectorySink>>,
}

impl FanOut {
    /// Delivers to `sink`, and to those that are added.
    pub fn new(sink: impl DirectorySink) -> Self {
        Self { sinks: vec![Arc::new(sink)] }
    }

    /// Delivers to `sink` too.
    #[must_use]
    pub fn and(mut self, sink: impl DirectorySink) -> Self {
        self.sinks.push(Arc::new(sink));
        self
    }
}

impl fmt::Display for FanOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FanOut(")?;
        for (index, sink) in self.sinks.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{sink}")?;
        }
        f.write_str(")")
    }
}

/// What two sinks made of one change.
fn merge(one: ChangeOutcome, other: ChangeOutcome) -> ChangeOutcome {
    match (one, other) {
        (ChangeOutcome::Failed(error), _) | (_, ChangeOutcome::Failed(error)) => ChangeOutcome::Failed(error),
        (ChangeOutcome::Declined, other) | (other, ChangeOutcome::Declined) => other,
        (ChangeOutcome::Applied, _) | (_, ChangeOutcome::Applied) => ChangeOutcome::Applied,
        (ChangeOutcome::Unchanged, ChangeOutcome::Unchanged) => ChangeOutcome::Unchanged,
    }
}

fn merge_batches(answers: Vec<BatchOutcome>) -> BatchOutcome {
    let mut is_taken = vec![false; answers.first().map_or(0, |answer| answer.outcomes().len())];
    for answer in &answers {
        let taken = answer.outcomes().iter().map(|outcome| matches!(outcome, ChangeOutcome::Applied | ChangeOutcome::Unchanged));
        is_taken.iter_mut().zip(taken).for_each(|(is_taken, taken)| *is_taken |= taken);
    }
    let merged = answers.into_iter().map(|answer| answer.into_iter().collect::<Vec<_>>());
    let merged = merged.reduce(|one, other| one.into_iter().zip(other).map(|(one, other)| merge(one, other)).collect());
    let told = merged.unwrap_or_default().into_iter().zip(is_taken).map(|(outcome, is_taken)| match outcome {
        ChangeOutcome::Failed(error) if is_taken => ChangeOutcome::Failed(refused_in_part(error)),
        outcome => outcome,
    });
    told.collect()
}

/// Whoever reads of the refusal must know that the sinks differ.
fn refused_in_part(error: Error) -> Error {
    let told = Error::new(error.kind(), format!("{error}; another sink has it already")).with_retry(error.retry());
    let told = match error.remedy() {
        Some(remedy) => told.with_remedy(remedy.to_owned()),
        None => told,
    };
    told.with_source(error)
}

fn counted(sink: &dyn DirectorySink, outcome: BatchOutcome, deliveries: usize) -> Result<BatchOutcome> {
    let outcomes = outcome.outcomes().len();
    if outcomes == deliveries {
        return Ok(outcome);
    }
    Err(Error::new(ErrorKind::InvalidData, format!("{sink} answered {outcomes} outcomes to {deliveries} deliveries"))
        .with_remedy("this sink breaks its contract; report it to whoever wrote it"))
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl DirectorySink for FanOut {
    fn limits(&self) -> SinkLimits {
        self.sinks.iter().map(|sink| sink.limits()).reduce(SinkLimits::and).unwrap_or_default()
    }

    async fn begin(&self, run: &RunContext) -> Result<()> {
        join_all(self.sinks.iter().map(|sink| sink.begin(run))).await.into_iter().collect()
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let answers = join_all(self.sinks.iter().map(|sink| async move {
            let outcome = sink.apply(batch).await?;
            counted(sink, outcome, batch.deliveries.len())
        }));
        Ok(merge_batches(answers.await.into_iter().collect::<Result<_>>()?))
    }

    async fn finish(&self, run: &RunContext, applied: &Counts) -> Result<()> {
        join_all(self.sinks.iter().map(|sink| sink.finish(run, applied))).await.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::DryRun;
    use super::super::samples::{batch_of, context, users};
    use super::*;
    use crate::Phase;
    use crate::memory::MemorySink;
    use futures::executor::block_on;
    use std::num::NonZeroUsize;

    /// Answers every batch with what it is made of.
    #[derive(Debug, Clone)]
    struct Answers(fn(usize) -> Result<BatchOutcome>, usize);

    impl fmt::Display for Answers {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Answers")
        }
    }

    #[async_trait]
    impl DirectorySink for Answers {
        fn limits(&self) -> SinkLimits {
            SinkLimits::default().with_max_batch(NonZeroUsize::new(self.1).unwrap()).with_max_bytes(NonZeroUsize::new(1_000).unwrap())
        }

        async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
            (self.0)(batch.deliveries.len())
        }
    }

    fn deliver(sink: &FanOut) -> Result<BatchOutcome> {
        let (run, deliveries) = (context(), batch_of(users(3)));
        block_on(sink.apply(Batch::new(&run, Phase::CreateUsers, &deliveries)))
    }

    fn refusals(outcome: &BatchOutcome) -> Vec<String> {
        let refusals =
            outcome.outcomes().iter().filter_map(|outcome| if let ChangeOutcome::Failed(error) = outcome { Some(error) } else { None });
        refusals.map(ToString::to_string).collect()
    }

    #[test]
    fn every_sink_receives_every_change() {
        let (one, two) = (MemorySink::new(), MemorySink::new());
        let both = FanOut::new(one.clone()).and(two.clone());
        let outcome = deliver(&both).unwrap();
        assert!(outcome.outcomes().iter().all(|outcome| matches!(outcome, ChangeOutcome::Applied)));
        assert_eq!((one.snapshot(), 3), (two.snapshot(), two.snapshot().users().len()));
        assert_eq!(both.to_string(), "FanOut(Memory, Memory)");
    }

    #[test]
    fn one_that_was_there_already_does_not_hide_that_another_changed() {
        let (old, new) = (MemorySink::new(), MemorySink::new());
        deliver(&FanOut::new(old.clone())).unwrap();
        let outcome = deliver(&FanOut::new(old.clone()).and(new)).unwrap();
        assert!(outcome.outcomes().iter().all(|outcome| matches!(outcome, ChangeOutcome::Applied)));
        let outcome = deliver(&FanOut::new(old.clone()).and(old)).unwrap();
        assert!(outcome.outcomes().iter().all(|outcome| matches!(outcome, ChangeOutcome::Unchanged)));
    }

    #[test]
    fn one_refusal_refuses_the_change_and_one_error_the_batch() {
        let refusing = Answers(|count| Ok((0..count).map(|_| ChangeOutcome::Failed(Error::new(ErrorKind::Other, "no"))).collect()), 500);
        let outcome =
            deliver(&FanOut::new(MemorySink::new()).and(refusing.clone()).and(MemorySink::new()).and(DryRun::new(MemorySink::new())))
                .unwrap();
        assert_eq!(refusals(&outcome), ["no; another sink has it already"; 3]);
        let outcome = deliver(&FanOut::new(DryRun::new(MemorySink::new())).and(refusing)).unwrap();
        assert_eq!(refusals(&outcome), ["no"; 3], "one that only looks has nothing");
        let down = Answers(|_| Err(Error::new(ErrorKind::Unavailable, "away")), 7);
        let good = MemorySink::new();
        let fan_out = FanOut::new(down).and(good.clone());
        assert_eq!(deliver(&fan_out).unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(good.snapshot().users().len(), 3, "the others still get the batch");
        let limits = fan_out.limits();
        assert_eq!((limits.max_batch.get(), limits.max_bytes.get()), (7, 1_000), "the most modest in either");
    }

    #[test]
    fn one_that_only_looks_has_no_say() {
        let dry = || DryRun::new(MemorySink::new());
        let outcome = deliver(&FanOut::new(dry()).and(MemorySink::new()).and(dry())).unwrap();
        assert!(outcome.outcomes().iter().all(|outcome| matches!(outcome, ChangeOutcome::Applied)));
        let outcome = deliver(&FanOut::new(dry()).and(dry())).unwrap();
        assert!(outcome.outcomes().iter().all(|outcome| matches!(outcome, ChangeOutcome::Declined)));
    }

    #[test]
    fn a_wrong_number_of_outcomes_is_an_error_and_not_the_shorter_answer() {
        let short = Answers(|count| Ok((1..count).map(|_| ChangeOutcome::Applied).collect()), 500);
        assert_eq!(deliver(&FanOut::new(MemorySink::new()).and(short)).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
