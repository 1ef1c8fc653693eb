//! A database that may be read and not written: a clean end that says what to do, and the next run goes on once it may.
#![cfg(unix)]

use idsync_okta_emulator::OktaEmulator;
use idsync_tests::{Contents, Ended, Sync, example};
use serde_json::json;
use std::fs::{Permissions, read, set_permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Somebody to whom permissions apply, as they do not to root.
const NOBODY: u32 = 65_534;

/// The program as somebody who owns all of its files and is no administrator.
struct Ordinary {
    sync: Sync,
    program: PathBuf,
    as_root: bool,
}

impl Ordinary {
    fn new(emulator: &OktaEmulator) -> Self {
        let sync = Sync::new(emulator);
        // The place where programs are built may be closed to others.
        let program = sync.folder().join("sync");
        std::fs::copy(example("sync"), &program).unwrap();
        let as_root = program.metadata().unwrap().uid() == 0;
        let ordinary = Self { sync, program, as_root };
        for file in [ordinary.sync.folder(), &ordinary.sync.key(), &ordinary.program] {
            ordinary.give(file);
        }
        ordinary
    }

    fn give(&self, file: &Path) {
        if self.as_root {
            chown(file, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    fn run(&self, flags: &[&str]) -> Ended {
        loop {
            let mut command = Command::new(&self.program);
            command.args(self.sync.command(flags).get_args()).current_dir("/");
            if self.as_root {
                command.uid(NOBODY).gid(NOBODY);
            }
            match command.output() {
                Ok(output) => return Ended::with(output),
                // Another test started a program while the copy was being written, which holds it open until that has begun.
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn allow(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn p12_row35_a_database_that_may_not_be_written_ends_with_6_and_the_next_run_goes_on() {
    let emulator = OktaEmulator::builder().seed(72).users(120).groups(8).memberships(300).start().await.unwrap();
    let ordinary = Ordinary::new(&emulator);
    let (database, folder) = (ordinary.sync.database(), ordinary.sync.folder());
    assert_eq!(ordinary.run(&[]).code, Some(0));
    for (round, (file_mode, folder_mode)) in [(0o444, 0o755), (0o644, 0o555), (0o444, 0o555)].into_iter().enumerate() {
        let login = format!("late{round}@example.com");
        emulator.org().create_user(json!({"login": login, "email": login}));
        let before = read(&database).unwrap();
        allow(&database, file_mode);
        allow(folder, folder_mode);
        for flags in [&[][..], &["--plan"], &["--held"], &["--status"]] {
            let ended = ordinary.run(flags);
            assert_eq!(ended.code, Some(6), "{file_mode:o} {folder_mode:o} {flags:?}: {ended:?}");
            let message = &ended.stderr;
            assert!(message.contains("directory.db") && message.contains("cannot be written"), "the file is named: {message}");
            assert!(message.contains("make the file and its folder writable and run again"), "the next step is named: {message}");
            let only_looks = matches!(flags, ["--held" | "--status"]);
            assert_eq!(message.contains("or look into a copy of it"), only_looks, "{flags:?}: {message}");
        }
        let elsewhere = tempfile::tempdir().unwrap();
        let copy = elsewhere.path().join("copy.db");
        std::fs::copy(&database, &copy).unwrap();
        ordinary.give(elsewhere.path());
        ordinary.give(&copy);
        allow(&copy, 0o600);
        let looked = ordinary.run(&["--status", "--database", copy.to_str().unwrap()]);
        assert_eq!(looked.code, Some(0), "{looked:?}");
        assert!(read(&database).unwrap() == before, "{file_mode:o} {folder_mode:o}: not one byte is different");
        allow(folder, 0o755);
        allow(&database, 0o644);
        let after = ordinary.run(&[]);
        assert_eq!(after.code, Some(0), "{file_mode:o} {folder_mode:o}, then writable: {after:?}");
        assert_eq!(Contents::of_database(&database), Contents::of_org(&emulator));
    }
}

#[tokio::test]
async fn p12_row35_files_beside_the_database_that_may_not_be_made_or_written_are_named() {
    let emulator = OktaEmulator::builder().seed(73).users(120).groups(8).memberships(300).start().await.unwrap();
    let ordinary = Ordinary::new(&emulator);
    let folder = ordinary.sync.folder();
    allow(folder, 0o555);
    let ended = ordinary.run(&[]);
    assert_eq!(ended.code, Some(2), "there is no database yet, so its place is a setting: {ended:?}");
    assert!(ended.stderr.contains("directory.db cannot be made") && ended.stderr.contains("check that its folder"), "{}", ended.stderr);
    allow(folder, 0o755);
    assert_eq!(ordinary.run(&[]).code, Some(0));
    let lock = folder.join("directory.db.lock");
    allow(&lock, 0o444);
    let ended = ordinary.run(&[]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    assert!(ended.stderr.contains("directory.db.lock cannot be written") && ended.stderr.contains("writable"), "{}", ended.stderr);
    allow(&lock, 0o600);
    assert_eq!(ordinary.run(&[]).code, Some(0));
    assert_eq!(Contents::of_database(&ordinary.sync.database()), Contents::of_org(&emulator));
}
