//! What a run did.

use crate::number::number;
use crate::{Evidence, Standing, SyncError};
use idsync_core::{ChangeKind, Counts, DirectoryId, PlanHash, RequestUsage, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How a run ended, when it ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The sink is what the directory is, refused changes apart.
    Done,
    /// Some changes are held back by a safeguard; everything else is done.
    Held,
    /// A part could not be read and stays as it was; everything else is done.
    Incomplete,
    /// The sink refused some changes; everything else is done.
    Refused,
}

/// How the directory was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// What changed since the last time.
    Delta,
    /// All of it.
    Full,
}

/// How large the directory is, as far as it is synced: what the sink was given and took, no more and no less.
///
/// A full run and a delta count the same. What is held, what the sink refused, and what could not be read counts as it was before the
/// run: a user whose deletion is held is still counted, and one whose creation was refused is not yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DirectorySize {
    /// Users, whatever their status.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Memberships, each once. Both the user and the group of each are counted above.
    pub memberships: u64,
}

/// All three in words: `30 users, 3 groups, 1 membership`.
impl fmt::Display for DirectorySize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (users, groups) = (number(self.users, "user"), number(self.groups, "group"));
        write!(f, "{users}, {groups}, {}", number(self.memberships, "membership"))
    }
}

impl DirectorySize {
    /// The size once these changes are applied.
    pub(crate) fn after(self, changes: &Counts) -> Self {
        let after = |before: u64, more, less| (before + changes.get(more)).saturating_sub(changes.get(less));
        Self {
            users: after(self.users, ChangeKind::UserCreated, ChangeKind::UserDeleted),
            groups: after(self.groups, ChangeKind::GroupCreated, ChangeKind::GroupDeleted),
            memberships: after(self.memberships, ChangeKind::GroupUserAdded, ChangeKind::GroupUserRemoved),
        }
    }
}

/// Changes that a safeguard holds back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Held {
    /// How many.
    pub total: u64,
    /// Which: it covers these changes, whatever else happens.
    pub hash: PlanHash,
    /// Why, in one line.
    pub reason: String,
    /// How many of each kind.
    pub by_kind: BTreeMap<String, u64>,
    /// Whether a person has decided about them.
    #[serde(default)]
    pub standing: Standing,
}

/// How many, why, the hash, and what was decided; no personal data.
impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} held: {} (hash {})", number(self.total, "change"), self.reason, self.hash)?;
        match self.standing {
            Standing::Open => Ok(()),
            Standing::Approved => f.write_str("; approved"),
            Standing::Rejected => f.write_str("; rejected"),
        }
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SyncReport {
    /// How the run ended.
    pub outcome: Outcome,
    /// How the directory was read.
    pub mode: Mode,
    /// The directory.
    pub directory_id: DirectoryId,
    /// The run, as the history calls it.
    pub run: String,
    /// What was applied; `None` when there was nothing to apply.
    pub change_set: Option<PlanHash>,
    /// Changes applied, by kind.
    pub changes: Counts,
    /// Changes of an earlier, interrupted run that this one delivered first, by kind.
    pub recovered: Counts,
    /// Changes held back. A delta, which does not look for all of them, reports those that the last full read found.
    pub held: Option<Held>,
    /// Changes that are not applied because the sink refused them or what they depend on, now or a short while ago. A delta, which does not
    /// look for all of them, does not count what depends on those that it did not find itself.
    pub escrowed: u64,
    /// The reason that the sink gave for the first of them.
    pub first_refusal: Option<String>,
    /// When the first of those that were not tried this time is tried again; those that were refused for the first time are tried with
    /// the next run.
    pub retry_at: Option<Timestamp>,
    /// How large the directory is after the run.
    pub directory: DirectorySize,
    /// What the run asked of the provider.
    pub requests: RequestUsage,
    /// Whether everything in scope was read.
    pub complete: bool,
    /// What the read proves.
    pub evidence: Evidence,
    /// How long the run took.
    #[serde(rename = "elapsed_ms", serialize_with = "millis")]
    pub elapsed: Duration,
}

/// What the history keeps of a run that failed.
#[derive(Debug, Serialize)]
pub(crate) struct FailedRun {
    kind: &'static str,
    message: String,
    remedy: String,
}

impl FailedRun {
    pub(crate) fn new(error: &SyncError) -> Self {
        let message = error.cause().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        Self { kind: error.kind(), message, remedy: error.remedy() }
    }
}

fn millis<S: serde::Serializer>(elapsed: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// A few lines worth pasting into a ticket; no personal data.
impl fmt::Display for SyncReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.directory_id, self.directory)?;
        write!(f, "{}", self.changes)?;
        if self.recovered.total() > 0 {
            write!(f, "\ndelivered first, of an interrupted run: {}", self.recovered)?;
        }
        if let Some(held) = &self.held {
            write!(f, "\n{held}")?;
        }
        if self.escrowed > 0 {
            write!(f, "\n{} refused by the sink", number(self.escrowed, "change"))?;
            if let Some(first) = &self.first_refusal {
                write!(f, ", the first one because: {first}")?;
            }
        }
        if !self.complete {
            if self.evidence.is_garbled() {
                write!(f, "\ntoo many records could not be understood; what they are about stays as it was")?;
            }
            write!(
                f,
                "\nnot everything could be read: {} failed, {} failed; what was not read stays as it was",
                number(self.evidence.groups_failed, "group"),
                number(self.evidence.unconfirmed, "look-up")
            )?;
            if let Some(first) = &self.evidence.first_failure {
                write!(f, "\nthe first of them: {first}")?;
            }
        }
        Ok(())
    }
}
