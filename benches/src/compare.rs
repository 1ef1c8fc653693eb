//! CPU time, and medians of pairs.

use std::fmt;
use std::fs;
use std::time::{Duration, Instant};

/// What a piece of work took.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Spent {
    /// CPU time of this process, all of its threads together; wall time where the system does not tell.
    pub cpu: Duration,
    /// Wall time.
    pub wall: Duration,
}

/// Runs `work` once.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Spent) {
    let (cpu, wall) = (cpu_time(), Instant::now());
    let result = work();
    let wall = wall.elapsed();
    let cpu = cpu.zip(cpu_time()).map_or(wall, |(before, after)| after.saturating_sub(before));
    (result, Spent { cpu, wall })
}

/// Nanoseconds on a CPU, of every thread that lives.
pub(crate) fn cpu_time() -> Option<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        let stat = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        nanos += stat.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos))
}

/// CPU time of the thread that asks; zero where the system does not tell.
pub fn thread_cpu() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}

/// How often each pair is measured: `IDSYNC_BENCH_ROUNDS`, or 7.
pub fn rounds() -> usize {
    std::env::var("IDSYNC_BENCH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(7)
}

/// A comparison of some work with its floor.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Compared {
    /// The median of what the work took.
    pub work: Spent,
    /// The median of what the floor took.
    pub floor: Spent,
    /// The median of the ratios of CPU time.
    pub cpu_ratio: f64,
    /// The median of the ratios of wall time.
    pub wall_ratio: f64,
}

/// Measures both in turn, so that whatever else the machine does meets both alike.
pub fn compare(mut work: impl FnMut() -> Spent, mut floor: impl FnMut() -> Spent) -> Compared {
    // The first round warms caches and allocators, and does not count.
    let _ = (work(), floor());
    let pairs: Vec<_> = (0..rounds().max(1)).map(|_| (work(), floor())).collect();
    let ratio = |work: Duration, floor: Duration| work.as_secs_f64() / floor.as_secs_f64().max(f64::EPSILON);
    Compared {
        work: Spent { cpu: median(pairs.iter().map(|(work, _)| work.cpu)), wall: median(pairs.iter().map(|(work, _)| work.wall)) },
        floor: Spent { cpu: median(pairs.iter().map(|(_, floor)| floor.cpu)), wall: median(pairs.iter().map(|(_, floor)| floor.wall)) },
        cpu_ratio: median_ratio(pairs.iter().map(|(work, floor)| ratio(work.cpu, floor.cpu))),
        wall_ratio: median_ratio(pairs.iter().map(|(work, floor)| ratio(work.wall, floor.wall))),
    }
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn median_ratio(ratios: impl Iterator<Item = f64>) -> f64 {
    let mut ratios: Vec<_> = ratios.collect();
    ratios.sort_unstable_by(f64::total_cmp);
    ratios.get(ratios.len() / 2).copied().unwrap_or_default()
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        write!(
            f,
            "{:6.2} × CPU ({:.2} ms over {:.2} ms), {:6.2} × wall",
            self.cpu_ratio,
            millis(self.work.cpu),
            millis(self.floor.cpu),
            self.wall_ratio
        )
    }
}
