//! What limits let go at once.

use super::{Kind, World, check, gid, uid};
use idsync_core::{EntryId, Membership, User, UserStatus};
use idsync_engine::{GroupLimit, Limit, Outcome, Safeguards};

#[test]
fn p04_row26_each_limit_below_at_and_above() {
    let mut cases = 0;
    for kind in Kind::ALL {
        for limit in [0, 1, 5] {
            for removed in limit.max(1) - 1..=limit + 1 {
                let world = World::new(30, 1);
                world.remove(kind, 0, removed);
                check(&mut cases, &world, kind.limits(Limit::Count(limit)), removed <= limit, &format!("{removed} {kind:?}, {limit} may"));
            }
        }
        for (size, allowed) in [(40, 10), (200, 20)] {
            for removed in allowed - 1..=allowed + 1 {
                let world = World::new(size, 1);
                world.remove(kind, 0, removed);
                let limits = match kind {
                    // A fifth of the memberships; a group of this size may lose half of them.
                    Kind::Memberships => Safeguards::default().with_memberships(Limit::Percent { percent: 10, at_least: 10, at_most: 500 }),
                    _ => Safeguards::default(),
                };
                check(&mut cases, &world, limits, removed <= allowed, &format!("{removed} of {size} {kind:?} by default"));
            }
        }
    }
    assert!(cases >= 70, "{cases} cases");
}

#[test]
fn p04_row26_the_upper_bound_of_the_default_holds_in_large_directories() {
    let world = World::new(5_200, 5_200);
    world.remove(Kind::Users, 0, 501);
    let report = world.sync(Safeguards::default());
    assert_eq!(report.outcome, Outcome::Held);
    assert!(report.held.unwrap().reason.contains("501 of 5200 users would go, 500 may"));
}

#[test]
fn p04_row26_one_group_may_not_lose_more_than_half_from_twenty_members_on() {
    let mut cases = 0;
    for (size, leaving, may) in
        [(19, 19, true), (20, 10, true), (20, 11, false), (21, 10, true), (21, 11, false), (40, 20, true), (40, 21, false), (40, 40, false)]
    {
        let world = World::new(200, 1);
        for n in size..200 {
            world.provider.remove_member(&Membership::new(gid(0), uid(n)));
            world.provider.add_member(Membership::new(gid(1), uid(n)));
        }
        world.sync(Safeguards::all(Limit::Unlimited));
        world.remove(Kind::Memberships, 0, 0);
        (0..leaving).for_each(|n| world.provider.remove_member(&Membership::new(gid(0), uid(n))));
        // Elsewhere somebody leaves as well, and may.
        world.provider.remove_member(&Membership::new(gid(1), uid(199)));
        let limits = Safeguards::default().with_memberships(Limit::Unlimited);
        check(&mut cases, &world, limits, may, &format!("{leaving} of {size}"));
        assert!(!world.sink.snapshot().memberships().any(|held| held.user == uid(199)), "the other group goes on");
        if !may {
            let set = world.held().unwrap();
            assert_eq!((set.groups_reached, set.groups[0].members, set.groups[0].loses), (1, size, leaving));
            assert_eq!(set.groups[0].name, "Group 0");
            assert_eq!(set.groups_emptied, u64::from(leaving == size));
            check(&mut cases, &world, limits.with_in_one_group(GroupLimit::Unlimited), true, "without that limit");
        }
    }
    assert_eq!(cases, 12);
}

#[test]
fn p04_row26_not_all_of_ten_or_more_memberships_end_at_once() {
    for (size, may) in [(9, true), (10, false), (15, false)] {
        let world = World::new(size, size);
        (0..size).for_each(|n| world.provider.remove_member(&Membership::new(gid(n), uid(n))));
        let everything = Safeguards::default().with_memberships(Limit::percent(100));
        check(&mut 0, &world, everything, may, &format!("all {size} memberships"));
        check(&mut 0, &world, Safeguards::all(Limit::Unlimited), true, "without limits");
    }
}

#[test]
fn p04_memberships_of_groups_that_were_not_read_or_are_held_do_not_end() {
    for what in ["a group that could not be understood", "a group that is held"] {
        let world = World::new(20, 1);
        world.provider.add_member(Membership::new(gid(1), uid(0)));
        world.sync(Safeguards::default());
        let limits = if what == "a group that is held" {
            world.provider.remove_group(&gid(0));
            Safeguards::default().with_groups(Limit::Count(0))
        } else {
            world.provider.hold(EntryId::Group(gid(0)));
            Safeguards::default()
        };
        world.provider.remove_member(&Membership::new(gid(1), uid(0)));
        let report = world.sync(limits);
        assert_eq!(report.changes.total(), 1, "{what}: {report}");
        assert_eq!(world.sink.snapshot().memberships().count(), 20);
    }
}

#[test]
fn p04_not_all_memberships_end_at_once_when_some_end_with_their_users() {
    let world = World::new(20, 20);
    world.remove(Kind::Users, 0, 5);
    (5..20).for_each(|n| world.provider.remove_member(&Membership::new(gid(n), uid(n))));
    let report = world.sync(Safeguards::default().with_memberships(Limit::percent(100)));
    assert_eq!(report.held.unwrap().reason, "15 of 20 memberships would go, 0 may");
}

#[test]
fn p04_logins_that_change_with_a_deactivation_count_and_are_held_as_those_without() {
    let world = World::new(40, 40);
    for n in 0..6 {
        let status = if n < 3 { UserStatus::Suspended } else { UserStatus::Active };
        world.provider.put_user(User::new(uid(n), status).with_login(format!("renamed{n}")));
    }
    // These keep their logins.
    (6..9).for_each(|n| world.provider.put_user(User::new(uid(n), UserStatus::Suspended).with_login(format!("user{n}"))));
    let limits = Kind::Logins.limits(Limit::Count(5));
    let report = world.sync(limits);
    assert_eq!((report.outcome, report.held.as_ref().unwrap().total, report.changes.total()), (Outcome::Held, 6, 3), "{report}");
    assert_eq!(world.sync(Kind::Logins.limits(Limit::Count(6))).changes.total(), 6);
}
