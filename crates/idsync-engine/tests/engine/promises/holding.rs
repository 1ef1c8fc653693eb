//! What is over a limit, and what cannot be understood, is held.

use super::synced;
use crate::support::{gid, member, uid};
use futures::executor::block_on;
use idsync_core::{User, UserStatus};
use idsync_engine::{Limit, Outcome, Safeguards};
use std::sync::atomic::Ordering;

#[test]
fn p04_above_the_limit_removals_are_held_unasked_and_the_rest_goes_on() {
    let world = synced();
    let engine = world.builder().safeguards(Safeguards::default().with_users(Limit::Count(1))).build();
    for user in ["u01", "u11"] {
        world.provider.inner.remove_user(&uid(user));
    }
    world.provider.inner.put_user(User::new(uid("u99"), UserStatus::Active));
    let report = block_on(engine.sync()).unwrap();
    let held = report.held.unwrap();
    assert_eq!(report.outcome, Outcome::Held);
    assert_eq!(world.provider.lookups.load(Ordering::Relaxed), 0, "what is held is not asked for");
    assert_eq!(held.by_kind.get("user.deleted"), Some(&2));
    assert_eq!(held.by_kind.get("group.user_removed"), Some(&2), "what a held user was in stays with it");
    let snapshot = world.sink.snapshot();
    assert!(snapshot.user(&uid("u01")).is_some() && snapshot.user(&uid("u99")).is_some());
    assert!(snapshot.memberships().any(|membership| *membership == member("g2", "u01")));
    assert_eq!(block_on(engine.sync()).unwrap().held.unwrap().total, held.total, "held again, not forgotten");
    world.converges();
}

#[test]
fn p04_a_limit_is_the_most_that_goes_through() {
    for (removed, outcome) in [(1, Outcome::Done), (2, Outcome::Done), (3, Outcome::Held)] {
        let world = synced();
        let engine = world.builder().safeguards(Safeguards::all(Limit::Count(2))).build();
        for n in 0..removed {
            world.provider.inner.remove_user(&uid(&format!("u{:02}", 12 - n)));
        }
        assert_eq!(block_on(engine.sync()).unwrap().outcome, outcome, "{removed} removed");
    }
}

#[test]
fn p04_row26_deactivations_and_memberships_have_limits_of_their_own() {
    let world = synced();
    let engine =
        world.builder().safeguards(Safeguards::default().with_deactivations(Limit::Count(0)).with_memberships(Limit::Count(1))).build();
    world.provider.inner.put_user(User::new(uid("u05"), UserStatus::Suspended).with_login("user5"));
    world.provider.inner.remove_group(&gid("g1"));
    let held = block_on(engine.sync()).unwrap().held.unwrap();
    assert_eq!(held.by_kind.get("user.updated"), Some(&1));
    assert_eq!(held.by_kind.get("group.user_removed"), Some(&3));
    assert_eq!(held.by_kind.get("group.deleted"), Some(&1), "a group cannot go while its members stay");
    assert_eq!(world.sink.snapshot().memberships().len(), 4);
}

#[test]
fn p05_row22_a_record_that_cannot_be_understood_is_left_as_it_is() {
    let world = synced();
    let before = world.sink.snapshot();
    world.provider.set(|faults| faults.held_users = vec!["u03"]);
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.changes.total(), report.evidence.users.held), (Outcome::Done, 0, 1));
    let named = &report.evidence.not_understood[0];
    assert_eq!((named.listing, named.id.as_deref(), named.reason.as_str()), ("users", Some("u03"), "profile is a number"));
    assert_eq!(world.sink.snapshot(), before);
}

#[test]
fn p05_a_listing_of_which_too_much_cannot_be_understood_is_not_complete() {
    let world = synced();
    let before = world.sink.snapshot();
    let all = ["u01", "u02", "u03", "u04", "u05", "u06", "u07", "u08", "u09", "u10", "u11", "u12"];
    for (count, outcome) in [(10, Outcome::Done), (11, Outcome::Incomplete)] {
        world.provider.set(|faults| faults.held_users = all[..count].to_vec());
        let report = block_on(world.engine.sync()).unwrap();
        assert_eq!((report.outcome, report.complete, report.changes.total()), (outcome, count == 10, 0));
        assert_eq!(world.sink.snapshot(), before);
    }
}
