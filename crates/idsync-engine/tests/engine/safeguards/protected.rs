//! Entries that are never removed.

use super::{HOUR, Kind, World, gid, uid};
use futures::executor::block_on;
use idsync_core::UserStatus;
use idsync_engine::{Outcome, Protected, Safeguards};

#[test]
fn p04_protected_entries_are_never_removed_not_even_approved() {
    let world = World::new(60, 60);
    let protected = Protected::nobody().logins(["USER0"]).user_ids([uid(1)]).users(|user| user.id == uid(2)).group_ids([gid(59)]);
    let protected = protected.groups(|group| group.name == "Group 58");
    let engine = world.builder(Safeguards::default()).protect(protected).build();
    world.remove(Kind::Users, 0, 2);
    world.remove(Kind::Deactivations, 2, 1);
    world.remove(Kind::Groups, 0, 3);
    let report = block_on(engine.sync()).unwrap();
    assert_eq!((report.outcome, report.evidence.protected), (Outcome::Done, 5), "{report}");
    let snapshot = world.sink.snapshot();
    assert!([0, 1, 2].iter().all(|n| snapshot.user(&uid(*n)).is_some_and(|user| user.status == UserStatus::Active)));
    assert!(snapshot.group(&gid(59)).is_some() && snapshot.group(&gid(58)).is_some() && snapshot.group(&gid(57)).is_none());
    assert_eq!(block_on(engine.sync()).unwrap().changes.total(), 0, "and so it stays");

    world.remove(Kind::Users, 10, 20);
    let hash = block_on(engine.sync()).unwrap().held.unwrap().hash;
    block_on(engine.approve(hash)).unwrap();
    block_on(engine.sync()).unwrap();
    assert_eq!(world.sink.snapshot().users().len(), 40, "those who are protected are left");
    assert!(world.sink.snapshot().user(&uid(0)).is_some());
}

#[test]
fn p04_protected_entries_that_are_gone_take_nothing_of_what_others_may() {
    for kind in [Kind::Users, Kind::Groups, Kind::Deactivations] {
        let world = World::new(60, 1);
        let protected = Protected::nobody().user_ids((0..12).map(uid)).group_ids((48..60).map(gid));
        let engine = world.builder(Safeguards::default()).protect(protected).build();
        let run = || {
            world.clock.advance(25 * HOUR);
            block_on(engine.sync()).unwrap()
        };
        world.remove(kind, 0, 12);
        let report = run();
        assert_eq!((report.outcome, report.evidence.protected, report.evidence.looked_up), (Outcome::Done, 12, 0), "{kind:?} {report}");
        world.remove(kind, 20, 10);
        let report = run();
        assert_eq!((report.outcome, report.changes.total() >= 10), (Outcome::Done, true), "{kind:?} {report}");
        world.remove(kind, 30, 11);
        assert_eq!(run().outcome, Outcome::Held, "{kind:?}");
    }
}
