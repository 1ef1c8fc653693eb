//! The promises of the engine, one test or more each, against providers and sinks that misbehave.

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::executor::block_on;
use futures::stream::{self, BoxStream, StreamExt};
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    BaseKind, Batch, BatchOutcome, Change, ChangeKind, ChangeOutcome, DeletionReason, DirectoryInfo, DirectorySink, Error, ErrorKind,
    Group, GroupId, HeldRecord, IdentityProvider, Lookup, MemberListing, Membership, Page, Phase, PlanHash, ReadOptions, RemovalReason,
    Result, StateStore, User, UserId, UserStatus,
};
use idsync_engine::{Limit, Outcome, Safeguards, SyncEngine, SyncError};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn uid(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

fn gid(text: &str) -> GroupId {
    GroupId::new(text).unwrap()
}

fn member(group: &str, user: &str) -> Membership {
    Membership::new(gid(group), uid(user))
}

/// What a provider does wrong.
#[derive(Debug, Default)]
struct Faults {
    /// These users are missing from the listing, but not from look-ups.
    unlisted_users: Vec<&'static str>,
    unlisted_groups: Vec<&'static str>,
    users_end_in: Option<ErrorKind>,
    groups_end_in: Option<ErrorKind>,
    /// The members of this group end in this error.
    members_end_in: Option<(&'static str, ErrorKind)>,
    no_members_may_be_read: bool,
    lookups_fail: bool,
    /// Look-ups say that the user is deprovisioned.
    deprovisioned: Option<&'static str>,
    held_users: Vec<&'static str>,
    nothing: bool,
    /// The role goes once this many checks have passed; from then on members and look-ups show nobody.
    role_goes_after_checks: Option<usize>,
    everything_twice: bool,
    members_out_of_scope: Option<&'static str>,
}

#[derive(Debug, Clone)]
struct Faulty {
    inner: MemoryProvider,
    faults: Arc<Mutex<Faults>>,
    lookups: Arc<AtomicUsize>,
}

impl Faulty {
    fn new() -> Self {
        let inner = MemoryProvider::new();
        for n in 1..=12 {
            inner.put_user(User::new(uid(&format!("u{n:02}")), UserStatus::Active).with_login(format!("user{n}")));
        }
        for n in 1..=3 {
            inner.put_group(Group::new(gid(&format!("g{n}")), format!("Group {n}")));
        }
        for user in ["u01", "u02", "u03"] {
            inner.add_member(member("g1", user));
        }
        inner.add_member(member("g2", "u01"));
        Self { inner, faults: Arc::default(), lookups: Arc::default() }
    }

    fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.faults.lock().unwrap());
    }

    fn heal(&self) {
        *self.faults.lock().unwrap() = Faults::default();
    }

    fn distort<T: Clone + Send + 'static>(
        &self,
        pages: BoxStream<'static, Result<Page<T>>>,
        error: Option<ErrorKind>,
        change: impl Fn(&mut Page<T>) + Send + 'static,
    ) -> BoxStream<'static, Result<Page<T>>> {
        let faults = self.faults.lock().unwrap();
        if faults.nothing {
            return stream::empty().boxed();
        }
        let twice = faults.everything_twice;
        let pages = pages.map(move |page| {
            page.map(|mut page| {
                change(&mut page);
                page
            })
        });
        let pages = pages.flat_map(move |page| match page {
            Ok(page) if twice => stream::iter(vec![Ok(page.clone()), Ok(Page::new(Vec::new())), Ok(page)]),
            other => stream::iter(vec![other]),
        });
        match error {
            Some(kind) => pages.take(1).chain(stream::iter([Err(Error::new(kind, "planted"))])).boxed(),
            None => pages.boxed(),
        }
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faulty")
    }
}

