//! Dropping the future of a plan, an apply or a sync at every single await leaves a state from which the next run converges.

mod yielding;

use futures::FutureExt;
use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{Group, GroupId, Membership, User, UserId, UserStatus};
use idsync_engine::{CheckpointPolicy, SyncEngine, SyncError, SyncReport};
use std::collections::HashSet;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use yielding::{Yielding, YieldingSink};

fn user(n: u8) -> User {
    User::new(UserId::new(format!("u{n}")).unwrap(), UserStatus::Active).with_login(format!("user{n}"))
}

fn group(n: u8) -> GroupId {
    GroupId::new(format!("g{n}")).unwrap()
}

#[derive(Default)]
struct World {
    provider: MemoryProvider,
    store: MemoryStore,
    sink: MemorySink,
}

impl World {
    /// Four users and two groups that were synced, and then changes of all eight kinds.
    fn changed() -> Self {
        let world = Self::default();
        let join = |group_number, user_number: u8| world.provider.add_member(Membership::new(group(group_number), user(user_number).id));
        (1..=4).for_each(|n| world.provider.put_user(user(n)));
        (1..=2).for_each(|n| world.provider.put_group(Group::new(group(n), format!("Group {n}"))));
        join(1, 1);
        join(1, 2);
        join(2, 3);
        block_on(world.engine().sync()).unwrap();
        world.provider.put_user(user(5));
        world.provider.put_user(user(1).with_attribute("title", "Chief"));
        world.provider.put_user(User::new(user(2).id, UserStatus::Suspended).with_login("user2"));
        world.provider.remove_user(&user(4).id);
        world.provider.put_group(Group::new(group(3), "New"));
        world.provider.put_group(Group::new(group(1), "Renamed"));
        world.provider.remove_group(&group(2));
        join(3, 5);
        world.provider.remove_member(&Membership::new(group(1), user(2).id));
        world
    }

    fn engine(&self) -> SyncEngine {
        let (provider, store) = (Yielding(self.provider.clone()), Yielding(self.store.clone()));
        // A checkpoint after every group, so that each of them is where a run is dropped and gone on with.
        let always = CheckpointPolicy::new(Duration::ZERO, Duration::MAX);
        SyncEngine::builder(provider, store, YieldingSink(self.sink.clone())).checkpoint(always).build()
    }

    fn check(&self, at: usize) {
        block_on(self.engine().sync()).unwrap_or_else(|error| panic!("after a drop at await {at}: {error:?}"));
        assert_eq!(self.sink.snapshot(), self.provider.snapshot(), "after a drop at await {at}");
        let history = self.sink.history();
        let keys: HashSet<_> = history.iter().map(|delivery| delivery.key).collect();
        assert_eq!(keys.len(), history.len(), "each change once, after a drop at await {at}");
        assert_eq!(history.len(), 9 + 10, "no change but those, after a drop at await {at}");
        assert_eq!(block_on(self.engine().sync()).unwrap().changes.total(), 0);
    }
}

/// Polls a future so many times and drops it; what it came to, if it came to its end.
fn poll_and_drop<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let (mut future, mut context) = (pin!(future), Context::from_waker(Waker::noop()));
    for _ in 0..polls {
        if let Poll::Ready(value) = future.poll_unpin(&mut context) {
            return Some(value);
        }
    }
    None
}

/// Drops what `act` makes of a changed world at every await, one after the other; says how many there were.
fn at_every_await<F: Future<Output = Result<SyncReport, SyncError>>>(prepare: impl Fn(&World) -> F) -> usize {
    for polls in 0..100_000 {
        let world = World::changed();
        let ended = poll_and_drop(prepare(&world), polls);
        world.check(polls);
        if let Some(ended) = ended {
            ended.unwrap();
            return polls;
        }
    }
    panic!("the future never ends")
}

#[test]
fn p12_row40_a_sync_that_is_dropped_at_any_await_is_made_up_for() {
    let awaits = at_every_await(|world| {
        let engine = world.engine();
        async move { engine.sync().await }
    });
    assert!(awaits > 100, "{awaits} awaits");
}

#[test]
fn p12_row40_a_plan_that_is_dropped_at_any_await_changes_nothing() {
    let awaits = at_every_await(|world| {
        let engine = world.engine();
        async move {
            let plan = engine.plan().await?;
            assert_eq!(plan.changes.total(), 10);
            engine.sync().await
        }
    });
    assert!(awaits > 150, "{awaits} awaits");
}

#[test]
fn p12_row40_an_apply_that_is_dropped_at_any_await_is_made_up_for() {
    let awaits = at_every_await(|world| {
        let engine = world.engine();
        let plan = block_on(engine.plan()).unwrap();
        async move { engine.apply(&plan).await }
    });
    assert!(awaits > 50, "{awaits} awaits");
    at_every_await(|world| {
        let engine = world.engine();
        let hash = block_on(engine.plan()).unwrap().hash.unwrap();
        async move { engine.apply_hash(hash).await }
    });
}
