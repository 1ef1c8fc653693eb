//! A read that was broken off is gone on with, and never from what an identity without its rights has seen.

use crate::support::twisted::{Twist, Twisted};
use async_trait::async_trait;
use futures::executor::block_on;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    BaseKind, ChangeSet, Clock, DirectoryInfo, Error, ErrorKind, Group, GroupId, IdentityProvider, ManualClock, Membership, Page,
    ReadOptions, Result, StateStore, Timestamp, User, UserId, UserStatus,
};
use idsync_engine::{CheckpointPolicy, Outcome, SyncEngine, SyncError};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const GROUPS: usize = 6;
const HOUR: Duration = Duration::from_secs(3_600);

fn uid(n: usize) -> UserId {
    UserId::new(format!("u{n}")).unwrap()
}

fn gid(n: usize) -> GroupId {
    GroupId::new(format!("g{n}")).unwrap()
}

/// How a read is broken off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Breaks {
    #[default]
    Never,
    /// The listing of users fails, after the members of all groups.
    AtTheUsers,
    /// The same, and the members of this group never come.
    AtTheUsersWithout(usize),
    /// The role is gone after so many groups, and members are not shown any more.
    RoleGoesAfter(usize),
    /// It is not, but one request can be under way at a time, and a list of members holds its place while nobody polls it.
    OnePlace,
    /// Checks cannot be answered, and the listing of users fails.
    ChecksUnanswered,
}

#[derive(Debug, Clone)]
struct Fragile {
    inner: MemoryProvider,
    breaks: Arc<Mutex<Breaks>>,
    scope: Arc<Mutex<String>>,
    /// Groups whose members were asked for.
    asked: Arc<Mutex<Vec<GroupId>>>,
    place: Arc<futures::lock::Mutex<()>>,
}

impl Fragile {
    fn breaks(&self, breaks: Breaks) {
        *self.breaks.lock().unwrap() = breaks;
    }

    fn take_asked(&self) -> BTreeSet<GroupId> {
        std::mem::take(&mut *self.asked.lock().unwrap()).into_iter().collect()
    }

    fn role_is_gone(&self) -> bool {
        matches!(*self.breaks.lock().unwrap(), Breaks::RoleGoesAfter(groups) if self.asked.lock().unwrap().len() > groups)
    }
}

#[async_trait]
impl Twist for Fragile {
    fn inner(&self) -> &MemoryProvider {
        &self.inner
    }
    async fn identify(&self) -> Result<DirectoryInfo> {
        Ok(self.inner.identify().await?.with_scope(self.scope.lock().unwrap().clone()))
    }
    async fn check(&self) -> Result<()> {
        drop(self.place.lock().await);
        if *self.breaks.lock().unwrap() == Breaks::ChecksUnanswered && !self.asked.lock().unwrap().is_empty() {
            return Err(Error::new(ErrorKind::Unavailable, "planted"));
        }
        if self.role_is_gone() { Err(Error::new(ErrorKind::PermissionDenied, "planted")) } else { Ok(()) }
    }
    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        let pages = self.inner.users(options);
        match *self.breaks.lock().unwrap() {
            Breaks::AtTheUsers | Breaks::AtTheUsersWithout(_) | Breaks::ChecksUnanswered => {
                // After as many polls as there are things that can come before.
                let fails = stream::once(polls(20 * GROUPS)).map(|()| Err(Error::new(ErrorKind::Unavailable, "planted")));
                pages.chain(fails).boxed()
            }
            _ => pages,
        }
    }
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        self.asked.lock().unwrap().push(group.clone());
        if self.role_is_gone() {
            return stream::empty().boxed();
        }
        if matches!(*self.breaks.lock().unwrap(), Breaks::AtTheUsersWithout(hangs) if *group == gid(hangs)) {
            return stream::pending().boxed();
        }
        let pages = self.inner.members(group, options);
        if *self.breaks.lock().unwrap() != Breaks::OnePlace {
            return pages;
        }
        let place = Arc::clone(&self.place);
        let waits = stream::once(async move {
            let held = place.lock().await;
            polls(3).await;
            drop(held);
            // Meanwhile the next list takes the place.
            polls(3).await;
            Ok(Page::new(Vec::new()))
        });
        waits.chain(pages).boxed()
    }
}

/// Takes so many polls.
async fn polls(most: usize) {
    let mut polls = 0;
    let wait = |context: &mut std::task::Context<'_>| {
        polls += 1;
        context.waker().wake_by_ref();
        if polls > most { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    };
    futures::future::poll_fn(wait).await;
}

struct World {
    provider: Fragile,
    store: MemoryStore,
    sink: MemorySink,
    clock: Arc<ManualClock>,
}

