//! A whole directory from an Okta org into a database: equal to the org's own truth, changed by exactly what changed.

use idsync::engine::{DeltaPolicy, Limit, Safeguards, SyncEngine};
use idsync::okta::{Deprovisioned, Everyone};
use idsync::{ChangeKind, Counts, ManualClock, Timestamp};
use idsync_okta_emulator::{Bucket, Dpop, Fault, FaultKind, KeyKind, OktaEmulator, Org, RateLimits, Status};
use idsync_tests::{Contents, column, count, engine, file, fingerprints, outcomes, provider};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn p21_a_large_directory_arrives_whole_and_a_second_run_writes_nothing_but_its_record() {
    let emulator = OktaEmulator::builder().seed(11).users(10_000).groups(500).memberships(200_000).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("large.db");
    let first = engine(&emulator, &database).await.build().sync().await.unwrap();
    let contents = Contents::of_database(&database);
    assert_eq!(contents, Contents::of_org(&emulator));
    assert_eq!(first.directory.users, contents.users.len() as u64);
    assert_eq!(first.directory.groups, contents.groups.len() as u64);
    assert_eq!(first.directory.memberships, contents.memberships.len() as u64);
    assert!(contents.memberships.len() > 185_000, "200,000, less those of deactivated users: {}", contents.memberships.len());

    let before = fingerprints(&database);
    let second = engine(&emulator, &database).await.build().sync().await.unwrap();
    assert_eq!(second.changes, Counts::default());
    let after = fingerprints(&database);
    let written: Vec<_> = after.iter().filter(|(table, rows)| before.get(*table) != Some(rows)).map(|(table, _)| table.as_str()).collect();
    assert_eq!(written, ["idsync_directories", "idsync_runs"], "the record of the run, and the number of its lease");
    assert_eq!(outcomes(&database), ["done", "done"]);

    let script = Script::prepare(&emulator, &database).await;
    let expected = script.run(emulator.org());
    let third = engine(&emulator, &database).await.delta(DeltaPolicy::never()).build().sync().await.unwrap();
    assert_eq!(third.changes, expected, "exactly the 37 changes, no more and no others");
    assert_eq!(third.changes.total(), 37);
    assert!(ChangeKind::ALL.iter().all(|kind| third.changes.get(*kind) > 0), "of all eight kinds");
    assert_eq!(Contents::of_database(&database), Contents::of_org(&emulator));
    script.check_log(&database);
}

/// The entries that the script changes; some are made for it first, so that a deletion takes no memberships along.
struct Script {
    users: Vec<String>,
    lonely_users: Vec<String>,
    groups: Vec<String>,
    empty_groups: Vec<String>,
    members: Vec<(String, String)>,
}

impl Script {
    async fn prepare(emulator: &OktaEmulator, database: &Path) -> Self {
        let org = emulator.org();
        let lonely = (0..4).map(|n| org.create_user(json!({"login": format!("lonely{n}@example.com"), "email": "l@example.com"})));
        let lonely_users = lonely.collect();
        let empty_groups = (0..2).map(|n| org.create_group(&format!("Empty {n}"), None)).collect();
        let truth = org.truth();
        let active = truth.users.iter().filter(|(_, user)| user.status == Status::Active).map(|(id, _)| id.clone());
        let users: Vec<_> = active.skip(50).take(9).collect();
        let groups: Vec<_> = truth.in_scope().groups.keys().skip(20).take(6).cloned().collect();
        let members = emulator.org().truth().in_scope().memberships.into_iter().skip(1_000).step_by(700).take(4).collect();
        engine(emulator, database).await.build().sync().await.unwrap();
        Self { users, lonely_users, groups, empty_groups, members }
    }

