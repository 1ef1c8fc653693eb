//! What the sink refuses is not done, and does not count as done with the limits.

use crate::support::refusing::apply_but;
use async_trait::async_trait;
use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    Batch, BatchOutcome, Change, ChangeKind, Counts, DirectorySink, Error, ErrorKind, Group, GroupId, ManualClock, Membership, Result,
    RunContext, Timestamp, User, UserId, UserStatus,
};
use idsync_engine::{Outcome, SyncEngine, SyncError, SyncReport};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn uid(n: u64) -> UserId {
    UserId::new(format!("u{n:02}")).unwrap()
}

fn member(n: u64) -> Membership {
    Membership::new(GroupId::new("staff").unwrap(), uid(n))
}

/// A sink that refuses to take away what is about some users, and breaks down at one, or in the end.
#[derive(Debug, Clone, Default)]
struct Choosy {
    inner: MemorySink,
    refuses: Arc<Mutex<Vec<UserId>>>,
    breaks_at: Arc<Mutex<Option<UserId>>>,
    never_ends: Arc<Mutex<bool>>,
}

/// The user whom a change takes away.
fn removed(change: &Change) -> Option<&UserId> {
    match change {
        Change::UserDeleted { user, .. } => Some(&user.id),
        Change::GroupUserRemoved { membership, .. } => Some(&membership.user),
        _ => None,
    }
}

impl fmt::Display for Choosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choosy")
    }
}

#[async_trait]
impl DirectorySink for Choosy {
    fn limits(&self) -> idsync_core::SinkLimits {
        idsync_core::SinkLimits::default().with_max_batch(std::num::NonZeroUsize::MIN)
    }
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let breaks_at = self.breaks_at.lock().unwrap().clone();
        if breaks_at.is_some() && batch.deliveries.iter().any(|delivery| removed(&delivery.change) == breaks_at.as_ref()) {
            return Err(Error::new(ErrorKind::Unavailable, "down"));
        }
        let is_refused = |change: &Change| removed(change).is_some_and(|user| self.refuses.lock().unwrap().contains(user));
        apply_but(&self.inner, batch, |delivery| is_refused(&delivery.change).then(|| Error::new(ErrorKind::Other, "not this one"))).await
    }
    async fn finish(&self, _: &RunContext, _: &Counts) -> Result<()> {
        if *self.never_ends.lock().unwrap() { Err(Error::new(ErrorKind::Unavailable, "down")) } else { Ok(()) }
    }
}

struct World {
    provider: MemoryProvider,
    sink: Choosy,
    clock: Arc<ManualClock>,
    engine: SyncEngine,
}

impl World {
    /// Thirty users, of whom those up to the twentieth are in a group: ten may go within a day.
    fn synced() -> Self {
        let provider = MemoryProvider::new();
        (1..=30).for_each(|n| provider.put_user(User::new(uid(n), UserStatus::Active)));
        provider.put_group(Group::new(GroupId::new("staff").unwrap(), "Staff"));
        (1..=20).for_each(|n| provider.add_member(member(n)));
        let sink = Choosy::default();
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(1_000_000_000).unwrap()));
        let engine = SyncEngine::builder(provider.clone(), MemoryStore::new(), sink.clone()).clock(Arc::clone(&clock)).build();
        let world = Self { provider, sink, clock, engine };
        assert_eq!(world.run().outcome, Outcome::Done);
        world
    }

    fn run(&self) -> SyncReport {
        self.clock.advance(Duration::from_secs(60));
        block_on(self.engine.sync()).unwrap()
    }

    fn refuse(&self, users: impl IntoIterator<Item = u64>) {
        *self.sink.refuses.lock().unwrap() = users.into_iter().map(uid).collect();
    }

    fn remove(&self, users: impl IntoIterator<Item = u64>) {
        users.into_iter().for_each(|n| self.provider.remove_user(&uid(n)));
    }
}

#[test]
fn p04_deletions_that_the_sink_refused_may_still_go() {
    let world = World::synced();
    world.refuse(21..=26);
    world.remove(21..=26);
    let report = world.run();
    assert_eq!((report.outcome, report.escrowed), (Outcome::Refused, 6));
    world.refuse([]);
    let report = world.run();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Done, 6), "{report}");
    // They count now that they are done.
    world.remove(27..=30);
    assert_eq!(world.run().outcome, Outcome::Done);
    world.remove([1]);
    assert_eq!(world.run().outcome, Outcome::Held);
}

#[test]
fn p04_what_the_sink_keeps_refusing_never_uses_up_the_limit() {
    let world = World::synced();
    world.refuse(21..=22);
    world.remove(21..=22);
    for minute in 0..2_000 {
        let report = world.run();
        assert_eq!(report.outcome, Outcome::Refused, "after {minute} minutes: {report}");
    }
}

#[test]
fn p04_what_the_sink_took_beside_what_it_refused_counts() {
    for (more, may) in [(2, true), (3, false)] {
        let world = World::synced();
        world.refuse(25..=28);
        world.remove(21..=28);
        assert_eq!(world.run().changes.get(ChangeKind::UserDeleted), 4);
        world.refuse([]);
        world.remove(1..=more);
        let report = world.run();
        assert_eq!(report.outcome, if may { Outcome::Done } else { Outcome::Held }, "{report}");
    }
}

#[test]
fn p04_memberships_that_the_sink_refused_to_end_may_still_do_so() {
    let world = World::synced();
    world.refuse(1..=6);
    (1..=8).for_each(|n| world.provider.remove_member(&member(n)));
    let report = world.run();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Refused, 2));
    // Ten may: two are done, and eight more.
    world.refuse([]);
    (9..=10).for_each(|n| world.provider.remove_member(&member(n)));
    let report = world.run();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Done, 8), "{report}");
}

#[test]
fn p04_what_was_approved_and_applied_is_not_held_any_more_when_the_sink_fails_in_the_end() {
    let world = World::synced();
    world.remove(10..=30);
    let hash = world.run().held.unwrap().hash;
    block_on(world.engine.approve(hash)).unwrap();
    *world.sink.never_ends.lock().unwrap() = true;
    assert!(matches!(block_on(world.engine.sync()), Err(SyncError::Sink(_))));
    assert_eq!(world.sink.inner.snapshot(), world.provider.snapshot());
    assert_eq!(block_on(world.engine.held()).unwrap(), None);
    *world.sink.never_ends.lock().unwrap() = false;
    assert_eq!(world.run().outcome, Outcome::Done);
}

#[test]
fn p12_what_the_sink_refused_before_a_delivery_was_interrupted_does_not_count_either() {
    let world = World::synced();
    world.refuse(21..=26);
    world.remove(21..=28);
    *world.sink.breaks_at.lock().unwrap() = Some(uid(27));
    world.clock.advance(Duration::from_secs(60));
    assert!(matches!(block_on(world.engine.sync()), Err(SyncError::Sink(_))));
    *world.sink.breaks_at.lock().unwrap() = None;
    world.refuse([]);
    let report = world.run();
    assert_eq!((report.outcome, report.recovered.total(), report.changes.total()), (Outcome::Done, 2, 6), "{report}");
}
