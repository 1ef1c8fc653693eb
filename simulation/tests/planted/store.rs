//! Stores that break their contract.

use async_trait::async_trait;
use futures::TryFutureExt;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, DigestKey, DirectoryId, Error, ErrorKind, Head, IndexRow, JournalHeader, Lease, Mark, Phase, Progress,
    Result, Revision, RunRecord, StagedKey, StagedRow, StateStore, StoreCommit,
};
use idsync_simulation::Parts;
use std::fmt;
use std::sync::Arc;

/// What the store does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreFlaw {
    /// A commit fails, whatever it is asked to do.
    FailsByItself,
    /// It does not keep that deactivations are held back.
    ForgetsHolds,
    /// It does not keep members.
    ForgetsMembers,
    /// It does not keep how far a delivery has come.
    ForgetsProgress,
    /// It hands out what is staged from its end.
    PutsLastFirst,
    /// A commit drops the journal of another directory.
    TouchesNeighbours,
}

impl Parts for StoreFlaw {
    fn store(&self, sound: Arc<dyn StateStore>) -> Arc<dyn StateStore> {
        Arc::new(Flawed { sound, flaw: *self })
    }
}

#[derive(Debug)]
struct Flawed {
    sound: Arc<dyn StateStore>,
    flaw: StoreFlaw,
}

impl fmt::Display for Flawed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flawed")
    }
}

#[async_trait]
impl StateStore for Flawed {
    async fn acquire(&self, directory: &DirectoryId, holder: &str) -> Result<Lease> {
        self.sound.acquire(directory, holder).await
    }
    async fn release(&self, lease: &Lease) -> Result<()> {
        self.sound.release(lease).await
    }
    async fn head(&self, directory: &DirectoryId) -> Result<Option<Head>> {
        self.sound.head(directory).await
    }
    async fn digest_key(&self, lease: &Lease) -> Result<DigestKey> {
        self.sound.digest_key(lease).await
    }
    fn index(&self, directory: &DirectoryId, kind: BaseKind) -> BoxStream<'static, Result<Vec<IndexRow>>> {
        self.sound.index(directory, kind)
    }
    async fn records(&self, directory: &DirectoryId, kind: BaseKind, keys: &[String]) -> Result<Vec<Option<BaseRecord>>> {
        self.sound.records(directory, kind, keys).await
    }
    async fn begin_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        self.sound.begin_journal(lease, header).await
    }
    async fn journal(&self, directory: &DirectoryId) -> Result<Option<JournalHeader>> {
        self.sound.journal(directory).await
    }
    async fn stage(&self, lease: &Lease, rows: Vec<StagedRow>) -> Result<()> {
        self.sound.stage(lease, rows).await
    }
    async fn unstage(&self, lease: &Lease, rows: Vec<StagedKey>) -> Result<()> {
        self.sound.unstage(lease, rows).await
    }
    fn staged(&self, directory: &DirectoryId, after: Option<StagedKey>) -> BoxStream<'static, Result<Vec<StagedRow>>> {
        let pages = self.sound.staged(directory, after.clone());
        if self.flaw != StoreFlaw::PutsLastFirst || after.is_some() {
            return pages;
        }
        let reversed = pages.try_concat().map_ok(|rows| rows.into_iter().rev().collect());
        stream::once(reversed).boxed()
    }
    async fn mark(&self, lease: &Lease, mut marks: Vec<(StagedKey, Mark)>, progress: Option<Progress>) -> Result<()> {
        if self.flaw == StoreFlaw::ForgetsHolds {
            marks.retain(|(position, mark)| *mark != Mark::Held || position.phase != Phase::Deactivate);
        }
        self.sound.mark(lease, marks, progress.filter(|_| self.flaw != StoreFlaw::ForgetsProgress)).await
    }
    async fn update_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        self.sound.update_journal(lease, header).await
    }
    async fn write_base(&self, lease: &Lease, mut writes: Vec<BaseWrite>) -> Result<()> {
        if self.flaw == StoreFlaw::ForgetsMembers {
            writes.retain(|write| write.kind != BaseKind::Members);
        }
        self.sound.write_base(lease, writes).await
    }
    async fn commit(&self, lease: &Lease, commit: StoreCommit) -> Result<Revision> {
        match self.flaw {
            StoreFlaw::FailsByItself => return Err(Error::new(ErrorKind::Unavailable, "planted")),
            StoreFlaw::TouchesNeighbours => {
                let neighbour = DirectoryId::new(lease.directory.as_str().replace('1', "2")).unwrap();
                let other = self.sound.acquire(&neighbour, "flawed").await?;
                self.sound.discard_journal(&other).await?;
            }
            _ => {}
        }
        self.sound.commit(lease, commit).await
    }
    async fn discard_journal(&self, lease: &Lease) -> Result<()> {
        self.sound.discard_journal(lease).await
    }
    async fn record_run(&self, lease: &Lease, run: RunRecord) -> Result<()> {
        self.sound.record_run(lease, run).await
    }
    async fn runs(&self, directory: &DirectoryId, limit: usize) -> Result<Vec<RunRecord>> {
        self.sound.runs(directory, limit).await
    }
    async fn memo(&self, directory: &DirectoryId, name: &str) -> Result<Option<Vec<u8>>> {
        self.sound.memo(directory, name).await
    }
    async fn set_memo(&self, lease: &Lease, name: &str, memo: Option<Vec<u8>>) -> Result<()> {
        self.sound.set_memo(lease, name, memo).await
    }
}