#[async_trait]
impl IdentityProvider for Faulty {
    async fn identify(&self) -> Result<DirectoryInfo> {
        self.inner.identify().await
    }
    async fn check(&self) -> Result<()> {
        let mut faults = self.faults.lock().unwrap();
        match &mut faults.role_goes_after_checks {
            Some(0) => Err(Error::new(ErrorKind::PermissionDenied, "no role").with_remedy("assign a role")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        let (hidden, held, error) = {
            let faults = self.faults.lock().unwrap();
            (faults.unlisted_users.clone(), faults.held_users.clone(), faults.users_end_in)
        };
        self.distort(self.inner.users(options), error, move |page| {
            page.items.retain(|user| !hidden.contains(&user.id.as_str()) && !held.contains(&user.id.as_str()));
            page.held = held.iter().map(|id| HeldRecord::new(Some((*id).to_owned()), "profile is a number")).collect();
        })
    }
    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        let (hidden, error) = {
            let faults = self.faults.lock().unwrap();
            (faults.unlisted_groups.clone(), faults.groups_end_in)
        };
        self.distort(self.inner.groups(options), error, move |page| page.items.retain(|group| !hidden.contains(&group.id.as_str())))
    }
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let (error, blind) = {
            let faults = self.faults.lock().unwrap();
            let error = faults.members_end_in.filter(|(of, _)| *of == group.as_str()).map(|(_, kind)| kind);
            let refusal = faults.no_members_may_be_read.then_some(ErrorKind::PermissionDenied);
            (error.or(refusal), faults.role_goes_after_checks == Some(0))
        };
        self.distort(self.inner.members(group, options), error, move |page| page.items.retain(|_| !blind))
    }
    fn member_listing(&self, group: &Group) -> MemberListing {
        match self.faults.lock().unwrap().members_out_of_scope {
            Some(id) if id == group.id.as_str() => MemberListing::OutOfScope,
            _ => MemberListing::Listed,
        }
    }
    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let (fail, deprovisioned) = {
            let faults = self.faults.lock().unwrap();
            (faults.lookups_fail, faults.deprovisioned)
        };
        if fail {
            return Err(Error::new(ErrorKind::Unavailable, "planted"));
        }
        if self.faults.lock().unwrap().role_goes_after_checks == Some(0) {
            return Ok(Lookup::NotFound);
        }
        if deprovisioned == Some(id.as_str()) {
            return Ok(Lookup::OutOfScope(DeletionReason::Deprovisioned));
        }
        self.inner.user(id).await
    }
    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        if self.faults.lock().unwrap().lookups_fail {
            return Err(Error::new(ErrorKind::Unavailable, "planted"));
        }
        self.inner.group(id).await
    }
}

struct World {
    provider: Faulty,
    store: MemoryStore,
    sink: MemorySink,
    engine: SyncEngine,
}

/// A world that was synced once.
fn synced() -> World {
    let (provider, store, sink) = (Faulty::new(), MemoryStore::new(), MemorySink::new());
    let engine = SyncEngine::builder(provider.clone(), store.clone(), sink.clone()).build();
    block_on(engine.sync()).unwrap();
    assert_eq!(sink.snapshot(), provider.inner.snapshot());
    World { provider, store, sink, engine }
}

impl World {
    /// Once the faults are gone, one run makes the sink what the source is.
    fn converges(&self) {
        self.provider.heal();
        block_on(self.engine.sync()).unwrap();
        assert_eq!(self.sink.snapshot(), self.provider.inner.snapshot());
    }
}

#[test]
fn p01_a_listing_that_ends_in_an_error_deletes_nothing_and_changes_nothing() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Timeout, ErrorKind::RateLimited, ErrorKind::InvalidData] {
        for listing in ["users", "groups"] {
            let world = synced();
            let before = world.sink.snapshot();
            world.provider.inner.remove_user(&uid("u12"));
            world.provider.inner.put_user(User::new(uid("u99"), UserStatus::Active));
            world.provider.set(|faults| match listing {
                "users" => faults.users_end_in = Some(kind),
                _ => faults.groups_end_in = Some(kind),
            });
            let error = block_on(world.engine.sync()).unwrap_err();
            assert!(matches!(error, SyncError::Read(_)), "{error:?}");
            assert_eq!(world.sink.snapshot(), before);
            world.converges();
        }
    }
}

#[test]
fn p01_row16_a_refused_read_deletes_nothing() {
    let refusals: [fn(&mut Faults); 4] = [
        |faults| faults.users_end_in = Some(ErrorKind::PermissionDenied),
        |faults| faults.groups_end_in = Some(ErrorKind::PermissionDenied),
        |faults| faults.members_end_in = Some(("g1", ErrorKind::Unauthenticated)),
        |faults| faults.no_members_may_be_read = true,
    ];
    for refuse in refusals {
        let world = synced();
        let before = world.sink.snapshot();
        world.provider.inner.put_user(User::new(uid("u99"), UserStatus::Active));
        world.provider.set(refuse);
        assert!(matches!(block_on(world.engine.sync()).unwrap_err(), SyncError::Refused(_)));
        assert_eq!(world.sink.snapshot(), before);
        world.converges();
    }
}

