//! What the engine writes beside a revision and beside a journal.

use crate::escrow::Waiting;
use crate::recent::{Counted, Recent};
use crate::report::{DirectorySize, Held};
use crate::{Evidence, payload};
use idsync_core::{Counts, PlanHash, Result};
use serde::{Deserialize, Serialize};

/// Kept with the revision.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct HeadNote {
    /// The scope of the last read.
    pub(crate) scope: String,
    /// How large the base is, or a little off where the sink refused something: how much to make room for.
    pub(crate) directory: DirectorySize,
    /// What changed lately.
    #[serde(default)]
    pub(crate) recent: Recent,
}

/// Kept with a planned journal: what is needed to finish and to report it without the read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PlanNote {
    pub(crate) head: HeadNote,
    pub(crate) planned: [u64; 8],
    pub(crate) held: Option<Held>,
    #[serde(default)]
    pub(crate) waiting: Waiting,
    /// What the limits count of that which is applied; nothing where that was not kept yet.
    #[serde(default)]
    pub(crate) counted: Counted,
    /// What was held is applied, because somebody approved it.
    #[serde(default)]
    pub(crate) approved: bool,
}

impl HeadNote {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() { Ok(Self::default()) } else { payload::from_json(bytes) }
    }
}

impl PlanNote {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() { Ok(Self::default()) } else { payload::from_json(bytes) }
    }

    /// The hash of the plan, unless it has nothing to apply.
    pub(crate) fn to_apply(&self, hash: Option<PlanHash>) -> Option<PlanHash> {
        hash.filter(|_| self.counts().total() > 0)
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (kind, count) in idsync_core::ChangeKind::ALL.into_iter().zip(self.planned) {
            counts.add(kind, count);
        }
        counts
    }
}

pub(crate) fn planned(counts: &Counts) -> [u64; 8] {
    idsync_core::ChangeKind::ALL.map(|kind| counts.get(kind))
}

/// What a read found, as far as the plan needs it.
#[derive(Debug, Clone)]
pub(crate) struct ReadResult {
    pub(crate) evidence: Evidence,
    /// Users, and memberships of theirs, that a delta left to the next full read.
    pub(crate) left_out: u64,
}
