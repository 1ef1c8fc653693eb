//! Stores that break their contract.

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Detail, DigestKey, DirectoryId, Error, ErrorKind, Head, IndexRow, JournalHeader, Lease, Locator, Mark,
    Phase, Progress, Result, Revision, RunRecord, Stage, StagedKey, StagedRow, StateStore, StoreCommit,
};
use idsync_simulation::Parts;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What the store does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreFlaw {
    /// It hands out the last rows of what is staged twice.
    DoublesABatch,
    /// A commit fails, whatever it is asked to do.
    FailsByItself,
    /// It does not keep how often a directory could not be read.
    ForgetsFailures,
    /// It does not keep that deactivations are held back.
    ForgetsHolds,
    /// It does not keep members.
    ForgetsMembers,
    /// It does not keep how far a delivery has come.
    ForgetsProgress,
    /// It does not keep what the sink refused.
    ForgetsRefusals,
    /// It does not keep that a held set was rejected.
    ForgetsRejections,
    /// It does not keep that a held set was rejected, and goes on keeping that it was approved before.
    PrefersApprovals,
    /// It does not keep that a membership waits with what it depends on.
    ForgetsWaits,
    /// It does not hand out checkpoints.
    HidesCheckpoints,
    /// It keeps every other run.
    KeepsEveryOtherRun,
    /// It keeps checkpoints that are over.
    KeepsCheckpoints,
    /// It does not hand out the updates of users that are staged once they are to be delivered.
    LosesABatch,
    /// It hands out what is staged from its end.
    PutsLastFirst,
    /// A commit drops the journal of another directory.
    TouchesNeighbours,
}

impl Parts for StoreFlaw {
    fn store(&self, sound: Arc<dyn StateStore>) -> Arc<dyn StateStore> {
        Arc::new(Flawed { sound, flaw: *self, runs: AtomicU32::default() })
    }
}

#[derive(Debug)]
struct Flawed {
    sound: Arc<dyn StateStore>,
    flaw: StoreFlaw,
    runs: AtomicU32,
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
        let hides = self.flaw == StoreFlaw::HidesCheckpoints && kind == BaseKind::Checkpoint;
        if hides { stream::empty().boxed() } else { self.sound.index(directory, kind) }
    }
    async fn records(&self, directory: &DirectoryId, kind: BaseKind, locators: &[Locator]) -> Result<Vec<Option<BaseRecord>>> {
        self.sound.records(directory, kind, locators).await
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
    fn staged(&self, directory: &DirectoryId, after: Option<StagedKey>, detail: Detail) -> BoxStream<'static, Result<Vec<StagedRow>>> {
        let pages = self.sound.staged(directory, after.clone(), detail);
        let (flaw, sound, directory) = (self.flaw, Arc::clone(&self.sound), directory.clone());
        let touches = matches!(flaw, StoreFlaw::DoublesABatch | StoreFlaw::LosesABatch | StoreFlaw::PutsLastFirst);
        if !touches || after.is_some() {
            return pages;
        }
        let rows = async move {
            let mut rows = pages.try_concat().await?;
            let applying = sound.journal(&directory).await?.is_some_and(|journal| journal.stage == Stage::Applying);
            match flaw {
                StoreFlaw::DoublesABatch if applying => rows.extend_from_within(rows.len().saturating_sub(1)..),
                StoreFlaw::LosesABatch if applying => rows.retain(|row| row.position.phase != Phase::UpdateUsers),
                StoreFlaw::PutsLastFirst => rows.reverse(),
                _ => {}
            }
            Ok(rows)
        };
        stream::once(rows).boxed()
    }
    async fn mark(&self, lease: &Lease, mut marks: Vec<(StagedKey, Mark)>, progress: Option<Progress>) -> Result<()> {
        let lost = match self.flaw {
            StoreFlaw::ForgetsHolds => Some((Mark::Held, Phase::Deactivate)),
            StoreFlaw::ForgetsWaits if progress.is_none() => Some((Mark::Failed, Phase::AddMembers)),
            _ => None,
        };
        marks.retain(|(position, mark)| lost != Some((*mark, position.phase)));
        self.sound.mark(lease, marks, progress.filter(|_| self.flaw != StoreFlaw::ForgetsProgress)).await
    }
    async fn update_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        self.sound.update_journal(lease, header).await
    }
    async fn write_base(&self, lease: &Lease, mut writes: Vec<BaseWrite>) -> Result<()> {
        writes.retain(|write| match self.flaw {
            StoreFlaw::ForgetsMembers => write.kind != BaseKind::Members,
            StoreFlaw::ForgetsRefusals => write.kind != BaseKind::Escrow,
            StoreFlaw::KeepsCheckpoints => write.kind != BaseKind::Checkpoint || write.record.is_some(),
            _ => true,
        });
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
        let is_odd = self.runs.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        if self.flaw == StoreFlaw::KeepsEveryOtherRun && is_odd { Ok(()) } else { self.sound.record_run(lease, run).await }
    }
    async fn runs(&self, directory: &DirectoryId, limit: usize) -> Result<Vec<RunRecord>> {
        self.sound.runs(directory, limit).await
    }
    async fn memo(&self, directory: &DirectoryId, name: &str) -> Result<Option<Vec<u8>>> {
        self.sound.memo(directory, name).await
    }
    async fn set_memo(&self, lease: &Lease, name: &str, mut memo: Option<Vec<u8>>) -> Result<()> {
        let rejects = memo.as_ref().is_some_and(|memo| name == "decision" && !String::from_utf8_lossy(memo).contains(r#""rejected":null"#));
        if rejects && self.flaw == StoreFlaw::ForgetsRejections {
            memo = None;
        }
        let is_lost = match self.flaw {
            StoreFlaw::ForgetsFailures => name == "failures" && memo.is_some(),
            StoreFlaw::PrefersApprovals => rejects,
            _ => false,
        };
        if is_lost { Ok(()) } else { self.sound.set_memo(lease, name, memo).await }
    }
}
