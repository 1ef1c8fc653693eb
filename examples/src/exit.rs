//! Exit codes: the contract that scripts rely on.

use idsync::ErrorKind;
use idsync::engine::{FailureCause, Outcome, SyncError, SyncReport};
use std::process::ExitCode;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Wrong usage or configuration, or a plan or a held set that is not there.
    Usage = 2,
    /// A safeguard holds changes back; everything else is done.
    Held = 3,
    /// The org refused: credential, scope or role.
    Refused = 4,
    /// The read could not be completed; try again.
    Read = 5,
    /// The sink failed.
    Sink = 6,
    /// Another run holds the directory.
    Busy = 7,
}

impl Exit {
    /// The code for a run that failed.
    pub fn of_error(error: &SyncError) -> Self {
        match error {
            SyncError::Busy(_) => Self::Busy,
            SyncError::Refused(cause) if cause.kind() == ErrorKind::InvalidConfig => Self::Usage,
            SyncError::Refused(_) => Self::Refused,
            SyncError::Sink(cause) | SyncError::Store(cause) if cause.kind() == ErrorKind::InvalidConfig => Self::Usage,
            SyncError::Sink(_) | SyncError::Store(_) => Self::Sink,
            // To try again is of no use: what was named is not there, or not any more.
            SyncError::NotHeld { .. } | SyncError::StalePlan { .. } => Self::Usage,
            SyncError::Quarantined(quarantine) if quarantine.cause == FailureCause::Refused => Self::Refused,
            _ => Self::Read,
        }
    }

    /// The code for an error met before a run began.
    pub fn of_setup(error: &idsync::Error) -> Self {
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::Unauthenticated => Self::Refused,
            ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited => Self::Read,
            ErrorKind::Conflict => Self::Busy,
            _ => Self::Usage,
        }
    }

    /// The code for a run that ended.
    pub fn of_report(report: &SyncReport) -> Self {
        match report.outcome {
            Outcome::Done => Self::Done,
            Outcome::Held => Self::Held,
            Outcome::Refused => Self::Sink,
            _ => Self::Read,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
