//! What a delta finds, and what it asks for to find it.

use super::source::Oddities;
use super::world::{World, user};
use crate::support::{counted, gid, member, uid};
use idsync_core::{ChangeKind, Group, HeldRecord};
use idsync_engine::{Mode, Outcome};
use std::collections::BTreeMap;
use std::time::Duration;

#[test]
fn p21_a_delta_with_nothing_new_asks_for_changes_and_groups_alone() {
    let world = World::synced();
    let report = world.delta();
    assert_eq!((report.changes.total(), report.outcome), (0, Outcome::Done));
    assert_eq!(world.source.asked(), BTreeMap::from([("changed", 1), ("groups", 1)]));
    assert_eq!((report.directory.users, report.directory.groups, report.directory.memberships), (30, 3, 4));
    assert!(report.complete);
}

#[test]
fn p21_a_delta_finds_every_kind_of_change_and_reads_only_the_members_that_moved() {
    let world = World::synced();
    let inner = &world.source.inner;
    inner.put_user(user("u05", "chief", 200));
    inner.put_user(user("u99", "new", 200));
    inner.put_group(Group::new(gid("g2"), "Renamed"));
    inner.put_group(Group::new(gid("g4"), "New"));
    inner.add_member(member("g4", "u99"));
    inner.remove_member(&member("g1", "u03"));
    inner.remove_group(&gid("g3"));
    let report = world.delta();
    let expected = [
        (ChangeKind::UserCreated, 1),
        (ChangeKind::UserUpdated, 1),
        (ChangeKind::GroupCreated, 1),
        (ChangeKind::GroupUpdated, 1),
        (ChangeKind::GroupDeleted, 1),
        (ChangeKind::GroupUserAdded, 1),
        (ChangeKind::GroupUserRemoved, 1),
    ];
    let mut found = counted(&report);
    found.sort_by_key(|(kind, _)| expected.iter().position(|(other, _)| other == kind));
    assert_eq!(found, expected);
    assert!(world.is_in_step());
    let asked = world.source.asked();
    assert_eq!((asked["members"], asked["group"], asked["user"]), (2, 1, 1), "{asked:?}");
    assert_eq!(report.directory.memberships, 4);
    assert_eq!(world.delta().changes.total(), 0, "it is found once");
}

#[test]
fn somebody_who_comes_back_is_in_the_groups_of_before_although_no_group_noticed() {
    let world = World::synced();
    world.source.odd().hidden = Some(uid("u01"));
    world.source.odd().departed = vec![uid("u01")];
    let report = world.delta();
    assert_eq!(counted(&report), [(ChangeKind::UserDeleted, 1), (ChangeKind::GroupUserRemoved, 2)]);
    world.source.odd().hidden = None;
    world.source.odd().departed.clear();
    world.source.odd().also_changed = vec![user("u01", "clerk", 100)];
    world.source.asked();
    let report = world.delta();
    assert_eq!(counted(&report), [(ChangeKind::UserCreated, 1), (ChangeKind::GroupUserAdded, 2)]);
    let asked = world.source.asked();
    assert_eq!((asked["groups of"], asked.get("members")), (1, None));
    assert!(world.is_in_step());
}

#[test]
fn members_that_were_out_of_scope_for_a_while_are_read_again_although_their_group_did_not_notice() {
    let world = World::synced();
    world.source.odd().memberless = Some("Excluded");
    world.source.inner.put_group(Group::new(gid("g1"), "Excluded"));
    assert_eq!(counted(&world.delta()), [(ChangeKind::GroupUpdated, 1), (ChangeKind::GroupUserRemoved, 3)]);
    assert_eq!(world.delta().changes.total(), 0);
    world.source.inner.put_group(Group::new(gid("g1"), "Group 1"));
    assert_eq!(counted(&world.delta()), [(ChangeKind::GroupUpdated, 1), (ChangeKind::GroupUserAdded, 3)]);
    assert!(world.is_in_step());
}

#[test]
fn p05_a_group_of_somebody_who_comes_back_that_cannot_be_understood_is_looked_at_again() {
    for id in [Some("g1"), None] {
        let world = World::synced();
        world.source.odd().hidden = Some(uid("u01"));
        world.source.odd().departed = vec![uid("u01")];
        world.delta();
        *world.source.odd() = Oddities::default();
        world.source.odd().also_changed = vec![user("u01", "clerk", 100)];
        world.source.odd().groups_of_held = Some(HeldRecord::new(id.map(str::to_owned), "odd"));
        let report = world.delta();
        assert_eq!(counted(&report), [(ChangeKind::UserCreated, 1), (ChangeKind::GroupUserAdded, 1)]);
        assert_eq!((report.evidence.groups.held, report.evidence.not_understood.len()), (1, 1));
        *world.source.odd() = Oddities::default();
        if id.is_some() {
            assert_eq!(counted(&world.delta()), [(ChangeKind::GroupUserAdded, 1)], "it is known which one");
        }
        world.clock.advance(Duration::from_secs(3_600));
        assert_eq!(world.run().mode, Mode::Full);
        assert!(world.is_in_step());
        world.delta();
    }
}
