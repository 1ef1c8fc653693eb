//! Orgs with random histories, followed by deltas and full runs.
//!
//! Indexes lag by up to a minute and so do lists of members, the org's clock is off by up to a day, and everything that can happen to a
//! user, a group or a membership does. `IDSYNC_HISTORIES` sets how many histories are played; each is decided by its number.

use idsync::engine::{DeltaPolicy, Limit, Mode, Safeguards, SyncEngine, SyncReport};
use idsync::memory::{MemorySink, MemoryStore};
use idsync::okta::OktaProvider;
use idsync::{ManualClock, Timestamp};
use idsync_okta_emulator::{Lag, OktaEmulator, Status};
use idsync_tests::{Contents, Random, client_builder, count_from_environment};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Longer than anything lags.
const QUIET: u64 = 61;
/// Longer than the engine waits until it believes a list of members.
const SETTLED: u64 = 130;

struct History {
    emulator: OktaEmulator,
    provider: OktaProvider,
    store: MemoryStore,
    sink: MemorySink,
    clock: Arc<ManualClock>,
    /// How far the org's clock is ahead of the machine's.
    skew: i64,
    random: Random,
    /// What was in scope after each change of the last minutes, by the time that has passed.
    past: VecDeque<(u64, Contents)>,
    elapsed: u64,
    serial: u32,
}

/// How many of each run there were.
#[derive(Debug, Default)]
struct Tally {
    deltas: u32,
    fulls: u32,
    changes: u64,
    removals: usize,
}

