//! What a delta costs, and what it finds, in an org of some size.

use idsync::engine::{DeltaPolicy, Mode, Outcome, SyncEngine, SyncReport};
use idsync::okta::OktaProvider;
use idsync::{ChangeKind, Counts, IdentityProvider};
use idsync_okta_emulator::{OktaEmulator, Status};
use idsync_tests::{Contents, client_builder, file, fingerprints};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

struct World {
    emulator: OktaEmulator,
    provider: Arc<OktaProvider>,
    engine: SyncEngine,
    folder: TempDir,
}

impl World {
    /// An org that was synced once.
    async fn synced(users: usize, groups: usize, memberships: usize) -> Self {
        let emulator = OktaEmulator::builder().seed(29).users(users).groups(groups).memberships(memberships).start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let provider = Arc::new(OktaProvider::new(client_builder(&emulator).build().unwrap()));
        let file = file(&folder.path().join("a.db")).await;
        let engine = SyncEngine::builder(Arc::clone(&provider), file.store(), file.sink()).build();
        let world = Self { emulator, provider, engine, folder };
        assert_eq!(world.engine.sync().await.unwrap().mode, Mode::Full);
        world
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }

    async fn delta(&self) -> SyncReport {
        let report = self.engine.sync().await.unwrap();
        assert_eq!((report.mode, report.outcome), (Mode::Delta, Outcome::Done), "{report}");
        report
    }

    /// So much later that lists of members are believed.
    async fn later(&self, seconds: i64) {
        self.emulator.org().set_clock_skew(seconds);
        // An answer tells what time it is.
        self.provider.check().await.unwrap();
    }

    fn is_in_step(&self) -> bool {
        Contents::of_database(&self.database()) == Contents::of_org(&self.emulator)
    }
}

#[tokio::test]
async fn p21_a_delta_costs_what_changed_and_one_without_news_costs_three_requests_and_writes_nothing() {
    let world = World::synced(10_000, 500, 200_000).await;
    let org = world.emulator.org();
    let truth = org.truth().in_scope();
    let mut expected = Counts::default();
    for (n, user) in truth.users.keys().skip(100).step_by(700).take(10).enumerate() {
        assert!(org.update_user(user, &[("title", json!(format!("Chief {n}")))]));
        expected.add(ChangeKind::UserUpdated, 1);
    }
    let mut sizes = BTreeMap::<&str, usize>::new();
    truth.memberships.iter().for_each(|(group, _)| *sizes.entry(group).or_default() += 1);
    let groups: Vec<_> =
        sizes.into_iter().filter(|(_, size)| (20..900).contains(size)).map(|(group, _)| group).step_by(40).take(5).collect();
    for (n, group) in groups.iter().enumerate() {
        assert!(org.update_group(group, &[("description", json!(format!("changed {n}")))]));
        expected.add(ChangeKind::GroupUpdated, 1);
        let members = truth.memberships.iter().filter(|(of, _)| of == group);
        for (group, user) in members.take(5) {
            assert!(org.remove_member(group, user));
            expected.add(ChangeKind::GroupUserRemoved, 1);
        }
        let joins = truth.users.keys().filter(|user| !truth.memberships.contains(&((*group).to_owned(), (*user).clone())));
        for user in joins.take(5) {
            assert!(org.add_member(group, user));
            expected.add(ChangeKind::GroupUserAdded, 1);
        }
    }
    world.later(60).await;
    let report = world.delta().await;
    assert_eq!(report.changes, expected, "exactly what changed");
    assert_eq!(report.changes.total(), 65);
    println!("10 of 10,000 users and 5 of 500 groups with 50 memberships changed: {} requests", report.requests.total);
    assert!(report.requests.total <= 7, "{:?}", report.requests);
    assert!(world.is_in_step());

    // Twice: beyond the overlap nothing is shown any more, so that the provider has to prove that it may see users.
    for later in [120, 3_600] {
        world.later(later).await;
        let before = fingerprints(&world.database());
        let report = world.delta().await;
        println!("nothing changed: {} requests", report.requests.total);
        assert_eq!(report.changes, Counts::default());
        // An access token lasts an hour.
        let requests = report.requests.total - report.requests.by_bucket.get("token").copied().unwrap_or_default();
        assert!(requests <= 3, "{:?}", report.requests);
        let after = fingerprints(&world.database());
        let written: Vec<_> =
            after.iter().filter(|(table, rows)| before.get(*table) != Some(rows)).map(|(table, _)| table.as_str()).collect();
        assert_eq!(written, ["idsync_directories", "idsync_runs"], "the record of the run, and the number of its lease");
    }
}

#[tokio::test]
async fn p03_people_who_leave_and_come_back_are_followed_by_deltas() {
    let world = World::synced(200, 20, 900).await;
    let org = world.emulator.org();
    let truth = org.truth().in_scope();
    let (_, user) = truth.memberships.iter().next().unwrap();
    let groups = truth.memberships.iter().filter(|(_, member)| member == user).count() as u64;
    assert!(org.deactivate_user(user));
    let report = world.delta().await;
    assert_eq!(report.changes.get(ChangeKind::UserDeleted), 1);
    assert_eq!((report.evidence.looked_up, report.evidence.still_there), (1, 0), "asked for by id");
    assert!(world.is_in_step());
    assert!(org.set_status(user, Status::Active));
    let report = world.delta().await;
    assert_eq!((report.changes.get(ChangeKind::UserCreated), report.changes.get(ChangeKind::GroupUserAdded)), (1, groups));
    assert!(world.is_in_step());
    let newcomer = org.create_user(json!({"login": "new@example.com", "email": "new@example.com"}));
    let group = org.create_group("New", None);
    assert!(org.add_member(&group, &newcomer) && org.delete_group(&truth.memberships.last().unwrap().0));
    let report = world.delta().await;
    assert_eq!((report.changes.get(ChangeKind::UserCreated), report.changes.get(ChangeKind::GroupDeleted)), (1, 1));
    assert!(world.is_in_step());
}

#[tokio::test]
async fn p02_a_delta_that_may_see_nobody_is_refused_and_removes_nobody() {
    let world = World::synced(200, 20, 900).await;
    let before = Contents::of_database(&world.database());
    let org = world.emulator.org();
    assert!(org.delete_user(before.users.keys().next().unwrap()));
    org.take_away_roles(world.emulator.client_id());
    let error = world.engine.sync().await.unwrap_err();
    assert_eq!(error.kind(), "permission_denied", "{error}");
    assert_eq!(Contents::of_database(&world.database()), before);
}

#[tokio::test]
async fn p07_what_leaves_the_scope_is_found_by_the_full_read_that_a_changed_scope_asks_for() {
    let world = World::synced(200, 20, 900).await;
    assert_eq!(world.delta().await.mode, Mode::Delta);
    let file = file(&world.database()).await;
    let provider = OktaProvider::new(client_builder(&world.emulator).build().unwrap());
    let provider = provider.include_deprovisioned(idsync::okta::Deprovisioned::Include);
    let engine = SyncEngine::builder(provider, file.store(), file.sink()).delta(DeltaPolicy::default()).build();
    let report = engine.sync().await.unwrap();
    assert_eq!(report.mode, Mode::Full);
    assert!(report.changes.get(ChangeKind::UserCreated) > 0, "deactivated users came into scope");
    assert_eq!(engine.sync().await.unwrap().mode, Mode::Delta);
}
