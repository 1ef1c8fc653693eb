//! A plan is applied as it was hashed, or refused.

use super::synced;
use crate::support::uid;
use futures::executor::block_on;
use idsync_core::{PlanHash, User, UserStatus};
use idsync_engine::SyncError;

#[test]
fn p14_a_plan_is_applied_as_hashed_or_refused() {
    let world = synced();
    world.provider.inner.put_user(User::new(uid("u98"), UserStatus::Active));
    let plan = block_on(world.engine.plan()).unwrap();
    assert_eq!(block_on(world.engine.plan()).unwrap().hash, plan.hash, "the same difference has the same hash");
    assert_eq!(world.sink.snapshot().users().len(), 12, "a plan changes nothing");
    let applied = block_on(world.engine.apply(&plan)).unwrap();
    assert_eq!((applied.changes.total(), applied.change_set), (1, plan.hash));
    assert!(matches!(block_on(world.engine.apply(&plan)).unwrap_err(), SyncError::StalePlan { .. }), "a plan is applied once");

    world.provider.inner.put_user(User::new(uid("u99"), UserStatus::Active));
    let hash = block_on(world.engine.plan()).unwrap().hash.unwrap();
    world.provider.inner.remove_user(&uid("u12"));
    let before = world.sink.snapshot();
    let error = block_on(world.engine.apply_hash(hash)).unwrap_err();
    let SyncError::StalePlan { expected, found, moved } = &error else { panic!("{error:?}") };
    assert_eq!(*expected, Some(hash));
    assert_eq!(moved, "it was to apply 1 user created; a plan made now would apply 1 user created, 1 user deleted");
    assert_eq!(world.sink.snapshot(), before);
    assert_eq!(block_on(world.engine.apply_hash(found.unwrap())).unwrap().changes.total(), 2);
    let other = PlanHash::from_bytes([7; 16]);
    let nothing = block_on(world.engine.apply_hash(other)).unwrap_err();
    assert!(matches!(nothing, SyncError::StalePlan { expected, found: None, .. } if expected == Some(other)), "{nothing:?}");
    assert!(nothing.to_string().ends_with("or there never was one; now there is nothing to apply"), "{nothing}");
    assert!(nothing.remedy().contains("a new plan"), "{}", nothing.remedy());
}

#[test]
fn p14_a_plan_is_refused_after_a_run_that_found_nothing_to_do() {
    let world = synced();
    world.provider.inner.put_user(User::new(uid("u99"), UserStatus::Active));
    let plan = block_on(world.engine.plan()).unwrap();
    world.provider.inner.remove_user(&uid("u99"));
    assert_eq!(block_on(world.engine.sync()).unwrap().changes.total(), 0);
    assert!(matches!(block_on(world.engine.apply(&plan)).unwrap_err(), SyncError::StalePlan { found: None, .. }));
    assert_eq!(world.sink.snapshot().users().len(), 12);
}
