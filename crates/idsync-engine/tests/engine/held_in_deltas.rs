//! What is held stays held when a delta sees a part of it.

use crate::support::counted;
use crate::support::twisted::{Twist, Twisted};
use futures::executor::block_on;
use futures::stream::{self, BoxStream, StreamExt};
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    ChangeKind, ChangedUsers, Cursor, Group, GroupId, IdentityProvider, ManualClock, Membership, ReadOptions, Result, StateStore,
    Timestamp, User, UserId, UserStatus,
};
use idsync_engine::{Limit, Mode, Outcome, Safeguards, SyncEngine, SyncReport};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn uid(n: u64) -> UserId {
    UserId::new(format!("u{n:02}")).unwrap()
}

fn gid(n: u64) -> GroupId {
    GroupId::new(format!("g{n}")).unwrap()
}

fn member(group: u64, user: u64) -> Membership {
    Membership::new(gid(group), uid(user))
}

/// A user whose profile says `title`, changed last at `updated`.
fn user(n: u64, status: UserStatus, title: &str, updated: i64) -> User {
    let mut user = User::new(uid(n), status).with_login(format!("user{n}")).with_attribute("title", title);
    user.timestamps.updated = Some(Timestamp::from_unix_millis(updated * 1_000).unwrap());
    user
}

/// A source that says who has left.
#[derive(Debug, Clone)]
struct Source {
    inner: MemoryProvider,
    departed: Arc<Mutex<Vec<UserId>>>,
}

impl Twist for Source {
    fn inner(&self) -> &MemoryProvider {
        &self.inner
    }
    fn changed_users(&self, since: &Cursor, options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        let departed = ChangedUsers::new(Vec::new()).with_departed(self.departed.lock().unwrap().clone());
        stream::iter([Ok(departed)]).chain(self.inner.changed_users(since, options)).boxed()
    }
}

struct World {
    source: Source,
    store: MemoryStore,
    sink: MemorySink,
    clock: Arc<ManualClock>,
    limits: Safeguards,
}

impl World {
    /// Thirty users, all of them in each of three groups.
    fn synced(limits: Safeguards) -> Self {
        let inner = MemoryProvider::new().with_delta();
        (1..=30).for_each(|n| inner.put_user(user(n, UserStatus::Active, "clerk", 100)));
        for group in 1..=3 {
            inner.put_group(Group::new(gid(group), format!("Group {group}")));
            (1..=30).for_each(|n| inner.add_member(member(group, n)));
        }
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(1_000_000_000).unwrap()));
        let source = Source { inner, departed: Arc::default() };
        let world = Self { source, store: MemoryStore::new(), sink: MemorySink::new(), clock, limits };
        assert_eq!(world.run().mode, Mode::Full);
        world.clock.advance(2 * DAY);
        world
    }

    fn engine(&self) -> SyncEngine {
        let builder = SyncEngine::builder(Twisted(self.source.clone()), self.store.clone(), self.sink.clone());
        builder.clock(Arc::clone(&self.clock)).safeguards(self.limits).build()
    }

    fn run(&self) -> SyncReport {
        self.clock.advance(MINUTE);
        block_on(self.engine().sync()).unwrap()
    }

    fn delta(&self) -> SyncReport {
        let report = self.run();
        assert_eq!(report.mode, Mode::Delta, "{report}");
        report
    }

    /// A full run holds something, all that changed, and a person rejects it.
    fn hold_and_reject(&self) {
        let report = self.run();
        assert_eq!((report.mode, report.outcome, report.changes.total()), (Mode::Full, Outcome::Held, 0), "{report}");
        block_on(self.engine().reject(report.held.unwrap().hash)).unwrap();
    }
}

