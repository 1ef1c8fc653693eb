//! Sinks that refuse some changes.

use idsync_core::memory::MemorySink;
use idsync_core::{Batch, BatchOutcome, ChangeOutcome, Delivery, DirectorySink, Error, Result};

/// Hands a batch to the sink in memory change by change, but for those that are refused.
pub(crate) async fn apply_but<R>(sink: &MemorySink, batch: Batch<'_>, refusal: R) -> Result<BatchOutcome>
where
    R: Fn(&Delivery) -> Option<Error> + Send,
{
    let mut outcomes = Vec::new();
    for delivery in batch.deliveries {
        match refusal(delivery) {
            Some(error) => outcomes.push(ChangeOutcome::Failed(error)),
            None => outcomes.extend(sink.apply(Batch::new(batch.run, batch.phase, std::slice::from_ref(delivery))).await?),
        }
    }
    Ok(outcomes.into_iter().collect())
}