    /// 37 changes of all eight kinds.
    fn run(&self, org: &Org) -> Counts {
        let mut counts = Counts::default();
        for n in 0..5 {
            org.create_user(json!({"login": format!("new{n}@example.com"), "email": format!("new{n}@example.com"), "firstName": "Łucja"}));
            counts.add(ChangeKind::UserCreated, 1);
        }
        assert!(org.update_user(&self.users[0], &[("title", json!("Chief of Everything"))]));
        assert!(org.update_user(&self.users[1], &[("login", json!("renamed@example.com"))]));
        assert!(org.update_user(&self.users[2], &[("department", Value::Null), ("city", json!("Ålesund"))]));
        assert!(org.update_user(&self.users[3], &[("floor", json!(12))]));
        assert!(org.update_user(&self.users[4], &[("languages", json!(["no", "pl"]))]));
        assert!(org.set_status(&self.users[5], Status::Suspended));
        assert!(org.set_status(&self.users[6], Status::LockedOut));
        assert!(org.set_status(&self.users[7], Status::PasswordExpired));
        assert!(org.update_user(&self.users[8], &[("remote", json!(true)), ("firstName", json!("Zoë"))]));
        counts.add(ChangeKind::UserUpdated, 9);
        assert!(org.delete_user(&self.lonely_users[0]) && org.delete_user(&self.lonely_users[1]));
        assert!(org.deactivate_user(&self.lonely_users[2]) && org.deactivate_user(&self.lonely_users[3]));
        counts.add(ChangeKind::UserDeleted, 4);
        let made: Vec<_> = (0..3).map(|n| org.create_group(&format!("New {n}"), Some("made a minute ago"))).collect();
        counts.add(ChangeKind::GroupCreated, 3);
        for (n, group) in self.groups.iter().take(4).enumerate() {
            assert!(org.update_group(group, &[("name", json!(format!("Renamed {n}")))]));
            counts.add(ChangeKind::GroupUpdated, 1);
        }
        assert!(self.empty_groups.iter().all(|group| org.delete_group(group)));
        counts.add(ChangeKind::GroupDeleted, 2);
        for (n, group) in made.iter().cycle().take(6).enumerate() {
            assert!(org.add_member(group, &self.users[n]));
            counts.add(ChangeKind::GroupUserAdded, 1);
        }
        for (group, user) in &self.members {
            assert!(org.remove_member(group, user));
            counts.add(ChangeKind::GroupUserRemoved, 1);
        }
        counts
    }

    /// The log says each change once, with previous values and reasons.
    fn check_log(&self, database: &Path) {
        let newest = "SELECT max(to_revision) FROM changes";
        assert_eq!(count(database, &format!("SELECT count(*) FROM changes WHERE to_revision = ({newest})")), 37);
        let changed = |id: &str| {
            let of = column(
                database,
                &format!("SELECT changed FROM changes WHERE to_revision = ({newest}) AND user_id = '{id}' AND kind = 'user.updated'"),
            );
            let [changed] = &of[..] else { panic!("{id} was updated {} times", of.len()) };
            serde_json::from_str::<Value>(changed).unwrap()
        };
        let login = changed(&self.users[1]);
        assert_eq!((&login[0]["field"], &login[0]["after"]), (&json!("login"), &json!("renamed@example.com")));
        assert!(login[0]["before"].as_str().is_some_and(|before| before.contains('@')), "{login}");
        assert_eq!(changed(&self.users[5]), json!([{"field": "status", "before": "ACTIVE", "after": "SUSPENDED"}]));
        let reasons = column(
            database,
            &format!("SELECT reason FROM changes WHERE kind = 'user.deleted' AND to_revision = ({newest}) ORDER BY reason"),
        );
        assert_eq!(reasons, ["deleted", "deleted", "deprovisioned", "deprovisioned"]);
        let phases = column(database, &format!("SELECT kind FROM changes WHERE to_revision = ({newest}) ORDER BY sequence"));
        let first_grant = phases.iter().position(|kind| kind == "group.user_added").unwrap();
        let last_revocation = phases.iter().rposition(|kind| kind == "group.user_removed").unwrap();
        assert!(last_revocation < first_grant, "p10: revoke before grant");
    }
}

