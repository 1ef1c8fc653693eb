//! What the simulation found once, made as small as it goes.

use crate::support::refusing::apply_but;
use crate::support::twisted::{Twist, Twisted};
use crate::support::uid;
use async_trait::async_trait;
use futures::StreamExt;
use futures::executor::block_on;
use futures::stream::{self, BoxStream};
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Batch, BatchOutcome, Counts, Delivery, Digest, DirectorySink, Error, ErrorKind, Group, GroupId,
    IdentityProvider, Membership, Page, ReadOptions, Result, RunContext, StateStore, User, UserId, UserStatus,
};
use idsync_engine::{CheckpointPolicy, Limit, Outcome, Safeguards, SyncEngine, SyncError};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn user(id: &str) -> User {
    User::new(UserId::new(id).unwrap(), UserStatus::Active)
}

fn member(id: &str) -> Membership {
    crate::support::member("g1", id)
}

/// A sink that refuses what creates or changes one user, or everything, and notes what was tried.
#[derive(Debug, Clone, Default)]
struct Picky {
    inner: MemorySink,
    refuses: Arc<Mutex<Option<UserId>>>,
    is_down: Arc<Mutex<bool>>,
    never_finishes: Arc<Mutex<bool>>,
    tried: Arc<Mutex<Vec<String>>>,
}

impl Picky {
    fn take_tried(&self) -> Vec<String> {
        std::mem::take(&mut self.tried.lock().unwrap())
    }
}

impl fmt::Display for Picky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Picky")
    }
}

#[async_trait]
impl DirectorySink for Picky {
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        if *self.is_down.lock().unwrap() {
            return Err(Error::new(ErrorKind::Unavailable, "the sink is down"));
        }
        let refusal = |delivery: &Delivery| {
            let change = &delivery.change;
            self.tried.lock().unwrap().push(format!("{} {}", change.kind(), change.user().map(ToString::to_string).unwrap_or_default()));
            let is_refused = change.group().is_none() && change.user() == self.refuses.lock().unwrap().as_ref();
            is_refused.then(|| Error::new(ErrorKind::InvalidData, "too long for this sink"))
        };
        apply_but(&self.inner, batch, refusal).await
    }

    async fn finish(&self, _run: &RunContext, _applied: &Counts) -> Result<()> {
        if *self.never_finishes.lock().unwrap() { Err(Error::new(ErrorKind::Unavailable, "the sink is down")) } else { Ok(()) }
    }
}

/// A provider that cannot read the members of one group.
#[derive(Debug)]
struct Patchy(MemoryProvider);

impl Twist for Patchy {
    fn inner(&self) -> &MemoryProvider {
        &self.0
    }
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        if group.as_str() == "g2" {
            stream::iter([Err(Error::new(ErrorKind::Timeout, "planted"))]).boxed()
        } else {
            self.0.members(group, options)
        }
    }
}

