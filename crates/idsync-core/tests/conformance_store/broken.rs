//! A store that is broken on purpose, in one way.

use crate::Place;
use crate::flaw::{Flaw, Method};
use async_trait::async_trait;
use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt};
use idsync_core::memory::MemoryStore;
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Detail, Digest, DigestKey, DirectoryId, Error, ErrorKind, Head, IndexRow, JournalHeader, Lease,
    Locator, Mark, Progress, Result, Revision, RunRecord, StagedKey, StagedRow, StateStore, StoreCommit, Timestamp,
};
use std::cmp;
use std::fmt;
use std::sync::atomic::Ordering;

/// A store with a flaw; everything else is the store in memory.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) inner: MemoryStore,
    pub(crate) place: Place,
    pub(crate) flaw: Flaw,
    /// How many stores were opened at this place before.
    pub(crate) opened: usize,
}

impl Broken {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    /// The lease that a method goes by: the one it is given, unless it looks at none.
    fn lease(&self, lease: &Lease, method: Method) -> Lease {
        if self.has(Flaw::NoFence(method)) || self.has(Flaw::FenceStandsStill) { self.latest(&lease.directory) } else { lease.clone() }
    }

    /// The lease that was given out last, without what would keep it alive.
    fn latest(&self, directory: &DirectoryId) -> Lease {
        Lease::new(directory.clone(), self.place.fences.lock().unwrap().get(directory).copied().unwrap_or_default())
    }

    fn compare(&self, one: &str, other: &str) -> cmp::Ordering {
        match self.flaw {
            Flaw::OrdersByLength => one.len().cmp(&other.len()).then_with(|| one.cmp(other)),
            Flaw::OrdersByUtf16 => one.encode_utf16().cmp(other.encode_utf16()),
            _ => one.cmp(other),
        }
    }

    fn compare_positions(&self, one: &StagedKey, other: &StagedKey) -> cmp::Ordering {
        one.phase.cmp(&other.phase).then_with(|| self.compare(&one.key, &other.key))
    }

    fn pages<T: Clone + Send + 'static>(&self, rows: Vec<T>) -> BoxStream<'static, Result<Vec<T>>> {
        let pages = rows.chunks(1_000).map(|page| Ok(page.to_vec())).take(if self.has(Flaw::TruncatesPages) { 1 } else { usize::MAX });
        stream::iter(pages.collect::<Vec<_>>()).boxed()
    }

    async fn remark(&self, lease: &Lease, from: Mark) -> Result<()> {
        let rows: Vec<_> = rows_of(self.inner.staged(&lease.directory, None, Detail::Records));
        let marks = rows.into_iter().filter(|row| row.mark == from).map(|row| (row.position, Mark::Apply));
        self.inner.mark(lease, marks.collect(), None).await
    }
}

/// Everything that a stream of the store in memory holds.
fn rows_of<T>(pages: BoxStream<'static, Result<Vec<T>>>) -> Vec<T> {
    let pages: Vec<_> = pages.collect().now_or_never().unwrap();
    pages.into_iter().flat_map(Result::unwrap).collect()
}

/// Gives way once.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.flaw)
    }
}

#[async_trait]
impl StateStore for Broken {
    async fn acquire(&self, directory: &DirectoryId, holder: &str) -> Result<Lease> {
        if self.has(Flaw::SecondHolderTakesOver) {
            self.inner.release(&self.latest(directory)).await?;
        }
        let lease = match self.inner.acquire(directory, holder).await {
            Err(_) if self.has(Flaw::NamesNobody) => return Err(Error::new(ErrorKind::Conflict, "the directory is busy")),
            other => other?,
        };
        self.place.fences.lock().unwrap().insert(directory.clone(), lease.fence);
        match self.flaw {
            Flaw::AcquiringWrites => {
                let at = Timestamp::UNIX_EPOCH;
                self.inner.record_run(&lease, RunRecord::new(at, at, String::from("begun"), String::new())).await?;
            }
            Flaw::CancelledAcquisitionHolds => {
                self.place.leases.lock().unwrap().push(lease.clone());
                pause().await;
                drop(self.place.leases.lock().unwrap().pop());
            }
            Flaw::DroppedLeaseHolds => self.place.leases.lock().unwrap().push(lease.clone()),
            Flaw::FenceStandsStill => {
                let mut still = lease.clone();
                still.fence = 1;
                return Ok(still);
            }
            _ => {}
        }
        Ok(lease)
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let whatever = self.has(Flaw::ReleasesWhateverIsHeld) || self.has(Flaw::FenceStandsStill);
        self.inner.release(&if whatever { self.latest(&lease.directory) } else { lease.clone() }).await
    }

