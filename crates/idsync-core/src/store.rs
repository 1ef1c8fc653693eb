//! Where the sync state is kept.

use crate::{
    BaseKind, BaseRecord, BaseWrite, Detail, DirectoryId, IndexRow, JournalHeader, Locator, Mark, Progress, Result, Revision, StagedKey,
    StagedRow, Timestamp,
};
use async_trait::async_trait;
use futures::stream::BoxStream;
use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Remembers what was synced, per directory.
///
/// A store keeps four things for each directory: the **base** (what the sink is known to hold, as rows of opaque records), the
/// **journal** of the one run that is under way (staged differences and how far their delivery has come), the **history** of runs in
/// which something happened, and a few **memos** of the engine.
/// The engine never holds the base or the differences in memory, so everything is read in pages and in key order.
///
/// # Contract
///
/// * **One writer.** [`StateStore::acquire`] gives one holder at a time a [`Lease`]; a second one gets
///   [`ErrorKind::Conflict`](crate::ErrorKind::Conflict), and so does the first from the moment another lease was given out. Every
///   writing method takes the lease and checks its fencing number in the same transaction in which it writes. Dropping the last clone
///   of a lease gives the directory back ([`Lease::with_guard`]).
/// * **Compare and swap.** [`StateStore::commit`] refuses with `Conflict` when the directory is not at the expected revision.
/// * **Atomic and durable.** Each writing method happens wholly or not at all, and what it acknowledged survives a crash of the
///   process and of the machine.
/// * **Isolation.** Directories never see each other's rows.
/// * **Quiet.** Acquiring a lease, reading and releasing write nothing that is kept.
/// * **Cancellation.** A dropped future has either happened or not; the lease stays valid.
#[async_trait]
pub trait StateStore: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Takes the directory for one run. A directory that the store does not know is at revision 0 with an empty base.
    ///
    /// `holder` is shown to whoever is refused.
    ///
    /// # Errors
    /// `Conflict` when another holder has the directory.
    async fn acquire(&self, directory: &DirectoryId, holder: &str) -> Result<Lease>;

    /// Gives the directory back. Doing so twice is fine, and a lease that is not the current one any more frees nothing.
    ///
    /// # Errors
    /// The store cannot be reached.
    async fn release(&self, lease: &Lease) -> Result<()>;

    /// The state of the directory. `None` when nothing was ever committed or staged for it.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn head(&self, directory: &DirectoryId) -> Result<Option<Head>>;

    /// The key for this directory's content digests; made at random by the store, and the same ever after.
    ///
    /// A store that has not written the directory yet may make the key up here and must keep it with the first write under this lease.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn digest_key(&self, lease: &Lease) -> Result<DigestKey>;

    /// Keys, digests and places of all rows of `kind`, in bytewise key order.
    fn index(&self, directory: &DirectoryId, kind: BaseKind) -> BoxStream<'static, Result<Vec<IndexRow>>>;

    /// The records at these places, in the order asked; `None` where there is no row of this directory and kind. A place is good until its
    /// row is written again or deleted; what is found there afterwards is not said.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn records(&self, directory: &DirectoryId, kind: BaseKind, locators: &[Locator]) -> Result<Vec<Option<BaseRecord>>>;

    /// Starts a journal. One that was there is dropped with its rows.
    ///
    /// # Errors
    /// `Conflict` when the lease is not valid any more or the directory is not at `header.base`.
    async fn begin_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()>;

    /// The journal, if there is one.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn journal(&self, directory: &DirectoryId) -> Result<Option<JournalHeader>>;

    /// Adds rows to the journal; a row at a position that is taken replaces the one there, mark included.
    ///
    /// # Errors
    /// `Conflict` when the lease is not valid any more or no journal was begun.
    async fn stage(&self, lease: &Lease, rows: Vec<StagedRow>) -> Result<()>;

    /// Takes rows out of the journal; rows that are not there are fine.
    ///
    /// # Errors
    /// As for [`StateStore::stage`].
    async fn unstage(&self, lease: &Lease, rows: Vec<StagedKey>) -> Result<()>;

    /// The rows of the journal after `after` (or from the start), in order, whether or not there is a row at `after`.
    ///
    /// Rows may be marked, staged and taken out while a stream is read: each row that was there before and after still comes once.
    fn staged(&self, directory: &DirectoryId, after: Option<StagedKey>, detail: Detail) -> BoxStream<'static, Result<Vec<StagedRow>>>;

    /// Marks rows or parts of rows, and moves the delivery forward, in one step.
    ///
    /// A mark at a position where there is no row is about a part of the row before it ([`StagedRow::parts`]). Of two marks at one
    /// position the later one counts. A row that has marks in parts is neither staged again
    /// nor taken out.
    ///
    /// # Errors
    /// As for [`StateStore::stage`].
    async fn mark(&self, lease: &Lease, marks: Vec<(StagedKey, Mark)>, progress: Option<Progress>) -> Result<()>;

    /// Replaces the journal's stage, plan and note with those of `header`; its base, the time of its read, its progress and its rows
    /// stay.
    ///
    /// # Errors
    /// As for [`StateStore::stage`].
    async fn update_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()>;

    /// Writes rows of the base ahead of the commit, in order: of two writes of one row, the later one counts. The engine does this only
    /// with writes that it can repeat after a crash. Rows that stand beside the base ([`BaseKind::is_of_the_base`]) need no journal, and no
    /// commit or end of a journal touches them.
    ///
    /// # Errors
    /// `Conflict` when the lease is not valid any more, or rows of the base are written and no journal was begun.
    async fn write_base(&self, lease: &Lease, writes: Vec<BaseWrite>) -> Result<()>;

    /// Ends the journal: the effects of all rows marked [`Mark::Apply`] are written to the base, the directory moves to the next
    /// revision with the new header, the journal is emptied.
    ///
    /// # Errors
    /// `Conflict` when the lease is not valid any more or the directory is not at the expected revision.
    async fn commit(&self, lease: &Lease, commit: StoreCommit) -> Result<Revision>;

    /// Drops the journal, with nothing applied; it is fine if there is none.
    ///
    /// # Errors
    /// `Conflict` when the lease is not valid any more.
    async fn discard_journal(&self, lease: &Lease) -> Result<()>;

    /// What was last kept under `name` with [`StateStore::set_memo`].
    ///
    /// # Errors
    /// The store cannot be read.
    async fn memo(&self, directory: &DirectoryId, name: &str) -> Result<Option<Vec<u8>>>;

    /// Keeps a small text or record under `name`, in place of what was there; `None` forgets it. Journals and commits leave it alone.
    ///
    /// # Errors
    /// `Conflict` when the lease is not valid any more.
    async fn set_memo(&self, lease: &Lease, name: &str, memo: Option<Vec<u8>>) -> Result<()>;

    /// Adds a run to the history, which keeps at least the last 100.
    ///
    /// # Errors
    /// `Conflict` when the lease is not valid any more.
    async fn record_run(&self, lease: &Lease, run: RunRecord) -> Result<()>;

    /// The last `limit` runs that were recorded, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    async fn runs(&self, directory: &DirectoryId, limit: usize) -> Result<Vec<RunRecord>>;
}

