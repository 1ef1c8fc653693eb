//! The matrix of the safeguards: every limit just below, at and just above, by size, by group and by time; approvals and rejections.

mod decisions;
mod limits;
mod plans;
mod protected;
mod window;

use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{Group, GroupId, ManualClock, Membership, PlanHash, Timestamp, User, UserId, UserStatus};
use idsync_engine::{HeldSet, Limit, Outcome, Safeguards, SyncEngine, SyncEngineBuilder, SyncReport};
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

fn uid(n: u64) -> UserId {
    UserId::new(format!("u{n:05}")).unwrap()
}

fn gid(n: u64) -> GroupId {
    GroupId::new(format!("g{n:05}")).unwrap()
}

fn active(n: u64) -> User {
    User::new(uid(n), UserStatus::Active).with_login(format!("user{n}"))
}

/// What a limit counts.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Deactivations,
    Groups,
    Logins,
    Memberships,
    Users,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Users, Self::Deactivations, Self::Groups, Self::Memberships, Self::Logins];

    /// No limits but this one.
    fn limits(self, limit: Limit) -> Safeguards {
        let none = Safeguards::all(Limit::Unlimited);
        match self {
            Self::Deactivations => none.with_deactivations(limit),
            Self::Groups => none.with_groups(limit),
            Self::Logins => none.with_logins(limit),
            Self::Memberships => none.with_memberships(limit),
            Self::Users => none.with_users(limit),
        }
    }
}

struct World {
    provider: MemoryProvider,
    store: MemoryStore,
    sink: MemorySink,
    clock: Arc<ManualClock>,
    size: u64,
}

impl World {
    /// As many users as groups, and each user in one group: the user `n` in the group `n % spread`.
    fn new(size: u64, spread: u64) -> Self {
        let provider = MemoryProvider::new();
        for n in 0..size {
            provider.put_user(active(n));
            provider.put_group(Group::new(gid(n), format!("Group {n}")));
            provider.add_member(Membership::new(gid(n % spread), uid(n)));
        }
        let world = Self {
            provider,
            store: MemoryStore::new(),
            sink: MemorySink::new(),
            clock: Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)),
            size,
        };
        assert_eq!(world.sync(Safeguards::all(Limit::Count(0))).outcome, Outcome::Done, "a first run removes nothing");
        world
    }

    fn builder(&self, limits: Safeguards) -> SyncEngineBuilder {
        let builder = SyncEngine::builder(self.provider.clone(), self.store.clone(), self.sink.clone());
        builder.safeguards(limits).clock(Arc::clone(&self.clock))
    }

    fn sync(&self, limits: Safeguards) -> SyncReport {
        block_on(self.builder(limits).build().sync()).unwrap()
    }

    /// Removes entries from `first` on, all of this kind.
    fn remove(&self, kind: Kind, first: u64, count: u64) {
        for n in first..first + count {
            match kind {
                Kind::Deactivations => self.provider.put_user(User::new(uid(n), UserStatus::Suspended).with_login(format!("user{n}"))),
                // Groups without members go alone, so that only one limit is concerned.
                Kind::Groups => self.provider.remove_group(&gid(self.size - 1 - n)),
                Kind::Logins => self.provider.put_user(User::new(uid(n), UserStatus::Active).with_login(format!("renamed{n}"))),
                Kind::Memberships => self.provider.remove_member(&Membership::new(gid(n % self.spread()), uid(n))),
                Kind::Users => self.provider.remove_user(&uid(n)),
            }
        }
    }

    /// All memberships of a world made by `new(size, 1)` are in one group.
    fn spread(&self) -> u64 {
        self.provider.snapshot().memberships().last().map_or(1, |last| last.group.as_str()[1..].parse::<u64>().unwrap() + 1)
    }

    fn is_in_step(&self) -> bool {
        self.sink.snapshot() == self.provider.snapshot()
    }

    fn held(&self) -> Option<HeldSet> {
        block_on(self.builder(Safeguards::default()).build().held()).unwrap()
    }
}

fn check(cases: &mut u32, world: &World, limits: Safeguards, may: bool, what: &str) {
    *cases += 1;
    let report = world.sync(limits);
    let expected = if may { Outcome::Done } else { Outcome::Held };
    assert_eq!(report.outcome, expected, "{what}: {report}");
    assert_eq!(world.is_in_step(), may, "{what}");
    assert_eq!(report.held.is_some(), !may, "{what}");
}

/// A world in which too many users are gone, and the hash of what is held.
fn held() -> (World, PlanHash) {
    let world = World::new(60, 3);
    world.remove(Kind::Users, 0, 12);
    let hash = world.sync(Safeguards::default()).held.unwrap().hash;
    (world, hash)
}
