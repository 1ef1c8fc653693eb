//! Runs that read only what changed: what they find, what they leave to full reads, and what they must not believe.

use async_trait::async_trait;
use futures::executor::block_on;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    Batch, BatchOutcome, Capabilities, ChangeKind, ChangeOutcome, ChangeSet, ChangedUsers, Cursor, DeletionReason, DirectoryInfo,
    DirectorySink, EntryId, Error, ErrorKind, Group, GroupId, HeldRecord, IdentityProvider, Lookup, ManualClock, MemberListing, Membership,
    Page, ReadOptions, Result, Timestamp, User, UserId, UserStatus,
};
use idsync_engine::{DeltaPolicy, GroupLimit, Mode, Outcome, Protected, Safeguards, SyncEngine, SyncError, SyncReport};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

fn uid(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

fn gid(text: &str) -> GroupId {
    GroupId::new(text).unwrap()
}

fn member(group: &str, user: &str) -> Membership {
    Membership::new(gid(group), uid(user))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(seconds * 1000).unwrap()
}

/// A user whose profile says `title`, changed last at `updated`.
fn user(id: &str, title: &str, updated: i64) -> User {
    let mut user = User::new(uid(id), UserStatus::Active).with_login(id).with_attribute("title", title);
    user.timestamps.updated = Some(at(updated));
    user
}

/// What a source does beside what it should.
#[derive(Debug, Default)]
struct Oddities {
    /// Shown among the users that changed, whatever is true.
    also_changed: Vec<User>,
    /// Shown after that, page by page.
    more_changes: Vec<ChangedUsers>,
    departed: Vec<UserId>,
    look_ups_fail: bool,
    groups_of_fails: bool,
    /// Among the groups of any user, the record of this one cannot be understood.
    groups_of_held: Option<HeldRecord>,
    cursor_expired: bool,
    without_cursor: bool,
    /// Deactivated: neither listed nor found, and still a member of its groups.
    hidden: Option<UserId>,
    /// From now on no list of members shows anybody, and no check passes.
    role_is_gone: bool,
    scope: Option<&'static str>,
    members_fail: Option<GroupId>,
    /// The members of this group may not be read.
    members_hidden: Option<GroupId>,
    no_delta: bool,
    /// The members of groups of this name are out of scope.
    memberless: Option<&'static str>,
}

/// A source that counts what it is asked.
#[derive(Debug, Clone)]
struct Source {
    inner: MemoryProvider,
    oddities: Arc<Mutex<Oddities>>,
    asked: Arc<Mutex<BTreeMap<&'static str, u32>>>,
}

impl Source {
    fn odd(&self) -> MutexGuard<'_, Oddities> {
        self.oddities.lock().unwrap()
    }

    fn note(&self, what: &'static str) {
        *self.asked.lock().unwrap().entry(what).or_default() += 1;
    }

    fn asked(&self) -> BTreeMap<&'static str, u32> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("source")
    }
}

fn broken() -> Error {
    Error::new(ErrorKind::Unavailable, "not now")
}

#[async_trait]
impl IdentityProvider for Source {
    async fn identify(&self) -> Result<DirectoryInfo> {
        let info = self.inner.identify().await?;
        let odd = self.odd();
        let info = if odd.without_cursor { info.with_cursor(None) } else { info };
        Ok(match odd.scope {
            Some(scope) => info.with_scope(scope),
            None => info,
        })
    }

    fn capabilities(&self) -> Capabilities {
        if self.odd().no_delta { Capabilities::default() } else { self.inner.capabilities() }
    }

