//! The programs when nobody reads what they print, or the disk that it goes to is full: they do their work, and end as it has earned.

#![cfg(target_os = "linux")] // elsewhere there is no disk that is always full

use idsync_okta_emulator::{OktaEmulator, Role};
use idsync_tests::{Contents, Ended, Sync, example};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const FULL: &str = "standard output cannot be written, so that something is missing in it: No space left on device";

async fn org() -> OktaEmulator {
    OktaEmulator::builder().seed(23).users(60).groups(6).memberships(200).start().await.unwrap()
}

/// Runs a program both ways: it must end with this code, and say what is missing only where a disk is full.
fn ends(code: i32, command: impl Fn() -> Command) {
    let unread = Ended::unread(command());
    assert_eq!(unread.code, Some(code), "{unread:?}");
    assert!(!unread.stderr.contains("panicked") && !unread.stderr.contains("standard output"), "{unread:?}");
    let full = Ended::on_full_disk(command());
    assert_eq!(full.code, Some(code), "{full:?}");
    assert!(!full.stderr.contains("panicked"), "{full:?}");
    assert_eq!(full.stderr.matches(FULL).count(), 1, "{full:?}");
}

#[tokio::test]
async fn row35_a_sync_is_done_all_the_same() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    ends(0, || sync.command(&["--plan"]));
    ends(0, || sync.command(&[]));
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
    for flags in [&["--status"][..], &["--json"], &["--help"]] {
        ends(0, || sync.command(flags));
    }
    ends(2, || sync.command(&["--no-such-flag", "--json"]));
}

#[tokio::test]
async fn nobody_reads_why_a_run_failed() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    emulator.org().set_role(Role::None);
    let mut command = sync.command(&[]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = command.env("IDSYNC_LOG", "trace").stdout(Stdio::null()).stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(4));
}

#[tokio::test]
async fn the_other_programs_do_not_panic() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    assert_eq!(sync.run(&[]).code, Some(0));
    for program in ["quickstart", "custom_sink", "custom_provider"] {
        ends(0, || Command::new(example(program)));
    }
    let watch = || {
        let mut command = Command::new(example("watch"));
        command.args(["--json", "--api-token-env", "IDSYNC_TEST_NOT_SET", "--org", "acme.okta.com"]);
        command
    };
    ends(2, watch);
    let mut watch = Command::new(example("watch"));
    watch.args(["--json", "--every", "1s", "--org", emulator.url(), "--client-id", emulator.client_id(), "--key"]);
    watch.arg(sync.key()).arg("--database").arg(sync.database());
    assert_eq!(Ended::unread(watch).code, Some(0), "it watches for nobody");
    let review = || {
        let mut command = Command::new(example("access_review"));
        command.arg("--database").arg(sync.database());
        command
    };
    let unread = Ended::unread(review());
    assert_eq!((unread.code, unread.stderr.as_str()), (Some(0), ""));
    let full = Ended::on_full_disk(review());
    assert_eq!(full.code, Some(6), "to print is all that it does: {full:?}");
    assert!(full.stderr.starts_with(FULL) && full.stderr.lines().count() == 1, "{full:?}");
}

#[tokio::test]
async fn an_app_is_made_all_the_same() {
    let emulator = OktaEmulator::builder().seed(24).users(20).groups(3).memberships(30).without_app().start().await.unwrap();
    let folder = TempDir::new().unwrap();
    ends(0, || {
        let token = emulator.org().create_api_token(Role::SuperAdmin);
        let mut command = Command::new(example("provision"));
        command.args(["--org", emulator.url(), "--setup-token-env", "IDSYNC_TEST_SETUP_TOKEN"]).current_dir(folder.path());
        command.env("IDSYNC_TEST_SETUP_TOKEN", token.secret()).stdin(Stdio::null());
        command
    });
    assert!(folder.path().join("connection.json").exists() && !folder.path().join("connection.json.journal").exists());
}
