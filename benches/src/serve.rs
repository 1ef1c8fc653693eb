//! An emulated org in a process of its own, so that its CPU time is not counted.

use crate::Size;
use idsync_okta_emulator::{
    BodyShape, Bucket, Compression, Fault, FaultKind, Faults, OktaEmulator, OktaEmulatorBuilder, Org, Quirks, RateLimits,
};
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

const ROLE: &str = "IDSYNC_BENCH_SERVES";
/// Requests for which faults are prepared.
const FAULTY: u64 = 4_000;

/// How the org behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conditions {
    /// How long each answer takes.
    pub latency: Duration,
    /// How many requests each bucket takes in a window; zero for any number.
    pub limit: u32,
    /// How long a window lasts.
    pub window: Duration,
    /// How many requests are served at once; zero for any number.
    pub at_once: usize,
    /// How many of a hundred requests fail: with 500, 503, a connection that is reset, or a body that is cut.
    pub fault_percent: u64,
    /// Whether answers are compressed for who asks for it.
    pub compression: Compression,
}

/// An org that is served by another process until this is dropped.
#[derive(Debug)]
pub struct Served {
    process: Option<Child>,
    answers: Option<BufReader<ChildStdout>>,
    /// The URL of the org.
    pub url: String,
    /// An API token that may read it.
    pub token: String,
}

impl Served {
    /// Starts this very program again, as a server of an org of this size.
    ///
    /// # Panics
    /// The process cannot be started, or does not say where it is.
    pub fn start(size: Size) -> Self {
        Self::start_with(size, Conditions::default())
    }