    async fn check(&self) -> Result<()> {
        self.note("check");
        if self.odd().role_is_gone { Err(Error::new(ErrorKind::PermissionDenied, "no role")) } else { Ok(()) }
    }

    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        self.note("users");
        self.inner.users(options)
    }

    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.note("groups");
        self.inner.groups(options)
    }

    fn member_listing(&self, group: &Group) -> MemberListing {
        if self.odd().memberless == Some(group.name.as_str()) { MemberListing::OutOfScope } else { MemberListing::Listed }
    }

    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        self.note("members");
        let odd = self.odd();
        if odd.members_hidden.as_ref() == Some(group) {
            return stream::iter([Err(Error::new(ErrorKind::PermissionDenied, "hidden"))]).boxed();
        }
        if odd.role_is_gone {
            return stream::empty().boxed();
        }
        if odd.members_fail.as_ref() == Some(group) {
            return stream::iter([Err(broken())]).boxed();
        }
        let hidden = odd.hidden.clone();
        let shown = move |mut page: Page<UserId>| {
            page.items.retain(|id| Some(id) != hidden.as_ref());
            page
        };
        self.inner.members(group, options).map_ok(shown).boxed()
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        self.note("user");
        if self.odd().look_ups_fail {
            return Err(broken());
        }
        if self.odd().hidden.as_ref() == Some(id) {
            return Ok(Lookup::OutOfScope(DeletionReason::Deprovisioned));
        }
        self.inner.user(id).await
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        self.note("group");
        self.inner.group(id).await
    }

    fn changed_users(&self, since: &Cursor, options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        self.note("changed");
        let odd = self.odd();
        if odd.cursor_expired {
            return stream::iter([Err(Error::new(ErrorKind::CursorExpired, "too old"))]).boxed();
        }
        let also = ChangedUsers::new(odd.also_changed.clone()).with_departed(odd.departed.clone());
        let more = odd.more_changes.clone().into_iter().map(Ok);
        stream::iter([Ok(also)]).chain(stream::iter(more)).chain(self.inner.changed_users(since, options)).boxed()
    }

    fn groups_of(&self, user: &UserId, options: ReadOptions) -> BoxStream<'static, Result<Page<GroupId>>> {
        self.note("groups of");
        let odd = self.odd();
        if odd.groups_of_fails {
            return stream::iter([Err(broken())]).boxed();
        }
        let held = odd.groups_of_held.clone();
        let garbled = move |mut page: Page<GroupId>| match &held {
            Some(held) => {
                page.items.retain(|id| *id != gid("g1"));
                page.with_held(vec![held.clone()])
            }
            None => page,
        };
        self.inner.groups_of(user, options).map_ok(garbled).boxed()
    }
}

/// A sink that refuses to touch some users.
#[derive(Debug, Clone)]
struct Choosy {
    inner: MemorySink,
    refused: Arc<Mutex<Vec<UserId>>>,
    refused_group: Arc<Mutex<Option<GroupId>>>,
}

impl fmt::Display for Choosy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("choosy")
    }
}

#[async_trait]
impl DirectorySink for Choosy {
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let mut outcomes = Vec::new();
        for delivery in batch.deliveries {
            let change = &delivery.change;
            let is_refused = change.user().is_some_and(|user| self.refused.lock().unwrap().contains(user))
                || (change.group().is_some() && change.group() == self.refused_group.lock().unwrap().as_ref());
            outcomes.push(if is_refused {
                ChangeOutcome::Failed(Error::new(ErrorKind::Other, "not this one"))
            } else {
                let one = self.inner.apply(Batch::new(batch.run, batch.phase, std::slice::from_ref(delivery))).await?;
                one.into_iter().next().unwrap()
            });
        }
        Ok(outcomes.into_iter().collect())
    }
}

