//! Users listed along several chains at once: everyone comes, whenever they were created, and the read is shorter.

use idsync::engine::{DeltaPolicy, SyncEngine, SyncReport};
use idsync::memory::{MemorySink, MemoryStore};
use idsync::okta::{Deprovisioned, OktaProvider};
use idsync::{ChangeKind, IdentityProvider};
use idsync_okta_emulator::{BodyShape, Endpoint, Fault, FaultKind, Lag, OktaEmulator};
use idsync_tests::{Contents, client_builder};
use serde_json::json;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

struct World {
    emulator: OktaEmulator,
    store: MemoryStore,
    sink: MemorySink,
}

const FOUR: NonZeroUsize = NonZeroUsize::new(4).unwrap();

impl World {
    async fn new(users: usize) -> Self {
        let emulator = OktaEmulator::builder().seed(71).users(users).groups(5).memberships(50).start().await.unwrap();
        Self { emulator, store: MemoryStore::new(), sink: MemorySink::new() }
    }

    fn provider(&self) -> OktaProvider {
        OktaProvider::new(client_builder(&self.emulator).build().unwrap())
    }

    async fn sync(&self, provider: impl IdentityProvider) -> SyncReport {
        let engine = SyncEngine::builder(provider, self.store.clone(), self.sink.clone()).delta(DeltaPolicy::never()).build();
        engine.sync().await.unwrap()
    }

    fn assert_in_step(&self) {
        assert_eq!(Contents::of_snapshot(&self.sink.snapshot()), Contents::of_org(&self.emulator));
    }
}

#[tokio::test]
async fn p01_everyone_comes_along_one_chain_or_another() {
    let world = World::new(3_000).await;
    // A few hundred were imported within a second, and one is made while the others are read.
    for n in 0..450 {
        world.emulator.org().create_user(json!({"login": format!("import{n}@example.com"), "email": "i@example.com"}));
    }
    let report = world.sync(world.provider().user_chains(FOUR)).await;
    world.assert_in_step();
    assert!(report.complete);
    let pages = report.directory.users.div_ceil(200);
    let requests = report.requests.by_bucket["users"];
    println!("{} users along four chains: {requests} requests for {pages} pages", report.directory.users);
    // Two probes of the access, the oldest user, those of the last minutes, and a page that is not full for each range.
    assert!(requests <= pages + 3 + 2 + 12 + 3, "{requests} for {pages}");
    assert_eq!(world.sync(world.provider().user_chains(FOUR)).await.changes.total(), 0);
    let deactivated = world.provider().user_chains(FOUR).include_deprovisioned(Deprovisioned::Include);
    let report = world.sync(deactivated).await;
    let all = world.emulator.org().truth().users.len() as u64;
    assert_eq!(report.directory.users, all, "those who are deactivated, too");
}

#[tokio::test]
async fn it_takes_a_fraction_of_the_time_where_answers_take_long() {
    let world = World::new(6_000).await;
    world.emulator.faults().add(Fault::new(FaultKind::Delay(Duration::from_millis(40))).on(Endpoint::Users).always());
    let mut times = Vec::new();
    for provider in [world.provider(), world.provider().user_chains(FOUR)] {
        let start = Instant::now();
        world.sync(provider).await;
        times.push(start.elapsed());
    }
    println!("one chain {:?}, four chains {:?}", times[0], times[1]);
    world.assert_in_step();
    let most = world.emulator.requests().max_in_flight();
    assert!(most >= 4, "at most {most} at once");
}

#[tokio::test]
async fn p03_whom_the_index_does_not_show_yet_is_not_deleted_and_comes_all_the_same() {
    let world = World::new(500).await;
    world.sync(world.provider()).await;
    let org = world.emulator.org();
    org.set_lag(Lag::Time(Duration::from_secs(600)));
    let newcomer = org.create_user(json!({"login": "new@example.com", "email": "new@example.com"}));
    let gone = org.truth().in_scope().users.into_keys().next().unwrap();
    assert!(org.delete_user(&gone));
    let report = world.sync(world.provider().user_chains(FOUR)).await;
    assert_eq!(report.changes.get(ChangeKind::UserDeleted), 0, "the index shows the one who is gone");
    org.set_lag(Lag::None);
    let report = world.sync(world.provider().user_chains(FOUR)).await;
    assert_eq!((report.changes.get(ChangeKind::UserDeleted), report.evidence.looked_up), (1, 1));
    assert!(world.sink.snapshot().users().any(|user| user.id.as_str() == newcomer));
    world.assert_in_step();
}

#[tokio::test]
async fn an_org_that_does_not_understand_the_search_is_read_along_one_chain() {
    let world = World::new(500).await;
    let refusal = Fault::new(FaultKind::Status(400, BodyShape::Okta)).on(Endpoint::Users).skip(1).times(1);
    world.emulator.faults().add(refusal);
    world.sync(world.provider().user_chains(FOUR)).await;
    world.assert_in_step();
    let log = world.emulator.requests();
    let searched = log.entries().iter().filter(|entry| entry.path == "/api/v1/users" && entry.query.contains("search=")).count();
    assert_eq!(searched, 1);
}
