//! What a delta cannot read.

use super::source::Oddities;
use super::world::{DAY, World, user};
use crate::support::{counted, gid, member};
use idsync_core::ChangeKind;
use idsync_engine::{Mode, Outcome, SyncError};
use std::time::Duration;

#[test]
fn a_question_without_an_answer_is_asked_again_by_the_next_delta() {
    let world = World::synced();
    world.source.inner.put_user(user("u99", "new", 200));
    world.source.inner.add_member(member("g1", "u99"));
    world.source.odd().groups_of_fails = true;
    let report = world.delta();
    assert_eq!((report.outcome, report.complete), (Outcome::Incomplete, false));
    assert_eq!(world.title("u99"), None);
    world.source.odd().groups_of_fails = false;
    world.source.odd().look_ups_fail = true;
    assert_eq!(world.delta().outcome, Outcome::Incomplete);
    world.source.odd().look_ups_fail = false;
    assert_eq!(world.delta().outcome, Outcome::Done);
    assert!(world.is_in_step());
}

#[test]
fn p01_row28_a_group_that_fails_again_and_again_does_not_make_every_run_a_full_one() {
    let world = World::synced();
    world.source.inner.add_member(member("g1", "u09"));
    world.source.odd().members_fail = Some(gid("g1"));
    world.clock.advance(DAY);
    let report = world.run();
    assert_eq!((report.mode, report.outcome), (Mode::Full, Outcome::Incomplete));
    world.source.inner.put_user(user("u05", "chief", 200));
    let report = world.delta();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Incomplete, 1), "the rest goes on");
    assert_eq!(world.delta().outcome, Outcome::Incomplete);
    world.source.odd().members_fail = None;
    let report = world.delta();
    assert_eq!((report.outcome, report.changes.get(ChangeKind::GroupUserAdded)), (Outcome::Done, 1));
    assert!(world.is_in_step());
}

#[test]
fn p01_deltas_go_on_while_the_members_of_a_group_may_not_be_read() {
    let world = World::synced();
    world.source.inner.add_member(member("g1", "u09"));
    world.source.odd().members_hidden = Some(gid("g1"));
    world.clock.advance(DAY);
    let report = world.run();
    assert_eq!((report.mode, report.outcome), (Mode::Full, Outcome::Incomplete));
    world.source.inner.put_user(user("u05", "chief", 200));
    world.source.asked();
    let report = world.delta();
    assert_eq!((report.outcome, report.changes.total(), report.evidence.groups_failed), (Outcome::Incomplete, 1, 1));
    assert_eq!(world.source.asked()["check"], 1);
    world.source.odd().role_is_gone = true;
    assert!(matches!(world.try_run(), Err(SyncError::Refused(_))), "the check did not pass");
    *world.source.odd() = Oddities::default();
    let report = world.delta();
    assert_eq!((report.outcome, report.changes.get(ChangeKind::GroupUserAdded)), (Outcome::Done, 1));
    assert!(world.is_in_step());
}

#[test]
fn p01_an_identity_that_lost_its_role_during_a_delta_removes_nobody() {
    let world = World::synced();
    world.source.inner.remove_member(&member("g1", "u03"));
    world.source.odd().role_is_gone = true;
    world.clock.advance(Duration::from_secs(60));
    assert!(matches!(world.try_run(), Err(SyncError::Refused(_))));
    assert_eq!(world.sink.snapshot().memberships().count(), 4);
    world.source.odd().role_is_gone = false;
    assert_eq!(counted(&world.delta()), [(ChangeKind::GroupUserRemoved, 1)]);
}
