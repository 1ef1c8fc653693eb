//! What the engine asks a store to keep: the base, and the journal of the run under way.
//!
//! The store treats keys, records and payloads as opaque bytes; the engine owns their meaning.

use crate::{Phase, PlanHash, Revision, Timestamp};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// Which table of the base a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum BaseKind {
    /// One row per user.
    User = 1,
    /// One row per group.
    Group = 2,
    /// Blocks of members: several rows per group, or none.
    Members = 3,
    /// Changes that the sink refused, and when they are tried again. Beside the base, and kept like it.
    Escrow = 4,
    /// How far a read under way has come. Beside the base, and kept like it.
    Checkpoint = 5,
    /// When the members of a group had last changed when they were last read. Beside the base, and kept like it.
    MembersRead = 6,
}

impl BaseKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::User, Self::Group, Self::Members, Self::Escrow, Self::Checkpoint, Self::MembersRead];

    /// Whether rows of this kind are part of what the sink is known to hold, and so are only written under a journal. The others stand
    /// beside the base, and are written whenever the engine wants to.
    pub const fn is_of_the_base(self) -> bool {
        matches!(self, Self::User | Self::Group | Self::Members)
    }
}

/// A keyed hash of a row's content, 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 16]);

/// Where a store keeps the record of a row of the base: a number of the store's own, good until that row is written again.
///
/// An index names the place of every record, so that a record is found without searching for its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locator(pub u64);

/// A row of the base without its record: what a diff compares.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexRow {
    // A million of them pass by at the start of a run; most keys are short enough to need no memory of their own.
    key: CompactString,
    /// The digest of the record.
    pub digest: Digest,
    /// Where the record is.
    pub locator: Locator,
}

impl IndexRow {
    /// The row of `key`.
    pub fn new(key: impl AsRef<str>, digest: Digest, locator: Locator) -> Self {
        Self { key: CompactString::from(key.as_ref()), digest, locator }
    }

    /// The key within its kind.
    #[inline]
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The content of a row of the base.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BaseRecord {
    /// The digest of the record.
    pub digest: Digest,
    /// The record, in the engine's encoding.
    pub record: Vec<u8>,
}

impl BaseRecord {
    /// A record and its digest.
    pub const fn new(digest: Digest, record: Vec<u8>) -> Self {
        Self { digest, record }
    }
}

/// What becomes of one row of the base.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BaseWrite {
    /// Which table.
    pub kind: BaseKind,
    /// The key within its kind.
    pub key: String,
    /// The new content; `None` deletes the row.
    pub record: Option<BaseRecord>,
}

impl BaseWrite {
    /// Writes a row.
    pub const fn put(kind: BaseKind, key: String, record: BaseRecord) -> Self {
        Self { kind, key, record: Some(record) }
    }

    /// Deletes a row; one that is not there is fine.
    pub const fn delete(kind: BaseKind, key: String) -> Self {
        Self { kind, key, record: None }
    }
}

/// The position of a staged row. Rows are kept and read in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct StagedKey {
    /// When the change is applied.
    pub phase: Phase,
    /// What it is about; ordered bytewise.
    pub key: String,
}

impl StagedKey {
    /// The position of `key` in `phase`.
    pub const fn new(phase: Phase, key: String) -> Self {
        Self { phase, key }
    }
}

/// A difference that was found and not yet folded into the base.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StagedRow {
    /// Its position. Staging a row at a position that is taken replaces the row there.
    pub position: StagedKey,
    /// The change, in the engine's encoding.
    pub payload: Vec<u8>,
    /// What the base becomes once the change is applied; `None` where the engine writes the base itself ([`BaseKind::Members`]). Of all
    /// rows of a journal that are to be applied, at most one has an effect on the same row of the base.
    pub effect: Option<BaseWrite>,
    /// What was decided about it.
    pub mark: Mark,
    /// What was decided otherwise about parts of it, by their position, in order. A row that holds many changes has as many parts; the
    /// position of a part lies after that of its row and before that of the next one. Rows are staged without.
    pub parts: Vec<(StagedKey, Mark)>,
}

impl StagedRow {
    /// A row that is to be applied.
    pub const fn new(position: StagedKey, payload: Vec<u8>, effect: Option<BaseWrite>) -> Self {
        Self { position, payload, effect, mark: Mark::Apply, parts: Vec::new() }
    }

    /// Sets the mark.
    #[must_use]
    pub const fn with_mark(mut self, mark: Mark) -> Self {
        self.mark = mark;
        self
    }
}

/// What was decided about a staged row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum Mark {
    /// It is to be applied, or it was, once the journal's progress is past it.
    Apply = 0,
    /// A safeguard holds it back; the base stays as it is.
    Held = 1,
    /// The sink refused it, or something it depends on; the base stays as it is.
    Failed = 2,
    /// It turned out to be no change; nothing comes of it.
    Dropped = 3,
}

impl Mark {
    /// All marks.
    pub const ALL: [Self; 4] = [Self::Apply, Self::Held, Self::Failed, Self::Dropped];
}

/// How much of a journal is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detail {
    /// Rows without the records of their effects: these come with their digest, and empty.
    Digests,
    /// Everything.
    Records,
}

/// How far the run under way has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// Differences are being collected. A journal left at this stage is worth nothing once its run is gone.
    Reading,
    /// The differences are complete and hashed; nothing was delivered.
    Planned,
    /// Batches are being delivered. A journal left at this stage must be finished before anything else.
    Applying,
    /// Everything was delivered; the base is being brought up to date.
    Folding,
}

impl Stage {
    /// Whether the delivery has begun, so that it must be finished before anything else.
    pub const fn is_delivering(self) -> bool {
        matches!(self, Self::Applying | Self::Folding)
    }
}

/// How far the delivery has come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// The last row of the last batch whose outcome is known.
    pub through: StagedKey,
}

impl Progress {
    /// Everything up to and including `through` is settled.
    pub const fn through(through: StagedKey) -> Self {
        Self { through }
    }
}

/// What a journal says of its run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalHeader {
    /// How far the run has come.
    pub stage: Stage,
    /// The revision that the differences stand on.
    pub base: Revision,
    /// When the read began.
    pub read_at: Timestamp,
    /// The hash of the plan, from [`Stage::Planned`] on.
    pub plan: Option<PlanHash>,
    /// How far the delivery has come, from the first batch on.
    pub progress: Option<Progress>,
    /// What the engine wants to remember with the journal, in its own encoding.
    pub note: Vec<u8>,
}

impl JournalHeader {
    /// A journal of a read that begins now.
    pub const fn new(base: Revision, read_at: Timestamp) -> Self {
        Self { stage: Stage::Reading, base, read_at, plan: None, progress: None, note: Vec::new() }
    }
}