#[test]
fn p01_row16_a_role_that_goes_while_the_directory_is_read_deletes_nothing() {
    for unlisted in [vec![], vec!["u05"]] {
        let world = synced();
        let before = world.sink.snapshot();
        world.provider.set(|faults| {
            faults.unlisted_users = unlisted;
            faults.role_goes_after_checks = Some(1);
        });
        let error = block_on(world.engine.sync()).unwrap_err();
        assert!(matches!(&error, SyncError::Refused(_)), "{error:?}");
        assert_eq!(error.remedy(), "assign a role");
        assert_eq!(world.sink.snapshot(), before);
        world.converges();
    }
}

#[test]
fn p01_row28_a_group_that_failed_keeps_its_members_while_the_rest_goes_on() {
    let world = synced();
    world.provider.inner.remove_member(&member("g1", "u02"));
    world.provider.inner.remove_member(&member("g2", "u01"));
    world.provider.set(|faults| faults.members_end_in = Some(("g1", ErrorKind::Unavailable)));
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.complete, report.evidence.groups_failed), (Outcome::Incomplete, false, 1));
    let memberships: Vec<_> = world.sink.snapshot().memberships().cloned().collect();
    assert_eq!(memberships, [member("g1", "u01"), member("g1", "u02"), member("g1", "u03")]);
    world.converges();
}

#[test]
fn p01_a_group_whose_members_may_not_be_read_keeps_them_while_the_rest_goes_on() {
    let world = synced();
    world.provider.inner.remove_member(&member("g1", "u01"));
    world.provider.inner.remove_member(&member("g2", "u01"));
    world.provider.set(|faults| faults.members_end_in = Some(("g1", ErrorKind::PermissionDenied)));
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.complete, report.changes.total()), (Outcome::Incomplete, false, 1));
    assert_eq!((report.evidence.groups_failed, report.evidence.access_checks), (1, 3), "the role was still there");
    let failure = report.evidence.first_failure.as_ref().unwrap();
    assert!(failure.kind == "permission_denied" && failure.reason.contains("g1"), "{failure}");
    assert!(failure.remedy.as_ref().is_some_and(|remedy| remedy.contains("role")) && report.to_string().contains(&failure.reason));
    assert_eq!(world.sink.snapshot().memberships().count(), 3, "those of g1");
    world.provider.heal();
    assert_eq!(block_on(world.engine.sync()).unwrap().outcome, Outcome::Done);
    assert_eq!(world.sink.snapshot(), world.provider.inner.snapshot());
}

#[test]
fn p01_row16_a_role_that_is_gone_when_members_are_refused_refuses_the_read() {
    let world = synced();
    world.provider.set(|faults| {
        faults.members_end_in = Some(("g1", ErrorKind::PermissionDenied));
        faults.role_goes_after_checks = Some(1);
    });
    let error = block_on(world.engine.sync()).unwrap_err();
    assert!(matches!(&error, SyncError::Refused(cause) if cause.remedy() == Some("assign a role")), "{error:?}");
}

#[test]
fn p02_row25_an_empty_directory_is_a_missing_role() {
    let world = synced();
    let before = world.sink.snapshot();
    world.provider.set(|faults| faults.nothing = true);
    let error = block_on(world.engine.sync()).unwrap_err();
    assert!(matches!(&error, SyncError::Refused(cause) if cause.kind() == ErrorKind::PermissionDenied), "{error:?}");
    assert!(error.remedy().contains("role"), "{}", error.remedy());
    assert_eq!(world.sink.snapshot(), before);
    world.converges();
}

#[test]
fn p03_row10_what_a_listing_did_not_show_is_asked_for_before_it_is_deleted() {
    let world = synced();
    let before = world.sink.snapshot();
    world.provider.set(|faults| {
        faults.unlisted_users = vec!["u01", "u05"];
        faults.unlisted_groups = vec!["g1"];
    });
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Done, 0));
    assert_eq!((report.evidence.looked_up, report.evidence.still_there), (3, 3));
    assert_eq!(world.sink.snapshot(), before);
}

