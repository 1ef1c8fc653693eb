//! Databases whose bytes are not what was written: refused with a reason, or as they were at some commit, and never an empty start.

use idsync_okta_emulator::OktaEmulator;
use idsync_tests::{Contents, Random, Sync, column, count};
use serde_json::json;
use std::fs::{read, write};

async fn org(seed: u64) -> (OktaEmulator, Sync) {
    let emulator = OktaEmulator::builder().seed(seed).users(400).groups(20).memberships(2_500).start().await.unwrap();
    let sync = Sync::new(&emulator);
    (emulator, sync)
}

/// What a machine leaves behind that stopped in the middle of a run: a log that was not folded into the file yet. `None` when the run came
/// to its end before it was killed.
fn interrupted(sync: &Sync, writes: u64) -> Option<Vec<u8>> {
    let mut run = sync.start(&["--delete-limit", "off"]);
    sync.watch_writes(&mut run, writes);
    run.kill().unwrap();
    run.wait().unwrap();
    read(sync.log()).ok().filter(|log| !log.is_empty())
}

#[tokio::test]
async fn p12_row34_a_log_whose_end_is_lost_or_torn_is_read_up_to_a_commit_and_the_next_run_converges() {
    let (emulator, sync) = org(101).await;
    let mut random = Random::new(101);
    let (mut torn, mut round) = (0, 0);
    while torn < 12 {
        round += 1;
        assert!(round < 100, "only {torn} runs left a log behind");
        let login = format!("round{round}@example.com");
        let newcomer = emulator.org().create_user(json!({"login": login, "email": login}));
        let group = emulator.org().create_group(&format!("Round {round}"), None);
        emulator.org().add_member(&group, &newcomer);
        let Some(mut log) = interrupted(&sync, 1 + random.below(16)) else { continue };
        let kept = random.below(log.len() as u64) as usize;
        match torn % 3 {
            // The end never reached the disk.
            0 => log.truncate(kept),
            // It did in part: the room was made, and what was to be in it is missing.
            1 => log[kept..].fill(0),
            // One block of the disk holds what was there before.
            _ => log[kept..].iter_mut().take(512).for_each(|byte| *byte = byte.wrapping_add(1)),
        }
        write(sync.log(), &log).unwrap();
        // An index of the log does not survive a loss of power.
        _ = std::fs::remove_file(sync.folder().join("directory.db-shm"));
        torn += 1;
        let next = sync.run(&["--delete-limit", "off"]);
        assert_eq!(next.code, Some(0), "{next:?}");
        assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
        assert_eq!(column(&sync.database(), "PRAGMA integrity_check"), ["ok"]);
        let twice = "SELECT count(*) FROM (SELECT 1 FROM changes GROUP BY key HAVING count(*) > 1)";
        assert_eq!(count(&sync.database(), twice), 0, "each change once");
        // The next loss meets a first sync or an update, as it comes.
        if torn % 4 == 0 {
            for file in ["directory.db", "directory.db-wal", "directory.db-shm"] {
                _ = std::fs::remove_file(sync.folder().join(file));
            }
        }
    }
}

#[tokio::test]
async fn row36_a_database_that_is_damaged_or_cut_is_refused_with_a_reason_or_used_as_it_was() {
    let (emulator, sync) = org(102).await;
    assert_eq!(sync.run(&[]).code, Some(0));
    let whole = read(sync.database()).unwrap();
    let mut random = Random::new(102);
    let mut refused = 0;
    for round in 0..24 {
        let login = format!("round{round}@example.com");
        emulator.org().create_user(json!({"login": login, "email": login}));
        let mut bytes = whole.clone();
        let at = 100 + random.below(whole.len() as u64 - 100) as usize;
        match round % 3 {
            0 => bytes.truncate(at),
            1 => bytes[at..].iter_mut().take(20_000).for_each(|byte| *byte = 0xa5),
            _ => bytes[..at.min(4_096)].fill(0),
        }
        write(sync.database(), &bytes).unwrap();
        let ended = sync.run(&[]);
        match ended.code {
            // What the run needed was not hit.
            Some(0) => assert_eq!(count(&sync.database(), "SELECT max(revision) FROM idsync_directories"), 2, "no new start: {ended:?}"),
            Some(2 | 6) => {
                refused += 1;
                assert!(ended.stderr.contains("directory.db"), "the file is named: {ended:?}");
                assert!(
                    ended.stderr.contains("restore it") || ended.stderr.contains("name another file"),
                    "the next step is named: {ended:?}"
                );
            }
            _ => panic!("round {round}: {ended:?}"),
        }
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    }
    assert!(refused >= 12, "only {refused} were noticed");
    write(sync.database(), &whole).unwrap();
    assert_eq!(sync.run(&[]).code, Some(0), "a backup is good");
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
}
