//! Changes that the sink refuses, and what depends on them.

use super::{HOUR, MINUTE, World, user};
use crate::support::{gid, uid};
use futures::executor::block_on;
use idsync_core::{EntryId, Group, Membership, User, UserStatus};
use idsync_engine::Outcome;
use std::time::Duration;

#[test]
fn p12_a_refused_change_waits_longer_each_time_and_its_dependants_with_it() {
    let world = World::new();
    world.sink.refuse([user("ana")]);
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.escrowed, report.changes.total()), (Outcome::Refused, 2, 4), "{report}");
    assert_eq!(world.escrow(), ["user.created ana - 1"], "what only depends on it has no back-off of its own");
    assert_eq!(block_on(world.engine.escrow()).unwrap()[0].reason, "too long for this sink");
    world.sink.take_tried();

    // Once more with the next run, then after 5, 10, 20 minutes, never before.
    assert_eq!(block_on(world.engine.sync()).unwrap().outcome, Outcome::Refused);
    assert_eq!(world.sink.take_tried(), ["user.created ana"]);
    for (attempt, wait) in [(3, 5), (4, 10), (5, 20)] {
        world.clock.advance(wait * MINUTE - Duration::from_millis(1));
        let early = block_on(world.engine.sync()).unwrap();
        assert_eq!((early.outcome, early.escrowed, early.changes.total()), (Outcome::Refused, 2, 0));
        assert_eq!(early.retry_at, Some(idsync_core::Clock::now(&*world.clock).saturating_add(Duration::from_millis(1))));
        assert_eq!(early.first_refusal.as_deref(), Some("too long for this sink"));
        assert_eq!(world.sink.take_tried(), [] as [&str; 0], "before its time");
        world.clock.advance(Duration::from_millis(1));
        assert_eq!(block_on(world.engine.sync()).unwrap().escrowed, 2);
        assert_eq!(world.sink.take_tried(), ["user.created ana"], "and its membership is not tried without her");
        assert_eq!(world.escrow(), [format!("user.created ana - {attempt}")]);
    }

    // Everything else goes on meanwhile.
    world.provider.inner.put_user(User::new(uid("tom"), UserStatus::Active));
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.changes.total(), report.escrowed), (Outcome::Refused, 1, 2));
    world.sink.refuse([]);
    world.clock.advance(40 * MINUTE);
    assert_eq!(block_on(world.engine.sync()).unwrap().outcome, Outcome::Done);
    assert_eq!(world.escrow(), [] as [&str; 0]);
    world.assert_equal();
}

#[test]
fn everybody_in_a_large_group_waits_for_it_and_comes_with_it() {
    let world = World::new();
    world.sink.refuse([EntryId::Group(gid("large"))]);
    world.provider.inner.put_group(Group::new(gid("large"), "Large"));
    for n in 0..3_500 {
        world.provider.inner.put_user(User::new(uid(&format!("u{n}")), UserStatus::Active));
        world.provider.inner.add_member(Membership::new(gid("large"), uid(&format!("u{n}"))));
    }
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.escrowed), (Outcome::Refused, 3_501));
    assert!(!world.sink.take_tried().iter().any(|tried| tried.starts_with("group.user_added large")));
    world.sink.refuse([]);
    world.clock.advance(24 * HOUR);
    assert_eq!(block_on(world.engine.sync()).unwrap().outcome, Outcome::Done);
    world.assert_equal();
}

#[test]
fn a_change_that_became_another_one_is_tried_at_once_and_one_that_is_not_wanted_any_more_is_forgotten() {
    let world = World::new();
    block_on(world.engine.sync()).unwrap();
    world.sink.refuse([user("ana")]);
    let ana = |title: &str| User::new(uid("ana"), UserStatus::Active).with_login("ana").with_attribute("title", title);
    world.provider.inner.put_user(ana("a very long title"));
    block_on(world.engine.sync()).unwrap();
    block_on(world.engine.sync()).unwrap();
    assert_eq!(world.escrow(), ["user.updated ana - 2"]);
    world.sink.take_tried();
    world.provider.inner.put_user(ana("another long title"));
    block_on(world.engine.sync()).unwrap();
    assert_eq!((world.sink.take_tried(), world.escrow()), (vec!["user.updated ana".to_owned()], vec!["user.updated ana - 1".to_owned()]));
    world.provider.inner.put_user(User::new(uid("ana"), UserStatus::Active).with_login("ana"));
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.escrowed), (Outcome::Done, 0), "{report}");
    assert_eq!((world.sink.take_tried(), world.escrow()), (vec![], vec![]));
}

#[test]
fn p10_a_removal_in_escrow_keeps_the_deletion_of_its_ends_waiting() {
    let world = World::new();
    block_on(world.engine.sync()).unwrap();
    world.sink.refuse([EntryId::Group(gid("staff"))]);
    world.provider.inner.remove_user(&uid("ben"));
    block_on(world.engine.sync()).unwrap();
    block_on(world.engine.sync()).unwrap();
    world.sink.take_tried();
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.escrowed, world.sink.take_tried()), (2, vec![]), "the membership waits, and so does the user");
    assert!(world.sink.inner.snapshot().user(&uid("ben")).is_some());
    let plan = block_on(world.engine.plan()).unwrap();
    assert_eq!((plan.hash, plan.waiting, plan.changes.total()), (None, 2, 0));
    world.sink.refuse([]);
    block_on(world.engine.release()).unwrap();
    assert_eq!(block_on(world.engine.sync()).unwrap().outcome, Outcome::Done, "what is released is tried at once");
    world.assert_equal();
}
