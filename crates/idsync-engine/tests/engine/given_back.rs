//! Whatever comes of a call, the directory is free afterwards, in stores whose leases expire as well.

use crate::support::expiring::Expiring;
use crate::support::twisted::{Twist, Twisted};
use crate::support::{gid, uid};
use async_trait::async_trait;
use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink};
use idsync_core::{Batch, BatchOutcome, DirectorySink, Error, ErrorKind, Group, PlanHash, Result, User, UserStatus};
use idsync_engine::{QuarantinePolicy, SyncEngine, SyncError};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

/// A provider that may lose its role, and a sink that may be down.
#[derive(Debug, Clone, Default)]
struct Switches {
    inner: MemoryProvider,
    has_no_role: Arc<Mutex<bool>>,
    is_down: Arc<Mutex<bool>>,
}

#[async_trait]
impl Twist for Switches {
    fn inner(&self) -> &MemoryProvider {
        &self.inner
    }
    async fn check(&self) -> Result<()> {
        if *self.has_no_role.lock().unwrap() { Err(Error::new(ErrorKind::PermissionDenied, "planted")) } else { Ok(()) }
    }
}

#[derive(Debug)]
struct Sink(Switches, MemorySink);

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

#[async_trait]
impl DirectorySink for Sink {
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        if *self.0.is_down.lock().unwrap() { Err(Error::new(ErrorKind::Unavailable, "planted")) } else { self.1.apply(batch).await }
    }
}

#[test]
fn p13_a_call_that_fails_gives_the_directory_back() {
    let switches = Switches::default();
    switches.inner.put_user(User::new(uid("u1"), UserStatus::Active));
    switches.inner.put_group(Group::new(gid("g"), "Group"));
    let sink = Sink(switches.clone(), MemorySink::new());
    let builder = SyncEngine::builder(Twisted(switches.clone()), Expiring::default(), sink);
    let engine = builder.quarantine(QuarantinePolicy::after(NonZeroU32::MIN)).build();
    let other = PlanHash::from_bytes([1; 16]);
    block_on(async {
        let outdated = engine.plan().await.unwrap();
        switches.inner.put_user(User::new(uid("u2"), UserStatus::Active));
        assert!(matches!(engine.apply_hash(other).await, Err(SyncError::StalePlan { .. })));
        assert!(matches!(engine.apply(&outdated).await, Err(SyncError::StalePlan { .. })));
        assert!(matches!(engine.approve(other).await, Err(SyncError::NotHeld { .. })));
        assert!(matches!(engine.reject(other).await, Err(SyncError::NotHeld { .. })));
        *switches.is_down.lock().unwrap() = true;
        assert!(matches!(engine.sync().await, Err(SyncError::Sink(_))));
        assert!(matches!(engine.plan().await, Err(SyncError::Interrupted)));
        assert!(matches!(engine.apply_hash(other).await, Err(SyncError::Interrupted)));
        *switches.is_down.lock().unwrap() = false;
        engine.sync().await.unwrap();
        *switches.has_no_role.lock().unwrap() = true;
        assert!(matches!(engine.sync().await, Err(SyncError::Refused(_))));
        assert!(matches!(engine.sync().await, Err(SyncError::Quarantined(_))));
        assert!(matches!(engine.plan().await, Err(SyncError::Quarantined(_))));
        engine.release().await.unwrap();
        *switches.has_no_role.lock().unwrap() = false;
        engine.sync().await.unwrap();
    });
}
