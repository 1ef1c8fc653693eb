//! What a delta is shown and must not believe.

use super::source::Oddities;
use super::world::{DAY, World, user};
use crate::support::{counted, gid, member, uid};
use futures::TryStreamExt;
use futures::executor::block_on;
use idsync_core::{ChangeKind, ChangedUsers, Group, IdentityProvider, ReadOptions};
use idsync_engine::Mode;

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

/// The first group as it is listed now.
fn first_group(world: &World) -> Vec<Group> {
    let pages: Vec<_> = block_on(world.source.inner.groups(ReadOptions::default()).try_collect()).unwrap();
    let mut groups: Vec<_> = pages.into_iter().flat_map(|page| page.items).collect();
    groups.retain(|group| group.id == gid("g1"));
    groups
}

#[test]
fn p12_members_that_changed_are_read_whether_their_group_is_shown_as_it_was_before_or_after_as_it_is() {
    let world = World::synced();
    let before = first_group(&world);
    // As it was and then as it is: it is read a delta later, for the time of the last read is kept.
    world.source.odd().groups_before = before.clone();
    world.source.inner.remove_member(&member("g1", "u03"));
    assert_eq!(counted(&world.delta()), []);
    *world.source.odd() = Oddities::default();
    assert_eq!(counted(&world.delta()), [(ChangeKind::GroupUserRemoved, 1)]);
    // As it is and then as it was: it is read at once.
    world.source.odd().groups_after = before;
    world.source.inner.remove_member(&member("g1", "u02"));
    assert_eq!(counted(&world.delta()), [(ChangeKind::GroupUserRemoved, 1)]);
    *world.source.odd() = Oddities::default();
    world.source.asked();
    world.delta();
    assert!(!world.source.asked().contains_key("members"));
    assert!(world.is_in_step());
}

#[test]
fn p12_the_members_of_a_group_that_a_full_read_shows_as_it_was_and_as_it_is_are_read_once_more() {
    let world = World::synced();
    world.source.odd().groups_before = first_group(&world);
    world.source.inner.remove_member(&member("g1", "u03"));
    world.clock.advance(DAY);
    let report = world.run();
    assert_eq!((report.mode, counted(&report)), (Mode::Full, vec![(ChangeKind::GroupUserRemoved, 1)]));
    *world.source.odd() = Oddities::default();
    // Whether they were read before or after they changed nobody knows, so that the earlier time counts.
    for asked in [Some(&1), None] {
        world.source.asked();
        assert_eq!(world.delta().changes.total(), 0);
        assert_eq!(world.source.asked().get("members"), asked);
    }
    assert!(world.is_in_step());
}

#[test]
fn p01_members_stay_when_a_group_is_shown_as_out_of_scope_and_then_as_in_scope() {
    for on_one_page in [false, true] {
        let world = World::synced();
        let [mut excluded] = <[Group; 1]>::try_from(first_group(&world)).unwrap();
        excluded.name = "Excluded".to_owned();
        world.source.odd().memberless = Some("Excluded");
        for (mode, leaves) in [(Mode::Delta, "u03"), (Mode::Full, "u02")] {
            if mode == Mode::Full {
                world.clock.advance(DAY);
            }
            world.source.inner.remove_member(&member("g1", leaves));
            let again = if on_one_page { first_group(&world) } else { Vec::new() };
            world.source.odd().groups_before = [vec![excluded.clone()], again].concat();
            let report = world.run();
            assert_eq!((report.mode, counted(&report)), (mode, vec![(ChangeKind::GroupUserRemoved, 1)]), "who left, and nobody else");
            assert!(world.is_in_step());
        }
        // The other way round they stay as well, until the next run.
        world.source.odd().groups_before.clear();
        world.source.odd().groups_after = vec![excluded];
        assert_eq!(counted(&world.delta()), [(ChangeKind::GroupUpdated, 1)]);
        world.source.odd().groups_after.clear();
        assert_eq!(counted(&world.delta()), [(ChangeKind::GroupUpdated, 1)]);
        assert!(world.is_in_step());
    }
}