struct World {
    source: Source,
    sink: MemorySink,
    choosy: Choosy,
    store: MemoryStore,
    clock: Arc<ManualClock>,
    policy: DeltaPolicy,
    safeguards: Safeguards,
    protected: Protected,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl World {
    /// Thirty users and three groups, synced once.
    fn synced() -> Self {
        let inner = MemoryProvider::new().with_delta();
        for n in 1..=30 {
            inner.put_user(user(&format!("u{n:02}"), "clerk", 100));
        }
        for n in 1..=3 {
            inner.put_group(Group::new(gid(&format!("g{n}")), format!("Group {n}")));
        }
        for user in ["u01", "u02", "u03"] {
            inner.add_member(member("g1", user));
        }
        inner.add_member(member("g2", "u01"));
        let source = Source { inner, oddities: Arc::default(), asked: Arc::default() };
        let sink = MemorySink::new();
        let choosy = Choosy { inner: sink.clone(), refused: Arc::default(), refused_group: Arc::default() };
        let clock = Arc::new(ManualClock::new(at(1_000_000)));
        let world = Self {
            source,
            sink,
            choosy,
            store: MemoryStore::new(),
            clock,
            policy: DeltaPolicy::default(),
            safeguards: Safeguards::default(),
            protected: Protected::nobody(),
        };
        assert_eq!(world.run().mode, Mode::Full);
        world.source.asked();
        world
    }

    fn engine(&self) -> SyncEngine {
        SyncEngine::builder(self.source.clone(), self.store.clone(), self.choosy.clone())
            .clock(Arc::clone(&self.clock))
            .delta(self.policy)
            .safeguards(self.safeguards)
            .protect(self.protected.clone())
            .build()
    }

    fn try_run(&self) -> Result<SyncReport, SyncError> {
        block_on(self.engine().sync())
    }

    fn run(&self) -> SyncReport {
        self.clock.advance(Duration::from_secs(60));
        self.try_run().unwrap()
    }

    fn delta(&self) -> SyncReport {
        let report = self.run();
        assert_eq!(report.mode, Mode::Delta, "{report}");
        report
    }

    fn is_in_step(&self) -> bool {
        ChangeSet::between(&self.sink.snapshot(), &self.source.inner.snapshot()).is_empty()
    }

    fn title(&self, id: &str) -> Option<String> {
        let snapshot = self.sink.snapshot();
        let user = snapshot.users().find(|user| user.id == uid(id))?;
        user.attributes.text("title").map(Cow::into_owned)
    }
}

fn counted(report: &SyncReport) -> Vec<(ChangeKind, u64)> {
    ChangeKind::ALL.into_iter().map(|kind| (kind, report.changes.get(kind))).filter(|(_, count)| *count > 0).collect()
}

#[test]
fn p21_a_delta_with_nothing_new_asks_for_changes_and_groups_alone() {
    let world = World::synced();
    let report = world.delta();
    assert_eq!((report.changes.total(), report.outcome), (0, Outcome::Done));
    assert_eq!(world.source.asked(), BTreeMap::from([("changed", 1), ("groups", 1)]));
    assert_eq!((report.directory.users, report.directory.groups, report.directory.memberships), (30, 3, 4));
    assert!(report.complete);
}

#[test]
fn p21_a_delta_finds_every_kind_of_change_and_reads_only_the_members_that_moved() {
    let world = World::synced();
    let inner = &world.source.inner;
    inner.put_user(user("u05", "chief", 200));
    inner.put_user(user("u99", "new", 200));
    inner.put_group(Group::new(gid("g2"), "Renamed"));
    inner.put_group(Group::new(gid("g4"), "New"));
    inner.add_member(member("g4", "u99"));
    inner.remove_member(&member("g1", "u03"));
    inner.remove_group(&gid("g3"));
    let report = world.delta();
    let expected = [
        (ChangeKind::UserCreated, 1),
        (ChangeKind::UserUpdated, 1),
        (ChangeKind::GroupCreated, 1),
        (ChangeKind::GroupUpdated, 1),
        (ChangeKind::GroupDeleted, 1),
        (ChangeKind::GroupUserAdded, 1),
        (ChangeKind::GroupUserRemoved, 1),
    ];
    let mut found = counted(&report);
    found.sort_by_key(|(kind, _)| expected.iter().position(|(other, _)| other == kind));
    assert_eq!(found, expected);
    assert!(world.is_in_step());
    let asked = world.source.asked();
    assert_eq!((asked["members"], asked["group"], asked["user"]), (2, 1, 1), "{asked:?}");
    assert_eq!(report.directory.memberships, 4);
    assert_eq!(world.delta().changes.total(), 0, "it is found once");
}

#[test]
fn a_user_who_left_without_a_trace_is_found_by_the_full_read_that_comes_once_a_day() {
    let world = World::synced();
    world.source.inner.remove_user(&uid("u30"));
    assert_eq!(world.delta().changes.total(), 0);
    world.clock.advance(DAY);
    let report = world.run();
    assert_eq!((report.mode, report.changes.get(ChangeKind::UserDeleted)), (Mode::Full, 1));
    assert!(world.is_in_step());
    assert_eq!(world.delta().changes.total(), 0);
}

#[test]
fn somebody_who_comes_back_is_in_the_groups_of_before_although_no_group_noticed() {
    let world = World::synced();
    world.source.odd().hidden = Some(uid("u01"));
    world.source.odd().departed = vec![uid("u01")];
    let report = world.delta();
    assert_eq!(counted(&report), [(ChangeKind::UserDeleted, 1), (ChangeKind::GroupUserRemoved, 2)]);
    world.source.odd().hidden = None;
    world.source.odd().departed.clear();
    world.source.odd().also_changed = vec![user("u01", "clerk", 100)];
    world.source.asked();
    let report = world.delta();
    assert_eq!(counted(&report), [(ChangeKind::UserCreated, 1), (ChangeKind::GroupUserAdded, 2)]);
    let asked = world.source.asked();
    assert_eq!((asked["groups of"], asked.get("members")), (1, None));
    assert!(world.is_in_step());
}

#[test]
fn members_that_were_out_of_scope_for_a_while_are_read_again_although_their_group_did_not_notice() {
    let world = World::synced();
    world.source.odd().memberless = Some("Excluded");
    world.source.inner.put_group(Group::new(gid("g1"), "Excluded"));
    assert_eq!(counted(&world.delta()), [(ChangeKind::GroupUpdated, 1), (ChangeKind::GroupUserRemoved, 3)]);
    assert_eq!(world.delta().changes.total(), 0);
    world.source.inner.put_group(Group::new(gid("g1"), "Group 1"));
    assert_eq!(counted(&world.delta()), [(ChangeKind::GroupUpdated, 1), (ChangeKind::GroupUserAdded, 3)]);
    assert!(world.is_in_step());
}

#[test]
fn p05_a_group_of_somebody_who_comes_back_that_cannot_be_understood_is_looked_at_again() {
    for id in [Some("g1"), None] {
        let world = World::synced();
        world.source.odd().hidden = Some(uid("u01"));
        world.source.odd().departed = vec![uid("u01")];
        world.delta();
        *world.source.odd() = Oddities::default();
        world.source.odd().also_changed = vec![user("u01", "clerk", 100)];
        world.source.odd().groups_of_held = Some(HeldRecord::new(id.map(str::to_owned), "odd"));
        let report = world.delta();
        assert_eq!(counted(&report), [(ChangeKind::UserCreated, 1), (ChangeKind::GroupUserAdded, 1)]);
        assert_eq!((report.evidence.groups.held, report.evidence.not_understood.len()), (1, 1));
        *world.source.odd() = Oddities::default();
        if id.is_some() {
            assert_eq!(counted(&world.delta()), [(ChangeKind::GroupUserAdded, 1)], "it is known which one");
        }
        world.clock.advance(Duration::from_secs(3_600));
        assert_eq!(world.run().mode, Mode::Full);
        assert!(world.is_in_step());
        world.delta();
    }
}

#[test]
fn p03_somebody_who_is_said_to_be_gone_is_asked_for_and_kept_if_there() {
    let world = World::synced();
    world.source.odd().departed = vec![uid("u01"), uid("u02"), uid("nobody")];
    let report = world.delta();
    assert_eq!((report.changes.total(), report.evidence.looked_up, report.evidence.still_there), (0, 2, 2));
    assert!(world.is_in_step());
}

#[test]
fn p06_somebody_who_is_shown_and_said_to_be_gone_is_gone_and_nothing_else() {
    let shown = || ChangedUsers::new(vec![user("u01", "chief", 200)]);
    let gone = || ChangedUsers::default().with_departed(vec![uid("u01")]);
    let at_once = || vec![shown().with_departed(vec![uid("u01")])];
    for pages in [vec![shown(), gone()], vec![gone(), shown()], at_once()] {
        let world = World::synced();
        world.source.odd().more_changes = pages;
        world.source.odd().hidden = Some(uid("u01"));
        assert_eq!(counted(&world.delta()), [(ChangeKind::UserDeleted, 1), (ChangeKind::GroupUserRemoved, 2)]);
        assert_eq!(world.title("u01"), None);
        world.source.odd().more_changes.clear();
        assert_eq!(world.delta().changes.total(), 0);
    }
}

#[test]
fn p03_somebody_who_is_shown_and_said_to_be_gone_and_is_there_is_brought_up_to_date() {
    let world = World::synced();
    world.source.inner.put_user(user("u01", "boss", 300));
    world.source.odd().more_changes = vec![ChangedUsers::new(vec![user("u01", "chief", 200)]).with_departed(vec![uid("u01")])];
    assert_eq!(counted(&world.delta()), [(ChangeKind::UserUpdated, 1)]);
    assert!(world.is_in_step());
}

#[test]
fn p03_somebody_who_is_gone_is_not_made_again_because_an_index_still_shows_them() {
    let world = World::synced();
    world.source.odd().also_changed = vec![user("ghost", "clerk", 500)];
    let report = world.delta();
    assert_eq!(report.changes.total(), 0);
    assert_eq!(world.source.asked()["user"], 1);
    assert!(world.is_in_step());
}

#[test]
fn a_record_from_before_the_last_change_is_not_believed() {
    let world = World::synced();
    world.source.inner.put_user(user("u05", "chief", 200));
    assert_eq!(world.delta().changes.total(), 1);
    world.source.odd().also_changed = vec![user("u05", "clerk", 100)];
    assert_eq!(world.delta().changes.total(), 0);
    assert_eq!(world.title("u05").as_deref(), Some("chief"));
    // Within one second times do not tell, and the user is asked for.
    world.source.odd().also_changed = vec![user("u05", "clerk", 200)];
    world.source.asked();
    assert_eq!(world.delta().changes.total(), 0);
    assert_eq!(world.source.asked()["user"], 1);
    world.source.inner.put_user(user("u05", "boss", 200));
    assert_eq!(world.delta().changes.total(), 1);
    assert_eq!(world.title("u05").as_deref(), Some("boss"));
}

#[test]
fn somebody_whose_records_differ_within_one_delta_is_asked_for() {
    let shown = |title, updated| user("u05", title, updated);
    let cases = [
        [shown("deputy", 200), shown("chief", 300)],
        [shown("chief", 300), shown("deputy", 200)],
        [shown("chief", 300), shown("clerk", 100)],
    ];
    for [first, second] in cases {
        let on_one_page = vec![ChangedUsers::new(vec![first.clone(), second.clone()])];
        for pages in [on_one_page, vec![ChangedUsers::new(vec![first]), ChangedUsers::new(vec![second])]] {
            for (now, updated) in [("chief", 300), ("clerk", 400)] {
                let world = World::synced();
                world.source.inner.put_user(user("u05", now, updated));
                world.source.odd().more_changes = pages.clone();
                world.delta();
                assert_eq!(world.title("u05").as_deref(), Some(now), "{pages:?}");
                assert_eq!(world.source.asked()["user"], 1);
            }
        }
    }
}

#[test]
fn a_question_without_an_answer_is_asked_again_by_the_next_delta() {
    let world = World::synced();
    world.source.inner.put_user(user("u99", "new", 200));
    world.source.inner.add_member(member("g1", "u99"));
    world.source.odd().groups_of_fails = true;
    let report = world.delta();
    assert_eq!((report.outcome, report.complete), (Outcome::Incomplete, false));
    assert_eq!(world.title("u99"), None);
    world.source.odd().groups_of_fails = false;
    world.source.odd().look_ups_fail = true;
    assert_eq!(world.delta().outcome, Outcome::Incomplete);
    world.source.odd().look_ups_fail = false;
    assert_eq!(world.delta().outcome, Outcome::Done);
    assert!(world.is_in_step());
}

#[test]
fn p01_row28_a_group_that_fails_again_and_again_does_not_make_every_run_a_full_one() {
    let world = World::synced();
    world.source.inner.add_member(member("g1", "u09"));
    world.source.odd().members_fail = Some(gid("g1"));
    world.clock.advance(DAY);
    let report = world.run();
    assert_eq!((report.mode, report.outcome), (Mode::Full, Outcome::Incomplete));
    world.source.inner.put_user(user("u05", "chief", 200));
    let report = world.delta();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Incomplete, 1), "the rest goes on");
    assert_eq!(world.delta().outcome, Outcome::Incomplete);
    world.source.odd().members_fail = None;
    let report = world.delta();
    assert_eq!((report.outcome, report.changes.get(ChangeKind::GroupUserAdded)), (Outcome::Done, 1));
    assert!(world.is_in_step());
}

