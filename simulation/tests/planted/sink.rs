//! Sinks that break their contract.

use async_trait::async_trait;
use idsync_core::{
    Batch, BatchOutcome, Change, ChangeKind, ChangeOutcome, Counts, Delivery, DirectorySink, IdempotencyKey, Result, RunContext, SinkLimits,
};
use idsync_simulation::Parts;
use std::fmt;
use std::sync::{Arc, Mutex};

/// What the sink does wrong.
#[derive(Debug, Clone)]
pub(crate) enum SinkFlaw {
    /// It says that updates of users are applied, and drops them.
    LosesUpdates,
    /// It takes a change that it has applied for a new one.
    ForgetsKeys(Arc<Mutex<Vec<IdempotencyKey>>>),
    /// It panics when a user is deleted.
    Panics,
}

impl SinkFlaw {
    pub(crate) fn forgets_keys() -> Self {
        Self::ForgetsKeys(Arc::default())
    }
}

impl Parts for SinkFlaw {
    fn sink(&self, sound: Arc<dyn DirectorySink>) -> Arc<dyn DirectorySink> {
        Arc::new(Flawed { sound, flaw: self.clone() })
    }
}

#[derive(Debug)]
struct Flawed {
    sound: Arc<dyn DirectorySink>,
    flaw: SinkFlaw,
}

impl fmt::Display for Flawed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flawed")
    }
}

fn all_applied(deliveries: &[Delivery]) -> BatchOutcome {
    deliveries.iter().map(|_| ChangeOutcome::Applied).collect()
}

#[async_trait]
impl DirectorySink for Flawed {
    fn limits(&self) -> SinkLimits {
        self.sound.limits()
    }

    async fn begin(&self, run: &RunContext) -> Result<()> {
        self.sound.begin(run).await
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let first = batch.deliveries.first().map(|delivery| (delivery.key, delivery.change.kind()));
        match (&self.flaw, first) {
            (SinkFlaw::LosesUpdates, Some((_, ChangeKind::UserUpdated))) => Ok(all_applied(batch.deliveries)),
            (SinkFlaw::ForgetsKeys(seen), Some((key, _))) => {
                let known = seen.lock().unwrap().contains(&key);
                seen.lock().unwrap().push(key);
                if known { Ok(all_applied(batch.deliveries)) } else { self.sound.apply(batch).await }
            }
            (SinkFlaw::Panics, Some(_)) => {
                let deletes = batch.deliveries.iter().any(|delivery| matches!(delivery.change, Change::UserDeleted { .. }));
                assert!(!deletes, "planted");
                self.sound.apply(batch).await
            }
            _ => self.sound.apply(batch).await,
        }
    }

    async fn finish(&self, run: &RunContext, applied: &Counts) -> Result<()> {
        self.sound.finish(run, applied).await
    }
}