#[test]
fn p03_row10_a_rescued_entry_is_still_brought_up_to_date() {
    let world = synced();
    world.provider.inner.put_user(User::new(uid("u05"), UserStatus::Suspended).with_login("user5"));
    world.provider.inner.remove_member(&member("g1", "u03"));
    world.provider.set(|faults| {
        faults.unlisted_users = vec!["u05"];
        faults.unlisted_groups = vec!["g1"];
    });
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.changes.get(ChangeKind::UserUpdated), report.changes.get(ChangeKind::GroupUserRemoved)), (1, 1));
    assert_eq!(world.sink.snapshot(), world.provider.inner.snapshot());
}

#[test]
fn p03_row28_a_look_up_that_fails_confirms_nothing() {
    let world = synced();
    world.provider.inner.remove_user(&uid("u12"));
    world.provider.inner.remove_group(&gid("g3"));
    world.provider.set(|faults| faults.lookups_fail = true);
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.evidence.unconfirmed, report.changes.total()), (Outcome::Incomplete, 2, 0));
    world.converges();
    assert!(world.sink.snapshot().user(&uid("u12")).is_none());
}

#[test]
fn p03_a_group_that_is_found_and_whose_members_are_not_keeps_them_and_the_run_says_so() {
    let world = synced();
    world.provider.set(|faults| {
        faults.unlisted_groups = vec!["g1"];
        faults.members_end_in = Some(("g1", ErrorKind::NotFound));
    });
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.evidence.groups_failed, report.directory.memberships), (Outcome::Incomplete, 1, 4));
    assert_eq!(world.sink.snapshot().memberships().count(), 4);
}

#[test]
fn p03_deprovisioned_confirms_and_is_the_reason() {
    let world = synced();
    world.provider.set(|faults| {
        faults.unlisted_users = vec!["u05"];
        faults.deprovisioned = Some("u05");
    });
    block_on(world.engine.sync()).unwrap();
    let last = world.sink.history().pop().unwrap().change;
    assert!(matches!(last, Change::UserDeleted { ref user, reason: DeletionReason::Deprovisioned } if user.id == uid("u05")), "{last:?}");
}

#[test]
fn p04_above_the_limit_removals_are_held_unasked_and_the_rest_goes_on() {
    let world = synced();
    let engine = SyncEngine::builder(world.provider.clone(), world.store.clone(), world.sink.clone())
        .safeguards(Safeguards::default().with_users(Limit::Count(1)))
        .build();
    for user in ["u01", "u11"] {
        world.provider.inner.remove_user(&uid(user));
    }
    world.provider.inner.put_user(User::new(uid("u99"), UserStatus::Active));
    let report = block_on(engine.sync()).unwrap();
    let held = report.held.unwrap();
    assert_eq!(report.outcome, Outcome::Held);
    assert_eq!(world.provider.lookups.load(Ordering::Relaxed), 0, "what is held is not asked for");
    assert_eq!(held.by_kind.get("user.deleted"), Some(&2));
    assert_eq!(held.by_kind.get("group.user_removed"), Some(&2), "what a held user was in stays with it");
    let snapshot = world.sink.snapshot();
    assert!(snapshot.user(&uid("u01")).is_some() && snapshot.user(&uid("u99")).is_some());
    assert!(snapshot.memberships().any(|membership| *membership == member("g2", "u01")));
    assert_eq!(block_on(engine.sync()).unwrap().held.unwrap().total, held.total, "held again, not forgotten");
    world.converges();
}

#[test]
fn p04_a_limit_is_the_most_that_goes_through() {
    for (removed, outcome) in [(1, Outcome::Done), (2, Outcome::Done), (3, Outcome::Held)] {
        let world = synced();
        let engine = SyncEngine::builder(world.provider.clone(), world.store.clone(), world.sink.clone())
            .safeguards(Safeguards::all(Limit::Count(2)))
            .build();
        for n in 0..removed {
            world.provider.inner.remove_user(&uid(&format!("u{:02}", 12 - n)));
        }
        assert_eq!(block_on(engine.sync()).unwrap().outcome, outcome, "{removed} removed");
    }
}

