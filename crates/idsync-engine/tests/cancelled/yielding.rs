//! Provider, store and sink that give way before and after everything they do, so that a future can be dropped there.

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Batch, BatchOutcome, Counts, Detail, DigestKey, DirectoryId, DirectoryInfo, DirectorySink, Group,
    GroupId, Head, IdentityProvider, IndexRow, JournalHeader, Lease, Locator, Lookup, Mark, Page, Progress, ReadOptions, Result, Revision,
    RunContext, RunRecord, SinkLimits, StagedKey, StagedRow, StateStore, StoreCommit, User, UserId,
};
use std::fmt;
use std::num::NonZeroUsize;
use std::task::Poll;

/// A provider or a store.
#[derive(Debug, Clone)]
pub(crate) struct Yielding<T>(pub(crate) T);

/// A sink that takes three changes at a time.
#[derive(Debug, Clone)]
pub(crate) struct YieldingSink(pub(crate) MemorySink);

/// Gives way once.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn between<T>(call: impl Future<Output = T>) -> T {
    pause().await;
    let value = call.await;
    pause().await;
    value
}

fn pages<T: Send + 'static>(pages: BoxStream<'static, T>) -> BoxStream<'static, T> {
    pages.then(|page| between(async move { page })).boxed()
}

impl<T> fmt::Display for Yielding<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Yielding")
    }
}

impl fmt::Display for YieldingSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Yielding")
    }
}

#[async_trait]
impl IdentityProvider for Yielding<MemoryProvider> {
    async fn identify(&self) -> Result<DirectoryInfo> {
        between(self.0.identify()).await
    }
    async fn check(&self) -> Result<()> {
        between(self.0.check()).await
    }
    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        pages(self.0.users(options))
    }
    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        pages(self.0.groups(options))
    }
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        pages(self.0.members(group, options))
    }
    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        between(self.0.user(id)).await
    }
    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        between(self.0.group(id)).await
    }
}

#[async_trait]
impl DirectorySink for YieldingSink {
    fn limits(&self) -> SinkLimits {
        SinkLimits::default().with_max_batch(NonZeroUsize::new(3).unwrap())
    }
    async fn begin(&self, run: &RunContext) -> Result<()> {
        between(self.0.begin(run)).await
    }
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        between(self.0.apply(batch)).await
    }
    async fn finish(&self, run: &RunContext, applied: &Counts) -> Result<()> {
        between(self.0.finish(run, applied)).await
    }
}

#[async_trait]
impl StateStore for Yielding<MemoryStore> {
    async fn acquire(&self, directory: &DirectoryId, holder: &str) -> Result<Lease> {
        between(self.0.acquire(directory, holder)).await
    }
    async fn release(&self, lease: &Lease) -> Result<()> {
        between(self.0.release(lease)).await
    }
    async fn head(&self, directory: &DirectoryId) -> Result<Option<Head>> {
        between(self.0.head(directory)).await
    }
    async fn digest_key(&self, lease: &Lease) -> Result<DigestKey> {
        between(self.0.digest_key(lease)).await
    }
    fn index(&self, directory: &DirectoryId, kind: BaseKind) -> BoxStream<'static, Result<Vec<IndexRow>>> {
        pages(self.0.index(directory, kind))
    }
    async fn records(&self, directory: &DirectoryId, kind: BaseKind, locators: &[Locator]) -> Result<Vec<Option<BaseRecord>>> {
        between(self.0.records(directory, kind, locators)).await
    }
    async fn begin_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        between(self.0.begin_journal(lease, header)).await
    }
    async fn journal(&self, directory: &DirectoryId) -> Result<Option<JournalHeader>> {
        between(self.0.journal(directory)).await
    }
    async fn stage(&self, lease: &Lease, rows: Vec<StagedRow>) -> Result<()> {
        between(self.0.stage(lease, rows)).await
    }
    async fn unstage(&self, lease: &Lease, rows: Vec<StagedKey>) -> Result<()> {
        between(self.0.unstage(lease, rows)).await
    }
    fn staged(&self, directory: &DirectoryId, after: Option<StagedKey>, detail: Detail) -> BoxStream<'static, Result<Vec<StagedRow>>> {
        pages(self.0.staged(directory, after, detail))
    }
    async fn mark(&self, lease: &Lease, marks: Vec<(StagedKey, Mark)>, progress: Option<Progress>) -> Result<()> {
        between(self.0.mark(lease, marks, progress)).await
    }
    async fn update_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        between(self.0.update_journal(lease, header)).await
    }
    async fn write_base(&self, lease: &Lease, writes: Vec<BaseWrite>) -> Result<()> {
        between(self.0.write_base(lease, writes)).await
    }
    async fn commit(&self, lease: &Lease, commit: StoreCommit) -> Result<Revision> {
        between(self.0.commit(lease, commit)).await
    }
    async fn discard_journal(&self, lease: &Lease) -> Result<()> {
        between(self.0.discard_journal(lease)).await
    }
    async fn memo(&self, directory: &DirectoryId, name: &str) -> Result<Option<Vec<u8>>> {
        between(self.0.memo(directory, name)).await
    }
    async fn set_memo(&self, lease: &Lease, name: &str, memo: Option<Vec<u8>>) -> Result<()> {
        between(self.0.set_memo(lease, name, memo)).await
    }
    async fn record_run(&self, lease: &Lease, run: RunRecord) -> Result<()> {
        between(self.0.record_run(lease, run)).await
    }
    async fn runs(&self, directory: &DirectoryId, limit: usize) -> Result<Vec<RunRecord>> {
        between(self.0.runs(directory, limit)).await
    }
}
