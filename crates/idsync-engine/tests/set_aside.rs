//! What is set aside: changes that the sink refuses, and directories whose runs keep failing.

use async_trait::async_trait;
use futures::executor::block_on;
use futures::stream::BoxStream;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    Batch, BatchOutcome, ChangeOutcome, DirectoryInfo, DirectorySink, EntryId, Error, ErrorKind, Group, GroupId, IdentityProvider, Lookup,
    ManualClock, Membership, Page, ReadOptions, Result, StateStore, Timestamp, User, UserId, UserStatus,
};
use idsync_engine::{FailureCause, Limit, Outcome, QuarantinePolicy, Safeguards, SyncEngine, SyncError};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

fn uid(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

fn gid(text: &str) -> GroupId {
    GroupId::new(text).unwrap()
}

fn user(id: &str) -> EntryId {
    EntryId::User(uid(id))
}

/// A sink that refuses every change of some entries, and notes what was tried.
#[derive(Debug, Clone, Default)]
struct Choosy {
    inner: MemorySink,
    refuses: Arc<Mutex<Vec<EntryId>>>,
    tried: Arc<Mutex<Vec<String>>>,
    is_down: Arc<Mutex<bool>>,
}

impl Choosy {
    fn refuse(&self, entries: impl IntoIterator<Item = EntryId>) {
        *self.refuses.lock().unwrap() = entries.into_iter().collect();
    }

    fn take_tried(&self) -> Vec<String> {
        std::mem::take(&mut self.tried.lock().unwrap())
    }
}

impl fmt::Display for Choosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choosy")
    }
}

#[async_trait]
impl DirectorySink for Choosy {
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        if *self.is_down.lock().unwrap() {
            return Err(Error::new(ErrorKind::Unavailable, "the sink is down"));
        }
        let mut outcomes = Vec::new();
        for delivery in batch.deliveries {
            let change = &delivery.change;
            let ids = change.group().map(ToString::to_string).into_iter().chain(change.user().map(ToString::to_string));
            self.tried.lock().unwrap().push(format!("{} {}", change.kind(), ids.collect::<Vec<_>>().join(" ")));
            let refused = delivery.change.entries().any(|entry| self.refuses.lock().unwrap().contains(&entry));
            outcomes.push(if refused {
                ChangeOutcome::Failed(Error::new(ErrorKind::InvalidData, "too long for this sink"))
            } else {
                let one = self.inner.apply(Batch::new(batch.run, batch.phase, std::slice::from_ref(delivery))).await?;
                one.into_iter().next().unwrap()
            });
        }
        Ok(outcomes.into_iter().collect())
    }
}

/// A provider that cannot be read, or refuses to be, on demand.
#[derive(Debug, Clone)]
struct Moody {
    inner: MemoryProvider,
    fails_with: Arc<Mutex<Option<ErrorKind>>>,
    checks: Arc<AtomicUsize>,
}

impl fmt::Display for Moody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Moody")
    }
}

#[async_trait]
impl IdentityProvider for Moody {
    async fn identify(&self) -> Result<DirectoryInfo> {
        self.inner.identify().await
    }
    async fn check(&self) -> Result<()> {
        self.checks.fetch_add(1, Ordering::Relaxed);
        match *self.fails_with.lock().unwrap() {
            Some(kind) => Err(Error::new(kind, "planted").with_remedy("do something")),
            None => Ok(()),
        }
    }
    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        self.inner.users(options)
    }
    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.inner.groups(options)
    }
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        self.inner.members(group, options)
    }
    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        self.inner.user(id).await
    }
    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        self.inner.group(id).await
    }
}

struct World {
    provider: Moody,
    store: MemoryStore,
    sink: Choosy,
    clock: Arc<ManualClock>,
    engine: SyncEngine,
}

impl World {
    fn new() -> Self {
        let inner = MemoryProvider::new();
        for id in ["ana", "ben", "eva"] {
            inner.put_user(User::new(uid(id), UserStatus::Active).with_login(id));
        }
        inner.put_group(Group::new(gid("staff"), "Staff"));
        inner.add_member(Membership::new(gid("staff"), uid("ana")));
        inner.add_member(Membership::new(gid("staff"), uid("ben")));
        let provider = Moody { inner, fails_with: Arc::default(), checks: Arc::default() };
        let (store, sink) = (MemoryStore::new(), Choosy::default());
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH.saturating_add(1_000 * HOUR)));
        let engine = SyncEngine::builder(provider.clone(), store.clone(), sink.clone()).clock(Arc::clone(&clock)).build();
        Self { provider, store, sink, clock, engine }
    }

    /// The escrow as `kind user group attempts`.
    fn escrow(&self) -> Vec<String> {
        let escrow = block_on(self.engine.escrow()).unwrap();
        let id = |id: Option<String>| id.unwrap_or_else(|| "-".to_owned());
        let line = |e: &idsync_engine::Escrowed| {
            format!(
                "{} {} {} {}",
                e.kind,
                id(e.user.as_ref().map(ToString::to_string)),
                id(e.group.as_ref().map(ToString::to_string)),
                e.attempts
            )
        };
        escrow.iter().map(line).collect()
    }

    fn assert_equal(&self) {
        assert_eq!(self.sink.inner.snapshot(), self.provider.inner.snapshot());
    }
}

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