#[test]
fn p04_row26_deactivations_and_memberships_have_limits_of_their_own() {
    let world = synced();
    let engine = SyncEngine::builder(world.provider.clone(), world.store.clone(), world.sink.clone())
        .safeguards(Safeguards::default().with_deactivations(Limit::Count(0)).with_memberships(Limit::Count(1)))
        .build();
    world.provider.inner.put_user(User::new(uid("u05"), UserStatus::Suspended).with_login("user5"));
    world.provider.inner.remove_group(&gid("g1"));
    let held = block_on(engine.sync()).unwrap().held.unwrap();
    assert_eq!(held.by_kind.get("user.updated"), Some(&1));
    assert_eq!(held.by_kind.get("group.user_removed"), Some(&3));
    assert_eq!(held.by_kind.get("group.deleted"), Some(&1), "a group cannot go while its members stay");
    assert_eq!(world.sink.snapshot().memberships().len(), 4);
}

#[test]
fn p05_row22_a_record_that_cannot_be_understood_is_left_as_it_is() {
    let world = synced();
    let before = world.sink.snapshot();
    world.provider.set(|faults| faults.held_users = vec!["u03"]);
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.changes.total(), report.evidence.users.held), (Outcome::Done, 0, 1));
    let named = &report.evidence.not_understood[0];
    assert_eq!((named.listing, named.id.as_deref(), named.reason.as_str()), ("users", Some("u03"), "profile is a number"));
    assert_eq!(world.sink.snapshot(), before);
}

#[test]
fn p05_a_listing_of_which_too_much_cannot_be_understood_is_not_complete() {
    let world = synced();
    let before = world.sink.snapshot();
    let all = ["u01", "u02", "u03", "u04", "u05", "u06", "u07", "u08", "u09", "u10", "u11", "u12"];
    for (count, outcome) in [(10, Outcome::Done), (11, Outcome::Incomplete)] {
        world.provider.set(|faults| faults.held_users = all[..count].to_vec());
        let report = block_on(world.engine.sync()).unwrap();
        assert_eq!((report.outcome, report.complete, report.changes.total()), (outcome, count == 10, 0));
        assert_eq!(world.sink.snapshot(), before);
    }
}

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
    let engine = SyncEngine::builder(provider.clone(), MemoryStore::new(), sink.clone()).build();
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
    let engine = SyncEngine::builder(provider.clone(), MemoryStore::new(), sink.clone()).build();
    let report = block_on(engine.sync()).unwrap();
    assert_eq!(report.changes.total(), 12 + 3 + 4);
    assert_eq!(sink.snapshot(), provider.inner.snapshot());
    assert_eq!(block_on(engine.sync()).unwrap().changes.total(), 0);
}

#[test]
fn row23_a_group_that_is_gone_when_its_members_are_read_is_not_a_group_everybody_left() {
    let world = synced();
    let before = world.sink.snapshot();
    // The look-up still finds it: the provider contradicts itself, so nothing happens to the group.
    world.provider.set(|faults| faults.members_end_in = Some(("g1", ErrorKind::NotFound)));
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Incomplete, 0));
    assert_eq!(world.sink.snapshot(), before);
    world.converges();
}

#[test]
fn members_that_leave_the_scope_are_removed_for_that_reason() {
    let world = synced();
    world.provider.set(|faults| faults.members_out_of_scope = Some("g1"));
    let report = block_on(world.engine.sync()).unwrap();
    assert_eq!(report.changes.get(ChangeKind::GroupUserRemoved), 3);
    let last = world.sink.history().pop().unwrap().change;
    assert!(matches!(last, Change::GroupUserRemoved { reason: RemovalReason::OutOfScope, .. }));
}

/// A sink that fails its `n`th call, before or after it did what it was asked to, or refuses one entry.
#[derive(Debug, Clone, Default)]
struct Flaky {
    inner: MemorySink,
    calls: Arc<AtomicUsize>,
    fail: Arc<Mutex<Option<(usize, Moment)>>>,
    refuse: Arc<Mutex<Option<&'static str>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flaky")
    }
}

