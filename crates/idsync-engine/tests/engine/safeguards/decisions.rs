//! What is held, and what a person decides about it.

use super::{HOUR, Kind, World, active, check, gid, held, uid};
use futures::executor::block_on;
use idsync_core::{EntryId, Membership, PlanHash};
use idsync_engine::{Limit, Outcome, Safeguards, Standing, SyncError};
use std::time::Duration;

#[test]
fn p04_a_held_set_says_why_which_and_whom_it_reaches_and_is_forgotten_when_it_is_over() {
    let world = World::new(60, 3);
    assert_eq!(world.held(), None);
    world.remove(Kind::Users, 0, 12);
    let report = world.sync(Safeguards::default());
    let set = world.held().unwrap();
    assert_eq!(Some(&set.summary), report.held.as_ref());
    assert_eq!(set.summary.reason, "12 of 60 users would go, 10 may");
    assert_eq!((set.summary.by_kind["user.deleted"], set.summary.by_kind["group.user_removed"]), (12, 12));
    assert_eq!((set.examples["user.deleted"].len(), set.examples["user.deleted"][0].as_str()), (10, "user0 (u00000)"));
    assert_eq!((set.groups_reached, set.groups[0].loses, set.groups_emptied), (3, 4, 0));
    for n in 0..12 {
        world.provider.put_user(active(n));
        world.provider.add_member(Membership::new(gid(n % 3), uid(n)));
    }
    assert_eq!(world.sync(Safeguards::default()).outcome, Outcome::Done);
    assert_eq!(world.held(), None, "everybody came back");
}

#[test]
fn p04_an_approved_set_is_applied_once_and_does_not_count_in_the_window() {
    let (world, hash) = held();
    let engine = world.builder(Safeguards::default()).build();
    // Other changes do not make it another set.
    world.provider.put_user(active(900));
    assert_eq!(block_on(engine.sync()).unwrap().held.unwrap().hash, hash);
    block_on(engine.approve(hash)).unwrap();
    world.clock.advance(23 * HOUR);
    let report = block_on(engine.sync()).unwrap();
    assert_eq!((report.outcome, report.held.clone()), (Outcome::Done, None), "{report}");
    assert!(world.is_in_step());
    assert_eq!(report.evidence.looked_up, 12, "who is approved to go is still asked for");
    assert_eq!(world.held(), None);
    // What was approved takes nothing of what may go unseen.
    world.remove(Kind::Users, 20, 10);
    assert_eq!(block_on(engine.sync()).unwrap().outcome, Outcome::Done);
    world.remove(Kind::Users, 30, 12);
    assert_eq!(block_on(engine.sync()).unwrap().outcome, Outcome::Held, "an approval is good once");
}

#[test]
fn p04_an_approval_is_for_one_set_and_for_a_day() {
    let (world, hash) = held();
    let engine = world.builder(Safeguards::default()).build();
    let other = PlanHash::from_bytes([1; 16]);
    let error = block_on(engine.approve(other)).unwrap_err();
    assert!(matches!(error, SyncError::NotHeld { expected, found } if expected == other && found == Some(hash)), "{error:?}");
    assert!(error.to_string().contains(&other.to_string()) && error.remedy().contains("held now"));

    block_on(engine.approve(hash)).unwrap();
    world.clock.advance(24 * HOUR);
    assert_eq!(block_on(engine.sync()).unwrap().outcome, Outcome::Held, "the approval ran out");
    assert!(!world.is_in_step());

    block_on(engine.approve(hash)).unwrap();
    world.remove(Kind::Users, 20, 1);
    let report = block_on(engine.sync()).unwrap();
    assert_eq!(report.outcome, Outcome::Held, "one more is another set");
    assert_ne!(report.held.unwrap().hash, hash);
    world.provider.put_user(active(20));
    world.provider.add_member(Membership::new(gid(20 % 3), uid(20)));
    assert_eq!(block_on(engine.sync()).unwrap().held.unwrap().hash, hash, "the same set again");
    assert_eq!(block_on(engine.sync()).unwrap().outcome, Outcome::Held, "and the approval did not survive the other one");
    assert_eq!(world.sink.snapshot().users().len(), 60);
}

#[test]
fn p03_an_approved_set_in_which_somebody_turns_out_to_be_there_is_held_again() {
    let (world, hash) = held();
    // The listings do not show this user, and a look-up fails: not confirmed.
    world.provider.hold(EntryId::User(uid(3)));
    let engine = world.builder(Safeguards::default()).build();
    block_on(engine.approve(hash)).unwrap();
    let report = block_on(engine.sync()).unwrap();
    assert_ne!(report.held.as_ref().map(|held| held.hash), Some(hash));
    assert_eq!(world.sink.snapshot().users().len(), 60, "{report}");
}

#[test]
fn p04_a_rejected_set_stays_and_is_not_asked_about_again_until_it_changes() {
    let (world, hash) = held();
    let engine = world.builder(Safeguards::default()).build();
    assert!(matches!(block_on(engine.reject(PlanHash::from_bytes([1; 16]))).unwrap_err(), SyncError::NotHeld { .. }));
    block_on(engine.reject(hash)).unwrap();
    for _ in 0..2 {
        let report = block_on(engine.sync()).unwrap();
        assert_eq!((report.outcome, report.held.unwrap().standing), (Outcome::Done, Standing::Rejected));
        assert_eq!(world.sink.snapshot().users().len(), 60);
        world.clock.advance(100 * HOUR);
    }
    world.remove(Kind::Users, 20, 1);
    let report = block_on(engine.sync()).unwrap();
    assert_eq!((report.outcome, report.held.unwrap().standing), (Outcome::Held, Standing::Open));
}

