//! A directory that was synced once, a clock, and a sink that refuses what it is told to.

use super::source::Source;
use crate::support::refusing::apply_but;
use crate::support::twisted::Twisted;
use crate::support::{gid, member, uid};
use async_trait::async_trait;
use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    Batch, BatchOutcome, Change, ChangeSet, DirectorySink, Error, ErrorKind, Group, GroupId, ManualClock, Result, Timestamp, User, UserId,
    UserStatus,
};
use idsync_engine::{DeltaPolicy, Mode, Protected, Safeguards, SyncEngine, SyncError, SyncReport};
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(seconds * 1000).unwrap()
}

/// A user whose profile says `title`, changed last at `updated`.
pub(super) fn user(id: &str, title: &str, updated: i64) -> User {
    let mut user = User::new(uid(id), UserStatus::Active).with_login(id).with_attribute("title", title);
    user.timestamps.updated = Some(at(updated));
    user
}

/// A sink that refuses to touch some users.
#[derive(Debug, Clone)]
pub(super) struct Choosy {
    pub(super) inner: MemorySink,
    pub(super) refused: Arc<Mutex<Vec<UserId>>>,
    pub(super) refused_group: Arc<Mutex<Option<GroupId>>>,
}

impl fmt::Display for Choosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("choosy")
    }
}

#[async_trait]
impl DirectorySink for Choosy {
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let is_refused = |change: &Change| {
            change.user().is_some_and(|user| self.refused.lock().unwrap().contains(user))
                || (change.group().is_some() && change.group() == self.refused_group.lock().unwrap().as_ref())
        };
        apply_but(&self.inner, batch, |delivery| is_refused(&delivery.change).then(|| Error::new(ErrorKind::Other, "not this one"))).await
    }
}

pub(super) struct World {
    pub(super) source: Source,
    pub(super) sink: MemorySink,
    pub(super) choosy: Choosy,
    pub(super) store: MemoryStore,
    pub(super) clock: Arc<ManualClock>,
    pub(super) policy: DeltaPolicy,
    pub(super) safeguards: Safeguards,
    pub(super) protected: Protected,
}

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl World {
    /// Thirty users and three groups, synced once.
    pub(super) fn synced() -> Self {
        let inner = MemoryProvider::new().with_delta();
        for n in 1..=30 {
            inner.put_user(user(&format!("u{n:02}"), "clerk", 100));
        }
        for n in 1..=3 {
            inner.put_group(Group::new(gid(&format!("g{n}")), format!("Group {n}")));
        }
        for user in ["u01", "u02", "u03"] {
            inner.add_member(member("g1", user));
        }
        inner.add_member(member("g2", "u01"));
        let source = Source { inner, oddities: Arc::default(), asked: Arc::default() };
        let sink = MemorySink::new();
        let choosy = Choosy { inner: sink.clone(), refused: Arc::default(), refused_group: Arc::default() };
        let clock = Arc::new(ManualClock::new(at(1_000_000)));
        let world = Self {
            source,
            sink,
            choosy,
            store: MemoryStore::new(),
            clock,
            policy: DeltaPolicy::default(),
            safeguards: Safeguards::default(),
            protected: Protected::nobody(),
        };
        assert_eq!(world.run().mode, Mode::Full);
        world.source.asked();
        world
    }

    pub(super) fn engine(&self) -> SyncEngine {
        SyncEngine::builder(Twisted(self.source.clone()), self.store.clone(), self.choosy.clone())
            .clock(Arc::clone(&self.clock))
            .delta(self.policy)
            .safeguards(self.safeguards)
            .protect(self.protected.clone())
            .build()
    }

    pub(super) fn try_run(&self) -> Result<SyncReport, SyncError> {
        block_on(self.engine().sync())
    }

    pub(super) fn run(&self) -> SyncReport {
        self.clock.advance(Duration::from_secs(60));
        self.try_run().unwrap()
    }

    pub(super) fn delta(&self) -> SyncReport {
        let report = self.run();
        assert_eq!(report.mode, Mode::Delta, "{report}");
        report
    }

    pub(super) fn is_in_step(&self) -> bool {
        ChangeSet::between(&self.sink.snapshot(), &self.source.inner.snapshot()).is_empty()
    }

    pub(super) fn title(&self, id: &str) -> Option<String> {
        let snapshot = self.sink.snapshot();
        let user = snapshot.users().find(|user| user.id == uid(id))?;
        user.attributes.text("title").map(Cow::into_owned)
    }
}
