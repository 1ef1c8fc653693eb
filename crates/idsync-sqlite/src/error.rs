//! What SQLite's errors mean to a caller.

use idsync_core::{Error, ErrorKind};
use rusqlite::ErrorCode;
use std::path::Path;

/// Turns an error of SQLite into one with a kind and a remedy.
pub(crate) fn sqlite(error: rusqlite::Error) -> Error {
    let (kind, message, remedy) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => (ErrorKind::Unavailable, "the disk is full", "make room and run again; nothing was lost"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
            ErrorKind::Unavailable,
            "the database cannot be written",
            "make the file and its folder writable and run again; nothing was lost",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (ErrorKind::Unavailable, "the database is in use by another program", "close what has it open for writing and run again")
        }
        Some(ErrorCode::SystemIoFailure) => (ErrorKind::Unavailable, "the disk failed", "check the disk and run again; nothing was lost"),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            (ErrorKind::InvalidData, "the database is damaged", "restore it from a backup, or start with a new one")
        }
        Some(ErrorCode::CannotOpen) => (
            ErrorKind::Unavailable,
            "the database, or a file that SQLite needs beside it, cannot be opened",
            "make its folder writable, or let the program open more files, and run again; nothing was lost",
        ),
        Some(ErrorCode::OutOfMemory) => (ErrorKind::Unavailable, "there is not enough memory", "free some and run again"),
        _ => (ErrorKind::Other, "the database refused a statement", "report this; nothing was lost"),
    };
    Error::new(kind, message).with_remedy(remedy).with_source(error)
}

/// Names the file in an error of SQLite, which does not know its name.
pub(crate) fn in_file(path: &Path, error: Error) -> Error {
    let is_sqlite = std::error::Error::source(&error).is_some_and(|source| source.is::<rusqlite::Error>());
    if is_sqlite && error.operation().is_none() { error.during(format!("use {}", path.display())) } else { error }
}

/// What can go wrong inside a call to the database: SQLite, or the rules of this crate.
#[derive(Debug)]
pub(crate) enum Problem {
    Core(Error),
    Sqlite(rusqlite::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Core(error) => error,
            Problem::Sqlite(error) => sqlite(error),
        }
    }
}

/// Somebody else holds or has changed what the operation needs.
pub(crate) fn conflict(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Conflict, message).with_remedy("start the run again; nothing was written")
}

/// The file is not one that this version may use.
pub(crate) fn unusable(path: &Path, why: impl std::fmt::Display, remedy: &'static str) -> Error {
    Error::new(ErrorKind::InvalidConfig, format!("{} {why}", path.display())).with_remedy(remedy)
}

/// Whether the statement was refused for what is in it, such as a foreign key that leads nowhere or a text that is too long, and the next
/// one may well be taken.
pub(crate) fn is_about_the_values(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch | ErrorCode::Unknown)
    )
}
