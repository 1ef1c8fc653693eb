//! Why a run did not do what it was asked to.

use crate::Quarantine;
use idsync_core::{Error, ErrorKind, PlanHash};

/// Why a run failed. Each variant says what was left untouched. A delivery that an earlier run had not finished may have been finished
/// all the same: that is done first.
///
/// `Display` names the phase; the cause, with its own remedy, is the source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// Another run holds the directory. Nothing was read or changed.
    #[error("another run holds the directory; nothing was changed")]
    Busy(#[source] Error),
    /// A delivery was interrupted, so there is no base to plan on. Nothing was changed.
    #[error("an earlier run was interrupted while it delivered its changes; run a sync, which finishes it first")]
    Interrupted,
    /// There is no held set with this hash, or not any more. Nothing was changed.
    #[error("nothing is held under the hash {expected}; nothing was changed")]
    NotHeld {
        /// The set that was meant.
        expected: PlanHash,
        /// The set that is held instead, if one is.
        found: Option<PlanHash>,
    },
    /// The directory is set aside, because its runs kept failing. Nothing was read.
    #[error("the directory is set aside until {}, nothing was read: {_0}", _0.until)]
    Quarantined(Box<Quarantine>),
    /// The directory could not be read completely. Nothing was changed.
    #[error("the directory could not be read; nothing was changed")]
    Read(#[source] Error),
    /// The credential, a scope or a role is missing. Nothing was changed.
    #[error("the directory refused the read; nothing was changed")]
    Refused(#[source] Error),
    /// The sink failed. What it had confirmed is recorded; the next run goes on where this one stopped.
    #[error("the sink failed; the next run goes on where this one stopped")]
    Sink(#[source] Error),
    /// The plan is not what would happen now. Nothing was changed.
    #[error("the plan is not valid any more; nothing was changed: {moved}")]
    StalePlan {
        /// The plan that was to be applied; `None` for one that has nothing to apply, which has no hash.
        expected: Option<PlanHash>,
        /// The plan that there is instead: the one that [`SyncEngine::apply_hash`] would have had to apply, or the one that the run
        /// before [`SyncEngine::apply`] left. `None` when that has nothing to apply, or no plan is left.
        ///
        /// [`SyncEngine::apply`]: crate::SyncEngine::apply
        /// [`SyncEngine::apply_hash`]: crate::SyncEngine::apply_hash
        found: Option<PlanHash>,
        /// What became of the plan, in one line without personal data.
        moved: String,
    },
    /// The state store failed. The next run goes on from what it last confirmed.
    #[error("the state store failed; the next run goes on from what it last confirmed")]
    Store(#[source] Error),
}

impl SyncError {
    /// An error of the store: `Conflict` means that somebody else is at work.
    pub(crate) fn store(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Conflict => Self::Busy(error),
            _ => Self::Store(error),
        }
    }

    /// An error of the sink: `Conflict` means that a newer run delivers.
    pub(crate) fn sink(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Conflict => Self::Busy(error),
            _ => Self::Sink(error),
        }
    }

    /// An error of the provider.
    pub(crate) fn provider(error: Error) -> Self {
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::Unauthenticated | ErrorKind::InvalidConfig => Self::Refused(error),
            _ => Self::Read(error),
        }
    }

    /// The error that crossed a trait, where one did.
    pub fn cause(&self) -> Option<&Error> {
        match self {
            Self::Busy(error) | Self::Read(error) | Self::Refused(error) | Self::Sink(error) | Self::Store(error) => Some(error),
            Self::Interrupted | Self::NotHeld { .. } | Self::Quarantined(_) | Self::StalePlan { .. } => None,
        }
    }

    /// The failure as one stable, machine-readable word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Busy(_) => "busy",
            Self::Interrupted => "interrupted",
            Self::NotHeld { .. } => "not_held",
            Self::Quarantined(_) => "quarantined",
            Self::Read(error) | Self::Refused(error) => error.kind().as_str(),
            Self::Sink(_) => "sink_failed",
            Self::StalePlan { .. } => "stale_plan",
            Self::Store(_) => "store_failed",
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> String {
        if let Self::Quarantined(quarantine) = self {
            return format!("{}; then release the directory, or wait", quarantine.remedy);
        }
        let known = self.cause().and_then(Error::remedy).map(str::to_owned);
        known.unwrap_or_else(|| {
            match self {
                Self::Busy(_) => "wait for the other run to end, or stop it, and try again",
                Self::Interrupted => "run a sync without a plan; it finishes the delivery and then reads the directory again",
                Self::NotHeld { found: Some(_), .. } => "look at what is held now, and decide about that",
                Self::NotHeld { found: None, .. } => "run a sync; it holds what is over a limit",
                Self::Quarantined(_) | Self::Read(_) => "try again; nothing was lost",
                Self::Refused(_) => "check the credential, its scopes and its role",
                Self::Sink(_) | Self::Store(_) => "mend the cause and run the sync again; it goes on where it stopped",
                Self::StalePlan { .. } => "make a new plan and look at it; apply that one, if it has anything to apply",
            }
            .to_owned()
        })
    }
}
