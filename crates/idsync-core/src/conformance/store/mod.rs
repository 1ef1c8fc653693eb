//! What every [`StateStore`](crate::StateStore) promises.

mod fixture;

pub use fixture::{DroppedLease, Sharing, StoreFixture, Tenancy};

use super::Report;

/// Runs every check of this module.
pub async fn all<F: StoreFixture>(_fixture: &F) -> Report {
    Report::new("store")
}
