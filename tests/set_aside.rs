//! What `sync` says of changes that the database refuses, and of orgs whose runs keep failing.

use idsync_okta_emulator::{OktaEmulator, Role};
use idsync_tests::{Contents, Sync, outcomes};
use rusqlite::Connection;
use serde_json::json;

async fn org() -> OktaEmulator {
    OktaEmulator::builder().seed(22).users(60).groups(6).memberships(200).start().await.unwrap()
}

#[tokio::test]
async fn a_refused_change_waits_is_listed_and_can_be_released() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    assert_eq!(sync.run(&[]).code, Some(0));
    let tables = Connection::open(sync.database()).unwrap();
    tables.execute_batch("CREATE TRIGGER no_more BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'no more'); END").unwrap();
    let user = emulator.org().create_user(json!({"login": "late@example.com", "email": "late@example.com"}));
    let first = sync.run(&[]);
    assert_eq!(first.code, Some(6), "{first:?}");
    assert!(first.stdout.contains("Refused by the sink: 1 change\n"), "{}", first.stdout);
    assert!(first.stdout.contains("tried again with the next run"), "{}", first.stdout);
    assert_eq!(sync.run(&[]).code, Some(6));

    tables.execute_batch("DROP TRIGGER no_more").unwrap();
    let (code, early) = sync.json(&[]);
    assert_eq!((code, &early["outcome"], &early["escrowed"]), (Some(6), &json!("refused"), &json!(1)), "it was refused twice: it waits");
    assert!(early["retry_at"].is_string(), "{early}");
    let (code, status) = sync.json(&["--status"]);
    assert_eq!((code, &status["outcome"], &status["escrow"][0]["user"]), (Some(0), &json!("status"), &json!(user)), "{status}");
    assert_eq!((&status["escrow"][0]["attempts"], &status["quarantine"]), (&json!(2), &json!(null)));
    let text = sync.run(&["--status"]).stdout;
    assert!(text.contains(&format!("user.created {user}: ")) && text.contains("2 times, again from 20"), "{text}");
    let plan = sync.run(&["--plan"]).stdout;
    assert!(plan.contains("late@example.com  (waits)") && plan.contains("Waiting: 1 change that the sink refused"), "{plan}");

    let released = sync.run(&["--release"]);
    assert_eq!(released.code, Some(0), "{released:?}");
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
    assert!(sync.run(&["--status"]).stdout.contains("Nothing was refused."));
}

#[tokio::test]
async fn an_org_that_keeps_refusing_is_left_alone_until_it_is_released() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    assert_eq!(sync.run(&[]).code, Some(0));
    emulator.org().set_role(Role::None);
    for _ in 0..5 {
        assert_eq!(sync.run(&[]).code, Some(4));
    }
    let before = emulator.requests().total();
    let ended = sync.run(&[]);
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(ended.stderr.contains("the directory is set aside until 20"), "{}", ended.stderr);
    assert!(ended.stderr.contains("5 runs in a row failed") && ended.stderr.contains("release the directory"), "{}", ended.stderr);
    assert_eq!(emulator.requests().total(), before + 1, "only which org it is was asked");
    let (_, failed) = sync.json(&[]);
    assert_eq!(failed["error"]["kind"], "quarantined");
    let status = sync.run(&["--status"]);
    assert!(status.stdout.contains("Set aside until 20") && status.stdout.contains("failed"), "{}", status.stdout);
    assert_eq!(outcomes(&sync.database()), [&["done"][..], &["failed"; 5]].concat(), "a run that did not begin leaves no record");

    emulator.org().set_role(Role::ReadOnlyAdmin);
    assert_eq!(sync.run(&[]).code, Some(4));
    assert_eq!(sync.run(&["--release"]).code, Some(0));
    assert_eq!(sync.run(&[]).code, Some(0));
}

#[tokio::test]
async fn creations_and_updates_are_held_when_that_is_asked_for() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    assert_eq!(sync.run(&["--change-limit", "1"]).code, Some(0), "a first sync is free");
    for n in 0..2 {
        emulator.org().create_user(json!({"login": format!("new{n}@example.com"), "email": "new@example.com"}));
    }
    let held = sync.run(&["--change-limit", "1"]);
    assert_eq!(held.code, Some(3), "{held:?}");
    assert!(held.stdout.contains("Held: 2 changes not applied: 2 users would be added to"), "{}", held.stdout);
    assert_eq!(sync.run(&[]).code, Some(0), "without a limit they go");
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
}
