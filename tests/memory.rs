//! What a run holds in memory follows from its pages and the ids, and not from all that the directory says.
#![cfg(target_os = "linux")]

use idsync_okta_emulator::OktaEmulator;
use idsync_tests::Sync;
use std::process::{Child, Stdio};
use std::time::Duration;

/// The most memory that a process has had so far, in KiB; `None` once it has ended.
fn peak(process: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

/// The most memory that a run takes, in KiB.
async fn peak_of_a_run(sync: &Sync) -> u64 {
    let mut run = sync.command(&["--quiet"]).stderr(Stdio::null()).spawn().unwrap();
    let mut most = 0;
    while run.try_wait().unwrap().is_none() {
        most = most.max(peak(&run).unwrap_or(0));
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    assert!(run.wait().unwrap().success());
    most
}

/// The peaks of a first sync, and of one that finds nothing new.
async fn peaks(users: usize, memberships: usize) -> [u64; 2] {
    let emulator = OktaEmulator::builder().seed(111).users(users).groups(4).memberships(memberships).start().await.unwrap();
    let sync = Sync::new(&emulator);
    [peak_of_a_run(&sync).await, peak_of_a_run(&sync).await]
}

#[tokio::test]
async fn p20_row39_memory_follows_ids_and_pages_and_not_the_directory() {
    // Both are large enough for the database to fill its cache, which is of a fixed size.
    let (small, large) = (peaks(12_000, 20_000).await, peaks(24_000, 40_000).await);
    for (run, most) in [2_000, 1_500].into_iter().enumerate() {
        let per_user = large[run].saturating_sub(small[run]) * 1_024 / 12_000;
        println!("run {run}: {} and {} KiB, {per_user} bytes per further user", small[run], large[run]);
        // Whoever keeps what was read needs some 1,200 bytes more in a first run, and 2,800 in one that finds nothing new.
        assert!(per_user < most, "run {run}: {per_user} bytes per further user, from {} to {} KiB", small[run], large[run]);
    }
}
