//! A deterministic simulation of the sync engine.
//!
//! One seed decides everything: how large the directory is, what happens to it between and during the reads, how often and in which way
//! the engine is run, which faults strike its provider, its store and its sink, and in which order what waits goes on. There are no
//! threads, no timers and no real time, so a seed that fails fails again.
//!
//! The engine is the real one. Around it stand a provider, a store and a sink that are slow and faulty in seeded ways; the store and the
//! sink keep what they are told in the in-memory implementations of the core. [`Oracle`] lists what is checked while the engine is at
//! work and after each of its runs; [`Fault`] lists what goes wrong.
//!
//! ```
//! use idsync_simulation::{Keep, Sound, simulate};
//!
//! let first = simulate(7, &Sound, Keep::Hash);
//! assert_eq!(first.violation, None);
//! assert_eq!(simulate(7, &Sound, Keep::Hash).hash, first.hash);
//! ```

mod call;
mod checks;
mod clock;
mod decisions;
mod dump;
mod executor;
mod faults;
mod history;
mod lately;
mod ledger;
mod listing;
mod mutation;
mod neighbour;
mod noted;
mod notes;
mod observer;
mod packs;
mod parts;
mod patience;
mod position;
mod provider;
mod random;
mod reading;
mod records;
mod refusals;
mod rows;
mod scenario;
mod settings;
mod shield;
mod simulation;
mod sink;
mod store;
mod tasks;
mod trace;
mod universe;
mod verdict;
mod watch;
mod world;

pub use faults::{Fault, Tally};
pub use parts::{Parts, Sound};
pub use random::Random;
pub use simulation::{Simulated, simulate};
pub use trace::Keep;
pub use universe::{Oracle, Violation};
