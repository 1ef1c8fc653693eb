//! The rows of the state store, table by table.

pub(crate) mod base;
mod beside;
mod codec;
pub(crate) mod directories;
mod fold;
mod index;
pub(crate) mod journal;
pub(crate) mod memos;
mod records;
pub(crate) mod runs;
pub(crate) mod staged;

use crate::error::Problem;
use idsync_core::{Error, ErrorKind};

/// A number as SQLite keeps it.
pub(crate) fn stored(number: u64) -> Result<i64, Problem> {
    Ok(i64::try_from(number).map_err(|_| Error::new(ErrorKind::InvalidData, "a number does not fit the database"))?)
}

/// The database holds something that this crate did not write.
pub(crate) fn damaged(what: &'static str) -> Problem {
    Problem::from(
        Error::new(ErrorKind::InvalidData, format!("the database holds {what}"))
            .with_remedy("check the file for damage; restore it from a backup, or start with a new one"),
    )
}
