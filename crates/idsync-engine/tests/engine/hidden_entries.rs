//! Single users and groups that the connection may not see, though it sees all others.

use crate::support::twisted::{Twist, Twisted};
use crate::support::{gid, member, uid};
use async_trait::async_trait;
use futures::executor::block_on;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    ChangedUsers, Cursor, Error, ErrorKind, Group, GroupId, IdentityProvider, Lookup, ManualClock, Page, ReadOptions, Result, Timestamp,
    User, UserId, UserStatus,
};
use idsync_engine::{Mode, Outcome, SyncEngine, SyncError, SyncReport};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn user(id: &str, status: UserStatus, updated: i64) -> User {
    let mut user = User::new(uid(id), status);
    user.timestamps.updated = Some(Timestamp::from_unix_millis(updated * 1_000).unwrap());
    user
}

/// What a role does not show.
#[derive(Debug, Default)]
struct Hidden {
    users: BTreeSet<UserId>,
    groups: BTreeSet<GroupId>,
    /// There is no role any more: nobody may be looked up.
    everything: bool,
    /// Users that changes say to be gone.
    departed: Vec<UserId>,
}

/// A directory of which a role shows a part: listings leave out what is hidden, and look-ups of it are refused.
#[derive(Debug, Clone)]
struct Partial {
    inner: MemoryProvider,
    hidden: Arc<Mutex<Hidden>>,
}

fn refused() -> Error {
    Error::new(ErrorKind::PermissionDenied, "you do not have permission to perform the requested action")
}

#[async_trait]
impl Twist for Partial {
    fn inner(&self) -> &MemoryProvider {
        &self.inner
    }
    async fn check(&self) -> Result<()> {
        if self.hidden.lock().unwrap().everything { Err(refused()) } else { self.inner.check().await }
    }
    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        let hidden = self.hidden.lock().unwrap().users.clone();
        let pages = self.inner.users(options).map_ok(move |mut page| {
            page.items.retain(|user| !hidden.contains(&user.id));
            page
        });
        pages.boxed()
    }
    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        let hidden = self.hidden.lock().unwrap().groups.clone();
        let pages = self.inner.groups(options).map_ok(move |mut page| {
            page.items.retain(|group| !hidden.contains(&group.id));
            page
        });
        pages.boxed()
    }
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let hidden = self.hidden.lock().unwrap().users.clone();
        let pages = self.inner.members(group, options).map_ok(move |mut page| {
            page.items.retain(|user| !hidden.contains(user));
            page
        });
        pages.boxed()
    }
    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        let is_hidden = {
            let hidden = self.hidden.lock().unwrap();
            hidden.everything || hidden.users.contains(id)
        };
        if is_hidden { Err(refused()) } else { self.inner.user(id).await }
    }
    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        let is_hidden = {
            let hidden = self.hidden.lock().unwrap();
            hidden.everything || hidden.groups.contains(id)
        };
        if is_hidden { Err(refused()) } else { self.inner.group(id).await }
    }
    fn changed_users(&self, since: &Cursor, options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        let departed = ChangedUsers::new(Vec::new()).with_departed(self.hidden.lock().unwrap().departed.clone());
        stream::iter([Ok(departed)]).chain(self.inner.changed_users(since, options)).boxed()
    }
}

struct World {
    source: Partial,
    store: MemoryStore,
    sink: MemorySink,
    clock: Arc<ManualClock>,
}

impl World {
    /// Twenty users, all of them in the group `a`, and `u1` to `u5` in `b`.
    fn synced(inner: MemoryProvider) -> Self {
        (1..=20).for_each(|n| inner.put_user(user(&format!("u{n}"), UserStatus::Active, 100)));
        for (group, members) in [("a", 20), ("b", 5)] {
            inner.put_group(Group::new(gid(group), group));
            (1..=members).for_each(|n| inner.add_member(member(group, &format!("u{n}"))));
        }
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(1_000_000_000).unwrap()));
        let source = Partial { inner, hidden: Arc::default() };
        let world = Self { source, store: MemoryStore::new(), sink: MemorySink::new(), clock };
        assert_eq!(world.run().unwrap().outcome, Outcome::Done);
        world.clock.advance(Duration::from_secs(600));
        world
    }

    fn run(&self) -> Result<SyncReport, SyncError> {
        self.clock.advance(Duration::from_secs(60));
        let builder = SyncEngine::builder(Twisted(self.source.clone()), self.store.clone(), self.sink.clone());
        block_on(builder.clock(Arc::clone(&self.clock)).build().sync())
    }

    fn hidden(&self) -> std::sync::MutexGuard<'_, Hidden> {
        self.source.hidden.lock().unwrap()
    }

    fn is_member(&self, group: &str, user: &str) -> bool {
        self.sink.snapshot().memberships().any(|found| *found == member(group, user))
    }
}

