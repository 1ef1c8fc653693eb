//! Test suites for people who implement the traits. **Not covered by semantic versioning**: checks are added whenever a sentence of a
//! contract turns out not to be checked, in any release.
//!
//! Each trait has a module, each promise of its contract a small public function there, named after the promise; names begin with the
//! number of the project's promise (`p01` to `p21`) where they prove one. `all` runs them and returns a [`Report`].
//!
//! | You implement | You write | You run |
//! |---|---|---|
//! | [`IdentityProvider`](crate::IdentityProvider) | a [`ProviderFixture`](provider::ProviderFixture): how to seed the directory | [`provider::all`] |
//! | [`DirectorySink`](crate::DirectorySink) | a [`SinkFixture`](sink::SinkFixture): how to make and observe a sink | [`sink::all`] |
//! | [`StateStore`](crate::StateStore) | a [`StoreFixture`](store::StoreFixture): how to make and open a store | [`store::all`] |
//!
//! What a fixture cannot do is skipped, and the report says so. A fixture that shows little proves little: a sink that keeps nothing passes
//! all checks that are not skipped where its fixture shows neither what arrived nor in which order. So once the suite runs, look at what it
//! skips, and name that ([`Report::assert_passed_skipping`]). The suites need no particular async runtime; run them in the one that
//! the implementation needs. They never time out on their own, so give the test a limit where the implementation might hang.
//!
//! # Example
//!
//! ```
//! use async_trait::async_trait;
//! use idsync_core::conformance::provider::{self, ProviderFixture};
//! use idsync_core::conformance::sink::{self, SinkFixture};
//! use idsync_core::memory::{MemoryProvider, MemorySink};
//! use idsync_core::{DirectorySink, IdentityProvider, Result, Snapshot};
//! use std::sync::Arc;
//!
//! #[derive(Debug)]
//! struct MyDirectory(MemoryProvider);
//!
//! #[async_trait]
//! impl ProviderFixture for MyDirectory {
//!     async fn seed(&self, world: &Snapshot) -> Result<Arc<dyn IdentityProvider>> {
//!         self.0.replace(world); // your own: write the file, fill the server
//!         Ok(Arc::new(self.0.clone()))
//!     }
//! }
//!
//! #[derive(Debug)]
//! struct MySinks;
//!
//! #[async_trait]
//! impl SinkFixture for MySinks {
//!     type Place = MemorySink; // your own: the path of a file, the name of a database
//!
//!     async fn place(&self) -> Result<MemorySink> {
//!         Ok(MemorySink::new())
//!     }
//!
//!     async fn open(&self, place: &MemorySink) -> Result<Arc<dyn DirectorySink>> {
//!         Ok(Arc::new(place.clone()))
//!     }
//!
//!     async fn observe(&self, place: &MemorySink) -> Result<Option<String>> {
//!         let held = place.snapshot();
//!         Ok(Some(format!("{:?} {:?}", held.users().collect::<Vec<_>>(), held.memberships().collect::<Vec<_>>())))
//!     }
//! }
//!
//! # futures::executor::block_on(async {
//! provider::all(&MyDirectory(MemoryProvider::new())).await.assert_passed();
//! sink::all(&MySinks).await.assert_passed();
//! # });
//! ```

pub mod provider;
mod report;
pub mod sink;
pub mod store;
mod tools;

pub use report::{Check, Report, Unproven, Verdict};

#[cfg(test)]
mod tests {
    /// The text of a suite's `mod.rs`, and of the modules that hold its checks.
    type Suite = (&'static str, &'static [&'static str]);

    const SUITES: [Suite; 3] = [
        (
            include_str!("provider/mod.rs"),
            &[
                include_str!("provider/content.rs"),
                include_str!("provider/deltas.rs"),
                include_str!("provider/faults.rs"),
                include_str!("provider/identity.rs"),
                include_str!("provider/listings.rs"),
                include_str!("provider/lookups.rs"),
                include_str!("provider/permissions.rs"),
                include_str!("provider/streams.rs"),
            ],
        ),
        (
            include_str!("sink/mod.rs"),
            &[
                include_str!("sink/again.rs"),
                include_str!("sink/order.rs"),
                include_str!("sink/outcomes.rs"),
                include_str!("sink/places.rs"),
                include_str!("sink/state.rs"),
            ],
        ),
        (
            include_str!("store/mod.rs"),
            &[
                include_str!("store/base.rs"),
                include_str!("store/cancellation.rs"),
                include_str!("store/commit.rs"),
                include_str!("store/directories.rs"),
                include_str!("store/history.rs"),
                include_str!("store/journal.rs"),
                include_str!("store/leases.rs"),
                include_str!("store/memos.rs"),
                include_str!("store/parts.rs"),
                include_str!("store/staged.rs"),
            ],
        ),
    ];

    #[test]
    fn every_check_is_run_by_all() {
        for (all, modules) in SUITES {
            let checks: Vec<_> = modules.iter().flat_map(|text| text.split("pub async fn ").skip(1)).collect();
            assert!(!checks.is_empty());
            for check in checks {
                let name = check.split(['(', '<']).next().unwrap();
                assert!(all.contains(&format!("::{name},")), "{name} is not run");
            }
            let public = all.matches("\npub mod ").count();
            assert_eq!(public, modules.len(), "a module with checks is not looked at here");
        }
    }
}
