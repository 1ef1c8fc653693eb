//! How the suite makes sinks, and looks into them.

use crate::{DirectorySink, FieldChange, IdempotencyKey, Result, Snapshot};
use async_trait::async_trait;
use std::sync::Arc;

/// Makes sinks, and looks into them.
///
/// A *place* is where one sink keeps its content: a path, a database, or the sink itself where it keeps everything in memory. Deliveries
/// of the suite are all for one directory per place.
#[async_trait]
pub trait SinkFixture: Send + Sync {
    /// Where a sink keeps its content; dropped when the check is over.
    type Place: Send + Sync;

    /// A new place, in which there is nothing.
    ///
    /// # Errors
    /// It cannot be made; the check that wanted it fails.
    async fn place(&self) -> Result<Self::Place>;

    /// The sink at this place. The suite opens a place again after it has dropped the sink that it had, as a restarted process does.
    ///
    /// # Errors
    /// It cannot be opened; the check that wanted it fails.
    async fn open(&self, place: &Self::Place) -> Result<Arc<dyn DirectorySink>>;

    /// A picture of what the sink holds: the same text for the same content, in whatever order it came, and however often. The suite
    /// only compares pictures with each other, so a sink that keeps nothing but logins can be observed as well.
    ///
    /// # Errors
    /// The place cannot be read; the check fails.
    async fn observe(&self, place: &Self::Place) -> Result<Option<String>> {
        let _ = place;
        Ok(None)
    }

    /// Everything that the sink holds, for sinks that keep all of it. Timestamps are not compared.
    ///
    /// # Errors
    /// The place cannot be read; the check fails.
    async fn contents(&self, place: &Self::Place) -> Result<Option<Snapshot>> {
        let _ = place;
        Ok(None)
    }

    /// The changes that the sink recorded, in order, for sinks that promise to show each of them once.
    ///
    /// # Errors
    /// The place cannot be read; the check fails.
    async fn history(&self, place: &Self::Place) -> Result<Option<Vec<Recorded>>> {
        let _ = place;
        Ok(None)
    }
}

/// A change in the history of a sink.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Recorded {
    /// The key under which it was delivered.
    pub key: IdempotencyKey,
    /// The fields that changed, where the history keeps them; empty for changes other than updates.
    pub changed: Option<Vec<FieldChange>>,
}

impl Recorded {
    /// A change of which the history keeps only the key.
    pub const fn new(key: IdempotencyKey) -> Self {
        Self { key, changed: None }
    }

    /// Adds the fields that changed.
    #[must_use]
    pub fn with_changed(mut self, changed: Vec<FieldChange>) -> Self {
        self.changed = Some(changed);
        self
    }
}
