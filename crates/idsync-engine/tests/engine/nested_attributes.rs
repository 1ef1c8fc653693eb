//! Attributes that are nested deeper than readers of JSON take.

use crate::support::{gid, member, uid};
use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{Group, ManualClock, Timestamp, User, UserStatus};
use idsync_engine::{Mode, Outcome, SyncEngine, SyncReport};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// More than this is held.
const MOST: usize = 64;

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!("x"), |inner, level| if level % 2 == 0 { json!([inner]) } else { json!({ "y": inner }) })
}

fn user(id: &str, depth: usize, updated: i64) -> User {
    let mut user = User::new(uid(id), UserStatus::Active).with_attribute("nested", nested(depth));
    user.timestamps.updated = Some(Timestamp::from_unix_millis(updated * 1_000).unwrap());
    user
}

fn group(id: &str, depth: usize) -> Group {
    Group::new(gid(id), id).with_attribute("nested", nested(depth))
}

struct World {
    source: MemoryProvider,
    store: MemoryStore,
    sink: MemorySink,
    clock: Arc<ManualClock>,
}

impl World {
    fn new(source: MemoryProvider) -> Self {
        source.put_user(user("plain", 0, 100));
        source.put_user(user("deep", MOST, 100));
        source.put_group(group("g", MOST));
        source.add_member(member("g", "plain"));
        source.add_member(member("g", "deep"));
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(1_000_000_000).unwrap()));
        Self { source, store: MemoryStore::new(), sink: MemorySink::new(), clock }
    }

    fn run(&self) -> SyncReport {
        self.clock.advance(Duration::from_secs(60));
        let builder = SyncEngine::builder(self.source.clone(), self.store.clone(), self.sink.clone());
        block_on(builder.clock(Arc::clone(&self.clock)).build().sync()).unwrap()
    }
}

#[test]
fn p05_who_is_nested_too_deep_is_held_and_nobody_else() {
    let world = World::new(MemoryProvider::new());
    world.source.put_user(user("deeper", MOST + 1, 100));
    world.source.put_group(group("h", 1_000));
    world.source.add_member(member("g", "deeper"));
    world.source.add_member(member("h", "plain"));
    for _ in 0..2 {
        let report = world.run();
        assert_eq!((report.evidence.users.held, report.evidence.groups.held), (1, 1), "{report}");
        let synced = world.sink.snapshot();
        assert_eq!((synced.users().count(), synced.groups().count(), synced.memberships().count()), (2, 1, 2));
    }
    world.source.put_user(user("deeper", 1, 200));
    world.source.put_group(group("h", 1));
    assert_eq!(world.run().outcome, Outcome::Done);
    assert_eq!(world.sink.snapshot(), world.source.snapshot());
}

#[test]
fn p05_an_entry_that_becomes_too_deep_stays_as_it_was_and_can_go() {
    let world = World::new(MemoryProvider::new());
    world.run();
    let before = world.sink.snapshot();
    world.source.put_user(user("deep", MOST + 1, 200));
    world.source.put_group(group("g", MOST + 1));
    world.run();
    assert_eq!(world.sink.snapshot(), before);
    world.source.remove_user(&uid("deep"));
    world.source.put_group(group("g", 0));
    world.run();
    assert_eq!(world.sink.snapshot(), world.source.snapshot());
}

#[test]
fn p05_a_delta_holds_who_is_nested_too_deep_and_a_full_run_looks_again() {
    let world = World::new(MemoryProvider::new().with_delta());
    assert_eq!(world.run().mode, Mode::Full);
    world.clock.advance(Duration::from_secs(600));
    world.source.put_user(user("deep", MOST + 1, 200));
    world.source.put_user(user("new", MOST + 1, 200));
    world.source.put_user(user("plain", 1, 200));
    world.source.add_member(member("g", "new"));
    let report = world.run();
    assert_eq!((report.mode, report.evidence.users.held), (Mode::Delta, 2), "{report}");
    let synced = world.sink.snapshot();
    assert_eq!((synced.users().count(), synced.memberships().count()), (2, 2));
    assert_eq!(synced.user(&uid("plain")), Some(&user("plain", 1, 200)));
    assert_eq!(synced.user(&uid("deep")), Some(&user("deep", MOST, 100)));
    world.source.put_user(user("deep", 2, 300));
    world.source.put_user(user("new", 2, 300));
    world.clock.advance(Duration::from_secs(60 * 60));
    world.run();
    let (synced, there) = (world.sink.snapshot(), world.source.snapshot());
    assert!(synced.users().eq(there.users()) && synced.memberships().eq(there.memberships()));
}
