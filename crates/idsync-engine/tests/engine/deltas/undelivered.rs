//! What deltas make of that which was held, refused or applied otherwise.

use super::world::{DAY, World, user};
use crate::support::{gid, member, uid};
use futures::executor::block_on;
use idsync_core::{ChangeKind, Group};
use idsync_engine::{GroupLimit, Mode, Outcome};
use std::collections::BTreeMap;
use std::time::Duration;

#[test]
fn p04_what_a_delta_holds_is_found_again_by_a_full_read_and_then_stays_held() {
    let mut world = World::synced();
    world.safeguards.in_one_group = GroupLimit::Percent { percent: 0, from: 1 };
    assert_eq!(world.run().mode, Mode::Full, "other limits");
    world.source.inner.remove_member(&member("g1", "u03"));
    let report = world.delta();
    assert_eq!(report.outcome, Outcome::Held);
    let hash = report.held.unwrap().hash;
    assert_eq!(block_on(world.engine().held()).unwrap().unwrap().summary.hash, hash);
    let report = world.run();
    assert_eq!((report.mode, report.outcome), (Mode::Full, Outcome::Held));
    assert_eq!(report.held.unwrap().hash, hash);
    world.source.asked();
    world.delta();
    assert_eq!(world.source.asked(), BTreeMap::from([("changed", 1), ("groups", 1)]), "nothing is read again because of it");
    // Other changes go on, and what is held stays known.
    world.source.inner.put_user(user("u05", "chief", 200));
    let report = world.delta();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Held, 1));
    assert_eq!(report.held.unwrap().hash, hash);
    block_on(world.engine().approve(hash)).unwrap();
    let report = world.run();
    assert_eq!((report.mode, report.outcome, report.changes.total()), (Mode::Full, Outcome::Done, 1));
    assert!(world.is_in_step());
    world.delta();
}

#[test]
fn a_refused_change_is_tried_again_when_it_is_due_although_nothing_changed_since() {
    let world = World::synced();
    world.choosy.refused.lock().unwrap().push(uid("u05"));
    world.source.inner.put_user(user("u05", "chief", 200));
    assert_eq!(world.delta().outcome, Outcome::Refused);
    let report = world.run();
    assert_eq!((report.mode, report.outcome), (Mode::Full, Outcome::Refused), "once more at once");
    let report = world.delta();
    assert_eq!((report.outcome, report.escrowed), (Outcome::Refused, 1), "it waits, and is not forgotten");
    assert!(report.first_refusal.is_some() && report.retry_at.is_some(), "nor is why, and until when: {report:?}");
    world.choosy.refused.lock().unwrap().clear();
    world.clock.advance(Duration::from_secs(300));
    let report = world.run();
    assert_eq!((report.mode, report.changes.total(), report.outcome), (Mode::Full, 1, Outcome::Done));
    assert_eq!(world.delta().outcome, Outcome::Done);
    assert!(world.is_in_step());
}

#[test]
fn what_is_released_is_tried_by_the_next_run_although_nothing_changed() {
    let world = World::synced();
    world.choosy.refused.lock().unwrap().push(uid("u05"));
    world.source.inner.put_user(user("u05", "chief", 200));
    world.delta();
    world.run();
    assert_eq!(world.delta().outcome, Outcome::Refused);
    world.choosy.refused.lock().unwrap().clear();
    block_on(world.engine().release()).unwrap();
    let report = world.run();
    assert_eq!((report.mode, report.changes.total(), report.outcome), (Mode::Full, 1, Outcome::Done));
    assert!(world.is_in_step());
}

#[test]
fn a_group_that_was_refused_and_then_renamed_is_made_with_its_members() {
    let world = World::synced();
    *world.choosy.refused_group.lock().unwrap() = Some(gid("g9"));
    world.source.inner.put_group(Group::new(gid("g9"), "Refused"));
    world.source.inner.add_member(member("g9", "u07"));
    assert_eq!(world.delta().outcome, Outcome::Refused);
    world.run();
    *world.choosy.refused_group.lock().unwrap() = None;
    world.source.inner.put_group(Group::new(gid("g9"), "Renamed"));
    let report = world.delta();
    assert_eq!(report.changes.get(ChangeKind::GroupUserAdded), 1, "{report}");
    assert!(world.is_in_step());
}

#[test]
fn p14_a_plan_that_is_applied_leaves_it_to_the_next_run_to_read_everything() {
    let world = World::synced();
    world.source.inner.remove_user(&uid("u29"));
    world.source.inner.remove_user(&uid("u30"));
    let plan = block_on(world.engine().plan()).unwrap();
    world.choosy.refused.lock().unwrap().push(uid("u30"));
    assert_eq!(block_on(world.engine().apply(&plan)).unwrap().outcome, Outcome::Refused);
    world.choosy.refused.lock().unwrap().clear();
    let report = world.run();
    assert_eq!((report.mode, report.changes.get(ChangeKind::UserDeleted)), (Mode::Full, 1));
    assert!(world.is_in_step());
}

#[test]
fn a_full_run_and_a_delta_count_the_same_while_something_is_refused() {
    let world = World::synced();
    world.choosy.refused.lock().unwrap().extend([uid("u30"), uid("u99")]);
    world.source.inner.remove_user(&uid("u30"));
    world.source.inner.put_user(user("u99", "new", 200));
    world.source.inner.add_member(member("g3", "u99"));
    world.clock.advance(DAY);
    for mode in [Mode::Full, Mode::Full, Mode::Delta, Mode::Delta] {
        let report = world.run();
        assert_eq!((report.mode, report.outcome), (mode, Outcome::Refused), "{report}");
        let size = report.directory;
        assert_eq!((size.users, size.groups, size.memberships), (30, 3, 4), "{mode:?}");
    }
}
