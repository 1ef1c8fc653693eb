//! The people and groups of a fresh org, the same for the same seed.

mod apps;
mod names;
mod people;
mod teams;

use crate::org::{Group, User};

pub(crate) use apps::{FOUNDED, app_count, apps};

/// How large an org is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) apps: u32,
    pub(crate) users: u32,
    pub(crate) groups: u32,
    pub(crate) memberships: u64,
}

/// All users; made on all processors, for each is independent of the others.
pub(crate) fn users(seed: u64, count: u32, base: &str) -> Vec<Option<User>> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from) as u32;
    if count < 10_000 || workers == 1 {
        return (0..count).map(|index| Some(people::user(seed, index, base))).collect();
    }
    let part = count.div_ceil(workers);
    let make = |worker: u32| -> Vec<Option<User>> {
        (worker * part..count.min((worker + 1) * part)).map(|index| Some(people::user(seed, index, base))).collect()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|worker| scope.spawn(move || make(worker))).collect();
        // A worker that panicked has panicked on a bug here; going on with a part of the org would hide it.
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// The built-in groups and all others.
pub(crate) fn groups(seed: u64, size: Size, base: &str) -> Vec<Option<Group>> {
    teams::groups(seed, size.groups, size.users, size.memberships, base)
}