#[test]
fn p01_deltas_go_on_while_the_members_of_a_group_may_not_be_read() {
    let world = World::synced();
    world.source.inner.add_member(member("g1", "u09"));
    world.source.odd().members_hidden = Some(gid("g1"));
    world.clock.advance(DAY);
    let report = world.run();
    assert_eq!((report.mode, report.outcome), (Mode::Full, Outcome::Incomplete));
    world.source.inner.put_user(user("u05", "chief", 200));
    world.source.asked();
    let report = world.delta();
    assert_eq!((report.outcome, report.changes.total(), report.evidence.groups_failed), (Outcome::Incomplete, 1, 1));
    assert_eq!(world.source.asked()["check"], 1);
    world.source.odd().role_is_gone = true;
    assert!(matches!(world.try_run(), Err(SyncError::Refused(_))), "the check did not pass");
    *world.source.odd() = Oddities::default();
    let report = world.delta();
    assert_eq!((report.outcome, report.changes.get(ChangeKind::GroupUserAdded)), (Outcome::Done, 1));
    assert!(world.is_in_step());
}

#[test]
fn what_cannot_be_read_as_a_delta_is_read_in_full_by_the_same_run() {
    let world = World::synced();
    world.source.odd().cursor_expired = true;
    world.source.inner.put_user(user("u05", "chief", 200));
    let report = world.run();
    assert_eq!((report.mode, report.changes.total()), (Mode::Full, 1));
    world.source.odd().cursor_expired = false;
    assert_eq!(world.delta().changes.total(), 0);
    for n in 100..140 {
        world.source.inner.put_user(user(&format!("u{n}"), "new", 200));
    }
    world.source.asked();
    let report = world.run();
    assert_eq!((report.mode, report.changes.get(ChangeKind::UserCreated)), (Mode::Full, 40), "so many are cheaper to list");
    assert!(!world.source.asked().contains_key("user"));
    assert!(world.is_in_step());
}