impl World {
    /// Six groups of three, synced once; then somebody joined the first, left the second, and both are to be found.
    fn changed() -> Self {
        let inner = MemoryProvider::new();
        (0..9).for_each(|n| inner.put_user(User::new(uid(n), UserStatus::Active)));
        for group in 0..GROUPS {
            inner.put_group(Group::new(gid(group), format!("Group {group}")));
            (0..3).for_each(|n| inner.add_member(Membership::new(gid(group), uid(n))));
        }
        let provider = Fragile {
            inner,
            breaks: Arc::default(),
            scope: Arc::new(Mutex::new("all".to_owned())),
            asked: Arc::default(),
            place: Arc::default(),
        };
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH.saturating_add(1_000 * HOUR)));
        let world = Self { provider, store: MemoryStore::new(), sink: MemorySink::new(), clock };
        block_on(world.engine().sync()).unwrap();
        world.provider.take_asked();
        world.provider.inner.add_member(Membership::new(gid(0), uid(5)));
        world.provider.inner.remove_member(&Membership::new(gid(1), uid(0)));
        world
    }

    fn engine(&self) -> SyncEngine {
        self.engine_with(CheckpointPolicy::new(Duration::ZERO, HOUR))
    }

    fn engine_with(&self, policy: CheckpointPolicy) -> SyncEngine {
        let builder = SyncEngine::builder(Twisted(self.provider.clone()), self.store.clone(), self.sink.clone());
        builder.clock(Arc::clone(&self.clock)).checkpoint(policy).build()
    }

    fn broken_off(&self, breaks: Breaks) {
        self.provider.breaks(breaks);
        assert!(block_on(self.engine().sync()).is_err());
        self.provider.breaks(Breaks::Never);
        self.provider.take_asked();
    }

    /// Syncs; says of which groups the members were asked for, and how many an earlier attempt had read.
    fn sync(&self) -> (BTreeSet<GroupId>, u64) {
        let report = block_on(self.engine().sync()).unwrap();
        assert_eq!(report.outcome, Outcome::Done);
        assert_eq!(report.evidence.members.listings, GROUPS as u64, "those that were read earlier count too");
        assert_eq!(self.checkpoints(), 0, "nothing is left of it");
        (self.provider.take_asked(), report.evidence.resumed)
    }

    /// Says of a group when its members changed.
    fn stamp(&self, number: usize, members_updated: Option<Timestamp>) {
        let mut group = Group::new(gid(number), format!("Group {number}"));
        group.timestamps.members_updated = members_updated;
        self.provider.inner.put_group(group);
    }

    fn checkpoints(&self) -> usize {
        block_on(async {
            let id = self.provider.identify().await.unwrap().id;
            self.store.index(&id, BaseKind::Checkpoint).try_concat().await.unwrap().len()
        })
    }

    fn assert_equal(&self) {
        // Timestamps are no content.
        assert!(ChangeSet::between(&self.sink.snapshot(), &self.provider.inner.snapshot()).is_empty());
    }
}

#[test]
fn p12_a_read_that_was_broken_off_is_gone_on_with() {
    let world = World::changed();
    world.broken_off(Breaks::AtTheUsers);
    assert_eq!(world.checkpoints(), GROUPS + 1);
    assert_eq!(world.sync(), (BTreeSet::new(), GROUPS as u64), "no member is read again");
    world.assert_equal();
    assert_eq!(world.sync().1, 0, "the next read is a new one");
}

#[test]
fn p12_what_differs_in_users_and_groups_is_found_anew() {
    let world = World::changed();
    world.provider.inner.put_user(User::new(uid(7), UserStatus::Active).with_login("seven"));
    world.provider.inner.put_group(Group::new(gid(3), "Renamed"));
    world.provider.inner.put_user(User::new(uid(20), UserStatus::Active));
    world.provider.inner.add_member(Membership::new(gid(2), uid(20)));
    world.broken_off(Breaks::AtTheUsers);
    // All of this is undone before the next run, which must not deliver what the broken one had staged.
    world.provider.inner.put_user(User::new(uid(7), UserStatus::Active));
    world.provider.inner.put_group(Group::new(gid(3), "Group 3"));
    world.provider.inner.remove_user(&uid(20));
    world.provider.inner.remove_group(&gid(4));
    let report = block_on(world.engine().sync()).unwrap();
    assert_eq!((report.evidence.resumed, report.evidence.dangling), (GROUPS as u64 - 1, 1), "who is gone is not added");
    assert_eq!(report.changes.total(), 2 + 1 + 3, "the two members, the group and its three members");
    world.assert_equal();
}