#[tokio::test]
async fn deactivated_users_and_everyone_are_in_scope_when_asked_for() {
    let emulator = OktaEmulator::builder().seed(12).users(700).groups(20).memberships(2_000).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("all.db");
    let file = file(&database).await;
    let everything = provider(&emulator).include_deprovisioned(Deprovisioned::Include).include_everyone(Everyone::Include);
    SyncEngine::builder(everything, file.store(), file.sink()).build().sync().await.unwrap();
    assert_eq!(Contents::of_database(&database), Contents::of_truth(emulator.org().truth()));

    // The scope shrinks: what leaves it was not deleted, and the reason says so.
    let limits = Safeguards::all(Limit::Unlimited);
    let shrunk = SyncEngine::builder(provider(&emulator), file.store(), file.sink()).safeguards(limits).build();
    shrunk.sync().await.unwrap();
    assert_eq!(Contents::of_database(&database), Contents::of_org(&emulator));
    assert_eq!(column(&database, "SELECT DISTINCT reason FROM changes WHERE kind = 'user.deleted'"), ["deprovisioned"]);
    let reasons = column(&database, "SELECT DISTINCT reason FROM changes WHERE kind = 'group.user_removed' ORDER BY 1");
    assert_eq!(reasons, ["out_of_scope", "user_deleted"]);
}

#[tokio::test]
async fn proof_of_possession_and_an_rsa_key_work_as_well() {
    let emulator = OktaEmulator::builder().seed(13).users(300).groups(10).dpop(Dpop::Required).key(KeyKind::Rsa2048).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("dpop.db");
    let report = engine(&emulator, &database).await.build().sync().await.unwrap();
    assert_eq!(Contents::of_database(&database), Contents::of_org(&emulator));
    assert_eq!(report.requests.by_bucket["token"], 3, "without a proof, without a nonce, with both");
}

#[tokio::test]
async fn p15_row01_a_narrow_rate_limit_is_used_up_to_the_share_and_never_exceeded() {
    let window = Duration::from_secs(2);
    let limits = RateLimits::unlimited().with(Bucket::Groups, 50, window).with(Bucket::Users, 50, window);
    let emulator = OktaEmulator::builder().seed(14).users(600).groups(60).memberships(1_500).rate_limits(limits).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("limited.db");
    let report = engine(&emulator, &database).await.build().sync().await.unwrap();
    assert_eq!(Contents::of_database(&database), Contents::of_org(&emulator));
    assert_eq!(report.requests.rate_limited, 0, "nobody else uses the bucket, so there is no 429");
    assert_eq!(emulator.requests().rate_limited(), 0);
}

#[tokio::test]
async fn p19_row38_a_clock_that_goes_back_between_runs_changes_nothing_but_what_the_history_says() {
    let emulator = OktaEmulator::builder().seed(16).users(120).groups(8).memberships(300).start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("back.db");
    let years = |years: u64| Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(years * 31_557_600))));
    for (run, year) in [60, 50, 0, 55].into_iter().enumerate() {
        let login = format!("run{run}@example.com");
        let newcomer = emulator.org().create_user(json!({"login": login, "email": login}));
        emulator.org().add_member(Contents::of_org(&emulator).groups.keys().next_back().unwrap(), &newcomer);
        let report = engine(&emulator, &database).await.clock(years(year)).build().sync().await.unwrap();
        assert_eq!(report.changes.get(ChangeKind::UserDeleted), 0);
        assert_eq!(Contents::of_database(&database), Contents::of_org(&emulator), "run {run}, in the year {year}");
    }
    let revisions = column(&database, "SELECT DISTINCT CAST(to_revision AS TEXT) FROM changes ORDER BY sequence");
    assert_eq!(revisions, ["1", "2", "3", "4"], "generations are numbers, and grow");
}

#[tokio::test]
async fn users_groups_and_members_are_read_side_by_side() {
    let emulator = OktaEmulator::builder().seed(15).users(900).groups(40).memberships(900).start().await.unwrap();
    emulator.faults().add(Fault::new(FaultKind::Delay(Duration::from_millis(40))).always());
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(&emulator, &folder.path().join("slow.db")).await.build();
    let report = engine.sync().await.unwrap();
    assert_eq!(report.requests.max_in_flight, 8, "as many as the client may have under way");
    assert_eq!(emulator.requests().max_in_flight(), 8);

    emulator.faults().clear();
    emulator.clear_requests();
    let report = engine.sync().await.unwrap();
    assert_eq!(report.requests.total, emulator.requests().total() as u64, "a report counts the requests of its own run");
}