#[test]
fn p04_a_rejected_set_stays_when_the_window_has_passed_or_the_limits_are_off() {
    for kind in Kind::ALL {
        let world = World::new(60, 1);
        let limits = kind.limits(Limit::Count(10));
        world.remove(kind, 0, 6);
        check(&mut 0, &world, limits, true, "six may");
        world.remove(kind, 6, 6);
        let before = world.sync(limits).held.unwrap();
        block_on(world.builder(limits).build().reject(before.hash)).unwrap();
        for (n, limits) in [limits, limits, Safeguards::all(Limit::Unlimited)].into_iter().enumerate() {
            // Changes of another kind do not make it another set.
            world.provider.put_user(active(900 + n as u64));
            if !matches!(kind, Kind::Memberships) {
                world.provider.remove_member(&Membership::new(gid(0), uid(20 + n as u64)));
            }
            let held = world.sync(limits).held.expect("it is held");
            assert_eq!((held.standing, held.hash, &held.reason), (Standing::Rejected, before.hash, &before.reason), "{kind:?}");
            world.clock.advance(25 * HOUR);
        }
        block_on(world.builder(limits).build().approve(before.hash)).unwrap();
        assert_eq!(world.sync(limits).outcome, Outcome::Done);
        assert!(world.is_in_step(), "{kind:?}");
    }
}

#[test]
fn p04_what_leaves_a_group_and_was_rejected_stays_when_the_group_has_grown() {
    let world = World::new(40, 2);
    (0..11).for_each(|n| world.provider.remove_member(&Membership::new(gid(0), uid(2 * n))));
    let hash = world.sync(Safeguards::default()).held.unwrap().hash;
    block_on(world.builder(Safeguards::default()).build().reject(hash)).unwrap();
    (0..20).for_each(|n| world.provider.add_member(Membership::new(gid(0), uid(2 * n + 1))));
    for _ in 0..2 {
        let report = world.sync(Safeguards::default());
        assert_eq!((report.outcome, report.held.map(|held| held.hash)), (Outcome::Done, Some(hash)));
    }
}

#[test]
fn p04_what_is_left_of_a_rejected_set_is_for_the_limits_to_decide() {
    let (world, hash) = held();
    block_on(world.builder(Safeguards::default()).build().reject(hash)).unwrap();
    (0..2).for_each(|n| world.provider.put_user(active(n)));
    assert_eq!(world.sync(Safeguards::default()).changes.get(idsync_core::ChangeKind::UserDeleted), 10);
    assert_eq!(world.held(), None);
}

#[test]
fn p04_a_set_says_what_was_decided_about_it_before_a_run_acts_on_that() {
    let (world, hash) = held();
    let engine = world.builder(Safeguards::default()).build();
    let standing = || {
        let standing = world.held().unwrap().summary.standing;
        assert_eq!(block_on(engine.status()).unwrap().held.unwrap().summary.standing, standing);
        standing
    };
    assert_eq!(standing(), Standing::Open);
    block_on(engine.approve(hash)).unwrap();
    assert_eq!(standing(), Standing::Approved);
    assert_eq!(serde_json::to_value(Standing::Approved).unwrap(), "approved");
    // Whoever approved may think again.
    block_on(engine.reject(hash)).unwrap();
    assert_eq!(standing(), Standing::Rejected);
    block_on(engine.approve(hash)).unwrap();
    world.clock.advance(24 * HOUR - Duration::from_millis(1));
    assert_eq!(standing(), Standing::Approved);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(standing(), Standing::Open, "the approval ran out");
    block_on(engine.approve(hash)).unwrap();
    assert_eq!(block_on(engine.sync()).unwrap().held, None);
    assert_eq!(world.held(), None);
}

#[test]
fn p17_what_is_printed_of_a_plan_a_held_set_a_status_and_a_report_names_nobody() {
    let (world, hash) = held();
    let engine = world.builder(Safeguards::default()).build();
    world.provider.put_user(active(900));
    let (plan, report) = (block_on(engine.plan()).unwrap(), block_on(engine.sync()).unwrap());
    let held = format!("24 changes held: 12 of 60 users would go, 10 may (hash {hash})");
    let set = format!("{held}, since 1970-01-01T00:00:00.000Z\n3 groups would lose members, 0 all of them");
    assert_eq!(plan.to_string(), format!("memory:directory: 1 user created (hash {})\n{set}", plan.hash.unwrap()));
    assert_eq!(report.to_string(), format!("memory:directory: 61 users, 60 groups, 60 memberships\n1 user created\n{held}"));
    assert_eq!(world.held().unwrap().to_string(), set);
    assert_eq!(block_on(engine.status()).unwrap().to_string(), format!("memory:directory: held on 1970-01-01T00:00:00.000Z\n{set}"));
    block_on(engine.reject(hash)).unwrap();
    assert!(world.held().unwrap().to_string().starts_with(&format!("{held}; rejected, since")));
}
