//! Reference implementations of the three traits, in memory.
//!
//! They are the plainest reading of the contracts, the test doubles of this project, and good enough for small directories. Each is a
//! handle: clones share their content.

mod moves;
mod provider;
mod sink;
mod store;

pub use provider::MemoryProvider;
pub use sink::MemorySink;
pub use store::MemoryStore;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, and goes on after a panic elsewhere: every update here is a single step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