#[test]
fn p05_a_user_who_may_not_be_seen_stays_with_all_memberships_and_the_others_go_on() {
    let world = World::synced(MemoryProvider::new());
    world.hidden().users.insert(uid("u1"));
    world.source.inner.put_user(user("u2", UserStatus::Suspended, 200));
    world.source.inner.remove_member(&member("b", "u3"));
    for _ in 0..3 {
        let report = world.run().unwrap();
        assert_eq!((report.outcome, report.evidence.unconfirmed), (Outcome::Incomplete, 1), "{report}");
        let failure = report.evidence.first_failure.unwrap();
        assert!(failure.reason.contains("u1") && failure.remedy.unwrap().contains("role"), "{}", failure.reason);
    }
    let synced = world.sink.snapshot();
    assert_eq!(synced.user(&uid("u2")).unwrap().status, UserStatus::Suspended);
    assert!(synced.user(&uid("u1")).is_some() && world.is_member("a", "u1") && world.is_member("b", "u1"));
    assert!(!world.is_member("b", "u3") && world.is_member("b", "u4"));
    world.hidden().users.clear();
    world.source.inner.remove_member(&member("b", "u1"));
    assert_eq!(world.run().unwrap().outcome, Outcome::Done);
    assert_eq!(world.sink.snapshot(), world.source.inner.snapshot());
}

#[test]
fn p05_a_group_that_may_not_be_seen_stays_with_all_members_and_the_others_go_on() {
    let world = World::synced(MemoryProvider::new());
    world.hidden().groups.insert(gid("b"));
    world.source.inner.remove_member(&member("a", "u9"));
    let report = world.run().unwrap();
    assert_eq!(report.outcome, Outcome::Incomplete, "{report}");
    assert!(report.evidence.first_failure.unwrap().reason.starts_with("b may not be read"));
    assert!(!world.is_member("a", "u9") && world.is_member("b", "u5"));
}

#[test]
fn p01_look_ups_that_are_refused_because_the_role_is_gone_refuse_the_run() {
    let world = World::synced(MemoryProvider::new());
    let before = world.sink.snapshot();
    world.hidden().users.insert(uid("u1"));
    world.source.inner.put_user(user("u2", UserStatus::Suspended, 200));
    world.hidden().everything = true;
    assert!(matches!(world.run(), Err(SyncError::Refused(_))));
    assert_eq!(world.sink.snapshot(), before);
}

#[test]
fn p05_a_newcomer_who_may_not_be_seen_does_not_stop_a_delta() {
    let world = World::synced(MemoryProvider::new().with_delta());
    world.hidden().users.insert(uid("new"));
    world.source.inner.put_user(user("new", UserStatus::Active, 200));
    world.source.inner.put_user(user("u2", UserStatus::Suspended, 200));
    let report = world.run().unwrap();
    assert_eq!((report.mode, report.outcome), (Mode::Delta, Outcome::Incomplete), "{report}");
    let synced = world.sink.snapshot();
    assert_eq!(synced.user(&uid("u2")).unwrap().status, UserStatus::Suspended);
    assert!(synced.user(&uid("new")).is_none());
}

#[test]
fn p01_more_who_are_gone_than_may_be_in_a_delta_without_a_role_refuse_the_run() {
    for has_role in [true, false] {
        let world = World::synced(MemoryProvider::new().with_delta());
        let before = world.sink.snapshot();
        world.hidden().departed = (1..=15).map(|n| uid(&format!("u{n}"))).collect();
        world.hidden().everything = !has_role;
        match world.run() {
            Ok(report) => assert_eq!((report.mode, report.outcome, has_role), (Mode::Delta, Outcome::Held, true), "{report}"),
            // Nobody was looked up, for there are too many.
            Err(error) => assert!(matches!(error, SyncError::Refused(_)) && !has_role, "{error}"),
        }
        assert_eq!(world.sink.snapshot(), before);
    }
}
