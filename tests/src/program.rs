//! Running the `sync` program as a script would.

use idsync_okta_emulator::OktaEmulator;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// An example program of this workspace, built beside the test that runs it.
///
/// # Panics
/// The test does not lie where cargo puts tests.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap().join("examples");
    let program = folder.join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "{} is missing: build it with `cargo build --examples`", program.display());
    program
}

/// The `sync` program, its database and the files that it needs.
#[derive(Debug)]
pub struct Sync {
    folder: TempDir,
    org: String,
    client_id: String,
    reads: Reads,
}

/// How a program reads the org.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    Everything,
    WhatChanged,
}

/// How a program ended, and what it printed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ended {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Sync {
    /// A program that signs in as the emulator's app, and reads everything each time.
    ///
    /// # Panics
    /// No folder can be made.
    pub fn new(emulator: &OktaEmulator) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sync = Self { folder, org: emulator.url().to_owned(), client_id: emulator.client_id().to_owned(), reads: Reads::Everything };
        write_private(&sync.key(), emulator.private_key_pem());
        sync
    }

    /// The same, reading only what changed where that will do, as it does by itself.
    #[must_use]
    pub const fn with_deltas(mut self) -> Self {
        self.reads = Reads::WhatChanged;
        self
    }

    /// Where the key is.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// Where the database is.
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("directory.db")
    }

    /// The folder of it all.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The command with all that it needs, and these flags.
    pub fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(example("sync"));
        command.args(["--org", &self.org, "--client-id", &self.client_id]).arg("--key").arg(self.key());
        command.arg("--database").arg(self.database()).args(["--patience", "2"]).args(flags);
        if self.reads == Reads::Everything {
            command.arg("--full");
        }
        command.env_remove("IDSYNC_LOG").stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, flags: &[&str]) -> Ended {
        Ended::of(self.command(flags))
    }

    /// Starts it, and does not hear what it says.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start(&self, flags: &[&str]) -> Child {
        self.command(flags).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The log that SQLite writes before it writes the database.
    pub fn log(&self) -> PathBuf {
        PathBuf::from(format!("{}-wal", self.database().display()))
    }

    /// Looks on until the log was written to so many times, or the run has ended; says how many times it was.
    ///
    /// # Panics
    /// The system does not say how the run is.
    pub fn watch_writes(&self, run: &mut Child, most: u64) -> u64 {
        let log = self.log();
        let state = || log.metadata().ok().map(|log| (log.len(), log.modified().ok()));
        let (mut writes, mut last) = (0, state());
        while writes < most && run.try_wait().unwrap().is_none() {
            let now = state();
            writes += u64::from(now != last);
            last = now;
            std::thread::yield_now();
        }
        writes
    }

    /// Runs it with `--json`; standard output must be exactly one object.
    ///
    /// # Panics
    /// It is not.
    pub fn json(&self, flags: &[&str]) -> (Option<i32>, Value) {
        let ended = self.run(&[flags, &["--json"]].concat());
        let object = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("not one JSON object: {error}: {ended:?}"));
        (ended.code, object)
    }
}

impl Ended {
    /// Runs a command to its end.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn of(mut command: Command) -> Self {
        Self::with(command.output().unwrap())
    }

    /// Runs a command to its end, whose standard output nobody reads any more.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn unread(mut command: Command) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Self::printing_to(writer, &mut command)
    }

    /// Runs a command to its end, whose standard output goes to a disk that is full.
    ///
    /// # Panics
    /// It cannot be started, or the system has no such disk.
    pub fn on_full_disk(mut command: Command) -> Self {
        Self::printing_to(std::fs::File::create("/dev/full").unwrap(), &mut command)
    }

    fn printing_to(out: impl Into<Stdio>, command: &mut Command) -> Self {
        Self::with(command.stdout(out).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap())
    }

    /// How a command ended that was waited for elsewhere.
    ///
    /// # Panics
    /// It printed what is no text.
    pub fn with(Output { status, stdout, stderr }: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }
}

/// Blocks this thread, for tests that have nothing else to do meanwhile; an emulator has a thread of its own.
pub fn wait(time: Duration) {
    let (_sender, receiver) = std::sync::mpsc::channel::<()>();
    _ = receiver.recv_timeout(time);
}

/// Writes a file that only its owner can read.
///
/// # Panics
/// It cannot be written.
pub fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}
