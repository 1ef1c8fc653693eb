//! Groups of many packs and many blocks: changes at random, members that are listed twice, and a sink that refuses some.

use crate::support::refusing::apply_but;
use crate::support::twisted::{Twist, Twisted};
use async_trait::async_trait;
use futures::executor::block_on;
use futures::stream::{BoxStream, poll_fn};
use futures::{StreamExt, TryStreamExt};
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    Batch, BatchOutcome, Change, ChangeSet, Delivery, DirectorySink, Error, ErrorKind, Group, GroupId, IdentityProvider, Membership, Page,
    ReadOptions, Result, Snapshot, User, UserId, UserStatus,
};
use idsync_engine::{Backoff, Limit, Safeguards, SyncEngine};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

const USERS: u64 = 2_000;

/// A sequence that looks random, the same for each seed.
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn user_id(number: u64) -> UserId {
    UserId::new(format!("u{number}")).unwrap()
}

/// Lists the last member of each page once more at the start of the next one, as a directory does in which members change meanwhile.
#[derive(Debug, Clone)]
struct Repeating {
    inner: MemoryProvider,
    /// How often the first users have to be asked for: members come before them then.
    polls: usize,
}

impl Twist for Repeating {
    fn inner(&self) -> &MemoryProvider {
        &self.inner
    }
    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        let mut polls = self.polls;
        let later = poll_fn(move |context| {
            polls = polls.saturating_sub(1);
            context.waker().wake_by_ref();
            if polls == 0 { Poll::Ready(None) } else { Poll::Pending }
        });
        later.chain(self.inner.users(options)).boxed()
    }
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let repeated = self.inner.members(group, options).scan(None, |last: &mut Option<UserId>, page| {
            let page = page.map(|mut page| {
                page.items.extend(last.take());
                *last = page.items.first().cloned();
                page
            });
            std::future::ready(Some(page))
        });
        repeated.boxed()
    }
}

/// Refuses one change in so many, while it does.
#[derive(Debug, Clone)]
struct Refusing {
    inner: MemorySink,
    one_in: Arc<AtomicU64>,
}

impl fmt::Display for Refusing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refusing")
    }
}

#[async_trait]
impl DirectorySink for Refusing {
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let one_in = self.one_in.load(Ordering::Relaxed);
        let is_refused = |delivery: &Delivery| {
            let chance = u64::from_le_bytes(*delivery.key.as_bytes().first_chunk().unwrap());
            one_in > 0 && chance.is_multiple_of(one_in)
        };
        apply_but(&self.inner, batch, |delivery| is_refused(delivery).then(|| Error::new(ErrorKind::Conflict, "not this one"))).await
    }
}

fn world(random: &mut Random, before: &Snapshot) -> Snapshot {
    let mut builder = Snapshot::builder();
    let gone = if random.below(3) == 0 { random.below(USERS) } else { USERS };
    let there = |number: &u64| *number % 97 != gone % 97;
    (0..USERS).filter(there).for_each(|number| _ = builder.user(User::new(user_id(number), UserStatus::Active)));
    for number in 0..4 {
        let group = GroupId::new(format!("g{number}")).unwrap();
        if number == 3 && random.below(3) == 0 {
            continue;
        }
        builder.group(Group::new(group.clone(), "Group"));
        let (parts, keeps) = ([0, 1, 30, 500, 999][random.below(5) as usize], random.below(4) > 0);
        let members: HashSet<_> = before.members(&group).collect();
        for user in (0..USERS).filter(there) {
            let was_there = members.contains(&user_id(user));
            let changes = random.below(1_000) < if keeps { 20 } else { 1_000 };
            if if changes { random.below(1_000) < parts } else { was_there } {
                builder.membership(Membership::new(group.clone(), user_id(user)));
            }
        }
    }
    builder.finish()
}

fn said(changes: impl IntoIterator<Item = Change>) -> Vec<String> {
    changes.into_iter().map(|change| format!("{:?} {:?} {:?}", change.kind(), change.group(), change.user())).collect()
}

#[test]
fn p06_groups_of_many_packs_and_blocks_become_what_they_are_in_the_source() {
    // With all ids of members at hand, with few, and with none; and with members that come before their users.
    for (seed, ids, polls) in [(0, 1_000_000, 0), (1, 700, 0), (2, 0, 0), (3, 0, 300)] {
        let (mut random, source) = (Random(seed), MemoryProvider::new());
        let sink = Refusing { inner: MemorySink::new(), one_in: Arc::default() };
        let engine = SyncEngine::builder(Twisted(Repeating { inner: source.clone(), polls }), MemoryStore::new(), sink.clone())
            .safeguards(Safeguards::all(Limit::Unlimited))
            .escrow(Backoff::new(Duration::ZERO, Duration::ZERO))
            .member_ids(ids)
            .build();
        for step in 0..6 {
            let (before, target) = (sink.inner.snapshot(), world(&mut random, &sink.inner.snapshot()));
            source.replace(&target);
            let expected = ChangeSet::between(&before, &target);
            let plan = block_on(engine.plan()).unwrap();
            let planned: Vec<Change> = block_on(plan.changes().map_ok(|planned| planned.change).try_collect()).unwrap();
            assert_eq!(said(planned), said(expected.clone()), "seed {seed}, step {step}");
            assert_eq!(plan.directory.memberships, target.memberships().len() as u64);
            sink.one_in.store([0, 50, 400][random.below(3) as usize], Ordering::Relaxed);
            let report = block_on(engine.sync()).unwrap();
            if report.escrowed == 0 {
                assert_eq!(report.changes, expected.counts(), "seed {seed}, step {step}");
            }
            sink.one_in.store(0, Ordering::Relaxed);
            let rest = block_on(engine.sync()).unwrap();
            assert_eq!(report.changes.total() + rest.changes.total(), expected.counts().total(), "seed {seed}, step {step}");
            assert_eq!(sink.inner.snapshot(), target, "seed {seed}, step {step}");
            assert_eq!(block_on(engine.sync()).unwrap().changes.total(), 0, "seed {seed}, step {step}");
        }
    }
}

/// So many that their ids are let go of, and are not copied to be sorted either.
#[test]
fn p06_one_group_of_tens_of_thousands_is_new_whose_members_come_before_their_users() {
    const MANY: u64 = 70_000;
    let (source, sink, group) = (MemoryProvider::new(), MemorySink::new(), GroupId::new("g").unwrap());
    let mut builder = Snapshot::builder();
    builder.group(Group::new(group.clone(), "Group"));
    for number in 0..MANY {
        builder.user(User::new(user_id(number), UserStatus::Active));
        builder.membership(Membership::new(group.clone(), user_id(number)));
    }
    source.replace(&builder.finish());
    let provider = Repeating { inner: source.clone(), polls: 1_000 };
    let engine = SyncEngine::builder(Twisted(provider), MemoryStore::new(), sink.clone()).member_ids(1_000).build();
    let report = block_on(engine.sync()).unwrap();
    assert_eq!(report.directory.memberships, MANY, "each once, though some are listed twice");
    assert_eq!(sink.snapshot(), source.snapshot());
    assert_eq!(block_on(engine.sync()).unwrap().changes.total(), 0);
}
