//! An emulated org in a process of its own, so that its CPU time is not counted.

use idsync_okta_emulator::{Compression, OktaEmulator, Quirks};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

const ROLE: &str = "IDSYNC_BENCH_SERVES";
const GZIP: &str = "gzip";
const PLAIN: &str = "plain";

/// An org that is served by another process until this is dropped.
#[derive(Debug)]
pub struct Served {
    process: Option<Child>,
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
    pub fn start(size: crate::Size) -> Self {
        Self::start_as(size, PLAIN)
    }

    /// The same org, whose answers are compressed for who asks for it.
    ///
    /// # Panics
    /// As [`Served::start`].
    pub fn start_compressing(size: crate::Size) -> Self {
        Self::start_as(size, GZIP)
    }

    fn start_as(size: crate::Size, compression: &str) -> Self {
        let program = std::env::current_exe().expect("a running program has a path");
        let mut process = Command::new(program)
            .env(ROLE, format!("{} {} {} {compression}", size.users, size.groups, size.memberships))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program can be started again");
        let mut line = String::new();
        let said = process.stdout.take().map(BufReader::new).and_then(|mut out| out.read_line(&mut line).ok());
        let (url, token) = line.trim().split_once(' ').unwrap_or_else(|| panic!("the server did not start: {said:?} {line}"));
        Self { url: url.to_owned(), token: token.to_owned(), process: Some(process) }
    }

    /// An org that somebody else serves.
    pub const fn elsewhere(url: String, token: String) -> Self {
        Self { process: None, url, token }
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

/// To be called first: serves, and does not return, in a process that was started to serve.
///
/// # Panics
/// The org cannot be started.
pub fn serve_if_asked() {
    let Ok(size) = std::env::var(ROLE) else { return };
    let (size, compression) = size.rsplit_once(' ').expect("the size is followed by one word");
    let mut numbers = size.split(' ').map(|number| number.parse().expect("the size is three numbers"));
    let mut next = || numbers.next().expect("the size is three numbers");
    let mut quirks = Quirks::default();
    quirks.compression = if compression == GZIP { Compression::Gzip } else { Compression::None };
    let builder = OktaEmulator::builder().seed(5).users(next()).groups(next()).memberships(next()).quirks(quirks);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let emulator = runtime.block_on(builder.start()).expect("the org can be started");
    println!("{} {}", emulator.url(), emulator.api_token());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    drop(emulator);
    #[expect(clippy::disallowed_methods, reason = "this process is here to serve, and is done")]
    std::process::exit(0);
}