/// The right to write one directory's state, with the number that proves it.
///
/// A run may be cancelled at any await, so it cannot be relied on to call [`StateStore::release`]: a store that can give the directory
/// back without waiting attaches a guard whose `Drop` does so ([`Lease::with_guard`]), and the directory is free again when the last
/// clone of the lease is dropped. A store that cannot lets its leases expire.
#[derive(Clone)]
#[non_exhaustive]
pub struct Lease {
    /// The directory.
    pub directory: DirectoryId,
    /// Grows with every lease of the directory under which something was written; a writer with an older one is refused.
    pub fence: u64,
    guard: Option<Arc<dyn Any + Send + Sync>>,
}

impl Lease {
    /// A lease as a store hands it out.
    pub const fn new(directory: DirectoryId, fence: u64) -> Self {
        Self { directory, fence, guard: None }
    }

    /// Attaches what gives the directory back when it is dropped.
    #[must_use]
    pub fn with_guard(mut self, guard: Arc<dyn Any + Send + Sync>) -> Self {
        self.guard = Some(guard);
        self
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("directory", &self.directory)
            .field("fence", &self.fence)
            .field("guarded", &self.guard.is_some())
            .finish()
    }
}

/// Where a directory stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Head {
    /// The generation of the base.
    pub revision: Revision,
    /// What the engine wrote with the last commit, in its own encoding; empty before the first.
    pub note: Vec<u8>,
}

impl Head {
    /// A state at `revision`.
    pub const fn new(revision: Revision, note: Vec<u8>) -> Self {
        Self { revision, note }
    }
}

