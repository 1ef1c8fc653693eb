//! The state store as an engine sees it: at its own pace, and with faults.

use crate::faults::Fault;
use crate::lately::Base;
use crate::ledger::Ledger;
use crate::observer::FAILURES;
use crate::universe::{Universe, lock};
use crate::watch::Watch;
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Detail, DigestKey, DirectoryId, Error, ErrorKind, Head, IndexRow, JournalHeader, Lease, Locator, Mark,
    Progress, Result, Revision, RunRecord, Stage, StagedKey, StagedRow, StateStore, StoreCommit,
};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A [`StateStore`] for one run of one engine, in front of the one that remembers.
#[derive(Debug, Clone)]
pub(crate) struct SimStore {
    pub(crate) universe: Arc<Universe>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) directory: DirectoryId,
    pub(crate) inner: Arc<dyn StateStore>,
    /// The store makes its key up at random, so the seed makes one up instead.
    pub(crate) key: DigestKey,
}

impl fmt::Display for SimStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulated")
    }
}

impl SimStore {
    /// A call that reads.
    async fn read<T>(&self, what: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.universe.pause().await;
        let number = Watch::count(&self.watch.store_calls);
        let due = number == self.watch.moments.store_call;
        if due && self.watch.plans(Fault::StoreFailsBefore) {
            return Err(self.fail(what, Fault::StoreFailsBefore));
        }
        let result = call.await;
        self.universe.pause().await;
        if due && self.watch.plans(Fault::StoreFailsAfter) && result.is_ok() {
            return Err(self.fail(what, Fault::StoreFailsAfter));
        }
        result
    }

    /// A call that writes, under a lease that may be lost by now.
    async fn write<T>(&self, what: &'static str, lease: &Lease, call: impl Future<Output = Result<T>>) -> Result<T> {
        let lost = self.watch.lease_is_lost.load(Ordering::Relaxed);
        if self.watch.plans(Fault::LeaseLost) && !lost && self.watch.store_calls.load(Ordering::Relaxed) >= self.watch.moments.store_call {
            self.watch.lease_is_lost.store(true, Ordering::Relaxed);
            self.inner.release(lease).await?;
            // Long enough for others to come in between.
            for _ in 0..20 {
                self.universe.pause().await;
            }
        }
        let written = async {
            let written = call.await?;
            self.watch.did(|call| call.writes.push(what));
            Ok(written)
        };
        let result = self.read(what, written).await;
        match &result {
            Ok(_) => self.universe.note(format_args!("{} does: {what}", self.watch.name)),
            Err(error) => {
                self.universe.note(format_args!("{} does not: {what}: {error}", self.watch.name));
                if error.kind() == ErrorKind::Conflict && self.watch.lease_is_lost.load(Ordering::Relaxed) {
                    self.watch.strike(Fault::LeaseLost);
                }
            }
        }
        result
    }

    fn fail(&self, what: &'static str, fault: Fault) -> Error {
        self.watch.strike(fault);
        self.watch.did(|call| call.fault = Some(what));
        Error::new(ErrorKind::Unavailable, "planted").during(what)
    }

    fn pages<T: Send + 'static>(
        &self,
        what: &'static str,
        pages: BoxStream<'static, Result<Vec<T>>>,
        seen: impl Fn(&Self, &[T]) + Send + 'static,
    ) -> BoxStream<'static, Result<Vec<T>>> {
        let start = (self.clone(), Some(pages), seen);
        stream::unfold(start, move |(store, pages, seen)| async move {
            let mut pages = pages?;
            let page = store.read(what, async { pages.next().await.transpose() }).await;
            match page {
                Ok(Some(page)) => {
                    seen(&store, &page);
                    Some((Ok(page), (store, Some(pages), seen)))
                }
                Ok(None) => None,
                Err(error) => Some((Err(error), (store, None, seen))),
            }
        })
        .boxed()
    }
}