    async fn head(&self, directory: &DirectoryId) -> Result<Option<Head>> {
        self.inner.head(directory).await
    }

    async fn digest_key(&self, lease: &Lease) -> Result<DigestKey> {
        match self.flaw {
            Flaw::NewKeyEachTime => MemoryStore::new().digest_key(lease).await,
            Flaw::SharedKey => Ok(DigestKey::new([7; 32])),
            _ => self.inner.digest_key(lease).await,
        }
    }

    fn index(&self, directory: &DirectoryId, kind: BaseKind) -> BoxStream<'static, Result<Vec<IndexRow>>> {
        let mut rows = rows_of(self.inner.index(directory, kind));
        rows.sort_by(|one, other| self.compare(one.key(), other.key()));
        self.pages(rows)
    }

    async fn records(&self, directory: &DirectoryId, kind: BaseKind, places: &[Locator]) -> Result<Vec<Option<BaseRecord>>> {
        let mut places = places.to_vec();
        if self.has(Flaw::SortsRecords) {
            places.sort_unstable();
        }
        let mut records = self.inner.records(directory, kind, &places).await?;
        let kinds = if self.has(Flaw::PlacesOfAnyKind) { &BaseKind::ALL[..] } else { &[] };
        for other in kinds {
            let of_other = self.inner.records(directory, *other, &places).await?;
            records.iter_mut().zip(of_other).for_each(|(record, other)| *record = record.take().or(other));
        }
        let conformance = DirectoryId::new("conformance:ünë").unwrap();
        match self.flaw {
            Flaw::PlacesEndWithTheJournal if self.inner.journal(directory).await?.is_none() => records.fill(None),
            Flaw::PlacesEndWithTheStore if self.opened > 0 => records.fill(None),
            Flaw::PlacesOfAnyDirectory if *directory != conformance => return self.inner.records(&conformance, kind, &places).await,
            _ => {}
        }
        match self.flaw {
            Flaw::EmptyRecordIsNone => {
                records.iter_mut().for_each(|record| *record = record.take().filter(|record| !record.record.is_empty()))
            }
            Flaw::LeavesMissingRecordsOut => records.retain(Option::is_some),
            _ => {}
        }
        Ok(records)
    }

    async fn begin_journal(&self, lease: &Lease, mut header: JournalHeader) -> Result<()> {
        let lease = &self.lease(lease, Method::BeginJournal);
        match self.flaw {
            Flaw::BeginsAnywhere => header.base = self.head(&lease.directory).await?.map_or(Revision(0), |head| head.revision),
            Flaw::LosesTheNoteOfAJournal => header.note.clear(),
            _ => {}
        }
        self.inner.begin_journal(lease, header).await
    }

    async fn journal(&self, directory: &DirectoryId) -> Result<Option<JournalHeader>> {
        if self.has(Flaw::LeaksJournals) && directory.as_str() == "conformance:10" {
            return self.inner.journal(&DirectoryId::new("conformance:1").unwrap()).await;
        }
        self.inner.journal(directory).await
    }

    async fn stage(&self, lease: &Lease, mut rows: Vec<StagedRow>) -> Result<()> {
        let lease = &self.lease(lease, Method::Stage);
        match self.flaw {
            Flaw::StagesInTwoSteps => {
                let second = rows.split_off(rows.len() / 2);
                self.inner.stage(lease, rows).await?;
                pause().await;
                return self.inner.stage(lease, second).await;
            }
            Flaw::StagingKeepsTheFirst => {
                let there: Vec<_> = rows_of(self.inner.staged(&lease.directory, None, Detail::Records));
                rows.retain(|row| there.iter().all(|other| other.position != row.position));
            }
            _ => {}
        }
        if self.place.calls.fetch_add(1, Ordering::Relaxed) >= 1_000 && self.has(Flaw::LosesTheThousandthCall) {
            rows.clear();
        }
        self.inner.stage(lease, rows).await
    }

    async fn unstage(&self, lease: &Lease, mut rows: Vec<StagedKey>) -> Result<()> {
        if self.has(Flaw::UnstagesNothing) {
            rows.clear();
        }
        self.inner.unstage(&self.lease(lease, Method::Unstage), rows).await
    }

    fn staged(&self, directory: &DirectoryId, after: Option<StagedKey>, detail: Detail) -> BoxStream<'static, Result<Vec<StagedRow>>> {
        let (inner, id) = (self.inner.clone(), directory.clone());
        if self.has(Flaw::ReadsByCount) {
            let page = move |read: usize| {
                let page: Vec<_> = rows_of(inner.staged(&id, after.clone(), detail)).into_iter().skip(read).take(1_000).collect();
                let read = read + page.len();
                async move { (!page.is_empty()).then_some((Ok(page), read)) }
            };
            return stream::unfold(0, page).boxed();
        }
        let detail = if self.has(Flaw::DigestsHoldRecords) { Detail::Records } else { detail };
        let mut rows = rows_of(self.inner.staged(directory, None, detail));
        match self.flaw {
            Flaw::DigestsAreLost if detail == Detail::Digests => {
                let records = rows.iter_mut().filter_map(|row| row.effect.as_mut()?.record.as_mut());
                records.for_each(|record| record.digest = Digest::default());
            }
            Flaw::ForgetsParts => rows.iter_mut().for_each(|row| row.parts.clear()),
            Flaw::ForgetsPartsAtPageEnds => rows.iter_mut().skip(999).step_by(1_000).for_each(|row| row.parts.clear()),
            Flaw::PartsCrossPhases => {
                for next in 1..rows.len() {
                    if rows[next].position.phase != rows[next - 1].position.phase {
                        let parts = std::mem::take(&mut rows[next - 1].parts);
                        rows[next].parts.splice(..0, parts);
                    }
                }
            }
            _ => {}
        }
        let from = if self.has(Flaw::RepeatsTheRowAtAfter) { cmp::Ordering::Equal } else { cmp::Ordering::Greater };
        rows.retain(|row| after.as_ref().is_none_or(|after| self.compare_positions(&row.position, after) >= from));
        rows.sort_by(|one, other| self.compare_positions(&one.position, &other.position));
        self.pages(rows)
    }

    async fn mark(&self, lease: &Lease, mut marks: Vec<(StagedKey, Mark)>, mut progress: Option<Progress>) -> Result<()> {
        match self.flaw {
            Flaw::FirstMarkOfAPartStays => {
                let rows = rows_of(self.inner.staged(&lease.directory, None, Detail::Digests));
                let parts: Vec<_> = rows.into_iter().flat_map(|row| row.parts).map(|(position, _)| position).collect();
                marks.retain(|(position, _)| !parts.contains(position));
            }
            Flaw::LosesMarks => marks.clear(),
            Flaw::MarksTheRowOfAPart => {
                let rows = rows_of(self.inner.staged(&lease.directory, None, Detail::Digests));
                for (position, _) in &mut marks {
                    let before = rows[..rows.partition_point(|row| row.position <= *position)]
                        .last()
                        .filter(|row| row.position.phase == position.phase);
                    *position = before.map_or_else(|| position.clone(), |row| row.position.clone());
                }
            }
            Flaw::LosesProgress => progress = None,
            _ => {}
        }
        self.inner.mark(&self.lease(lease, Method::Mark), marks, progress).await
    }

    async fn update_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        self.inner.update_journal(&self.lease(lease, Method::UpdateJournal), header).await
    }

    async fn write_base(&self, lease: &Lease, writes: Vec<BaseWrite>) -> Result<()> {
        let lease = &self.lease(lease, Method::WriteBase);
        if self.has(Flaw::WritesAheadWithoutAJournal) && self.journal(&lease.directory).await?.is_none() {
            let base = self.head(&lease.directory).await?.map_or(Revision(0), |head| head.revision);
            self.begin_journal(lease, JournalHeader::new(base, Timestamp::UNIX_EPOCH)).await?;
        }
        self.inner.write_base(lease, writes).await
    }

    async fn commit(&self, lease: &Lease, mut commit: StoreCommit) -> Result<Revision> {
        let lease = &self.lease(lease, Method::Commit);
        match self.flaw {
            Flaw::AppliesDroppedRows => self.remark(lease, Mark::Dropped).await?,
            Flaw::AppliesFailedRows => self.remark(lease, Mark::Failed).await?,
            Flaw::AppliesHeldRows => self.remark(lease, Mark::Held).await?,
            Flaw::CommitsFromAnyRevision => commit.expected = self.head(&lease.directory).await?.map_or(Revision(0), |head| head.revision),
            Flaw::LosesTheNoteOfACommit => commit.note.clear(),
            _ => {}
        }
        let next = self.inner.commit(lease, commit.clone()).await?;
        match self.flaw {
            Flaw::CommitKeepsTheJournal => self.begin_journal(lease, JournalHeader::new(next, Timestamp::UNIX_EPOCH)).await?,
            Flaw::ForgetsRowsBesideTheBase => {
                self.inner.write_base(lease, vec![BaseWrite::delete(BaseKind::Escrow, "kept".to_owned())]).await?;
            }
            Flaw::ForgetsMemos => self.inner.set_memo(lease, "a memo", None).await?,
            Flaw::CommitsTwice => return self.inner.commit(lease, StoreCommit::new(next, commit.note)).await,
            _ => {}
        }
        Ok(next)
    }

    async fn discard_journal(&self, lease: &Lease) -> Result<()> {
        let lease = &self.lease(lease, Method::DiscardJournal);
        if self.has(Flaw::DiscardingApplies) {
            let rows: Vec<_> = rows_of(self.inner.staged(&lease.directory, None, Detail::Records));
            let writes: Vec<_> = rows.into_iter().filter_map(|row| row.effect).collect();
            if !writes.is_empty() {
                self.inner.write_base(lease, writes).await?;
            }
        }
        self.inner.discard_journal(lease).await
    }

    async fn memo(&self, directory: &DirectoryId, name: &str) -> Result<Option<Vec<u8>>> {
        self.inner.memo(directory, name).await
    }

    async fn set_memo(&self, lease: &Lease, name: &str, memo: Option<Vec<u8>>) -> Result<()> {
        let lease = &self.lease(lease, Method::SetMemo);
        let first = self.inner.memo(&lease.directory, name).await?.filter(|_| self.has(Flaw::MemoStaysTheFirst));
        self.inner.set_memo(lease, name, first.or(memo)).await
    }

    async fn record_run(&self, lease: &Lease, run: RunRecord) -> Result<()> {
        self.inner.record_run(&self.lease(lease, Method::RecordRun), run).await
    }

    async fn runs(&self, directory: &DirectoryId, limit: usize) -> Result<Vec<RunRecord>> {
        match self.flaw {
            Flaw::ForgetsRuns => self.inner.runs(directory, limit.min(50)).await,
            Flaw::OldestRunsFirst => {
                let mut runs = self.inner.runs(directory, limit).await?;
                runs.reverse();
                Ok(runs)
            }
            _ => self.inner.runs(directory, limit).await,
        }
    }
}