/// The key of a directory's content digests: users choose parts of their own profile, so an unkeyed digest could be made to collide.
#[derive(Clone, PartialEq, Eq)]
pub struct DigestKey([u8; 32]);

impl DigestKey {
    /// Wraps 32 random bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The end of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCommit {
    /// The revision that the directory must be at.
    pub expected: Revision,
    /// What the engine remembers with the new revision, in its own encoding.
    pub note: Vec<u8>,
}

impl StoreCommit {
    /// Moves a directory on from `expected`.
    pub const fn new(expected: Revision, note: Vec<u8>) -> Self {
        Self { expected, note }
    }
}

/// One run, as the history keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunRecord {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// How it ended, in one word.
    pub outcome: String,
    /// The engine's report, as JSON.
    pub report: String,
}

impl RunRecord {
    /// A run that ended.
    pub const fn new(started: Timestamp, finished: Timestamp, outcome: String, report: String) -> Self {
        Self { started, finished, outcome, report }
    }
}

macro_rules! forward {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<S: StateStore + ?Sized> StateStore for $pointer<S> {
            async fn acquire(&self, directory: &DirectoryId, holder: &str) -> Result<Lease> {
                (**self).acquire(directory, holder).await
            }
            async fn release(&self, lease: &Lease) -> Result<()> {
                (**self).release(lease).await
            }
            async fn head(&self, directory: &DirectoryId) -> Result<Option<Head>> {
                (**self).head(directory).await
            }
            async fn digest_key(&self, lease: &Lease) -> Result<DigestKey> {
                (**self).digest_key(lease).await
            }
            fn index(&self, directory: &DirectoryId, kind: BaseKind) -> BoxStream<'static, Result<Vec<IndexRow>>> {
                (**self).index(directory, kind)
            }
            async fn records(&self, directory: &DirectoryId, kind: BaseKind, locators: &[Locator]) -> Result<Vec<Option<BaseRecord>>> {
                (**self).records(directory, kind, locators).await
            }
            async fn begin_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
                (**self).begin_journal(lease, header).await
            }
            async fn journal(&self, directory: &DirectoryId) -> Result<Option<JournalHeader>> {
                (**self).journal(directory).await
            }
            async fn stage(&self, lease: &Lease, rows: Vec<StagedRow>) -> Result<()> {
                (**self).stage(lease, rows).await
            }
            async fn unstage(&self, lease: &Lease, rows: Vec<StagedKey>) -> Result<()> {
                (**self).unstage(lease, rows).await
            }
            fn staged(
                &self,
                directory: &DirectoryId,
                after: Option<StagedKey>,
                detail: Detail,
            ) -> BoxStream<'static, Result<Vec<StagedRow>>> {
                (**self).staged(directory, after, detail)
            }
            async fn mark(&self, lease: &Lease, marks: Vec<(StagedKey, Mark)>, progress: Option<Progress>) -> Result<()> {
                (**self).mark(lease, marks, progress).await
            }
            async fn update_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
                (**self).update_journal(lease, header).await
            }
            async fn write_base(&self, lease: &Lease, writes: Vec<BaseWrite>) -> Result<()> {
                (**self).write_base(lease, writes).await
            }
            async fn commit(&self, lease: &Lease, commit: StoreCommit) -> Result<Revision> {
                (**self).commit(lease, commit).await
            }
            async fn discard_journal(&self, lease: &Lease) -> Result<()> {
                (**self).discard_journal(lease).await
            }
            async fn memo(&self, directory: &DirectoryId, name: &str) -> Result<Option<Vec<u8>>> {
                (**self).memo(directory, name).await
            }
            async fn set_memo(&self, lease: &Lease, name: &str, memo: Option<Vec<u8>>) -> Result<()> {
                (**self).set_memo(lease, name, memo).await
            }
            async fn record_run(&self, lease: &Lease, run: RunRecord) -> Result<()> {
                (**self).record_run(lease, run).await
            }
            async fn runs(&self, directory: &DirectoryId, limit: usize) -> Result<Vec<RunRecord>> {
                (**self).runs(directory, limit).await
            }
        }
    };
}

forward!(Arc);
forward!(Box);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trait_is_object_safe_and_pointers_implement_it() {
        fn store<S: StateStore>() {}
        store::<Arc<dyn StateStore>>();
        store::<Box<dyn StateStore>>();
    }
}