#[test]
fn everything_is_read_when_the_scope_changes_or_time_runs_backwards_or_nobody_wants_deltas() {
    let mut world = World::synced();
    world.source.odd().scope = Some("less");
    assert_eq!(world.run().mode, Mode::Full);
    world.delta();
    world.clock = Arc::new(ManualClock::new(at(10)));
    assert_eq!(world.run().mode, Mode::Full);
    world.delta();
    world.policy = DeltaPolicy::never();
    assert_eq!(world.run().mode, Mode::Full);
    world.policy = DeltaPolicy::default();
    world.delta();
    assert!(block_on(world.engine().plan()).unwrap().evidence.users.records >= 30, "a plan is of everything");
}

#[test]
fn p01_an_identity_that_lost_its_role_during_a_delta_removes_nobody() {
    let world = World::synced();
    world.source.inner.remove_member(&member("g1", "u03"));
    world.source.odd().role_is_gone = true;
    world.clock.advance(Duration::from_secs(60));
    assert!(matches!(world.try_run(), Err(SyncError::Refused(_))));
    assert_eq!(world.sink.snapshot().memberships().count(), 4);
    world.source.odd().role_is_gone = false;
    assert_eq!(counted(&world.delta()), [(ChangeKind::GroupUserRemoved, 1)]);
}