#[test]
fn p04_members_who_are_held_do_not_leave_one_group_by_one_with_deltas() {
    let world = World::synced(Safeguards::default());
    // A third of each group goes: 30 of 90, 18 may.
    for group in 1..=3 {
        (1..=10).for_each(|n| world.source.inner.remove_member(&member(group, n)));
    }
    world.hold_and_reject();
    // Somebody joins one of the groups, so that it is read again.
    world.source.inner.put_user(user(31, UserStatus::Active, "clerk", 200));
    world.source.inner.add_member(member(1, 31));
    let report = world.delta();
    assert_eq!(counted(&report), [(ChangeKind::UserCreated, 1), (ChangeKind::GroupUserAdded, 1)]);
    // Who leaves now is held as well, until a full read has told one from the other.
    world.source.inner.remove_member(&member(2, 20));
    assert_eq!(counted(&world.delta()), []);
    world.clock.advance(Duration::from_secs(60 * 60));
    let report = world.run();
    assert_eq!((report.mode, report.outcome, report.held.unwrap().total), (Mode::Full, Outcome::Held, 31));
}

#[test]
fn p04_memberships_of_users_who_are_held_do_not_end_with_deltas() {
    let world = World::synced(Safeguards::default().with_memberships(Limit::Unlimited));
    (10..=21).for_each(|n| world.source.inner.remove_user(&uid(n)));
    world.hold_and_reject();
    world.source.inner.add_member(member(1, 1));
    world.source.inner.remove_member(&member(1, 1));
    assert_eq!(counted(&world.delta()), []);
    assert_eq!(world.sink.snapshot().memberships().count(), 90);
}

#[test]
fn p04_a_user_who_is_held_is_not_deactivated_by_a_delta_and_others_go_on() {
    let world = World::synced(Safeguards::default());
    (1..=12).for_each(|n| world.source.inner.put_user(user(n, UserStatus::Suspended, "clerk", 200)));
    world.hold_and_reject();
    world.source.inner.put_user(user(1, UserStatus::Suspended, "chief", 300));
    world.source.inner.put_user(user(20, UserStatus::Active, "chief", 300));
    let mut renamed = user(21, UserStatus::Active, "clerk", 300);
    renamed.login = Some("renamed".to_owned());
    world.source.inner.put_user(renamed);
    assert_eq!(counted(&world.delta()), [(ChangeKind::UserUpdated, 2)], "logins are not over their limit");
    assert_eq!(world.sink.snapshot().user(&uid(1)).unwrap().status, UserStatus::Active);
}

#[test]
fn p04_a_user_who_is_held_is_not_deleted_by_a_delta() {
    let world = World::synced(Safeguards::default());
    (10..=21).for_each(|n| world.source.inner.remove_user(&uid(n)));
    world.hold_and_reject();
    *world.source.departed.lock().unwrap() = vec![uid(10)];
    assert_eq!(counted(&world.delta()), []);
    assert!(world.sink.snapshot().user(&uid(10)).is_some());
}

#[test]
fn p04_a_group_that_is_held_is_not_deleted_by_a_delta_once_the_window_has_passed() {
    let world = World::synced(Safeguards::all(Limit::Count(1)).with_memberships(Limit::Unlimited));
    (4..=6).for_each(|n| world.source.inner.put_group(Group::new(gid(n), "Spare")));
    world.run();
    world.source.inner.remove_group(&gid(4));
    assert_eq!(counted(&world.delta()), [(ChangeKind::GroupDeleted, 1)]);
    world.clock.advance(DAY - 10 * MINUTE);
    world.source.inner.remove_group(&gid(5));
    assert_eq!(world.run().outcome, Outcome::Held);
    assert_eq!(world.run().mode, Mode::Full);
    world.clock.advance(20 * MINUTE);
    assert_eq!(counted(&world.delta()), []);
    // A full read takes the same limits, and looks at all of it.
    world.clock.advance(DAY);
    assert_eq!((world.run().mode, world.sink.snapshot().group(&gid(5))), (Mode::Full, None));
}

