//! The database, as far as it can be judged before it is opened, and so made where it is not there.

use crate::connect::unusable;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::{Action, Flags};
use idsync::ErrorKind as Kind;
use std::io::ErrorKind;

/// Refuses what is no file, and a file that is not there where it is only to be looked into.
///
/// # Errors
/// What it is instead.
pub fn check(flags: &Flags) -> Result<(), Failure> {
    let path = &flags.database;
    let refuse = |what: &str| Err(unusable(format!("--database: {} {what}", path.display()), "name the file that sync keeps"));
    match std::fs::metadata(path) {
        // A folder is refused with the same words as by the library, and a file may be no database.
        Ok(found) if found.is_file() || found.is_dir() => Ok(()),
        Ok(_) => refuse("is not a regular file"),
        Err(error) if error.kind() != ErrorKind::NotFound => Ok(()),
        Err(_) if path.is_symlink() => refuse("is a link that leads nowhere"),
        Err(_) if looks_only(flags.action) => refuse("cannot be looked into: there is no such database"),
        Err(_) => Ok(()),
    }
}

/// What is told of a database that cannot be opened. An unusable file is wrong usage, or a sink that failed; it is never the org's fault.
pub(crate) fn unopened(error: idsync::Error, action: Action) -> Failure {
    let exit = match error.kind() {
        Kind::Conflict => Exit::Busy,
        Kind::InvalidConfig => Exit::Usage,
        _ => Exit::Sink,
    };
    let could_be_copied = error.kind() == Kind::Unavailable && matches!(action, Action::Held | Action::Status);
    let failure = Failure { exit, ..error.into() };
    if could_be_copied {
        let remedy = format!("{}; or look into a copy of it: SQLite writes beside a database also to read it", failure.remedy);
        return Failure { remedy, ..failure };
    }
    failure
}

/// Whether it is about what an earlier run left, so that a new database would have nothing to say.
const fn looks_only(action: Action) -> bool {
    matches!(action, Action::Approve(_) | Action::Held | Action::Reject(_) | Action::Status)
}
