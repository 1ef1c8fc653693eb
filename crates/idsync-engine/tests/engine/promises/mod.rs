//! The promises of the engine, one test or more each, against providers and sinks that misbehave.

mod absence;
mod changes;
mod delivery;
mod faulty;
mod holding;
mod plans;

use crate::support::twisted::Twisted;
use faulty::Faulty;
use futures::executor::block_on;
use idsync_core::memory::{MemorySink, MemoryStore};
use idsync_engine::{SyncEngine, SyncEngineBuilder};

struct World {
    provider: Faulty,
    store: MemoryStore,
    sink: MemorySink,
    engine: SyncEngine,
}

/// A world that was synced once.
fn synced() -> World {
    let (provider, store, sink) = (Faulty::new(), MemoryStore::new(), MemorySink::new());
    let engine = SyncEngine::builder(Twisted(provider.clone()), store.clone(), sink.clone()).build();
    block_on(engine.sync()).unwrap();
    assert_eq!(sink.snapshot(), provider.inner.snapshot());
    World { provider, store, sink, engine }
}

impl World {
    fn builder(&self) -> SyncEngineBuilder {
        SyncEngine::builder(Twisted(self.provider.clone()), self.store.clone(), self.sink.clone())
    }

    /// Once the faults are gone, one run makes the sink what the source is.
    fn converges(&self) {
        self.provider.heal();
        block_on(self.engine.sync()).unwrap();
        assert_eq!(self.sink.snapshot(), self.provider.inner.snapshot());
    }
}