#[async_trait]
impl StateStore for SimStore {
    async fn acquire(&self, directory: &DirectoryId, holder: &str) -> Result<Lease> {
        let lease = self.read("acquire", self.inner.acquire(directory, holder)).await;
        if lease.as_ref().is_err_and(|error| error.kind() == ErrorKind::Conflict) {
            self.watch.strike(Fault::SecondEngine);
        }
        lease
    }
    async fn release(&self, lease: &Lease) -> Result<()> {
        self.write("release", lease, self.inner.release(lease)).await
    }
    async fn head(&self, directory: &DirectoryId) -> Result<Option<Head>> {
        self.begin_read();
        self.read("head", self.inner.head(directory)).await
    }
    async fn digest_key(&self, lease: &Lease) -> Result<DigestKey> {
        self.read("digest key", self.inner.digest_key(lease)).await?;
        Ok(self.key.clone())
    }
    fn index(&self, directory: &DirectoryId, kind: BaseKind) -> BoxStream<'static, Result<Vec<IndexRow>>> {
        let reading = self.watch.reading();
        let before_read = lock(&reading.asked).users_listings == 0;
        match kind {
            // Users, groups and members are loaded in this order at the start of a read.
            BaseKind::User => lock(&reading.asked).base = Base::default(),
            BaseKind::Escrow => self.watch.loads_escrow(),
            BaseKind::Checkpoint if before_read => self.resume(&reading),
            _ => {}
        }
        self.pages("index", self.inner.index(directory, kind), move |store, rows| {
            if before_read {
                store.count_base(kind, rows);
            }
        })
    }
    async fn records(&self, directory: &DirectoryId, kind: BaseKind, locators: &[Locator]) -> Result<Vec<Option<BaseRecord>>> {
        self.read("records", self.inner.records(directory, kind, locators)).await
    }
    async fn begin_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        self.write("begin journal", lease, self.inner.begin_journal(lease, header)).await
    }
    async fn journal(&self, directory: &DirectoryId) -> Result<Option<JournalHeader>> {
        self.read("journal", self.inner.journal(directory)).await
    }
    async fn stage(&self, lease: &Lease, rows: Vec<StagedRow>) -> Result<()> {
        self.write("stage", lease, self.inner.stage(lease, rows)).await
    }
    async fn unstage(&self, lease: &Lease, rows: Vec<StagedKey>) -> Result<()> {
        self.write("unstage", lease, self.inner.unstage(lease, rows)).await
    }
    fn staged(&self, directory: &DirectoryId, after: Option<StagedKey>, detail: Detail) -> BoxStream<'static, Result<Vec<StagedRow>>> {
        self.pages("staged", self.inner.staged(directory, after, detail), |_, _| {})
    }
    async fn mark(&self, lease: &Lease, marks: Vec<(StagedKey, Mark)>, progress: Option<Progress>) -> Result<()> {
        let (judged, settled) = (marks.clone(), progress.as_ref().map(|progress| progress.through.clone()));
        let marked = async {
            self.inner.mark(lease, marks, progress).await?;
            match settled {
                Some(through) => self.ledger.settle(&self.watch, &through),
                None => self.note_judgements(&judged),
            }
            Ok(())
        };
        self.write("mark", lease, marked).await
    }
    async fn update_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        let plan = header.plan.filter(|_| header.stage == Stage::Planned);
        let updated = async {
            self.inner.update_journal(lease, header).await?;
            if let Some(plan) = plan {
                self.universe.notes.planned(plan, self.watch.reading());
            }
            Ok(())
        };
        self.write("update journal", lease, updated).await
    }
    async fn write_base(&self, lease: &Lease, writes: Vec<BaseWrite>) -> Result<()> {
        let beside =
            writes.iter().filter(|write| !write.kind.is_of_the_base()).map(|write| (write.kind, write.key.clone(), write.record.is_some()));
        let beside: Vec<_> = beside.collect();
        let written = async {
            self.inner.write_base(lease, writes).await?;
            self.note_beside(&beside);
            Ok(())
        };
        self.write("write base", lease, written).await
    }
    async fn commit(&self, lease: &Lease, commit: StoreCommit) -> Result<Revision> {
        let committed = async {
            let journal = self.journal_now();
            let revision = self.inner.commit(lease, commit).await?;
            self.note_commit(journal.as_ref());
            Ok(revision)
        };
        self.write("commit", lease, committed).await
    }
    async fn discard_journal(&self, lease: &Lease) -> Result<()> {
        self.write("discard journal", lease, self.inner.discard_journal(lease)).await
    }
    async fn record_run(&self, lease: &Lease, run: RunRecord) -> Result<()> {
        let outcome = run.outcome.clone();
        let recorded = async {
            self.inner.record_run(lease, run).await?;
            self.watch.did(|call| call.records.push(outcome));
            *lock(&self.universe.notes.records) += 1;
            Ok(())
        };
        self.write("record run", lease, recorded).await
    }
    async fn runs(&self, directory: &DirectoryId, limit: usize) -> Result<Vec<RunRecord>> {
        self.read("runs", self.inner.runs(directory, limit)).await
    }
    async fn memo(&self, directory: &DirectoryId, name: &str) -> Result<Option<Vec<u8>>> {
        if name == FAILURES {
            self.watch.looks_for_quarantine();
        }
        self.read("memo", self.inner.memo(directory, name)).await
    }
    async fn set_memo(&self, lease: &Lease, name: &str, memo: Option<Vec<u8>>) -> Result<()> {
        let is_kept = memo.is_some();
        let set = async {
            self.inner.set_memo(lease, name, memo).await?;
            self.note_memo(name, is_kept);
            Ok(())
        };
        self.write("set memo", lease, set).await
    }
}
