//! A disk that is full, at many sizes: a clean end with exit code 6, and the next run goes on.
#![cfg(unix)]

use idsync_okta_emulator::OktaEmulator;
use idsync_tests::{Contents, Ended, Sync, example};
use std::process::Command;

/// The program with its files limited to so many blocks of 512 bytes. The signal that the system sends beyond is ignored, so that writes
/// fail as they do on a full disk.
fn limited(sync: &Sync, emulator: &OktaEmulator, blocks: u32) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")).arg(example("sync"));
    command.args(["--org", emulator.url(), "--client-id", emulator.client_id(), "--patience", "2", "--key"]).arg(sync.key());
    command.arg("--database").arg(sync.database());
    command
}

#[tokio::test]
async fn p12_row35_a_full_disk_ends_with_6_and_the_next_run_goes_on() {
    let emulator = OktaEmulator::builder().seed(71).users(300).groups(12).memberships(1_500).start().await.unwrap();
    let mut failed = 0;
    for blocks in [16, 64, 160, 320, 640, 1_000, 1_500, 2_000, 3_000] {
        let sync = Sync::new(&emulator);
        let ended = Ended::of(limited(&sync, &emulator, blocks));
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
