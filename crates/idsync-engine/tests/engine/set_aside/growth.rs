//! Creations and updates, which have limits where somebody wants them.

use super::{HOUR, World};
use crate::support::{gid, uid};
use futures::executor::block_on;
use idsync_core::{Group, Membership, User, UserStatus};
use idsync_engine::{Limit, Outcome, Safeguards};

#[test]
fn p04_creations_and_updates_are_held_only_when_they_are_limited_and_what_depends_on_them_with_them() {
    let world = World::new();
    let engine = |safeguards| world.builder().safeguards(safeguards).build();
    let limits = Safeguards::default().with_creations(Limit::Count(2)).with_updates(Limit::Count(1));
    assert_eq!(block_on(engine(limits).sync()).unwrap().outcome, Outcome::Done, "a first sync creates everything");
    for n in 0..3 {
        let id = uid(&format!("new{n}"));
        world.provider.inner.put_user(User::new(id.clone(), UserStatus::Active));
        if n == 0 {
            world.provider.inner.add_member(Membership::new(gid("staff"), id));
        }
    }
    world.provider.inner.put_group(Group::new(gid("staff"), "All staff"));
    let report = block_on(engine(limits).sync()).unwrap();
    let held = report.held.unwrap();
    assert_eq!((report.outcome, report.changes.total(), held.total), (Outcome::Held, 1, 4), "the rename goes, the rest is held");
    assert_eq!(held.reason, "3 users would be added to 3, 2 may");
    assert_eq!(held.by_kind["group.user_added"], 1, "a membership without its user would fail");
    // One update was made within the window already.
    world.provider.inner.put_group(Group::new(gid("staff"), "Staff"));
    let report = block_on(engine(limits).sync()).unwrap();
    assert_eq!(
        report.held.unwrap().reason,
        "1 of 2 groups would be updated after 1 lately, 1 may in all; 3 users would be added to 3, 2 may"
    );
    let hash = block_on(engine(limits).held()).unwrap().unwrap().summary.hash;
    block_on(engine(limits).approve(hash)).unwrap();
    assert_eq!(block_on(engine(limits).sync()).unwrap().outcome, Outcome::Done);
    world.assert_equal();
    world.clock.advance(25 * HOUR);
    for n in 0..2 {
        world.provider.inner.put_user(User::new(uid(&format!("later{n}")), UserStatus::Active));
    }
    assert_eq!(block_on(engine(limits).sync()).unwrap().outcome, Outcome::Done, "as many as may");
    world.provider.inner.put_user(User::new(uid("one more"), UserStatus::Active));
    let report = block_on(engine(limits).sync()).unwrap();
    assert_eq!(report.held.unwrap().reason, "1 users would be added to 6 after 2 lately, 2 may in all");
    world.provider.inner.put_user(User::new(uid("ana"), UserStatus::Suspended).with_login("ana"));
    let report = block_on(engine(Safeguards::default()).sync()).unwrap();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Done, 2), "without a limit everything goes");
}