/// Makes the store fail whenever it is asked for what the sink refused, or mends it.
async fn damage_escrow(store: &MemoryStore, provider: &MemoryProvider, is_damaged: bool) {
    let directory = provider.identify().await.unwrap().id;
    let lease = store.acquire(&directory, "somebody").await.unwrap();
    let record = is_damaged.then(|| BaseRecord::new(Digest::default(), b"garbage".to_vec()));
    let key = "4\0u9".to_owned();
    let write = record
        .map_or_else(|| BaseWrite::delete(BaseKind::Escrow, key.clone()), |record| BaseWrite::put(BaseKind::Escrow, key.clone(), record));
    store.write_base(&lease, vec![write]).await.unwrap();
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

#[test]
fn a_delivery_that_cannot_be_taken_up_again_leaves_its_record_too() {
    let (provider, store, sink) = (small_directory(), MemoryStore::new(), Picky::default());
    let engine = SyncEngine::builder(provider.clone(), store.clone(), sink.clone()).build();
    *sink.is_down.lock().unwrap() = true;
    assert!(matches!(block_on(engine.sync()), Err(SyncError::Sink(_))));
    *sink.is_down.lock().unwrap() = false;
    block_on(damage_escrow(&store, &provider, true));
    assert!(matches!(block_on(engine.sync()), Err(SyncError::Store(_))));
    let runs = block_on(async { store.runs(&provider.identify().await.unwrap().id, 10).await.unwrap() });
    assert_eq!(runs.iter().map(|run| run.outcome.as_str()).collect::<Vec<_>>(), ["failed", "failed"]);
}

#[test]
fn applying_a_plan_while_something_waits_does_not_say_done() {
    let (provider, sink) = (small_directory(), Picky::default());
    *sink.refuses.lock().unwrap() = Some(uid("u2"));
    let engine = SyncEngine::builder(provider.clone(), MemoryStore::new(), sink.clone()).build();
    for _ in 0..2 {
        assert_eq!(block_on(engine.sync()).unwrap().outcome, Outcome::Refused);
    }
    for (new, changes) in [(None, 0), (Some("u3"), 1)] {
        new.into_iter().for_each(|id| provider.put_user(user(id)));
        let plan = block_on(engine.plan()).unwrap();
        assert_eq!((plan.waiting, plan.changes.total(), plan.hash.is_some()), (1, changes, changes > 0));
        let report = block_on(engine.apply(&plan)).unwrap();
        assert_eq!((report.outcome, report.escrowed, report.changes.total()), (Outcome::Refused, 1, changes), "{report}");
        assert!(report.retry_at.is_some());
        assert_eq!(report.first_refusal.as_deref(), Some("too long for this sink"));
    }
}

#[test]
fn p10_what_is_approved_waits_with_what_it_depends_on() {
    let (provider, sink) = (small_directory(), Picky::default());
    let limits = Safeguards::all(Limit::Unlimited).with_creations(Limit::Count(1)).with_window(Duration::ZERO);
    let engine = SyncEngine::builder(provider.clone(), MemoryStore::new(), sink.clone()).safeguards(limits).build();
    block_on(engine.sync()).unwrap();
    *sink.refuses.lock().unwrap() = Some(uid("u9"));
    provider.put_user(user("u9"));
    for _ in 0..2 {
        assert_eq!(block_on(engine.sync()).unwrap().escrowed, 1);
    }
    ["u1", "u2", "u9"].into_iter().for_each(|id| provider.add_member(member(id)));
    let held = block_on(engine.sync()).unwrap().held.unwrap();
    assert_eq!(held.by_kind["group.user_added"], 3, "more memberships than may");
    sink.take_tried();
    block_on(engine.approve(held.hash)).unwrap();
    let report = block_on(engine.sync()).unwrap();
    assert_eq!((report.outcome, report.escrowed, report.held), (Outcome::Refused, 2, None), "the user and the membership");
    assert_eq!(sink.take_tried(), ["group.user_added u1", "group.user_added u2"]);
    *sink.refuses.lock().unwrap() = None;
    block_on(engine.release()).unwrap();
    assert_eq!(block_on(engine.sync()).unwrap().outcome, Outcome::Done);
    assert_eq!(sink.inner.snapshot(), provider.snapshot());
}

#[test]
fn p01_who_was_thought_to_be_gone_keeps_his_memberships_when_the_read_is_gone_on_with() {
    let (provider, store, sink) = (small_directory(), MemoryStore::new(), MemorySink::new());
    ["u1", "u2"].into_iter().for_each(|id| provider.add_member(member(id)));
    let policy = CheckpointPolicy::new(Duration::ZERO, Duration::from_secs(3_600));
    let engine = SyncEngine::builder(provider.clone(), store.clone(), sink.clone()).checkpoint(policy).build();
    block_on(engine.sync()).unwrap();
    provider.remove_user(&uid("u2"));
    // The listing of the group's members has not noticed yet.
    provider.add_member(member("u2"));
    // The run fails after it has read everything, and somebody brings the user back.
    block_on(damage_escrow(&store, &provider, true));
    assert!(matches!(block_on(engine.sync()), Err(SyncError::Store(_))));
    block_on(damage_escrow(&store, &provider, false));
    provider.put_user(user("u2"));
    let report = block_on(engine.sync()).unwrap();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Done, 0), "{report}");
    assert_eq!(sink.snapshot(), provider.snapshot());
}

#[test]
fn p04_an_approval_is_good_once_also_when_not_everything_could_be_read() {
    let (provider, sink) = (small_directory(), MemorySink::new());
    provider.add_member(member("u1"));
    let limits = Safeguards::all(Limit::Unlimited).with_memberships(Limit::Count(0)).with_window(Duration::ZERO);
    let engine = SyncEngine::builder(Twisted(Patchy(provider.clone())), MemoryStore::new(), sink.clone()).safeguards(limits).build();
    block_on(engine.sync()).unwrap();
    // From now on, no read is complete.
    provider.put_group(Group::new(GroupId::new("g2").unwrap(), "Others"));
    provider.remove_member(&member("u1"));
    let report = block_on(engine.sync()).unwrap();
    assert_eq!(report.outcome, Outcome::Incomplete);
    let held = report.held.unwrap();
    block_on(engine.approve(held.hash)).unwrap();
    assert_eq!(block_on(engine.sync()).unwrap().changes.total(), 1);
    provider.add_member(member("u1"));
    assert_eq!(block_on(engine.sync()).unwrap().changes.total(), 1);
    provider.remove_member(&member("u1"));
    let report = block_on(engine.sync()).unwrap();
    assert_eq!((report.changes.total(), report.held.map(|held| held.hash)), (0, Some(held.hash)), "it is asked about again");
}

#[test]
fn p04_an_approval_is_good_once_also_when_no_run_comes_to_its_end() {
    let (provider, sink) = (small_directory(), Picky::default());
    provider.add_member(member("u1"));
    let limits = Safeguards::all(Limit::Unlimited).with_memberships(Limit::Count(0)).with_window(Duration::ZERO);
    let engine = SyncEngine::builder(provider.clone(), MemoryStore::new(), sink.clone()).safeguards(limits).build();
    block_on(engine.sync()).unwrap();
    provider.remove_member(&member("u1"));
    let held = block_on(engine.sync()).unwrap().held.unwrap();
    block_on(engine.approve(held.hash)).unwrap();
    *sink.never_finishes.lock().unwrap() = true;
    assert!(matches!(block_on(engine.sync()), Err(SyncError::Sink(_))), "applied, and then it failed");
    provider.add_member(member("u1"));
    assert!(matches!(block_on(engine.sync()), Err(SyncError::Sink(_))));
    provider.remove_member(&member("u1"));
    let report = block_on(engine.sync()).unwrap();
    assert_eq!((report.changes.total(), report.held.map(|held| held.hash)), (0, Some(held.hash)), "it is asked about again");
}
