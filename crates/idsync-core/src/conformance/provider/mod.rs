//! What every [`IdentityProvider`](crate::IdentityProvider) promises.

mod fixture;

pub use fixture::{Fault, Injected, Listing, ProviderFixture};

use super::Report;

/// Runs every check of this module.
pub async fn all(_fixture: &dyn ProviderFixture) -> Report {
    Report::new("provider")
}
