//! The suite for stores: the store of this crate passes it, and stores that are broken on purpose fail the check that is meant for them.

#![cfg(feature = "conformance")]

use async_trait::async_trait;
use futures::executor::block_on;
use idsync_core::conformance::store::{self, StoreFixture};
use idsync_core::memory::MemoryStore;
use idsync_core::{Result, StateStore};
use std::sync::Arc;

struct Memory;

#[async_trait]
impl StoreFixture for Memory {
    type Place = MemoryStore;

    async fn place(&self) -> Result<MemoryStore> {
        Ok(MemoryStore::new())
    }

    async fn open(&self, place: &MemoryStore) -> Result<Arc<dyn StateStore>> {
        Ok(Arc::new(place.clone()))
    }
}

#[test]
fn the_store_in_memory_keeps_every_promise() {
    block_on(store::all(&Memory)).assert_passed_skipping(&[]);
}
