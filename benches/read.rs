//! Reading a whole org at full speed: CPU time, requests and memory, against the least that a reader can do.
//!
//! The org is served by another process, without latency and without limits. Work: the streams of `OktaProvider`, driven as the engine
//! drives them, with nothing kept. Floor: eight bare connections that parse users in full and only the ids and statuses of members.
//! Memory is that of processes which do nothing but read.

use idsync_benches::{
    Compared, Conditions, FloorRead, Served, Size, Spent, Who, compare, drive, measure, peak, provider, read_floor, read_if_asked, rounds,
    serve_if_asked,
};
use idsync_okta_emulator::Compression;
use std::hint::black_box;
use tokio::runtime::Runtime;

const CONNECTIONS: usize = 8;
/// How often memory is measured, at most.
const READS: usize = 7;
/// What goals are set for, and a larger one that must not take more memory.
const LARGE: [Size; 2] = [Size::new(50_000, 500, 200_000), Size::new(200_000, 500, 200_000)];
/// Where one round only shows that everything works.
const SMALL: [Size; 2] = [Size::new(5_000, 100, 20_000), Size::new(20_000, 100, 20_000)];

fn main() {
    serve_if_asked();
    read_if_asked();
    let [usual, larger] = if rounds() > 1 { LARGE } else { SMALL };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let served = Served::start(usual);
    println!("{} users, {} groups, {} memberships", usual.users, usual.groups, usual.memberships);
    requests(&runtime, &served);
    println!("  OktaProvider / floor {}", pairs(&runtime, &served));
    println!("  gzip / without       {}", packed_pairs(&runtime, usual, &served));
    let before = memory(&served);
    drop(served);
    println!("{} users, {} groups, {} memberships", larger.users, larger.groups, larger.memberships);
    let after = memory(&Served::start(larger));
    println!("  memory, larger / usual {:.2} ×", after as f64 / before as f64);
}

/// Reads once with each, and shows that both have read the same.
fn requests(runtime: &Runtime, served: &Served) {
    let FloorRead { tally, fewest, empty_groups, .. } = runtime.block_on(read_floor(served, CONNECTIONS));
    let read = runtime.block_on(drive(&provider(served)));
    assert_eq!(read, tally, "both read the same records with the same number of requests");
    let ratio = read.requests as f64 / fewest as f64;
    println!(
        "  requests / fewest    {ratio:6.3} × ({} over {fewest}; {empty_groups} empty groups, {} records)",
        read.requests, read.records
    );
}

fn pairs(runtime: &Runtime, served: &Served) -> Compared {
    compare(|| spent(|| runtime.block_on(drive(&provider(served)))), || spent(|| runtime.block_on(read_floor(served, CONNECTIONS))))
}

/// The same reader, with compressed answers and without.
fn packed_pairs(runtime: &Runtime, size: Size, plain: &Served) -> Compared {
    let packed = Served::start_with(size, Conditions { compression: Compression::Gzip, ..Conditions::default() });
    let read = |served| spent(|| runtime.block_on(drive(&provider(served))));
    compare(|| read(&packed), || read(plain))
}

fn spent<T>(work: impl FnOnce() -> T) -> Spent {
    measure(|| black_box(work())).1
}

/// The highest of the provider's peaks, in KiB. They differ, because they depend on which pages happen to be under way at once.
fn memory(served: &Served) -> usize {
    let mib = |kib: usize| kib as f64 / 1024.0;
    let [read, floor] = [Who::Provider, Who::Floor].map(|who| peaks(served, who));
    let (least, most) = (read[0], read[read.len() - 1]);
    println!("  peak memory: OktaProvider {:.1} to {:.1} MiB; floor to {:.1} MiB", mib(least), mib(most), mib(floor[floor.len() - 1]));
    most
}

/// In ascending order.
fn peaks(served: &Served, who: Who) -> Vec<usize> {
    let mut peaks: Vec<usize> = (0..rounds().clamp(1, READS)).map(|_| peak(served, who).1).collect();
    peaks.sort_unstable();
    peaks
}
