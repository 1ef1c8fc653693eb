//! What is set aside: changes that the sink refuses, and directories whose runs keep failing.

mod escrow;
mod growth;
mod quarantine;

use crate::support::refusing::apply_but;
use crate::support::twisted::{Twist, Twisted};
use crate::support::{gid, uid};
use async_trait::async_trait;
use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    Batch, BatchOutcome, Delivery, DirectorySink, EntryId, Error, ErrorKind, Group, ManualClock, Membership, Result, Timestamp, User,
    UserStatus,
};
use idsync_engine::{SyncEngine, SyncEngineBuilder};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn user(id: &str) -> EntryId {
    EntryId::User(uid(id))
}

/// A sink that refuses every change of some entries, and notes what was tried.
#[derive(Debug, Clone, Default)]
struct Choosy {
    inner: MemorySink,
    refuses: Arc<Mutex<Vec<EntryId>>>,
    tried: Arc<Mutex<Vec<String>>>,
    is_down: Arc<Mutex<bool>>,
}

impl Choosy {
    fn refuse(&self, entries: impl IntoIterator<Item = EntryId>) {
        *self.refuses.lock().unwrap() = entries.into_iter().collect();
    }

    fn take_tried(&self) -> Vec<String> {
        std::mem::take(&mut self.tried.lock().unwrap())
    }
}

impl fmt::Display for Choosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choosy")
    }
}

#[async_trait]
impl DirectorySink for Choosy {
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        if *self.is_down.lock().unwrap() {
            return Err(Error::new(ErrorKind::Unavailable, "the sink is down"));
        }
        let refusal = |delivery: &Delivery| {
            let change = &delivery.change;
            let ids = change.group().map(ToString::to_string).into_iter().chain(change.user().map(ToString::to_string));
            self.tried.lock().unwrap().push(format!("{} {}", change.kind(), ids.collect::<Vec<_>>().join(" ")));
            let is_refused = change.entries().any(|entry| self.refuses.lock().unwrap().contains(&entry));
            is_refused.then(|| Error::new(ErrorKind::InvalidData, "too long for this sink"))
        };
        apply_but(&self.inner, batch, refusal).await
    }
}

/// A provider that cannot be read, or refuses to be, on demand.
#[derive(Debug, Clone)]
struct Moody {
    inner: MemoryProvider,
    fails_with: Arc<Mutex<Option<ErrorKind>>>,
    checks: Arc<AtomicUsize>,
}

#[async_trait]
impl Twist for Moody {
    fn inner(&self) -> &MemoryProvider {
        &self.inner
    }
    async fn check(&self) -> Result<()> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        match *self.fails_with.lock().unwrap() {
            Some(kind) => Err(Error::new(kind, "planted").with_remedy("do something")),
            None => Ok(()),
        }
    }
}

struct World {
    provider: Moody,
    store: MemoryStore,
    sink: Choosy,
    clock: Arc<ManualClock>,
    engine: SyncEngine,
}

impl World {
    fn new() -> Self {
        let inner = MemoryProvider::new();
        for id in ["ana", "ben", "eva"] {
            inner.put_user(User::new(uid(id), UserStatus::Active).with_login(id));
        }
        inner.put_group(Group::new(gid("staff"), "Staff"));
        inner.add_member(Membership::new(gid("staff"), uid("ana")));
        inner.add_member(Membership::new(gid("staff"), uid("ben")));
        let provider = Moody { inner, fails_with: Arc::default(), checks: Arc::default() };
        let (store, sink) = (MemoryStore::new(), Choosy::default());
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH.saturating_add(1_000 * HOUR)));
        let engine = SyncEngine::builder(Twisted(provider.clone()), store.clone(), sink.clone()).clock(Arc::clone(&clock)).build();
        Self { provider, store, sink, clock, engine }
    }

    fn builder(&self) -> SyncEngineBuilder {
        let builder = SyncEngine::builder(Twisted(self.provider.clone()), self.store.clone(), self.sink.clone());
        builder.clock(Arc::clone(&self.clock))
    }

    /// The escrow as `kind user group attempts`.
    fn escrow(&self) -> Vec<String> {
        let escrow = block_on(self.engine.escrow()).unwrap();
        let id = |id: Option<String>| id.unwrap_or_else(|| "-".to_owned());
        let line = |e: &idsync_engine::Escrowed| {
            format!(
                "{} {} {} {}",
                e.kind,
                id(e.user.as_ref().map(ToString::to_string)),
                id(e.group.as_ref().map(ToString::to_string)),
                e.attempts
            )
        };
        escrow.iter().map(line).collect()
    }

    fn assert_equal(&self) {
        assert_eq!(self.sink.inner.snapshot(), self.provider.inner.snapshot());
    }
}
