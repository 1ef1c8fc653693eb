//! The directory model, the traits and the reference implementations of idsync.
//!
//! idsync reads a company's directory (users, groups, memberships) from an [`IdentityProvider`], compares it with what was synced
//! before, which a [`StateStore`] remembers, and delivers the differences to a [`DirectorySink`]. This crate holds what all of them
//! share and knows nothing of HTTP, of any provider, of files or of an async runtime. The engine that drives the three traits is
//! `idsync-engine`.
//!
//! | You want to … | Read |
//! |---|---|
//! | receive changes | [`DirectorySink`], or [`ChangeHandler`] for one change at a time |
//! | read another identity provider | [`IdentityProvider`], or [`SnapshotSource`] for a small one that is read whole |
//! | keep the sync state elsewhere | [`StateStore`] |
//! | connect in one step | [`AppProvisioner`] |
//! | compare two directories yourself | [`ChangeSet::between`] |
//! | test an implementation of yours | the `conformance` module (feature `conformance`) |
//! | see the contracts read plainly | [`memory`], the reference implementations |

mod attributes;
mod change;
mod change_set;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod delta;
mod error;
mod group;
mod id;
mod journal;
mod key_maker;
pub mod memory;
mod page;
mod provider;
mod provision;
mod secret;
mod sink;
mod snapshot;
mod status;
mod store;
mod timestamp;
mod user;
mod whole;
mod words;
pub mod wrap;

pub use attributes::{Attributes, AttributesBuilder};
pub use change::{Change, ChangeKind, DeletionReason, FieldChange, Phase, RemovalReason};
pub use change_set::{ApplyError, ChangeSet, Counts};
pub use clock::{Clock, ManualClock, SystemClock};
pub use delta::{ChangedUsers, Cursor};
pub use error::{BoxError, Error, ErrorKind, Result, Retry};
pub use group::{Group, GroupKind, Membership};
pub use id::{DirectoryId, EntryId, GroupId, IdempotencyKey, InvalidId, PlanHash, Revision, UserId};
pub use journal::{
    BaseKind, BaseRecord, BaseWrite, Detail, Digest, IndexRow, JournalHeader, Locator, Mark, Progress, Stage, StagedKey, StagedRow,
};
pub use key_maker::KeyMaker;
pub use page::{HeldRecord, Lookup, Page};
pub use provider::{Capabilities, DirectoryInfo, IdentityProvider, MemberListing, ReadOptions, ReadPurpose, RequestUsage};
pub use provision::AppProvisioner;
pub use secret::Secret;
pub use sink::{Batch, BatchOutcome, ChangeHandler, ChangeOutcome, Delivery, DirectorySink, PerChange, RunContext, SinkLimits};
pub use snapshot::{Snapshot, SnapshotBuilder};
pub use status::{Lifecycle, UserStatus};
pub use store::{DigestKey, Head, Lease, RunRecord, StateStore, StoreCommit};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use user::{Timestamps, User};
pub use whole::{SnapshotSource, WholeRead};
