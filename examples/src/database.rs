//! The database, as far as it can be judged before it is opened, and so made where it is not there.

use crate::connect::unusable;
use crate::failure::Failure;
use crate::flags::{Action, Flags};
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

/// Whether it is about what an earlier run left, so that a new database would have nothing to say.
const fn looks_only(action: Action) -> bool {
    matches!(action, Action::Approve(_) | Action::Held | Action::Reject(_) | Action::Status)
}
