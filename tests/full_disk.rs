//! A disk that is full, at many sizes, and too few open files: a clean end that says why, and the next run goes on.
#![cfg(unix)]

use idsync_okta_emulator::OktaEmulator;
use idsync_tests::{Contents, Ended, Sync, example};
use std::process::Command;

/// The program after a shell has set a limit for it.
fn limited(sync: &Sync, limit: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{limit}; exec \"$0\" \"$@\"")).arg(example("sync")).args(sync.command(&[]).get_args());
    command
}

#[tokio::test]
async fn p12_row35_a_full_disk_ends_with_6_and_the_next_run_goes_on() {
    let emulator = OktaEmulator::builder().seed(71).users(300).groups(12).memberships(1_500).start().await.unwrap();
    let mut failed = 0;
    for blocks in [16, 64, 160, 320, 640, 1_000, 1_500, 2_000, 3_000] {
        let sync = Sync::new(&emulator);
        // Blocks of 512 bytes. The signal that the system sends beyond is ignored, so that writes fail as they do on a full disk.
        let ended = Ended::of(limited(&sync, &format!("trap '' XFSZ; ulimit -f {blocks}")));
        match ended.code {
            Some(0) => {}
            Some(6) => {
                failed += 1;
                assert!(ended.stderr.contains("disk") && ended.stderr.contains("directory.db"), "{blocks} blocks: {ended:?}");
            }
            _ => panic!("{blocks} blocks: {ended:?}"),
        }
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        let after = sync.run(&[]);
        assert_eq!(after.code, Some(0), "{blocks} blocks, then room: {after:?}");
        assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator), "{blocks} blocks");
    }
    assert!(failed >= 4, "only {failed} runs met the limit");
}

/// Where other systems need more or fewer files for the same, the numbers would be others.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn p12_row35_too_few_open_files_end_cleanly_and_the_next_run_goes_on() {
    let emulator = OktaEmulator::builder().seed(74).users(300).groups(12).memberships(1_500).start().await.unwrap();
    let mut failed = 0;
    for files in 11..24 {
        let sync = Sync::new(&emulator);
        let ended = Ended::of(limited(&sync, &format!("ulimit -n {files}")));
        match ended.code {
            Some(0) => {}
            // Which of them meets the limit depends on what was opened before: a connection, or the database.
            Some(5 | 6) => {
                failed += 1;
                assert!(ended.stderr.contains("open"), "{files} files: {ended:?}");
            }
            _ => panic!("{files} files: {ended:?}"),
        }
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        let after = sync.run(&[]);
        assert_eq!(after.code, Some(0), "{files} files, then more: {after:?}");
        assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator), "{files} files");
    }
    assert!(failed >= 2, "only {failed} runs met the limit");
}