#[test]
fn p04_creations_and_updates_are_held_only_when_they_are_limited_and_what_depends_on_them_with_them() {
    let world = World::new();
    let engine = |safeguards| {
        let builder = SyncEngine::builder(world.provider.clone(), world.store.clone(), world.sink.clone());
        builder.clock(Arc::clone(&world.clock)).safeguards(safeguards).build()
    };
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

#[test]
fn a_directory_that_keeps_refusing_is_set_aside_for_6_12_and_24_hours_and_one_success_lifts_it() {
    let world = World::new();
    block_on(world.engine.sync()).unwrap();
    *world.provider.fails_with.lock().unwrap() = Some(ErrorKind::PermissionDenied);
    for _ in 0..5 {
        assert_eq!(block_on(world.engine.quarantine()).unwrap(), None);
        assert!(matches!(block_on(world.engine.sync()), Err(SyncError::Refused(_))));
    }
    for hours in [6, 12, 24, 24] {
        let checks = world.provider.checks.load(Ordering::Relaxed);
        world.clock.advance(hours * HOUR - Duration::from_millis(1));
        for error in [block_on(world.engine.sync()).map(|_| ()), block_on(world.engine.plan()).map(|_| ())].map(Result::unwrap_err) {
            let SyncError::Quarantined(quarantine) = &error else { panic!("{error:?}") };
            assert_eq!((quarantine.cause, quarantine.reason.as_str()), (FailureCause::Refused, "planted"));
            assert_eq!(error.kind(), "quarantined");
            assert_eq!(error.remedy(), "do something; then release the directory, or wait");
        }
        assert_eq!(world.provider.checks.load(Ordering::Relaxed), checks, "the directory is left alone");
        world.clock.advance(Duration::from_millis(1));
        assert!(matches!(block_on(world.engine.sync()), Err(SyncError::Refused(_))), "after {hours} hours it is tried once");
    }
    assert_eq!(block_on(world.engine.quarantine()).unwrap().unwrap().failures, 9);
    let runs = block_on(async { world.store.runs(&world.provider.identify().await.unwrap().id, 20).await.unwrap() });
    assert_eq!(runs.iter().map(|run| run.outcome.as_str()).collect::<Vec<_>>(), [["failed"; 9].as_slice(), &["done"]].concat());
    assert!(runs[0].report.contains(r#""kind":"permission_denied""#) && runs[0].report.contains("do something"), "{}", runs[0].report);

    *world.provider.fails_with.lock().unwrap() = None;
    assert!(block_on(world.engine.sync()).is_err(), "that it was mended nobody said yet");
    block_on(world.engine.release()).unwrap();
    assert_eq!(block_on(world.engine.sync()).unwrap().outcome, Outcome::Done);
    *world.provider.fails_with.lock().unwrap() = Some(ErrorKind::PermissionDenied);
    assert!(matches!(block_on(world.engine.sync()), Err(SyncError::Refused(_))));
    assert_eq!(block_on(world.engine.quarantine()).unwrap(), None, "the count starts anew");
}

#[test]
fn one_that_cannot_be_read_is_tried_again_sooner_and_a_sink_that_is_down_does_not_count() {
    let world = World::new();
    *world.sink.is_down.lock().unwrap() = true;
    for _ in 0..20 {
        assert!(matches!(block_on(world.engine.sync()), Err(SyncError::Sink(_))));
    }
    assert_eq!(block_on(world.engine.quarantine()).unwrap(), None);
    *world.sink.is_down.lock().unwrap() = false;
    assert_eq!(block_on(world.engine.sync()).unwrap().outcome, Outcome::Done);

    *world.provider.fails_with.lock().unwrap() = Some(ErrorKind::Unavailable);
    for _ in 0..5 {
        assert!(matches!(block_on(world.engine.sync()), Err(SyncError::Read(_))));
    }
    let quarantine = block_on(world.engine.quarantine()).unwrap().unwrap();
    assert_eq!(quarantine.cause, FailureCause::Unreadable);
    assert_eq!(quarantine.until, quarantine.since.saturating_add(15 * MINUTE));
    let builder = SyncEngine::builder(world.provider.clone(), world.store.clone(), world.sink.clone());
    let set_back = builder.clock(ManualClock::new(Timestamp::UNIX_EPOCH)).build();
    assert_eq!(block_on(set_back.quarantine()).unwrap(), None, "a clock that was set back does not prolong it");
    block_on(world.engine.release()).unwrap();

    let never = |policy| {
        let builder = SyncEngine::builder(world.provider.clone(), world.store.clone(), world.sink.clone());
        builder.clock(Arc::clone(&world.clock)).quarantine(policy).build()
    };
    for _ in 0..20 {
        assert!(matches!(block_on(never(QuarantinePolicy::never()).sync()), Err(SyncError::Read(_))));
    }
    let at_once = never(QuarantinePolicy::after(NonZeroU32::MIN));
    assert!(matches!(block_on(at_once.sync()), Err(SyncError::Read(_))));
    assert!(matches!(block_on(at_once.sync()), Err(SyncError::Quarantined(_))));
}
