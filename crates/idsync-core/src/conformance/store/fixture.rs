//! How the suite makes stores, and opens them again.

use crate::{Result, StateStore};
use async_trait::async_trait;
use std::sync::Arc;

/// Makes stores, and opens them again.
///
/// A *place* is where a store keeps its content: a path, a database, or the store itself where it keeps everything in memory.
#[async_trait]
pub trait StoreFixture: Send + Sync {
    /// Where a store keeps its content; dropped when the check is over.
    type Place: Send + Sync;

    /// A new place, in which there is nothing.
    ///
    /// # Errors
    /// It cannot be made; the check that wanted it fails.
    async fn place(&self) -> Result<Self::Place>;

    /// A store at this place, independent of others at the same place, as another process would have it.
    ///
    /// # Errors
    /// It cannot be opened; the check that wanted it fails.
    async fn open(&self, place: &Self::Place) -> Result<Arc<dyn StateStore>>;

    /// Whether a place may be opened while another store has it open. Otherwise the suite drops one before it opens the next.
    fn sharing(&self) -> Sharing {
        Sharing::Shared
    }

    /// How many directories one place holds.
    fn tenancy(&self) -> Tenancy {
        Tenancy::Many
    }

    /// What becomes of a lease whose last clone is dropped.
    fn dropped_lease(&self) -> DroppedLease {
        DroppedLease::Freed
    }
}

/// Whether several stores may have a place open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sharing {
    /// One at a time.
    Exclusive,
    /// Any number.
    Shared,
}

/// How many directories a place holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tenancy {
    /// Any number.
    Many,
    /// One; what is asked for a second one is refused.
    One,
}

/// What becomes of a lease whose last clone is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DroppedLease {
    /// It expires after a while.
    Expires,
    /// Its directory is free at once.
    Freed,
}
