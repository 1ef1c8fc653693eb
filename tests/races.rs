//! Two programs on one database: one works, the other is told, whoever of them is stopped and continued.

use idsync_okta_emulator::{Endpoint, Fault, FaultKind, OktaEmulator};
use idsync_tests::{Contents, Sync, column, count};
use serde_json::json;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const RACES: u32 = 25;

fn start(sync: &Sync) -> Child {
    sync.command(&["--delete-limit", "off"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Something to deliver, so that a run takes a while.
fn change(emulator: &OktaEmulator, race: u32) {
    let org = emulator.org();
    let group = org.create_group(&format!("Race {race}"), None);
    let truth = org.truth().in_scope();
    for user in truth.users.keys().take(100) {
        org.add_member(&group, user);
    }
    let newcomer = org.create_user(json!({"login": format!("race{race}@example.com"), "email": "r@example.com"}));
    org.add_member(&group, &newcomer);
}

#[tokio::test]
async fn p13_row37_two_programs_on_one_database_never_interleave() {
    let emulator = OktaEmulator::builder().seed(61).users(300).groups(10).memberships(900).start().await.unwrap();
    let sync = Sync::new(&emulator);
    assert_eq!(sync.run(&[]).code, Some(0));
    let mut refused = 0;
    for race in 0..RACES {
        change(&emulator, race);
        let (mut one, mut other) = (start(&sync), start(&sync));
        let ended = [one.wait().unwrap().code(), other.wait().unwrap().code()];
        assert!(ended.iter().all(|code| matches!(code, Some(0 | 7))), "race {race}: {ended:?}");
        assert!(ended.contains(&Some(0)), "race {race}: somebody works");
        refused += u32::from(ended.contains(&Some(7)));
    }
    assert!(refused > RACES / 5, "only {refused} of {RACES} races were close");
    assert_eq!(sync.run(&["--delete-limit", "off"]).code, Some(0));
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
    let revisions = column(&sync.database(), "SELECT DISTINCT CAST(to_revision AS TEXT) FROM changes ORDER BY to_revision");
    let expected: Vec<_> = (1..=revisions.len()).map(|revision| revision.to_string()).collect();
    assert_eq!(revisions, expected, "every revision was made by one run, one after the other");
    let twice = "SELECT count(*) FROM (SELECT 1 FROM changes GROUP BY key HAVING count(*) > 1)";
    assert_eq!(count(&sync.database(), twice), 0);
}

#[cfg(unix)]
fn signal(signal: &str, process: &Child) {
    assert!(Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap().success());
}

#[cfg(unix)]
#[tokio::test]
async fn p13_row37_a_program_that_is_stopped_keeps_the_directory_and_goes_on_when_continued() {
    let emulator = OktaEmulator::builder().seed(62).users(300).groups(10).memberships(900).start().await.unwrap();
    let sync = Sync::new(&emulator);
    sync.run(&[]);
    change(&emulator, 1);
    // The members come slowly, so that the program can be stopped while it reads.
    emulator.faults().add(Fault::new(FaultKind::Delay(Duration::from_millis(400))).on(Endpoint::Members).always());
    let mut paused = start(&sync);
    while emulator.requests().count(Endpoint::Members) < 15 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    signal("-STOP", &paused);
    emulator.faults().clear();
    let second = sync.run(&[]);
    assert_eq!(second.code, Some(7), "{second:?}");
    signal("-CONT", &paused);
    assert_eq!(paused.wait().unwrap().code(), Some(0));
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));

    // One that is killed while it is stopped lets go at once.
    change(&emulator, 2);
    let mut killed = start(&sync);
    tokio::time::sleep(Duration::from_millis(60)).await;
    signal("-STOP", &killed);
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(sync.run(&[]).code, Some(0));
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
}