    /// The same, with an org that behaves like this.
    ///
    /// # Panics
    /// The process cannot be started, or does not say where it is.
    pub fn start_with(size: Size, conditions: Conditions) -> Self {
        let program = std::env::current_exe().expect("a running program has a path");
        let Conditions { latency, limit, window, at_once, fault_percent, compression } = conditions;
        let gzip = u8::from(compression == Compression::Gzip);
        let (latency, window) = (latency.as_millis(), window.as_millis());
        let Size { users, groups, memberships } = size;
        let mut process = Command::new(program)
            .env(ROLE, format!("{users} {groups} {memberships} {latency} {limit} {window} {at_once} {fault_percent} {gzip}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program can be started again");
        let mut line = String::new();
        let mut answers = process.stdout.take().map(BufReader::new);
        let said = answers.as_mut().and_then(|out| out.read_line(&mut line).ok());
        let (url, token) = line.trim().split_once(' ').unwrap_or_else(|| panic!("the server did not start: {said:?} {line}"));
        Self { url: url.to_owned(), token: token.to_owned(), process: Some(process), answers }
    }

    /// An org that somebody else serves.
    pub const fn elsewhere(url: String, token: String) -> Self {
        Self { process: None, answers: None, url, token }
    }

    /// How many users, groups and memberships are in scope.
    ///
    /// # Panics
    /// The server does not answer.
    pub fn counts(&mut self) -> [u64; 3] {
        let answer = self.ask("count");
        let numbers = answer.split(' ').map(|number| number.parse().expect("the counts are numbers")).collect::<Vec<_>>();
        numbers.try_into().expect("there are three counts")
    }

    /// Changes the title of a user; false when there is no such user.
    ///
    /// # Panics
    /// The server does not answer.
    pub fn set_title(&mut self, user: &str) -> bool {
        self.ask(&format!("title {user}")) == "true"
    }

    /// Puts a user into a group; false when that changes nothing.
    ///
    /// # Panics
    /// The server does not answer.
    pub fn add_member(&mut self, group: &str, user: &str) -> bool {
        self.ask(&format!("add {group} {user}")) == "true"
    }

    /// Takes a user out of a group; false when that changes nothing.
    ///
    /// # Panics
    /// The server does not answer.
    pub fn remove_member(&mut self, group: &str, user: &str) -> bool {
        self.ask(&format!("remove {group} {user}")) == "true"
    }

    /// Sends a line to the server's standard input, and waits for its answer.
    fn ask(&mut self, line: &str) -> String {
        let input = self.process.as_mut().and_then(|process| process.stdin.as_mut()).expect("the server was started here");
        input.write_all(format!("{line}\n").as_bytes()).expect("the server takes a line");
        let mut answer = String::new();
        self.answers.as_mut().expect("the server was started here").read_line(&mut answer).expect("the server answers");
        answer.trim().to_owned()
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        self.url.trim_start_matches("http://")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let Some(process) = &mut self.process else { return };
        // The server ends with its standard input; waiting only reaps it.
        drop(process.stdin.take());
        let _ = process.wait();
    }
}

/// An org of this size, the same in every process.
pub fn emulated(size: Size) -> OktaEmulatorBuilder {
    OktaEmulator::builder().seed(5).users(size.users).groups(size.groups).memberships(size.memberships)
}

/// To be called first: serves, and does not return, in a process that was started to serve.
///
/// # Panics
/// The org cannot be started.
pub fn serve_if_asked() {
    let Ok(asked) = std::env::var(ROLE) else { return };
    let numbers: Vec<u64> = asked.split(' ').map(|number| number.parse().expect("what is asked are numbers")).collect();
    let Ok([users, groups, memberships, latency, limit, window, at_once, fault_percent, gzip]) = <[u64; 9]>::try_from(numbers) else {
        panic!("what is asked are nine numbers")
    };
    let size = Size::new(users as usize, groups as usize, memberships as usize);
    let mut limits = RateLimits::unlimited();
    if limit > 0 {
        limits = Bucket::ALL.into_iter().fold(limits, |limits, bucket| limits.with(bucket, limit as u32, Duration::from_millis(window)));
    }
    if at_once > 0 {
        limits = limits.with_concurrency(at_once as usize);
    }
    let mut quirks = Quirks::default();
    quirks.compression = if gzip > 0 { Compression::Gzip } else { Compression::None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let emulator = runtime.block_on(emulated(size).rate_limits(limits).quirks(quirks).start()).expect("the org can be started");
    if latency > 0 {
        emulator.faults().add(Fault::new(FaultKind::Delay(Duration::from_millis(latency))).always());
    }
    add_faults(emulator.faults(), fault_percent);
    println!("{} {}", emulator.url(), emulator.api_token());
    for line in std::io::stdin().lines() {
        println!("{}", answer(emulator.org(), &line.expect("what is asked is text")));
    }
    drop(emulator);
    #[expect(clippy::disallowed_methods, reason = "this process is here to serve, and is done")]
    std::process::exit(0);
}

fn answer(org: &Org, line: &str) -> String {
    match line.split(' ').collect::<Vec<_>>()[..] {
        ["count"] => {
            let counts = org.counts_in_scope();
            format!("{} {} {}", counts.users, counts.groups, counts.memberships)
        }
        ["title", user] => org.update_user(user, &[("title", json!("Keeper of the Seal"))]).to_string(),
        ["add", group, user] => org.add_member(group, user).to_string(),
        ["remove", group, user] => org.remove_member(group, user).to_string(),
        _ => panic!("nobody answers {line}"),
    }
}

/// Lets so many of a hundred requests fail, the same ones every time.
fn add_faults(faults: &Faults, percent: u64) {
    // With this seed the first few hundred requests have as many faults as all.
    let (mut random, mut before, mut resets) = (6_u64, 0, 0);
    for place in 0..FAULTY {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if (random >> 33) % 100 >= percent {
            continue;
        }
        let kind = match (random >> 20) % 4 {
            0 => FaultKind::Status(500, BodyShape::Okta),
            1 => FaultKind::Status(503, BodyShape::Html),
            2 => FaultKind::Reset,
            _ => FaultKind::TruncatedBody,
        };
        // A fault does not see the requests that others have answered instead.
        let unseen = if kind == FaultKind::TruncatedBody { resets } else { before };
        before += u64::from(kind != FaultKind::TruncatedBody);
        resets += u64::from(kind == FaultKind::Reset);
        faults.add(Fault::new(kind).skip(place - unseen));
    }
}
