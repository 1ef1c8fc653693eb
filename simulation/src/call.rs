//! What an engine is doing, and what it wrote while it did.

use idsync_core::{PlanHash, Timestamp};

/// What an engine was asked to do last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Doing {
    #[default]
    Nothing,
    Plan,
    Apply,
    ApplyHash,
    Sync,
    Approve(PlanHash),
    Reject(PlanHash),
    Release,
}

/// One call of an engine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
    pub(crate) doing: Doing,
    /// It has begun to read, and did not fail before.
    pub(crate) reads: bool,
    /// It is delivering.
    pub(crate) delivers: bool,
    /// How the runs ended that it recorded.
    pub(crate) records: Vec<String>,
    /// How often it counted a failed read.
    pub(crate) failures: u64,
    /// The call of the store in which a fault struck.
    pub(crate) fault: Option<&'static str>,
    /// What it asked the store to write, and the store wrote.
    pub(crate) writes: Vec<&'static str>,
}

/// What an engine was told about the time, and what for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// The last that it was told.
    pub(crate) last: Timestamp,
    /// When it loaded what the sink had refused.
    pub(crate) escrow: Timestamp,
    /// The first since it looked whether the directory is set aside; `None` while it has not been told.
    pub(crate) patience: Option<Timestamp>,
}

impl Times {
    pub(crate) const START: Self =
        Self { last: Timestamp::UNIX_EPOCH, escrow: Timestamp::UNIX_EPOCH, patience: Some(Timestamp::UNIX_EPOCH) };
}
