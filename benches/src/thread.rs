//! The CPU time of a thread that is known by name.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A thread of this process.
#[derive(Debug, Clone)]
pub struct NamedThread {
    folder: PathBuf,
}

impl NamedThread {
    /// The thread with this name.
    ///
    /// # Panics
    /// There is none, or the system does not tell.
    pub fn find(name: &str) -> Self {
        let is_named = |folder: &PathBuf| fs::read_to_string(folder.join("comm")).is_ok_and(|comm| comm.trim() == name);
        // A thread names itself when it first runs.
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            let threads = fs::read_dir("/proc/self/task").expect("the system tells of threads");
            if let Some(folder) = threads.filter_map(|thread| Some(thread.ok()?.path())).find(is_named) {
                return Self { folder };
            }
            std::thread::yield_now();
        }
        panic!("there is no thread {name}")
    }

    /// Its CPU time, once it waits: as long as it runs, the kernel's figure is some milliseconds old.
    ///
    /// # Panics
    /// The thread has ended.
    pub fn cpu(&self) -> Duration {
        let read = |name: &str| fs::read_to_string(self.folder.join(name)).expect("the thread lives");
        for _ in 0..10_000 {
            if !read("stat").rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('R')) {
                break;
            }
            std::thread::yield_now();
        }
        Duration::from_nanos(read("schedstat").split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
    }
}