#[test]
fn p04_a_user_whose_creation_is_held_is_not_created_by_a_delta() {
    let world = World::synced(Safeguards::default().with_creations(Limit::Count(5)));
    (40..=49).for_each(|n| world.source.inner.put_user(user(n, UserStatus::Active, "clerk", 200)));
    world.hold_and_reject();
    world.source.inner.put_user(user(40, UserStatus::Active, "chief", 300));
    assert_eq!(counted(&world.delta()), []);
}

#[test]
fn p21_groups_that_are_held_do_not_make_every_hour_a_full_read() {
    let world = World::synced(Safeguards::all(Limit::Count(0)));
    (4..=5).for_each(|n| world.source.inner.put_group(Group::new(gid(n), "Spare")));
    world.run();
    world.source.inner.remove_group(&gid(3));
    world.clock.advance(2 * DAY);
    world.hold_and_reject();
    let fulls = |minutes: u64| (0..minutes).filter(|_| world.run().mode == Mode::Full).count();
    assert_eq!(fulls(12 * 60), 0, "nothing changed");
    // One that is gone since is looked at once.
    world.source.inner.remove_group(&gid(5));
    world.delta();
    assert_eq!(fulls(3 * 60), 1);
    // And so is somebody who leaves a group that stays.
    world.source.inner.remove_member(&member(1, 1));
    world.delta();
    assert_eq!(fulls(3 * 60), 1);
}

#[test]
fn p04_a_set_that_was_kept_without_what_holds_it_is_held_in_deltas_as_well() {
    let world = World::synced(Safeguards::default());
    (1..=12).for_each(|n| world.source.inner.put_user(user(n, UserStatus::Suspended, "clerk", 200)));
    world.hold_and_reject();
    let directory = block_on(world.source.identify()).unwrap().id;
    let kept =
        || -> serde_json::Value { serde_json::from_slice(&block_on(world.store.memo(&directory, "held_set")).unwrap().unwrap()).unwrap() };
    let mut before = kept();
    assert_eq!(before.as_object_mut().unwrap().remove("causes").unwrap()["limits"], serde_json::json!(["deactivations"]));
    let lease = block_on(world.store.acquire(&directory, "before")).unwrap();
    block_on(world.store.set_memo(&lease, "held_set", Some(before.to_string().into_bytes()))).unwrap();
    block_on(world.store.release(&lease)).unwrap();

    world.source.inner.put_user(user(1, UserStatus::Suspended, "chief", 300));
    assert_eq!(counted(&world.delta()), []);
    // The next full read finds the same set if the title is what it was, and keeps what holds it.
    world.source.inner.put_user(user(1, UserStatus::Suspended, "clerk", 400));
    world.clock.advance(DAY);
    assert_eq!(world.run().outcome, Outcome::Done, "it is rejected");
    assert_eq!(kept()["causes"]["limits"], serde_json::json!(["deactivations"]));
}

#[test]
fn a_full_run_and_a_delta_count_the_same_while_something_is_held() {
    let world = World::synced(Safeguards::default().with_memberships(Limit::Unlimited).with_creations(Limit::Count(5)));
    (10..=21).for_each(|n| world.source.inner.remove_user(&uid(n)));
    for n in 40..=49 {
        world.source.inner.put_user(user(n, UserStatus::Active, "clerk", 200));
        world.source.inner.add_member(member(1, n));
    }
    world.source.inner.put_group(Group::new(gid(4), "New"));
    for mode in [Mode::Full, Mode::Delta, Mode::Full, Mode::Delta] {
        if mode == Mode::Full {
            world.clock.advance(DAY);
        }
        let report = world.run();
        assert_eq!((report.mode, report.outcome), (mode, Outcome::Held), "{report}");
        let size = report.directory;
        assert_eq!((size.users, size.groups, size.memberships), (30, 4, 90), "{mode:?}");
        let sink = world.sink.snapshot();
        assert_eq!((sink.users().len(), sink.groups().len(), sink.memberships().len()), (30, 4, 90), "it is what the sink has");
    }
    let size = block_on(world.engine().plan()).unwrap().directory;
    assert_eq!((size.users, size.groups, size.memberships), (30, 4, 90), "a plan, too");
}
