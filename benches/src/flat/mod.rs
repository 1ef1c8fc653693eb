//! Reads the files of a made-up directory: as rows, and as a provider.

mod provider;
mod rows;

pub use provider::FileProvider;
pub(crate) use rows::{Flat, Row, short};
