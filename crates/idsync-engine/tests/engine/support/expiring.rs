//! A store whose leases expire.

use async_trait::async_trait;
use futures::stream::BoxStream;
use idsync_core::memory::MemoryStore;
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Detail, DigestKey, DirectoryId, Head, IndexRow, JournalHeader, Lease, Locator, Mark, Progress, Result,
    Revision, RunRecord, StagedKey, StagedRow, StateStore, StoreCommit,
};
use std::fmt;
use std::sync::{Arc, Mutex};

/// A store in which a directory stays taken when a lease is dropped, as it does for others until the lease expires.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expiring {
    inner: MemoryStore,
    taken: Arc<Mutex<Vec<Lease>>>,
}

impl fmt::Display for Expiring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expiring")
    }
}

#[async_trait]
impl StateStore for Expiring {
    async fn acquire(&self, directory: &DirectoryId, holder: &str) -> Result<Lease> {
        let guarded = self.inner.acquire(directory, holder).await?;
        let lease = Lease::new(guarded.directory.clone(), guarded.fence);
        self.taken.lock().unwrap().push(guarded);
        Ok(lease)
    }
    async fn release(&self, lease: &Lease) -> Result<()> {
        self.inner.release(lease).await
    }
    async fn head(&self, directory: &DirectoryId) -> Result<Option<Head>> {
        self.inner.head(directory).await
    }
    async fn digest_key(&self, lease: &Lease) -> Result<DigestKey> {
        self.inner.digest_key(lease).await
    }
    fn index(&self, directory: &DirectoryId, kind: BaseKind) -> BoxStream<'static, Result<Vec<IndexRow>>> {
        self.inner.index(directory, kind)
    }
    async fn records(&self, directory: &DirectoryId, kind: BaseKind, locators: &[Locator]) -> Result<Vec<Option<BaseRecord>>> {
        self.inner.records(directory, kind, locators).await
    }
    async fn begin_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        self.inner.begin_journal(lease, header).await
    }
    async fn journal(&self, directory: &DirectoryId) -> Result<Option<JournalHeader>> {
        self.inner.journal(directory).await
    }
    async fn stage(&self, lease: &Lease, rows: Vec<StagedRow>) -> Result<()> {
        self.inner.stage(lease, rows).await
    }
    async fn unstage(&self, lease: &Lease, rows: Vec<StagedKey>) -> Result<()> {
        self.inner.unstage(lease, rows).await
    }
    fn staged(&self, directory: &DirectoryId, after: Option<StagedKey>, detail: Detail) -> BoxStream<'static, Result<Vec<StagedRow>>> {
        self.inner.staged(directory, after, detail)
    }
    async fn mark(&self, lease: &Lease, marks: Vec<(StagedKey, Mark)>, progress: Option<Progress>) -> Result<()> {
        self.inner.mark(lease, marks, progress).await
    }
    async fn update_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        self.inner.update_journal(lease, header).await
    }
    async fn write_base(&self, lease: &Lease, writes: Vec<BaseWrite>) -> Result<()> {
        self.inner.write_base(lease, writes).await
    }
    async fn commit(&self, lease: &Lease, commit: StoreCommit) -> Result<Revision> {
        self.inner.commit(lease, commit).await
    }
    async fn discard_journal(&self, lease: &Lease) -> Result<()> {
        self.inner.discard_journal(lease).await
    }
    async fn memo(&self, directory: &DirectoryId, name: &str) -> Result<Option<Vec<u8>>> {
        self.inner.memo(directory, name).await
    }
    async fn set_memo(&self, lease: &Lease, name: &str, memo: Option<Vec<u8>>) -> Result<()> {
        self.inner.set_memo(lease, name, memo).await
    }
    async fn record_run(&self, lease: &Lease, run: RunRecord) -> Result<()> {
        self.inner.record_run(lease, run).await
    }
    async fn runs(&self, directory: &DirectoryId, newest: usize) -> Result<Vec<RunRecord>> {
        self.inner.runs(directory, newest).await
    }
}