impl History {
    async fn begin(number: u64) -> Self {
        let mut random = Random::new(number);
        let emulator = OktaEmulator::builder().seed(number).users(40).groups(8).memberships(120).start().await.unwrap();
        let skew = i64::try_from(random.below(2 * 86_400)).unwrap() - 86_400;
        emulator.org().set_clock_skew(skew);
        emulator.org().set_lag(match random.below(4) {
            0 => Lag::None,
            _ => Lag::Time(Duration::from_secs(random.below(60))),
        });
        let provider = OktaProvider::new(client_builder(&emulator).build().unwrap());
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_millis(1_780_000_000_000).unwrap()));
        let (store, sink) = (MemoryStore::new(), MemorySink::new());
        Self { emulator, provider, store, sink, clock, skew, random, past: VecDeque::new(), elapsed: 0, serial: 0 }
    }

    fn pass(&mut self, seconds: u64) {
        self.elapsed += seconds;
        self.clock.advance(Duration::from_secs(seconds));
        self.skew += i64::try_from(seconds).unwrap();
        self.emulator.org().set_clock_skew(self.skew);
    }

    fn pick<T: Clone>(&mut self, among: &[T]) -> Option<T> {
        if among.is_empty() { None } else { Some(among[self.random.below(among.len() as u64) as usize].clone()) }
    }

    /// Something happens in the org.
    fn change(&mut self) {
        self.serial += 1;
        let (org, serial) = (self.emulator.org().clone(), self.serial);
        let truth = org.truth();
        let users: Vec<String> = truth.users.keys().cloned().collect();
        let groups: Vec<String> = truth.groups.iter().filter(|(_, group)| !group.is_everyone()).map(|(id, _)| id.clone()).collect();
        let memberships: Vec<_> = truth.memberships.iter().filter(|(group, _)| groups.contains(group)).cloned().collect();
        let deactivated: Vec<_> =
            truth.users.iter().filter(|(_, user)| user.status == Status::Deprovisioned).map(|(id, _)| id.clone()).collect();
        let (user, group) = (self.pick(&users).unwrap(), self.pick(&groups));
        match self.random.below(20) {
            0..=3 => _ = org.update_user(&user, &[("title", json!(format!("title {serial}")))]),
            4..=6 => _ = group.is_some_and(|group| org.add_member(&group, &user)),
            7..=8 => _ = self.pick(&memberships).is_some_and(|(group, user)| org.remove_member(&group, &user)),
            9 => _ = org.deactivate_user(&user),
            10..=11 => _ = self.pick(&deactivated).is_some_and(|user| org.set_status(&user, Status::Active)),
            12 => _ = org.set_status(&user, Status::Suspended),
            13 => _ = org.delete_user(&user),
            14 => {
                let newcomer =
                    org.create_user(json!({"login": format!("n{serial}@example.com"), "email": format!("n{serial}@example.com")}));
                if let Some(group) = group {
                    org.add_member(&group, &newcomer);
                }
            }
            15 => {
                let group = org.create_group(&format!("Group {serial}"), None);
                org.add_member(&group, &user);
            }
            16 => _ = group.is_some_and(|group| org.update_group(&group, &[("name", json!(format!("Renamed {serial}")))])),
            17 if groups.len() > 2 => _ = group.is_some_and(|group| org.delete_group(&group)),
            18 => _ = org.sign_in(&user),
            _ => {
                // There and back within a second.
                if let Some((group, user)) = self.pick(&memberships) {
                    org.remove_member(&group, &user);
                    org.add_member(&group, &user);
                }
            }
        }
        self.remember();
    }

    fn remember(&mut self) {
        self.past.push_back((self.elapsed, Contents::of_org(&self.emulator)));
        while self.past.front().is_some_and(|(at, _)| at + 300 < self.elapsed) {
            self.past.pop_front();
        }
    }

    async fn run(&mut self, policy: DeltaPolicy, tally: &mut Tally) -> SyncReport {
        let policy = policy.with_settle(Duration::from_secs(QUIET));
        let engine = SyncEngine::builder(self.provider.clone(), self.store.clone(), self.sink.clone())
            .clock(Arc::clone(&self.clock))
            .delta(policy)
            .safeguards(Safeguards::all(Limit::Unlimited))
            .build();
        let before = Contents::of_snapshot(&self.sink.snapshot());
        let report = engine.sync().await.unwrap();
        tally.changes += report.changes.total();
        match report.mode {
            Mode::Full => tally.fulls += 1,
            _ => tally.deltas += 1,
        }
        tally.removals += self.check_removals(&before);
        report
    }

    /// Nothing is removed that was there all the time.
    fn check_removals(&self, before: &Contents) -> usize {
        let after = Contents::of_snapshot(&self.sink.snapshot());
        let was_gone = |is_there: &dyn Fn(&Contents) -> bool| self.past.iter().any(|(_, contents)| !is_there(contents));
        let mut removals = 0;
        for id in before.users.keys().filter(|id| !after.users.contains_key(*id)) {
            assert!(was_gone(&|contents| contents.users.contains_key(id)), "user {id} was there all the time");
            removals += 1;
        }
        for id in before.groups.keys().filter(|id| !after.groups.contains_key(*id)) {
            assert!(was_gone(&|contents| contents.groups.contains_key(id)), "group {id} was there all the time");
            removals += 1;
        }
        for membership in before.memberships.difference(&after.memberships) {
            assert!(was_gone(&|contents| contents.memberships.contains(membership)), "{membership:?} was there all the time");
            removals += 1;
        }
        removals
    }

    fn is_in_step(&self) -> Result<(), String> {
        Contents::of_snapshot(&self.sink.snapshot()).same_as(&Contents::of_org(&self.emulator))
    }

    /// The same, but for users who were deleted without a trace.
    fn is_in_step_as_deltas_can_be(&self) -> Result<(), String> {
        let everybody = self.emulator.org().truth().users;
        let mut sink = Contents::of_snapshot(&self.sink.snapshot());
        sink.users.retain(|id, _| everybody.contains_key(id));
        sink.memberships.retain(|(_, user)| everybody.contains_key(user));
        sink.same_as(&Contents::of_org(&self.emulator))
    }

    async fn play(&mut self, tally: &mut Tally) {
        self.remember();
        self.run(DeltaPolicy::default(), tally).await;
        self.is_in_step().unwrap();
        for _ in 0..3 {
            for _ in 0..self.random.below(4) + 1 {
                for _ in 0..self.random.below(5) {
                    self.change();
                    let pause = self.random.below(20);
                    self.pass(pause);
                }
                let pause = self.random.below(90);
                self.pass(pause);
                self.run(DeltaPolicy::default(), tally).await;
            }
            self.pass(QUIET);
            if self.random.below(2) == 0 {
                self.run(DeltaPolicy::default(), tally).await;
                self.pass(SETTLED);
                let report = self.run(DeltaPolicy::default(), tally).await;
                self.is_in_step_as_deltas_can_be().unwrap_or_else(|what| panic!("after deltas: {what}; {report}"));
            }
            let report = self.run(DeltaPolicy::never(), tally).await;
            assert_eq!(report.mode, Mode::Full);
            self.is_in_step().unwrap_or_else(|what| panic!("after a full run: {what}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p03_p21_deltas_and_full_runs_follow_random_histories() {
    let histories = u64::from(count_from_environment("IDSYNC_HISTORIES", 40));
    let first = u64::from(count_from_environment("IDSYNC_FIRST_HISTORY", 0));
    let mut tally = Tally::default();
    for number in first..first + histories {
        println!("history {number}");
        let mut history = History::begin(number).await;
        history.play(&mut tally).await;
    }
    println!("{histories} histories: {tally:?}");
    assert!(u64::from(tally.deltas) > 3 * histories && tally.removals > 0, "{tally:?}");
}
