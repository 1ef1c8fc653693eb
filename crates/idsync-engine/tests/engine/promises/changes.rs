//! What the sink is told: exactly what changed, in a safe order.

use super::faulty::Faulty;
use super::synced;
use crate::support::twisted::{Twist, Twisted};
use crate::support::{gid, member, uid};
use async_trait::async_trait;
use futures::TryStreamExt;
use futures::executor::block_on;
use idsync_core::memory::{MemorySink, MemoryStore};
use idsync_core::{
    BaseKind, Batch, BatchOutcome, Change, ChangeKind, DirectorySink, Group, Phase, RemovalReason, Result, StateStore, User, UserStatus,
};
use idsync_engine::SyncEngine;
use std::fmt;
use std::sync::{Arc, Mutex};

#[test]
fn p07_a_rename_is_an_update_and_a_group_that_vanished_says_so() {
    let world = synced();
    world.provider.inner.put_user(User::new(uid("u01"), UserStatus::Active).with_login("renamed"));
    world.provider.inner.remove_group(&gid("g1"));
    let already = world.sink.history().len();
    block_on(world.engine.sync()).unwrap();
    let history: Vec<_> = world.sink.history().split_off(already).into_iter().map(|delivery| delivery.change).collect();
    let kinds: Vec<_> = history.iter().map(Change::kind).collect();
    use ChangeKind::{GroupDeleted, GroupUserRemoved, UserUpdated};
    assert_eq!(kinds, [GroupUserRemoved, GroupUserRemoved, GroupUserRemoved, UserUpdated, GroupDeleted]);
    assert!(history[..3].iter().all(|change| matches!(change, Change::GroupUserRemoved { reason: RemovalReason::GroupDeleted, .. })));
}

#[test]
fn p08_an_update_carries_the_previous_values() {
    let world = synced();
    world.provider.inner.put_user(User::new(uid("u01"), UserStatus::Active).with_login("renamed").with_attribute("title", "Boss"));
    block_on(world.engine.sync()).unwrap();
    let Change::UserUpdated { changed, .. } = world.sink.history().pop().unwrap().change else { panic!("not an update") };
    let json = serde_json::to_value(&changed).unwrap();
    assert_eq!(
        json,
        serde_json::json!([
            {"field": "attributes.title", "after": "Boss"},
            {"field": "login", "before": "user1", "after": "renamed"},
        ])
    );
}

#[test]
fn p10_phases_come_in_order_and_never_mix_in_a_batch() {
    #[derive(Debug, Clone, Default)]
    struct Watcher(Arc<Mutex<Vec<Phase>>>, MemorySink);
    impl fmt::Display for Watcher {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Watcher")
        }
    }
    #[async_trait]
    impl DirectorySink for Watcher {
        async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
            assert!(batch.deliveries.iter().all(|delivery| delivery.change.phase() == batch.phase));
            self.0.lock().unwrap().push(batch.phase);
            self.1.apply(batch).await
        }
    }
    let (provider, sink) = (Faulty::new(), Watcher::default());
    let engine = SyncEngine::builder(Twisted(provider.clone()), MemoryStore::new(), sink.clone()).build();
    block_on(engine.sync()).unwrap();
    sink.0.lock().unwrap().clear();
    provider.inner.put_user(User::new(uid("u02"), UserStatus::Suspended).with_login("user2"));
    provider.inner.put_user(User::new(uid("u04"), UserStatus::Active).with_login("renamed"));
    provider.inner.remove_user(&uid("u01"));
    provider.inner.remove_group(&gid("g3"));
    provider.inner.put_user(User::new(uid("u98"), UserStatus::Active));
    provider.inner.put_group(Group::new(gid("g9"), "New"));
    provider.inner.add_member(member("g9", "u98"));
    block_on(engine.sync()).unwrap();
    assert_eq!(*sink.0.lock().unwrap(), Phase::ALL);
    assert_eq!(sink.1.snapshot(), provider.inner.snapshot());
}

#[test]
fn row10_repeats_and_empty_pages_make_no_difference() {
    let (provider, sink) = (Faulty::new(), MemorySink::new());
    provider.set(|faults| faults.everything_twice = true);
    let engine = SyncEngine::builder(Twisted(provider.clone()), MemoryStore::new(), sink.clone()).build();
    let report = block_on(engine.sync()).unwrap();
    assert_eq!(report.changes.total(), 12 + 3 + 4);
    assert_eq!(sink.snapshot(), provider.inner.snapshot());
    assert_eq!(block_on(engine.sync()).unwrap().changes.total(), 0);
}

#[test]
fn p21_a_run_that_finds_nothing_new_writes_its_record_and_nothing_else() {
    let world = synced();
    let (directory, before) = block_on(async {
        let id = world.provider.identify().await.unwrap().id;
        let head = world.store.head(&id).await.unwrap();
        (id, head)
    });
    block_on(world.engine.sync()).unwrap();
    block_on(async {
        assert_eq!(world.store.head(&directory).await.unwrap(), before);
        assert_eq!(world.store.journal(&directory).await.unwrap(), None);
        let runs = world.store.runs(&directory, 10).await.unwrap();
        assert_eq!(runs.len(), 2, "each run leaves its record");
        assert_eq!(runs[0].outcome, "done");
        for kind in [BaseKind::Escrow, BaseKind::Checkpoint] {
            assert_eq!(world.store.index(&directory, kind).try_concat().await.unwrap(), []);
        }
    });
}
