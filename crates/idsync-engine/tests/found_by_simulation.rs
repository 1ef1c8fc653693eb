//! What the simulation found once, made as small as it goes.

use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{Group, GroupId, Membership, User, UserId, UserStatus};
use idsync_engine::{Limit, Outcome, Safeguards, SyncEngine};

fn user(id: &str) -> User {
    User::new(UserId::new(id).unwrap(), UserStatus::Active)
}

fn small_directory() -> MemoryProvider {
    let provider = MemoryProvider::new();
    provider.put_user(user("u1"));
    provider.put_user(user("u2"));
    provider.put_group(Group::new(GroupId::new("g1").unwrap(), "Staff"));
    provider
}

#[test]
fn p04_applying_a_plan_of_which_everything_is_held_does_not_say_done() {
    let (provider, store, sink) = (small_directory(), MemoryStore::new(), MemorySink::new());
    let limits = Safeguards::all(Limit::Count(0));
    let engine = SyncEngine::builder(provider.clone(), store, sink).safeguards(limits).build();
    block_on(engine.sync()).unwrap();
    provider.remove_user(&UserId::new("u2").unwrap());
    let plan = block_on(engine.plan()).unwrap();
    assert!(plan.hash.is_none() && plan.held.is_some());
    let report = block_on(engine.apply(&plan)).unwrap();
    assert_eq!((report.outcome, report.held), (Outcome::Held, plan.held));
    assert_eq!(report.change_set, None);
}

#[test]
fn p10_an_approved_deletion_ends_memberships_that_a_listing_still_shows() {
    let (provider, sink) = (small_directory(), MemorySink::new());
    let membership = Membership::new(GroupId::new("g1").unwrap(), UserId::new("u2").unwrap());
    provider.add_member(membership.clone());
    let limits = Safeguards::default().with_users(Limit::Count(0));
    let engine = SyncEngine::builder(provider.clone(), MemoryStore::new(), sink.clone()).safeguards(limits).build();
    block_on(engine.sync()).unwrap();
    provider.remove_user(&membership.user);
    // The listing of the group's members has not noticed yet.
    provider.add_member(membership);
    let held = block_on(engine.sync()).unwrap().held.unwrap();
    block_on(engine.approve(held.hash)).unwrap();
    let report = block_on(engine.sync()).unwrap();
    assert_eq!((report.outcome, report.escrowed, report.first_refusal), (Outcome::Done, 0, None));
    assert_eq!(sink.snapshot(), provider.snapshot());
}
