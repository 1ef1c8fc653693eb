//! The suite for sinks: the sinks of this crate pass it, and sinks that are broken on purpose fail the check that is meant for them.

#![cfg(feature = "conformance")]

use async_trait::async_trait;
use futures::executor::block_on;
use idsync_core::conformance::sink::{self, Recorded, SinkFixture};
use idsync_core::memory::MemorySink;
use idsync_core::wrap::FanOut;
use idsync_core::{Change, DirectorySink, Result, Snapshot};
use std::sync::Arc;

/// What a fixture hands out in place of the memory sink that it observes.
type Wrap = fn(MemorySink) -> Arc<dyn DirectorySink>;

struct Memory(Wrap);

#[async_trait]
impl SinkFixture for Memory {
    type Place = MemorySink;

    async fn place(&self) -> Result<MemorySink> {
        Ok(MemorySink::new())
    }

    async fn open(&self, place: &MemorySink) -> Result<Arc<dyn DirectorySink>> {
        Ok((self.0)(place.clone()))
    }

    async fn observe(&self, place: &MemorySink) -> Result<Option<String>> {
        let held = place.snapshot();
        let (users, groups) = (held.users().collect::<Vec<_>>(), held.groups().collect::<Vec<_>>());
        let memberships = held.memberships().collect::<Vec<_>>();
        Ok(serde_json::to_string(&(users, groups, memberships)).ok())
    }

    async fn contents(&self, place: &MemorySink) -> Result<Option<Snapshot>> {
        Ok(Some(place.snapshot()))
    }

    async fn history(&self, place: &MemorySink) -> Result<Option<Vec<Recorded>>> {
        let recorded = place.history().into_iter().map(|delivery| match delivery.change {
            Change::UserUpdated { changed, .. } | Change::GroupUpdated { changed, .. } => Recorded::new(delivery.key).with_changed(changed),
            _ => Recorded::new(delivery.key),
        });
        Ok(Some(recorded.collect()))
    }
}

#[test]
fn the_sink_in_memory_keeps_every_promise() {
    block_on(sink::all(&Memory(|memory| Arc::new(memory)))).assert_passed_skipping(&[]);
}

#[test]
fn a_fan_out_keeps_every_promise() {
    block_on(sink::all(&Memory(|memory| Arc::new(FanOut::new(memory).and(MemorySink::new()))))).assert_passed_skipping(&[]);
}
