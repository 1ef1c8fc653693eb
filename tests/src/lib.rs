//! What the tests across crates share: a client that loses patience soon, and the contents of a database and of an org, comparable.

mod client;
mod contents;
mod program;
mod random;

pub use client::{client, client_builder, engine, file, provider};
pub use contents::{Contents, ShownGroup, ShownUser, column, count, fingerprints, outcomes};
pub use program::{Ended, Sync, example, wait, write_private};
pub use random::{Random, count_from_environment};
