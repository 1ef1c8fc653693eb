//! Directories whose runs keep failing.

use crate::delta::Bookmark;
use crate::memo::Memo;
use crate::{Backoff, SyncEngine, SyncError};
use idsync_core::{DirectoryId, Error, Lease, Result, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// When a directory is set aside, and for how long.
///
/// Runs that fail because the directory cannot be read, or refuses to be read, are counted; a run that reads it to the end starts the
/// count anew. Failures of the sink do not count: the directory is not asked again before they are mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuarantinePolicy {
    /// So many runs must fail in a row; `None` never sets a directory aside.
    pub after: Option<NonZeroU32>,
    /// How long it is left alone when its last answer was a refusal, which somebody has to mend: a credential, a scope, a role.
    pub refused: Backoff,
    /// How long it is left alone when it could not be read.
    pub unreadable: Backoff,
}

impl QuarantinePolicy {
    /// Runs go on however often they fail.
    pub const fn never() -> Self {
        Self { after: None, ..Self::after(NonZeroU32::MIN) }
    }

    /// A directory is set aside after so many failed runs in a row; the waits are those of the default.
    pub const fn after(failures: NonZeroU32) -> Self {
        const HOUR: u64 = 60 * 60;
        Self {
            after: Some(failures),
            refused: Backoff::new(Duration::from_secs(6 * HOUR), Duration::from_secs(24 * HOUR)),
            unreadable: Backoff::new(Duration::from_secs(HOUR / 4), Duration::from_secs(24 * HOUR)),
        }
    }
}

/// After five failed runs in a row: 6, 12 and then 24 hours when it refused, 15, 30, 60 minutes and so on up to 24 hours when it could
/// not be read.
impl Default for QuarantinePolicy {
    fn default() -> Self {
        const FIVE: NonZeroU32 = NonZeroU32::new(5).unwrap();
        Self::after(FIVE)
    }
}

/// A directory that is left alone for a while, because its runs kept failing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quarantine {
    /// When the first of the failed runs ended.
    pub since: Timestamp,
    /// How many runs failed, one after the other.
    pub failures: u32,
    /// The next run that reads the directory is one after this.
    pub until: Timestamp,
    /// Whether the last run was refused, or the directory could not be read.
    pub cause: FailureCause,
    /// What the last run said.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureCause {
    /// The directory refused: the credential, a scope or a role.
    Refused,
    /// The directory could not be read.
    Unreadable,
}

impl fmt::Display for Quarantine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} runs in a row failed, the last one because: {}", self.failures, self.reason)
    }
}

/// The failed runs of a directory, as the store keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Failures {
    #[serde(flatten)]
    known: Quarantine,
    last: Timestamp,
    quarantined: bool,
}

impl Failures {
    /// The quarantine that is in force. One that a clock set back put into the future is not.
    fn in_force(self, now: Timestamp) -> Option<Quarantine> {
        (self.quarantined && self.last <= now && now < self.known.until).then_some(self.known)
    }
}

impl SyncEngine {
    /// The quarantine that the directory is in, if it is in one. Nothing is read from the directory.
    ///
    /// # Errors
    /// The directory cannot be identified, which [`SyncEngineBuilder::directory`](crate::SyncEngineBuilder::directory) spares, or the state
    /// store cannot be read.
    pub async fn quarantine(&self) -> Result<Option<Quarantine>, SyncError> {
        self.quarantine_of(&self.directory_id().await?).await
    }

    pub(crate) async fn quarantine_of(&self, directory: &DirectoryId) -> Result<Option<Quarantine>, SyncError> {
        let failures: Option<Failures> = Memo::Failures.read(self.store.as_ref(), directory).await.map_err(SyncError::store)?;
        Ok(failures.and_then(|failures| failures.in_force(self.now())))
    }

    /// Releases what was set aside: the next run reads the directory, and tries all changes in escrow, whatever they were to wait.
    ///
    /// # Errors
    /// The directory cannot be identified, another run holds it, or the state store failed.
    ///
    /// # Cancellation
    /// The future may be dropped at any await; call it again, for a part may be released by then.
    pub async fn release(&self) -> Result<(), SyncError> {
        let (_, lease) = self.take().await?;
        let released = self.release_holding(&lease).await.map_err(SyncError::store);
        self.end(&lease, released).await
    }

    async fn release_holding(&self, lease: &Lease) -> Result<()> {
        self.forget_failures(lease).await?;
        crate::escrow::release(&self.store, lease).await?;
        // What was refused is only found again by a full read.
        Memo::Bookmark.write::<Bookmark>(self.store.as_ref(), lease, None).await?;
        self.store.release(lease).await
    }

    /// Refuses to go on while the directory is set aside.
    pub(crate) async fn check_quarantine(&self, lease: &Lease) -> Result<(), SyncError> {
        match self.quarantine_of(&lease.directory).await? {
            Some(quarantine) => Err(SyncError::Quarantined(Box::new(quarantine))),
            None => Ok(()),
        }
    }

    /// Counts a run that failed because of the directory.
    pub(crate) async fn count_failure(&self, lease: &Lease, error: &SyncError) -> Result<()> {
        let cause = match error {
            SyncError::Read(_) => FailureCause::Unreadable,
            SyncError::Refused(_) => FailureCause::Refused,
            _ => return Ok(()),
        };
        let now = self.now();
        let before: Option<Failures> = Memo::Failures.read(self.store.as_ref(), &lease.directory).await?;
        let failures = before.as_ref().map_or(0, |before| before.known.failures).saturating_add(1);
        let nth = self.quarantine.after.and_then(|after| failures.checked_sub(after.get() - 1)).filter(|nth| *nth > 0);
        let backoff = match cause {
            FailureCause::Refused => self.quarantine.refused,
            FailureCause::Unreadable => self.quarantine.unreadable,
        };
        let until = now.saturating_add(nth.map_or(Duration::ZERO, |nth| backoff.wait(nth)));
        let reason = error.cause().map(Error::to_string).unwrap_or_else(|| error.to_string());
        let since = before.map_or(now, |before| before.known.since);
        let known = Quarantine { since, failures, until, cause, reason, remedy: error.remedy() };
        if nth.is_some() {
            tracing::warn!(failures, until = %until, "the directory is set aside");
        }
        Memo::Failures.write(self.store.as_ref(), lease, Some(&Failures { known, last: now, quarantined: nth.is_some() })).await
    }

    /// The directory was read to the end.
    pub(crate) async fn forget_failures(&self, lease: &Lease) -> Result<()> {
        if self.store.memo(&lease.directory, Memo::Failures.name()).await?.is_some() {
            Memo::Failures.write::<Failures>(self.store.as_ref(), lease, None).await?;
        }
        Ok(())
    }
}
