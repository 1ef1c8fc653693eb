//! Peak memory of a reader, in a process that does nothing else.

use crate::{Served, Tally, drive, provider, read_floor};
use std::fs;
use std::process::Command;

const ROLE: &str = "IDSYNC_BENCH_READS";
const CONNECTIONS: usize = 8;

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Who {
    /// The floor.
    Floor,
    /// `OktaProvider`.
    Provider,
}

/// Reads the org once in a new process: what it read, and the most memory that was resident there, in KiB.
///
/// # Panics
/// The process cannot be started, or fails.
pub fn peak(served: &Served, who: Who) -> (Tally, usize) {
    let program = std::env::current_exe().expect("a running program has a path");
    let who = if who == Who::Floor { "floor" } else { "provider" };
    let output = Command::new(program)
        .env(ROLE, format!("{who} {} {}", served.url, served.token))
        .output()
        .expect("the program can be started again");
    let said = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<usize> = said.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [records, requests, kib] = numbers[..] else { panic!("the reader failed: {}", String::from_utf8_lossy(&output.stderr)) };
    (Tally { records, requests }, kib)
}

/// To be called first: reads, and does not return, in a process that was started to read.
///
/// # Panics
/// The org cannot be read.
pub fn read_if_asked() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let mut words = role.split(' ');
    let mut word = || words.next().expect("the role is three words").to_owned();
    let (who, served) = (word(), Served::elsewhere(word(), word()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let tally = match who.as_str() {
        "floor" => runtime.block_on(read_floor(&served, CONNECTIONS)).tally,
        _ => runtime.block_on(drive(&provider(&served))),
    };
    println!("{} {} {}", tally.records, tally.requests, resident_peak());
    #[expect(clippy::disallowed_methods, reason = "this process is here to read, and is done")]
    std::process::exit(0);
}

/// In KiB; zero where the system does not tell.
fn resident_peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or_default()
}