#[async_trait]
impl DirectorySink for Flaky {
    fn limits(&self) -> idsync_core::SinkLimits {
        idsync_core::SinkLimits::default().with_max_batch(std::num::NonZeroUsize::new(3).unwrap())
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let fault = self.fail.lock().unwrap().filter(|(at, _)| *at == call).map(|(_, moment)| moment);
        if fault == Some(Moment::Before) {
            return Err(Error::new(ErrorKind::Unavailable, "planted"));
        }
        let refused = *self.refuse.lock().unwrap();
        let mut outcomes = Vec::new();
        for delivery in batch.deliveries {
            let about = [delivery.change.user().map(UserId::as_str), delivery.change.group().map(GroupId::as_str)];
            if refused.is_some() && about.contains(&refused) {
                outcomes.push(ChangeOutcome::Failed(Error::new(ErrorKind::InvalidData, "planted")));
            } else {
                outcomes.extend(self.inner.apply(Batch::new(batch.run, batch.phase, std::slice::from_ref(delivery))).await?);
            }
        }
        if fault == Some(Moment::After) {
            return Err(Error::new(ErrorKind::Timeout, "planted"));
        }
        Ok(outcomes.into_iter().collect())
    }
}

#[test]
fn p12_row29_row30_a_sink_that_fails_at_any_call_is_continued_and_shows_each_change_once() {
    for moment in [Moment::Before, Moment::After] {
        for at in 0..7 {
            let (provider, sink) = (Faulty::new(), Flaky::default());
            *sink.fail.lock().unwrap() = Some((at, moment));
            let engine = SyncEngine::builder(provider.clone(), MemoryStore::new(), sink.clone()).build();
            assert!(matches!(block_on(engine.sync()).unwrap_err(), SyncError::Sink(_)), "{at}");
            // The source moves on before the delivery is finished.
            provider.inner.remove_user(&uid("u01"));
            provider.inner.put_user(User::new(uid("u50"), UserStatus::Active));
            assert!(matches!(block_on(engine.plan()).unwrap_err(), SyncError::Interrupted));
            let report = block_on(engine.sync()).unwrap();
            assert_eq!(report.recovered.total(), 12 + 3 + 4, "{at} {moment:?}");
            assert_eq!(sink.inner.snapshot(), provider.inner.snapshot());
            let history = sink.inner.history();
            let keys: std::collections::HashSet<_> = history.iter().map(|delivery| delivery.key).collect();
            assert_eq!(keys.len(), history.len());
        }
    }
}

#[test]
fn row31_a_change_that_the_sink_refuses_holds_up_only_what_depends_on_it_and_comes_again() {
    for refused in ["u01", "g1"] {
        let (provider, sink) = (Faulty::new(), Flaky::default());
        *sink.refuse.lock().unwrap() = Some(refused);
        let engine = SyncEngine::builder(provider.clone(), MemoryStore::new(), sink.clone()).build();
        let report = block_on(engine.sync()).unwrap();
        assert_eq!(report.outcome, Outcome::Refused);
        assert!(report.escrowed >= 3 && report.first_refusal.is_some());
        assert!(sink.inner.snapshot().user(&uid("u02")).is_some());
        *sink.refuse.lock().unwrap() = None;
        assert_eq!(block_on(engine.sync()).unwrap().outcome, Outcome::Done);
        assert_eq!(sink.inner.snapshot(), provider.inner.snapshot());
    }
}

#[test]
fn p13_row37_a_second_engine_is_told() {
    let world = synced();
    let lease = block_on(async {
        let info = world.provider.identify().await.unwrap();
        world.store.acquire(&info.id, "somebody else").await.unwrap()
    });
    let error = block_on(world.engine.sync()).unwrap_err();
    assert!(matches!(&error, SyncError::Busy(cause) if cause.to_string().contains("somebody else")), "{error:?}");
    drop(lease);
    block_on(world.engine.sync()).unwrap();
}

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
    assert_eq!(*expected, hash);
    assert!(moved.contains("the plan was 1 user.created; now it would be 1 user.created, 1 user.deleted"), "{moved}");
    assert_eq!(world.sink.snapshot(), before);
    assert_eq!(block_on(world.engine.apply_hash(found.unwrap())).unwrap().changes.total(), 2);
    let nothing = block_on(world.engine.apply_hash(PlanHash::from_bytes([0; 16]))).unwrap_err();
    assert!(matches!(nothing, SyncError::StalePlan { found: None, .. }));
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
