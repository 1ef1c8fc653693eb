//! What a whole process took, as it says itself, and processes that are started to say so.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// What a process took from its start on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// CPU time, of user and system, of all threads.
    pub cpu: Duration,
    /// Wall time.
    pub wall: Duration,
    /// The most memory that was resident, in KiB.
    pub peak: u64,
    /// Bytes that were read from files, in the page cache or not.
    pub read: u64,
    /// Bytes that were written to files.
    pub written: u64,
}

impl Usage {
    /// That of this process, which did nothing before `start`. Zero where the system does not tell.
    pub fn now(start: Instant) -> Self {
        let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
        let number = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or_default()
        };
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            // Threads that ended count only in the coarser of the two.
            cpu: crate::compare::cpu_time().unwrap_or_default().max(ticks().unwrap_or_default()),
            wall: start.elapsed(),
            peak: number(&status, "VmHWM:"),
            read: number(&io, "rchar:"),
            written: number(&io, "wchar:"),
        }
    }

    /// What came on top of `earlier`, of the same process; its peak is that of all its time.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            wall: self.wall.saturating_sub(earlier.wall),
            peak: self.peak,
            read: self.read.saturating_sub(earlier.read),
            written: self.written.saturating_sub(earlier.written),
        }
    }

    /// Both, one after the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
            wall: self.wall + other.wall,
            peak: self.peak.max(other.peak),
            read: self.read + other.read,
            written: self.written + other.written,
        }
    }

    /// The same with another CPU time, such as that of one thread.
    #[must_use]
    pub const fn with_cpu(self, cpu: Duration) -> Self {
        Self { cpu, ..self }
    }

    /// Says it on a line that [`Child::run`] finds.
    pub fn tell(&self) {
        self.tell_of("usage");
    }

    /// Says it on a line that begins with this word.
    pub fn tell_of(&self, word: &str) {
        let Self { cpu, wall, peak, read, written } = self;
        println!("{word} {} {} {peak} {read} {written}", cpu.as_micros(), wall.as_micros());
    }

    fn told(line: &str) -> Option<Self> {
        let numbers = line.strip_prefix("usage ")?.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        let [cpu, wall, peak, read, written] = numbers[..] else { return None };
        Some(Self { cpu: Duration::from_micros(cpu), wall: Duration::from_micros(wall), peak, read, written })
    }
}

/// User and system time of the process, threads that ended included, in hundredths of a second.
fn ticks() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks()? + ticks()?)))
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let (cpu, wall) = (self.cpu.as_secs_f64(), self.wall.as_secs_f64());
        let (peak, read, written) = (mib(self.peak << 10), mib(self.read), mib(self.written));
        write!(f, "{cpu:8.3} s CPU {wall:8.3} s wall {peak:8.1} MiB peak {read:8.1} MiB read {written:8.1} MiB written")
    }
}

/// The median of each figure.
pub fn median_usage(usages: &[Usage]) -> Usage {
    fn median<T: Ord + Copy + Default>(usages: &[Usage], figure: impl Fn(&Usage) -> T) -> T {
        let mut figures: Vec<_> = usages.iter().map(figure).collect();
        figures.sort_unstable();
        figures.get(figures.len() / 2).copied().unwrap_or_default()
    }
    Usage {
        cpu: median(usages, |usage| usage.cpu),
        wall: median(usages, |usage| usage.wall),
        peak: median(usages, |usage| usage.peak),
        read: median(usages, |usage| usage.read),
        written: median(usages, |usage| usage.written),
    }
}

/// This very program, started again with other arguments.
#[derive(Debug, Clone)]
pub struct Child {
    arguments: Vec<OsString>,
    limit: Option<u64>,
}

impl Child {
    /// The program with these arguments.
    pub fn new(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        Self { arguments: arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect(), limit: None }
    }

    /// Gives it no more than so many MiB to address.
    #[must_use]
    pub const fn with_limit(mut self, mib: Option<u64>) -> Self {
        self.limit = mib;
        self
    }

    /// The command that starts it.
    ///
    /// # Panics
    /// The program does not know where it is.
    pub fn command(&self) -> Command {
        let program = std::env::current_exe().expect("a running program has a path");
        let mut command = match self.limit {
            // The shell sets the limit, and becomes the program.
            Some(mib) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(format!("ulimit -v {} && exec \"$0\" \"$@\"", mib << 10)).arg(program);
                shell
            }
            None => Command::new(program),
        };
        command.args(&self.arguments);
        command
    }

    /// Runs it to its end: what it took.
    ///
    /// # Panics
    /// It cannot be started, or fails.
    pub fn run(&self) -> Usage {
        let output = self.command().output().expect("the program can be started again");
        let said = String::from_utf8_lossy(&output.stdout);
        let usage = said.lines().find_map(Usage::told).filter(|_| output.status.success());
        usage.unwrap_or_else(|| panic!("{:?} failed: {said}{}", self.arguments, String::from_utf8_lossy(&output.stderr)))
    }
}
