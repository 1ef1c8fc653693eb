//! Deltas that meet faults: nobody is removed who is there, and the next delta finds what this one could not see.

use idsync::engine::{DeltaPolicy, Limit, Mode, Safeguards, SyncEngine};
use idsync::memory::{MemorySink, MemoryStore};
use idsync::okta::{OktaProvider, PageSizes, RetryPolicy};
use idsync_okta_emulator::{BodyShape, Endpoint, Fault, FaultKind, Malformed, OktaEmulator, Status};
use idsync_tests::{Contents, client_builder};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

struct World {
    emulator: OktaEmulator,
    engine: SyncEngine,
    sink: MemorySink,
    before: Contents,
}

impl World {
    /// An org that was synced, and in which everything has happened since that a delta can see.
    async fn changed() -> Self {
        let emulator = OktaEmulator::builder().seed(83).users(60).groups(9).memberships(180).start().await.unwrap();
        let sizes = PageSizes::default().with_users(3).with_groups_in_delta(5).with_members(5);
        let patience = RetryPolicy::new(3, Duration::from_millis(900));
        let client = client_builder(&emulator).page_sizes(sizes).retry(patience).build().unwrap();
        let sink = MemorySink::new();
        let engine = SyncEngine::builder(OktaProvider::new(client), MemoryStore::new(), sink.clone());
        let engine = engine.safeguards(Safeguards::all(Limit::Unlimited)).delta(DeltaPolicy::default().with_settle(Duration::ZERO)).build();
        engine.sync().await.unwrap();
        let before = Contents::of_snapshot(&sink.snapshot());
        let org = emulator.org();
        let users: Vec<_> = before.users.keys().cloned().collect();
        let groups: Vec<_> = before.memberships.iter().map(|(group, _)| group.clone()).collect();
        for (n, user) in users.iter().take(8).enumerate() {
            assert!(org.update_user(user, &[("title", json!(format!("Chief {n}")))]));
        }
        assert!(org.deactivate_user(&users[10]) && org.set_status(&users[11], Status::Suspended));
        let newcomer = org.create_user(json!({"login": "new@example.com", "email": "new@example.com"}));
        assert!(org.add_member(&groups[0], &newcomer));
        let (group, user) = before.memberships.iter().next_back().unwrap();
        assert!(org.remove_member(group, user));
        let last = before.groups.keys().find(|id| **id != groups[0] && *id != group && !before.groups[*id].kind.contains("built")).unwrap();
        assert!(org.delete_group(last));
        Self { emulator, engine, sink, before }
    }

    fn check_nothing_is_lost(&self, fault: &str) {
        let (now, truth) = (Contents::of_snapshot(&self.sink.snapshot()), Contents::of_org(&self.emulator));
        let mut users = self.before.users.keys().filter(|id| truth.users.contains_key(*id));
        assert!(users.all(|id| now.users.contains_key(id)), "{fault}: a user was deleted");
        let mut groups = self.before.groups.keys().filter(|id| truth.groups.contains_key(*id));
        assert!(groups.all(|id| now.groups.contains_key(id)), "{fault}: a group was deleted");
        let mut members = self.before.memberships.iter().filter(|pair| truth.memberships.contains(*pair));
        assert!(members.all(|pair| now.memberships.contains(pair)), "{fault}: a membership was deleted");
    }

    async fn meets(self, fault: Fault) -> (&'static str, bool) {
        let (name, told) = (fault.kind().name(), format!("{fault:?}"));
        self.emulator.faults().add(fault);
        let during = self.engine.sync().await;
        let struck = self.emulator.faults().fired() > 0;
        self.check_nothing_is_lost(&told);
        if let Ok(report) = &during {
            assert!(report.mode == Mode::Delta || name == "skewed_date", "{told}: {report}");
        }
        self.emulator.faults().clear();
        let clean = self.engine.sync().await.unwrap();
        // Where the org's time was off, nobody knows whether the cursor has come yet, and everything is read.
        assert!(clean.mode == Mode::Delta || name == "skewed_date", "{told}: {clean}");
        let (now, truth) = (Contents::of_snapshot(&self.sink.snapshot()), Contents::of_org(&self.emulator));
        now.same_as(&truth).unwrap_or_else(|what| panic!("{told}: {during:?}; after a clean delta: {what}"));
        (name, struck)
    }
}

fn kinds() -> Vec<FaultKind> {
    let somewhere = "http://127.0.0.1:9".to_owned();
    vec![
        FaultKind::BucketLimit429(Duration::from_secs(1)),
        FaultKind::Concurrency429,
        FaultKind::DeepNesting(200),
        FaultKind::EmptyLastPage,
        FaultKind::EmptyMiddlePage,
        FaultKind::EmptyUsers200,
        FaultKind::ForeignNext(somewhere.clone()),
        FaultKind::InvalidCursor,
        FaultKind::JoinedLinkHeader,
        FaultKind::LoopingNext,
        FaultKind::MalformedJson,
        FaultKind::MalformedRecord(Malformed::MissingId),
        FaultKind::MalformedRecord(Malformed::WrongTypes),
        FaultKind::MissingRateHeaders,
        FaultKind::Redirect(somewhere),
        FaultKind::RepeatedRows,
        FaultKind::Reset,
        FaultKind::ResetMidBody,
        FaultKind::SelfNext,
        FaultKind::ShrunkPages,
        FaultKind::SkewedDate(-7_200),
        FaultKind::Status(401, BodyShape::Okta),
        FaultKind::Status(403, BodyShape::Okta),
        FaultKind::Status(404, BodyShape::Html),
        FaultKind::Status(500, BodyShape::Okta),
        FaultKind::Status(503, BodyShape::Html),
        FaultKind::TruncatedBody,
        FaultKind::UnknownMembers,
        FaultKind::VanishedGroup,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn p01_p03_p12_deltas_that_meet_faults_remove_nobody_and_the_next_finds_the_rest() {
    // Each org is a thread and some sockets.
    let (mut cases, places) = (JoinSet::new(), Arc::new(Semaphore::new(16)));
    for endpoint in [Endpoint::Users, Endpoint::Groups, Endpoint::Members, Endpoint::User, Endpoint::UserGroups] {
        for kind in kinds() {
            // Once, and for as long as it lasts.
            for fault in [Fault::new(kind.clone()).times(1), Fault::new(kind).always()] {
                let fault = fault.on(endpoint);
                let places = Arc::clone(&places);
                cases.spawn(async move {
                    let _place = places.acquire_owned().await;
                    World::changed().await.meets(fault).await
                });
            }
        }
    }
    let (mut struck, mut all) = (std::collections::BTreeSet::new(), 0);
    while let Some(case) = cases.join_next().await {
        let (name, has_struck) = case.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
        all += 1;
        if has_struck {
            struck.insert(name);
        }
    }
    println!("{all} cases of {} kinds that struck", struck.len());
    let silent: Vec<_> = kinds().iter().map(FaultKind::name).filter(|name| !struck.contains(name)).collect();
    assert!(silent.is_empty(), "these struck nowhere: {silent:?}");
}
