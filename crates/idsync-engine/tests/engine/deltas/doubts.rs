//! What a delta is shown and must not believe.

use super::world::{World, user};
use crate::support::{counted, uid};
use idsync_core::{ChangeKind, ChangedUsers};

#[test]
fn p03_somebody_who_is_said_to_be_gone_is_asked_for_and_kept_if_there() {
    let world = World::synced();
    world.source.odd().departed = vec![uid("u01"), uid("u02"), uid("nobody")];
    let report = world.delta();
    assert_eq!((report.changes.total(), report.evidence.looked_up, report.evidence.still_there), (0, 2, 2));
    assert!(world.is_in_step());
}

#[test]
fn p06_somebody_who_is_shown_and_said_to_be_gone_is_gone_and_nothing_else() {
    let shown = || ChangedUsers::new(vec![user("u01", "chief", 200)]);
    let gone = || ChangedUsers::default().with_departed(vec![uid("u01")]);
    let at_once = || vec![shown().with_departed(vec![uid("u01")])];
    for pages in [vec![shown(), gone()], vec![gone(), shown()], at_once()] {
        let world = World::synced();
        world.source.odd().more_changes = pages;
        world.source.odd().hidden = Some(uid("u01"));
        assert_eq!(counted(&world.delta()), [(ChangeKind::UserDeleted, 1), (ChangeKind::GroupUserRemoved, 2)]);
        assert_eq!(world.title("u01"), None);
        world.source.odd().more_changes.clear();
        assert_eq!(world.delta().changes.total(), 0);
    }
}

#[test]
fn p03_somebody_who_is_shown_and_said_to_be_gone_and_is_there_is_brought_up_to_date() {
    let world = World::synced();
    world.source.inner.put_user(user("u01", "boss", 300));
    world.source.odd().more_changes = vec![ChangedUsers::new(vec![user("u01", "chief", 200)]).with_departed(vec![uid("u01")])];
    assert_eq!(counted(&world.delta()), [(ChangeKind::UserUpdated, 1)]);
    assert!(world.is_in_step());
}

#[test]
fn p03_somebody_who_is_gone_is_not_made_again_because_an_index_still_shows_them() {
    let world = World::synced();
    world.source.odd().also_changed = vec![user("ghost", "clerk", 500)];
    let report = world.delta();
    assert_eq!(report.changes.total(), 0);
    assert_eq!(world.source.asked()["user"], 1);
    assert!(world.is_in_step());
}

#[test]
fn a_record_from_before_the_last_change_is_not_believed() {
    let world = World::synced();
    world.source.inner.put_user(user("u05", "chief", 200));
    assert_eq!(world.delta().changes.total(), 1);
    world.source.odd().also_changed = vec![user("u05", "clerk", 100)];
    assert_eq!(world.delta().changes.total(), 0);
    assert_eq!(world.title("u05").as_deref(), Some("chief"));
    // Within one second times do not tell, and the user is asked for.
    world.source.odd().also_changed = vec![user("u05", "clerk", 200)];
    world.source.asked();
    assert_eq!(world.delta().changes.total(), 0);
    assert_eq!(world.source.asked()["user"], 1);
    world.source.inner.put_user(user("u05", "boss", 200));
    assert_eq!(world.delta().changes.total(), 1);
    assert_eq!(world.title("u05").as_deref(), Some("boss"));
}

#[test]
fn somebody_whose_records_differ_within_one_delta_is_asked_for() {
    let shown = |title, updated| user("u05", title, updated);
    let cases = [
        [shown("deputy", 200), shown("chief", 300)],
        [shown("chief", 300), shown("deputy", 200)],
        [shown("chief", 300), shown("clerk", 100)],
    ];
    for [first, second] in cases {
        let on_one_page = vec![ChangedUsers::new(vec![first.clone(), second.clone()])];
        for pages in [on_one_page, vec![ChangedUsers::new(vec![first]), ChangedUsers::new(vec![second])]] {
            for (now, updated) in [("chief", 300), ("clerk", 400)] {
                let world = World::synced();
                world.source.inner.put_user(user("u05", now, updated));
                world.source.odd().more_changes = pages.clone();
                world.delta();
                assert_eq!(world.title("u05").as_deref(), Some(now), "{pages:?}");
                assert_eq!(world.source.asked()["user"], 1);
            }
        }
    }
}