#[test]
fn members_that_changed_since_or_were_read_too_long_ago_are_read_again() {
    let world = World::changed();
    world.broken_off(Breaks::AtTheUsers);
    world.stamp(1, Some(Timestamp::UNIX_EPOCH));
    world.provider.inner.add_member(Membership::new(gid(1), uid(0)));
    assert_eq!(world.sync(), ([gid(1)].into(), GROUPS as u64 - 1));
    world.assert_equal();

    world.provider.inner.remove_member(&Membership::new(gid(5), uid(0)));
    world.broken_off(Breaks::AtTheUsers);
    world.provider.inner.add_member(Membership::new(gid(5), uid(0)));
    world.clock.advance(HOUR);
    assert_eq!(world.sync(), ((0..GROUPS).map(gid).collect(), 0));
    world.assert_equal();
}

#[test]
fn p12_what_was_taken_out_of_the_journal_is_not_good_any_more() {
    let world = World::changed();
    world.broken_off(Breaks::AtTheUsers);
    // The first of these is never read, and the other one is noted.
    [1, 4].into_iter().for_each(|number| world.stamp(number, Some(Timestamp::UNIX_EPOCH)));
    world.broken_off(Breaks::AtTheUsersWithout(1));
    // A replica that lags behind shows the time of before.
    world.stamp(1, None);
    assert_eq!(world.sync(), ([gid(1)].into(), GROUPS as u64 - 1));
    world.assert_equal();
}

#[test]
fn p12_what_was_read_too_long_ago_is_not_good_again_when_the_clock_is_set_back() {
    let mut world = World::changed();
    let start = world.clock.now();
    world.broken_off(Breaks::AtTheUsers);
    world.clock.advance(HOUR / 2);
    world.stamp(4, Some(Timestamp::UNIX_EPOCH));
    world.broken_off(Breaks::AtTheUsers);
    // All but that group were read too long ago.
    world.clock.advance(HOUR / 2);
    world.broken_off(Breaks::AtTheUsersWithout(1));
    world.clock = Arc::new(ManualClock::new(start.saturating_add(HOUR / 2)));
    assert!(world.sync().0.contains(&gid(1)));
    world.assert_equal();
}

#[test]
fn another_scope_another_revision_and_a_plan_start_a_new_read() {
    let world = World::changed();
    world.broken_off(Breaks::AtTheUsers);
    *world.provider.scope.lock().unwrap() = "some".to_owned();
    assert_eq!(world.sync().1, 0);

    world.provider.inner.add_member(Membership::new(gid(3), uid(6)));
    world.broken_off(Breaks::AtTheUsers);
    let plan = block_on(world.engine_with(CheckpointPolicy::never()).plan()).unwrap();
    assert_eq!((plan.evidence.resumed, plan.changes.total(), world.checkpoints()), (0, 1, 0), "an engine that keeps none uses none");
    assert_eq!(world.sync().1, 0, "a plan was made since");
    world.assert_equal();
}

#[test]
fn p01_what_was_seen_without_a_role_is_never_gone_on_from() {
    for seen in 0..GROUPS {
        let world = World::changed();
        world.provider.breaks(Breaks::RoleGoesAfter(seen));
        let error = block_on(world.engine().sync()).unwrap_err();
        assert!(matches!(error, SyncError::Refused(_)), "{error:?}");
        assert_eq!(world.checkpoints(), 0);
        world.provider.breaks(Breaks::Never);
        world.provider.take_asked();
        assert_eq!(world.sync().1, 0, "everything is read again");
        world.assert_equal();
    }
}

#[test]
fn p01_a_run_that_is_refused_leaves_nothing_of_the_read_before_it() {
    let world = World::changed();
    world.broken_off(Breaks::AtTheUsersWithout(2));
    assert!(world.checkpoints() > 0);
    world.broken_off(Breaks::RoleGoesAfter(0));
    assert_eq!(world.checkpoints(), 0);
    assert_eq!(world.sync().1, 0, "everything is read again");
    world.assert_equal();
}

#[test]
fn without_an_answer_about_its_access_a_run_notes_nothing_and_goes_on() {
    let world = World::changed();
    world.broken_off(Breaks::ChecksUnanswered);
    assert_eq!(world.checkpoints(), 0);
    assert_eq!(world.sync().1, 0);
    world.assert_equal();
}

#[test]
fn p21_a_run_that_is_shorter_than_the_interval_makes_no_checkpoint() {
    let world = World::changed();
    world.provider.breaks(Breaks::AtTheUsers);
    assert!(block_on(world.engine_with(CheckpointPolicy::default()).sync()).is_err());
    assert_eq!(world.checkpoints(), 0);
}

#[test]
fn a_check_does_not_wait_for_ever_for_a_place_that_a_listing_holds() {
    let (done, waits) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let world = World::changed();
        world.provider.breaks(Breaks::OnePlace);
        done.send(block_on(world.engine().sync()).map(|report| report.changes.total()))
    });
    let ended = waits.recv_timeout(Duration::from_secs(20)).expect("the run ends");
    assert_eq!(ended.unwrap(), 2);
}
