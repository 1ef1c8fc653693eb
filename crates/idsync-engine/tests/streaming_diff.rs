//! The streaming diff of the engine, against the pure one and against the sink.

use futures::executor::block_on;
use futures::{StreamExt, TryStreamExt};
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{Change, ChangeSet, Group, GroupId, Membership, Snapshot, User, UserId, UserStatus};
use idsync_engine::{Limit, Safeguards, SyncEngine};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::num::NonZeroUsize;

fn user_id(n: u8) -> UserId {
    UserId::new(format!("00u{n}")).unwrap()
}

fn group_id(n: u8) -> GroupId {
    GroupId::new(format!("00g{n}")).unwrap()
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i16>().prop_map(Value::from),
        "[a-cé\u{1F600}]{0,3}".prop_map(Value::from),
        proptest::collection::vec("[a-b]{0,2}", 0..3).prop_map(|texts| json!(texts)),
    ]
}

fn status() -> impl Strategy<Value = UserStatus> {
    proptest::sample::select(vec!["ACTIVE", "SUSPENDED", "DEPROVISIONED", "STAGED", "ACTIVATING"]).prop_map(UserStatus::from)
}

fn user(n: u8) -> impl Strategy<Value = User> {
    (status(), proptest::option::of("[a-c]{1,2}"), proptest::collection::vec(("[x-z]", value()), 0..3)).prop_map(
        move |(status, login, attributes)| {
            let mut user = User::new(user_id(n), status);
            user.login = login;
            user.attributes = attributes.into_iter().collect();
            user
        },
    )
}

fn group(n: u8) -> impl Strategy<Value = Group> {
    ("[a-c]{0,2}", value()).prop_map(move |(name, description)| Group::new(group_id(n), name).with_attribute("description", description))
}

/// A small directory that shows at least one user and one group.
fn world() -> impl Strategy<Value = Snapshot> {
    let users = proptest::collection::btree_set(0..8_u8, 1..8).prop_flat_map(|ids| ids.into_iter().map(user).collect::<Vec<_>>());
    let groups = proptest::collection::btree_set(0..5_u8, 1..5).prop_flat_map(|ids| ids.into_iter().map(group).collect::<Vec<_>>());
    let memberships = proptest::collection::vec((0..5_u8, 0..8_u8), 0..24);
    (users, groups, memberships).prop_map(|(users, groups, memberships)| {
        let mut builder = Snapshot::builder();
        users.into_iter().for_each(|user| _ = builder.user(user));
        groups.into_iter().for_each(|group| _ = builder.group(group));
        memberships.into_iter().for_each(|(group, user)| _ = builder.membership(Membership::new(group_id(group), user_id(user))));
        builder.finish()
    })
}

/// Everything but the reasons of removals, which two snapshots cannot tell apart as finely as a read can.
fn said(changes: impl IntoIterator<Item = Change>) -> Vec<String> {
    changes
        .into_iter()
        .map(|change| {
            let mut json = serde_json::to_value(&change).unwrap();
            json.as_object_mut().unwrap().remove("reason");
            json.to_string()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn p06_streaming_and_pure_diff_agree_and_the_sink_becomes_the_source(worlds in proptest::collection::vec(world(), 1..4), page in 1..4_usize) {
        let provider = MemoryProvider::new().page_size(NonZeroUsize::new(page).unwrap());
        let sink = MemorySink::new();
        let engine = SyncEngine::builder(provider.clone(), MemoryStore::new(), sink.clone())
            .safeguards(Safeguards::all(Limit::Unlimited))
            .build();
        for target in worlds {
            provider.replace(&target);
            let before = sink.snapshot();
            let expected = ChangeSet::between(&before, &target);
            let plan = block_on(engine.plan()).unwrap();
            let planned: Vec<Change> = block_on(plan.changes().map_ok(|planned| planned.change).try_collect()).unwrap();
            prop_assert_eq!(said(planned), said(expected.clone()));
            prop_assert_eq!(plan.changes, expected.counts());
            let report = block_on(engine.sync()).unwrap();
            prop_assert_eq!(report.changes, expected.counts());
            prop_assert_eq!(sink.snapshot(), target.clone());
            prop_assert_eq!(expected.apply(&before).unwrap(), target);
            let again = block_on(engine.sync()).unwrap();
            prop_assert_eq!(again.changes.total(), 0);
        }
        prop_assert!(sink.history().iter().map(|delivery| delivery.key).collect::<std::collections::HashSet<_>>().len() == sink.history().len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn p06_the_pure_diff_is_canonical_and_says_nothing_of_what_is_the_same(base in world(), target in world()) {
        let changes = ChangeSet::between(&base, &target);
        prop_assert!(ChangeSet::between(&target, &target).is_empty());
        prop_assert_eq!(changes.apply(&base).unwrap(), target.clone());
        let positions: Vec<_> = changes.changes().iter().map(|change| (change.phase(), change.group().cloned(), change.user().cloned())).collect();
        prop_assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "ordered, and no entry twice");
        for change in changes.changes() {
            if let Change::UserUpdated { changed, .. } | Change::GroupUpdated { changed, .. } = change {
                prop_assert!(!changed.is_empty() && changed.iter().all(|field| field.before != field.after));
            }
        }
    }
}

#[test]
fn a_group_of_many_blocks_grows_shrinks_and_is_spread_anew() {
    let provider = MemoryProvider::new();
    let sink = MemorySink::new();
    let engine =
        SyncEngine::builder(provider.clone(), MemoryStore::new(), sink.clone()).safeguards(Safeguards::all(Limit::Unlimited)).build();
    let group = GroupId::new("00g").unwrap();
    provider.put_group(Group::new(group.clone(), "Everybody"));
    for n in 0..3_000 {
        provider.put_user(User::new(UserId::new(format!("00u{n:04}")).unwrap(), UserStatus::Active));
    }
    for size in [0, 10, 3_000, 2_990, 700, 701, 3] {
        let members: Vec<_> = (0..size).map(|n| UserId::new(format!("00u{:04}", (n * 7) % 3_000)).unwrap()).collect();
        for n in 0..3_000 {
            provider.remove_member(&Membership::new(group.clone(), UserId::new(format!("00u{n:04}")).unwrap()));
        }
        members.iter().for_each(|user| provider.add_member(Membership::new(group.clone(), user.clone())));
        block_on(engine.sync()).unwrap();
        assert_eq!(sink.snapshot(), provider.snapshot(), "{size} members");
        assert_eq!(block_on(engine.sync()).unwrap().changes.total(), 0);
    }
}

#[test]
fn one_run_per_tick() {
    let provider = MemoryProvider::new();
    provider.put_user(User::new(user_id(1), UserStatus::Active));
    provider.put_group(Group::new(group_id(1), "Staff"));
    let engine = SyncEngine::builder(provider, MemoryStore::new(), MemorySink::new()).build();
    let reports: Vec<_> = block_on(engine.run(futures::stream::iter([(), (), ()])).collect());
    let totals: Vec<_> = reports.into_iter().map(|report| report.unwrap().changes.total()).collect();
    assert_eq!(totals, [2, 0, 0]);
}
