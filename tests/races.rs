//! Two programs on one database: one works, the other is told, whoever of them is stopped and continued.

use idsync_okta_emulator::{Endpoint, Fault, FaultKind, OktaEmulator};
use idsync_tests::{Contents, Random, Sync, column, count, count_from_environment};
use serde_json::json;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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

/// How races ended.
#[derive(Debug, Default)]
struct Tally {
    races: u32,
    /// Those in which one of the two was told that the other is at work.
    refused: u32,
    /// Those in which one of the two was stopped and continued while it ran.
    stopped: u32,
    /// Of those, the ones in which the other ended meanwhile.
    overtaken: u32,
}

#[tokio::test]
async fn p13_row37_two_programs_on_one_database_never_interleave() {
    let races = count_from_environment("IDSYNC_RACES", 40);
    let emulator = OktaEmulator::builder().seed(61).users(300).groups(10).memberships(900).start().await.unwrap();
    let sync = Sync::new(&emulator);
    assert_eq!(sync.run(&[]).code, Some(0));
    let whole = Instant::now();
    change(&emulator, races);
    assert_eq!(sync.run(&[]).code, Some(0));
    let whole = whole.elapsed();
    let (mut random, mut tally) = (Random::new(61), Tally::default());
    for race in 0..races {
        change(&emulator, race);
        let mut runners = [start(&sync), start(&sync)];
        if cfg!(unix) && race % 2 == 0 {
            stop_and_continue(&mut runners, whole, &mut random, &mut tally).await;
        }
        let ended = runners.map(|mut runner| runner.wait().unwrap().code());
        assert!(ended.iter().all(|code| matches!(code, Some(0 | 7))), "race {race}: {ended:?}");
        assert!(ended.contains(&Some(0)), "race {race}: somebody works");
        tally.races += 1;
        tally.refused += u32::from(ended.contains(&Some(7)));
    }
    println!("{tally:?}");
    assert!(tally.refused > races / 5, "only {tally:?} were close");
    assert_eq!(sync.run(&["--delete-limit", "off"]).code, Some(0));
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
    let revisions = column(&sync.database(), "SELECT DISTINCT CAST(to_revision AS TEXT) FROM changes ORDER BY to_revision");
    let expected: Vec<_> = (1..=revisions.len()).map(|revision| revision.to_string()).collect();
    assert_eq!(revisions, expected, "every revision was made by one run, one after the other");
    let twice = "SELECT count(*) FROM (SELECT 1 FROM changes GROUP BY key HAVING count(*) > 1)";
    assert_eq!(count(&sync.database(), twice), 0);
}

/// Stops one of the two at a random moment of its run, and lets it go on before or after the other has ended.
async fn stop_and_continue(runners: &mut [Child; 2], whole: Duration, random: &mut Random, tally: &mut Tally) {
    tokio::time::sleep(whole.mul_f64(random.share())).await;
    let chosen = usize::from(random.below(2) == 1);
    if runners[chosen].try_wait().unwrap().is_some() {
        return;
    }
    signal("-STOP", &runners[chosen]);
    tokio::time::sleep(whole.mul_f64(2.0 * random.share())).await;
    tally.stopped += 1;
    tally.overtaken += u32::from(runners[1 - chosen].try_wait().unwrap().is_some());
    signal("-CONT", &runners[chosen]);
}

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