#[test]
fn p04_what_a_delta_holds_is_found_again_by_a_full_read_and_then_stays_held() {
    let mut world = World::synced();
    world.safeguards.in_one_group = GroupLimit::Percent { percent: 0, from: 1 };
    assert_eq!(world.run().mode, Mode::Full, "other limits");
    world.source.inner.remove_member(&member("g1", "u03"));
    let report = world.delta();
    assert_eq!(report.outcome, Outcome::Held);
    let hash = report.held.unwrap().hash;
    assert_eq!(block_on(world.engine().held()).unwrap().unwrap().summary.hash, hash);
    let report = world.run();
    assert_eq!((report.mode, report.outcome), (Mode::Full, Outcome::Held));
    assert_eq!(report.held.unwrap().hash, hash);
    world.source.asked();
    world.delta();
    assert_eq!(world.source.asked(), BTreeMap::from([("changed", 1), ("groups", 1)]), "nothing is read again because of it");
    // Other changes go on, and what is held stays known.
    world.source.inner.put_user(user("u05", "chief", 200));
    let report = world.delta();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Held, 1));
    assert_eq!(report.held.unwrap().hash, hash);
    block_on(world.engine().approve(hash)).unwrap();
    let report = world.run();
    assert_eq!((report.mode, report.outcome, report.changes.total()), (Mode::Full, Outcome::Done, 1));
    assert!(world.is_in_step());
    world.delta();
}

