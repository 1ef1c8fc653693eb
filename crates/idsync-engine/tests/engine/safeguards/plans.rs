//! Plans of which everything is held, or that have nothing to do.

use super::{Kind, World, active, gid, held, uid};
use futures::executor::block_on;
use idsync_core::Membership;
use idsync_engine::{Outcome, Safeguards, Standing, SyncError};

#[test]
fn p14_a_plan_without_changes_that_is_out_of_date_is_refused_and_leaves_decisions_alone() {
    let world = World::new(60, 3);
    let engine = world.builder(Safeguards::default()).build();
    let empty = block_on(engine.plan()).unwrap();
    world.remove(Kind::Users, 0, 12);
    let held_only = block_on(engine.plan()).unwrap();
    assert_eq!((empty.hash, held_only.hash, held_only.held.is_some()), (None, None, true));
    // Neither has a hash, so that none is named.
    let error = block_on(engine.apply(&empty)).unwrap_err();
    assert!(matches!(error, SyncError::StalePlan { expected: None, found: None, .. }), "there is a newer one: {error:?}");
    let hash = block_on(engine.sync()).unwrap().held.unwrap().hash;
    block_on(engine.reject(hash)).unwrap();
    for plan in [empty, held_only] {
        assert!(matches!(block_on(engine.apply(&plan)).unwrap_err(), SyncError::StalePlan { expected: None, .. }));
        assert_eq!(world.held().unwrap().summary.standing, Standing::Rejected);
    }
}

#[test]
fn p14_a_plan_without_changes_is_applied_once() {
    let (world, hash) = held();
    let engine = world.builder(Safeguards::default()).build();
    let plan = block_on(engine.plan()).unwrap();
    assert_eq!(block_on(engine.apply(&plan)).unwrap().held.unwrap().hash, hash);
    assert!(matches!(block_on(engine.apply(&plan)).unwrap_err(), SyncError::StalePlan { .. }));
    for n in 0..12 {
        world.provider.put_user(active(n));
        world.provider.add_member(Membership::new(gid(n % 3), uid(n)));
    }
    let plan = block_on(engine.plan()).unwrap();
    assert_eq!((plan.hash, world.held().is_some()), (None, true), "a plan changes nothing");
    assert_eq!(block_on(engine.apply(&plan)).unwrap().outcome, Outcome::Done);
    assert_eq!(world.held(), None, "nobody wants it any more");
    assert!(matches!(block_on(engine.apply(&plan)).unwrap_err(), SyncError::StalePlan { .. }));
}
