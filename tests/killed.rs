//! A run that is killed at any point is finished by the next one, and nothing happens twice.

use idsync_okta_emulator::OktaEmulator;
use idsync_tests::{Contents, Sync, count};
use rusqlite::Connection;
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

const KILLS: u32 = 16;

#[tokio::test]
async fn p12_row33_killed_at_any_point_the_next_run_converges_and_each_change_happens_once() {
    let emulator = OktaEmulator::builder().seed(31).users(500).groups(30).memberships(4_000).start().await.unwrap();
    let (sync, reference) = (Sync::new(&emulator), Sync::new(&emulator));
    let start = Instant::now();
    assert_eq!(reference.run(&[]).code, Some(0));
    let whole = start.elapsed();

    let mut interrupted = 0;
    for round in 0..KILLS {
        change(&emulator, round);
        let mut run = sync.command(&["--delete-limit", "off"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The first kills fall into the first sync, from its very beginning to after its end.
        let share = if round < KILLS / 2 { f64::from(round) / f64::from(KILLS / 2) } else { f64::from(round % 4) / 8.0 };
        tokio::time::sleep(whole.mul_f64(share).max(Duration::from_millis(1))).await;
        run.kill().unwrap();
        interrupted += u32::from(!run.wait().unwrap().success());
        check_history(&sync.database());
    }
    assert!(interrupted >= KILLS / 4, "only {interrupted} runs were interrupted");
    let last = sync.run(&["--delete-limit", "off"]);
    assert_eq!(last.code, Some(0), "{last:?}");
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
    check_history(&sync.database());
    let (code, again) = sync.json(&[]);
    assert_eq!((code, again["changes"].as_object().unwrap().values().all(|count| count == 0)), (Some(0), true), "{again}");
}

/// A little of everything, so that every round has something to deliver.
fn change(emulator: &OktaEmulator, round: u32) {
    let org = emulator.org();
    let truth = org.truth().in_scope();
    let nth = |n: u32| truth.users.keys().nth(n as usize * 7 % truth.users.len()).unwrap();
    let group = org.create_group(&format!("Round {round}"), None);
    for n in 0..20 {
        org.add_member(&group, nth(round + n));
    }
    org.create_user(json!({"login": format!("round{round}@example.com"), "email": "r@example.com"}));
    org.update_user(nth(round + 3), &[("title", json!(format!("Chief of round {round}")))]);
    org.delete_user(nth(round + 5));
    if let Some((group, user)) = truth.memberships.iter().nth(round as usize * 31) {
        org.remove_member(group, user);
    }
}

/// Everything in the log begins before it ends, and begins again only after it ended.
fn check_history(database: &Path) {
    if !database.exists() || count(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'changes'") == 0 {
        return;
    }
    let database = Connection::open(database).unwrap();
    let mut log = database.prepare("SELECT kind, coalesce(user_id, ''), coalesce(group_id, '') FROM changes ORDER BY sequence").unwrap();
    let mut rows = log.query([]).unwrap();
    let mut present = HashMap::<(String, String), bool>::new();
    while let Some(row) = rows.next().unwrap() {
        let (kind, user, group): (String, String, String) = (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
        let is_present = present.entry((user, group)).or_default();
        let (needed, becomes) = match kind.rsplit(['.', '_']).next().unwrap() {
            "created" | "added" => (false, true),
            "updated" => (true, true),
            _ => (true, false),
        };
        assert_eq!(*is_present, needed, "{kind} comes when it can, and once");
        *is_present = becomes;
    }
}