#[test]
fn a_refused_change_is_tried_again_when_it_is_due_although_nothing_changed_since() {
    let world = World::synced();
    world.choosy.refused.lock().unwrap().push(uid("u05"));
    world.source.inner.put_user(user("u05", "chief", 200));
    assert_eq!(world.delta().outcome, Outcome::Refused);
    let report = world.run();
    assert_eq!((report.mode, report.outcome), (Mode::Full, Outcome::Refused), "once more at once");
    let report = world.delta();
    assert_eq!((report.outcome, report.escrowed), (Outcome::Refused, 1), "it waits, and is not forgotten");
    assert!(report.first_refusal.is_some() && report.retry_at.is_some(), "nor is why, and until when: {report:?}");
    world.choosy.refused.lock().unwrap().clear();
    world.clock.advance(Duration::from_secs(300));
    let report = world.run();
    assert_eq!((report.mode, report.changes.total(), report.outcome), (Mode::Full, 1, Outcome::Done));
    assert_eq!(world.delta().outcome, Outcome::Done);
    assert!(world.is_in_step());
}

#[test]
fn a_scope_that_changes_and_changes_back_is_read_in_full_although_nobody_changed() {
    let world = World::synced();
    // Another scope, in which there are no deltas, leaves somebody out.
    world.source.odd().no_delta = true;
    world.source.odd().scope = Some("less");
    let source = world.source.inner.clone();
    source.remove_user(&uid("u30"));
    assert_eq!(world.run().changes.get(ChangeKind::UserDeleted), 1);
    *world.source.odd() = Oddities::default();
    let bookmarked = block_on(world.source.identify()).unwrap().cursor;
    source.put_user(user("u30", "clerk", 100));
    assert!(bookmarked.is_some());
    let report = world.run();
    assert_eq!((report.mode, report.changes.get(ChangeKind::UserCreated)), (Mode::Full, 1));
}

#[test]
fn what_is_released_is_tried_by_the_next_run_although_nothing_changed() {
    let world = World::synced();
    world.choosy.refused.lock().unwrap().push(uid("u05"));
    world.source.inner.put_user(user("u05", "chief", 200));
    world.delta();
    world.run();
    assert_eq!(world.delta().outcome, Outcome::Refused);
    world.choosy.refused.lock().unwrap().clear();
    block_on(world.engine().release()).unwrap();
    let report = world.run();
    assert_eq!((report.mode, report.changes.total(), report.outcome), (Mode::Full, 1, Outcome::Done));
    assert!(world.is_in_step());
}

