//! An engine that knows which directory it is about needs no answer from it to say where it stands.

use crate::support::twisted::{Twist, Twisted};
use crate::support::{gid, uid};
use async_trait::async_trait;
use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{DirectoryId, DirectoryInfo, Error, ErrorKind, Group, IdentityProvider, Result, User, UserStatus};
use idsync_engine::{Limit, Outcome, QuarantinePolicy, Safeguards, SyncEngine, SyncEngineBuilder, SyncError};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

/// A directory that may be out of reach.
#[derive(Debug, Clone, Default)]
struct Distant {
    inner: MemoryProvider,
    is_gone: Arc<Mutex<bool>>,
    asked: Arc<Mutex<u32>>,
}

#[async_trait]
impl Twist for Distant {
    fn inner(&self) -> &MemoryProvider {
        &self.inner
    }
    async fn identify(&self) -> Result<DirectoryInfo> {
        *self.asked.lock().unwrap() += 1;
        if *self.is_gone.lock().unwrap() {
            Err(Error::new(ErrorKind::Unavailable, "no route to the org"))
        } else {
            self.inner.identify().await
        }
    }
}

struct World {
    source: Distant,
    store: MemoryStore,
    id: DirectoryId,
}

impl World {
    /// Something is held, and the directory is out of reach.
    fn new() -> Self {
        let source = Distant::default();
        (0..9).for_each(|n| source.inner.put_user(User::new(uid(&format!("u{n}")), UserStatus::Active)));
        source.inner.put_group(Group::new(gid("g"), "Group"));
        let id = block_on(source.inner.identify()).unwrap().id;
        let world = Self { source, store: MemoryStore::new(), id };
        let engine = world.builder().build();
        block_on(engine.sync()).unwrap();
        world.source.inner.remove_user(&uid("u1"));
        assert_eq!(block_on(engine.sync()).unwrap().outcome, Outcome::Held);
        *world.source.is_gone.lock().unwrap() = true;
        world
    }

    fn builder(&self) -> SyncEngineBuilder {
        SyncEngine::builder(Twisted(self.source.clone()), self.store.clone(), MemorySink::new())
            .safeguards(Safeguards::all(Limit::Count(0)))
            .quarantine(QuarantinePolicy::after(NonZeroU32::new(2).unwrap()))
    }
}

#[test]
fn where_it_stands_is_told_and_decided_while_it_is_out_of_reach() {
    let world = World::new();
    block_on(async {
        let asking = world.builder().build();
        assert!(matches!(asking.status().await, Err(SyncError::Read(_))));
        let knowing = world.builder().directory(world.id.clone()).build();
        let held = knowing.held().await.unwrap().unwrap();
        assert_eq!(knowing.status().await.unwrap().held, Some(held.clone()));
        assert_eq!((knowing.quarantine().await.unwrap(), knowing.escrow().await.unwrap()), (None, Vec::new()));
        knowing.reject(held.summary.hash).await.unwrap();
        knowing.approve(held.summary.hash).await.unwrap();
        *world.source.is_gone.lock().unwrap() = false;
        assert_eq!(knowing.sync().await.unwrap().changes.total(), 1);
    });
}

#[test]
fn runs_that_do_not_reach_it_are_recorded_and_set_it_aside() {
    let world = World::new();
    let engine = world.builder().directory(world.id.clone()).build();
    block_on(async {
        for _ in 0..2 {
            assert!(matches!(engine.sync().await, Err(SyncError::Read(_))));
        }
        let asked = *world.source.asked.lock().unwrap();
        assert!(matches!(engine.sync().await, Err(SyncError::Quarantined(_))));
        assert!(matches!(engine.plan().await, Err(SyncError::Quarantined(_))));
        assert_eq!(*world.source.asked.lock().unwrap(), asked, "it is left alone");
        let status = engine.status().await.unwrap();
        assert_eq!(status.quarantine.unwrap().failures, 2);
        assert_eq!(status.runs.iter().filter(|run| run.outcome == "failed").count(), 2);
        *world.source.is_gone.lock().unwrap() = false;
        engine.release().await.unwrap();
        assert_eq!(engine.sync().await.unwrap().outcome, Outcome::Held);
    });
}

#[test]
fn p01_another_directory_than_the_one_that_is_expected_is_refused() {
    let world = World::new();
    *world.source.is_gone.lock().unwrap() = false;
    let engine = world.builder().directory(DirectoryId::new("memory:other").unwrap()).build();
    let Err(SyncError::Refused(error)) = block_on(engine.sync()) else { panic!("it was read") };
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("memory:other") && error.to_string().contains(world.id.as_str()), "{error}");
}
