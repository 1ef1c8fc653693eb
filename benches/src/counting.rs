//! A sink that keeps nothing.

use crate::Truth;
use async_trait::async_trait;
use idsync::{Batch, BatchOutcome, ChangeOutcome, DirectorySink, Result};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A [`DirectorySink`] that only counts what it is given, and sums it up unless that would disturb a measurement.
#[derive(Debug, Clone, Default)]
pub struct CountingSink {
    given: Option<Arc<Mutex<Truth>>>,
}

impl CountingSink {
    /// A sink that takes everything and does nothing with it.
    pub const fn blind() -> Self {
        Self { given: None }
    }

    /// A sink that sums up what it is given.
    pub fn summing() -> Self {
        Self { given: Some(Arc::default()) }
    }

    /// What was given so far.
    pub fn given(&self) -> Truth {
        let given = self.given.as_ref().map(|given| given.lock().unwrap_or_else(PoisonError::into_inner).clone());
        given.unwrap_or_default()
    }
}

impl fmt::Display for CountingSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Counting")
    }
}

#[async_trait]
impl DirectorySink for CountingSink {
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        if let Some(given) = &self.given {
            let mut given = given.lock().unwrap_or_else(PoisonError::into_inner);
            batch.deliveries.iter().for_each(|delivery| given.change(&delivery.change));
        }
        Ok(batch.deliveries.iter().map(|_| ChangeOutcome::Applied).collect())
    }
}