#[test]
fn a_group_that_was_refused_and_then_renamed_is_made_with_its_members() {
    let world = World::synced();
    *world.choosy.refused_group.lock().unwrap() = Some(gid("g9"));
    world.source.inner.put_group(Group::new(gid("g9"), "Refused"));
    world.source.inner.add_member(member("g9", "u07"));
    assert_eq!(world.delta().outcome, Outcome::Refused);
    world.run();
    *world.choosy.refused_group.lock().unwrap() = None;
    world.source.inner.put_group(Group::new(gid("g9"), "Renamed"));
    let report = world.delta();
    assert_eq!(report.changes.get(ChangeKind::GroupUserAdded), 1, "{report}");
    assert!(world.is_in_step());
}

#[test]
fn p14_a_plan_that_is_applied_leaves_it_to_the_next_run_to_read_everything() {
    let world = World::synced();
    world.source.inner.remove_user(&uid("u29"));
    world.source.inner.remove_user(&uid("u30"));
    let plan = block_on(world.engine().plan()).unwrap();
    world.choosy.refused.lock().unwrap().push(uid("u30"));
    assert_eq!(block_on(world.engine().apply(&plan)).unwrap().outcome, Outcome::Refused);
    world.choosy.refused.lock().unwrap().clear();
    let report = world.run();
    assert_eq!((report.mode, report.changes.get(ChangeKind::UserDeleted)), (Mode::Full, 1));
    assert!(world.is_in_step());
}

#[test]
fn p05_a_user_who_could_not_be_understood_is_looked_at_again_within_the_hour() {
    let world = World::synced();
    let hidden = user("u05", "clerk", 100);
    world.source.inner.hold(EntryId::User(uid("u05")));
    world.clock.advance(DAY);
    assert_eq!(world.run().mode, Mode::Full);
    world.source.inner.put_user(hidden);
    world.delta();
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(world.run().mode, Mode::Full);
    world.delta();
}

#[test]
fn other_limits_are_applied_to_what_is_held_by_the_next_run() {
    let mut world = World::synced();
    world.safeguards.in_one_group = GroupLimit::Percent { percent: 0, from: 1 };
    assert_eq!(world.run().mode, Mode::Full);
    world.source.inner.remove_member(&member("g1", "u03"));
    assert_eq!(world.delta().outcome, Outcome::Held);
    world.run();
    world.safeguards.in_one_group = GroupLimit::Unlimited;
    let report = world.run();
    assert_eq!((report.mode, report.outcome, report.changes.total()), (Mode::Full, Outcome::Done, 1));
}

#[test]
fn p04_whoever_is_protected_no_longer_is_found_by_a_full_read_that_follows_at_once() {
    let protects: [fn(&'static str) -> Protected; 2] =
        [|user| Protected::nobody().user_ids([uid(user)]), |user| Protected::nobody().logins([user])];
    for protects in protects {
        let mut world = World::synced();
        world.protected = protects("u30");
        assert_eq!(world.run().mode, Mode::Full, "other rules");
        world.source.inner.remove_user(&uid("u30"));
        world.clock.advance(DAY);
        assert_eq!(world.run().evidence.protected, 1);
        world.delta();
        world.protected = protects("u29");
        let report = world.run();
        assert_eq!((report.mode, report.changes.get(ChangeKind::UserDeleted)), (Mode::Full, 1));
    }
    let mut world = World::synced();
    world.protected = Protected::nobody().group_ids([gid("g1")]);
    world.run();
    world.protected = Protected::nobody().group_ids([gid("g2")]);
    assert_eq!(world.run().mode, Mode::Full);
    world.delta();
}

#[test]
fn without_a_cursor_everything_is_read() {
    let world = World::synced();
    world.source.odd().without_cursor = true;
    // The cursor of before is still good; it is only not moved on.
    assert_eq!(world.delta().mode, Mode::Delta);
    world.clock.advance(DAY);
    assert_eq!(world.run().mode, Mode::Full);
    assert_eq!(world.run().mode, Mode::Full);
}
