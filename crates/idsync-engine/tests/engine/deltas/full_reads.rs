//! When everything is read instead.

use super::source::Oddities;
use super::world::{DAY, World, at, user};
use crate::support::twisted::Twist;
use crate::support::{gid, member, uid};
use futures::executor::block_on;
use idsync_core::{ChangeKind, EntryId, ManualClock};
use idsync_engine::{DeltaPolicy, GroupLimit, Mode, Outcome, Protected};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn a_user_who_left_without_a_trace_is_found_by_the_full_read_that_comes_once_a_day() {
    let world = World::synced();
    world.source.inner.remove_user(&uid("u30"));
    assert_eq!(world.delta().changes.total(), 0);
    world.clock.advance(DAY);
    let report = world.run();
    assert_eq!((report.mode, report.changes.get(ChangeKind::UserDeleted)), (Mode::Full, 1));
    assert!(world.is_in_step());
    assert_eq!(world.delta().changes.total(), 0);
}

#[test]
fn what_cannot_be_read_as_a_delta_is_read_in_full_by_the_same_run() {
    let world = World::synced();
    world.source.odd().cursor_expired = true;
    world.source.inner.put_user(user("u05", "chief", 200));
    let report = world.run();
    assert_eq!((report.mode, report.changes.total()), (Mode::Full, 1));
    world.source.odd().cursor_expired = false;
    assert_eq!(world.delta().changes.total(), 0);
    for n in 100..140 {
        world.source.inner.put_user(user(&format!("u{n}"), "new", 200));
    }
    world.source.asked();
    let report = world.run();
    assert_eq!((report.mode, report.changes.get(ChangeKind::UserCreated)), (Mode::Full, 40), "so many are cheaper to list");
    assert!(!world.source.asked().contains_key("user"));
    assert!(world.is_in_step());
}

#[test]
fn everything_is_read_when_the_scope_changes_or_time_runs_backwards_or_nobody_wants_deltas() {
    let mut world = World::synced();
    world.source.odd().scope = Some("less");
    assert_eq!(world.run().mode, Mode::Full);
    world.delta();
    world.clock = Arc::new(ManualClock::new(at(10)));
    assert_eq!(world.run().mode, Mode::Full);
    world.delta();
    world.policy = DeltaPolicy::never();
    assert_eq!(world.run().mode, Mode::Full);
    world.policy = DeltaPolicy::default();
    world.delta();
    assert!(block_on(world.engine().plan()).unwrap().evidence.users.records >= 30, "a plan is of everything");
}

#[test]
fn a_scope_that_changes_and_changes_back_is_read_in_full_although_nobody_changed() {
    let world = World::synced();
    // Another scope, in which there are no deltas, leaves somebody out.
    world.source.odd().no_delta = true;
    world.source.odd().scope = Some("less");
    let source = world.source.inner.clone();
    source.remove_user(&uid("u30"));
    assert_eq!(world.run().changes.get(ChangeKind::UserDeleted), 1);
    *world.source.odd() = Oddities::default();
    let bookmarked = block_on(world.source.identify()).unwrap().cursor;
    source.put_user(user("u30", "clerk", 100));
    assert!(bookmarked.is_some());
    let report = world.run();
    assert_eq!((report.mode, report.changes.get(ChangeKind::UserCreated)), (Mode::Full, 1));
}

#[test]
fn p05_a_user_who_could_not_be_understood_is_looked_at_again_within_the_hour() {
    let world = World::synced();
    let hidden = user("u05", "clerk", 100);
    world.source.inner.hold(EntryId::User(uid("u05")));
    world.clock.advance(DAY);
    assert_eq!(world.run().mode, Mode::Full);
    world.source.inner.put_user(hidden);
    world.delta();
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(world.run().mode, Mode::Full);
    world.delta();
}

#[test]
fn other_limits_are_applied_to_what_is_held_by_the_next_run() {
    let mut world = World::synced();
    world.safeguards.in_one_group = GroupLimit::Percent { percent: 0, from: 1 };
    assert_eq!(world.run().mode, Mode::Full);
    world.source.inner.remove_member(&member("g1", "u03"));
    assert_eq!(world.delta().outcome, Outcome::Held);
    world.run();
    world.safeguards.in_one_group = GroupLimit::Unlimited;
    let report = world.run();
    assert_eq!((report.mode, report.outcome, report.changes.total()), (Mode::Full, Outcome::Done, 1));
}

#[test]
fn p04_whoever_is_protected_no_longer_is_found_by_a_full_read_that_follows_at_once() {
    let protects: [fn(&'static str) -> Protected; 2] =
        [|user| Protected::nobody().user_ids([uid(user)]), |user| Protected::nobody().logins([user])];
    for protects in protects {
        let mut world = World::synced();
        world.protected = protects("u30");
        assert_eq!(world.run().mode, Mode::Full, "other rules");
        world.source.inner.remove_user(&uid("u30"));
        world.clock.advance(DAY);
        assert_eq!(world.run().evidence.protected, 1);
        world.delta();
        world.protected = protects("u29");
        let report = world.run();
        assert_eq!((report.mode, report.changes.get(ChangeKind::UserDeleted)), (Mode::Full, 1));
    }
    let mut world = World::synced();
    world.protected = Protected::nobody().group_ids([gid("g1")]);
    world.run();
    world.protected = Protected::nobody().group_ids([gid("g2")]);
    assert_eq!(world.run().mode, Mode::Full);
    world.delta();
}

#[test]
fn without_a_cursor_everything_is_read() {
    let world = World::synced();
    world.source.odd().without_cursor = true;
    // The cursor of before is still good; it is only not moved on.
    assert_eq!(world.delta().mode, Mode::Delta);
    world.clock.advance(DAY);
    assert_eq!(world.run().mode, Mode::Full);
    assert_eq!(world.run().mode, Mode::Full);
}
