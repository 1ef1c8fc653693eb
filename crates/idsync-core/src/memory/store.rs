//! A state store in memory.

use super::lock;
use crate::{
    BaseKind, BaseRecord, BaseWrite, Detail, DigestKey, DirectoryId, Error, ErrorKind, Head, IndexRow, JournalHeader, Lease, Locator, Mark,
    Progress, Result, Revision, RunRecord, StagedKey, StagedRow, StateStore, StoreCommit,
};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::ops::Bound;
use std::sync::{Arc, Mutex};

/// A [`StateStore`] that lives as long as its last clone.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    directories: Arc<Mutex<HashMap<DirectoryId, Directory>>>,
}

#[derive(Debug, Default)]
struct Directory {
    holder: Option<(u64, String)>,
    next_fence: u64,
    written: bool,
    key: Option<DigestKey>,
    revision: Revision,
    note: Vec<u8>,
    base: Base,
    journal: Option<Journal>,
    memos: BTreeMap<String, Vec<u8>>,
    runs: Vec<RunRecord>,
}

/// Rows by key, and their keys by place.
#[derive(Debug, Default)]
struct Base {
    rows: BTreeMap<(BaseKind, String), (Locator, BaseRecord)>,
    places: HashMap<Locator, (BaseKind, String)>,
    written: u64,
}

impl Base {
    fn write(&mut self, write: BaseWrite) {
        let key = (write.kind, write.key);
        if let Some((locator, _)) = self.rows.remove(&key) {
            self.places.remove(&locator);
        }
        if let Some(record) = write.record {
            self.written += 1;
            let locator = Locator(self.written);
            self.places.insert(locator, key.clone());
            self.rows.insert(key, (locator, record));
        }
    }

    fn index(&self, kind: BaseKind) -> Vec<IndexRow> {
        let rows = self.rows.range((kind, String::new())..).take_while(|((of, _), _)| *of == kind);
        rows.map(|((_, key), (locator, record))| IndexRow::new(key, record.digest, *locator)).collect()
    }

    fn record(&self, kind: BaseKind, locator: Locator) -> Option<BaseRecord> {
        let key = self.places.get(&locator).filter(|(of, _)| *of == kind)?;
        self.rows.get(key).map(|(_, record)| record.clone())
    }
}

#[derive(Debug)]
struct Journal {
    header: JournalHeader,
    rows: BTreeMap<StagedKey, StagedRow>,
    /// Marks of parts of rows.
    parts: BTreeMap<StagedKey, Mark>,
}

impl Journal {
    const fn new(header: JournalHeader) -> Self {
        Self { header, rows: BTreeMap::new(), parts: BTreeMap::new() }
    }

    fn page(&self, after: Option<&StagedKey>, detail: Detail) -> Vec<StagedRow> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rows = self.rows.range((start, Bound::Unbounded));
        let mut page: Vec<_> = rows.by_ref().take(MemoryStore::PAGE).map(|(_, row)| self.row(row, detail)).collect();
        let ends: Vec<_> =
            page.iter().skip(1).map(|row| Some(row.position.clone())).chain([rows.next().map(|(key, _)| key.clone())]).collect();
        for (row, end) in page.iter_mut().zip(ends) {
            let parts = self.parts.range((Bound::Excluded(&row.position), end.as_ref().map_or(Bound::Unbounded, Bound::Excluded)));
            row.parts = parts.filter(|(key, _)| key.phase == row.position.phase).map(|(key, mark)| (key.clone(), *mark)).collect();
        }
        page
    }

    fn row(&self, row: &StagedRow, detail: Detail) -> StagedRow {
        let effect = row.effect.as_ref().map(|effect| match detail {
            Detail::Digests => BaseWrite {
                record: effect.record.as_ref().map(|record| BaseRecord::new(record.digest, Vec::new())),
                kind: effect.kind,
                key: effect.key.clone(),
            },
            Detail::Records => effect.clone(),
        });
        StagedRow::new(row.position.clone(), row.payload.clone(), effect).with_mark(row.mark)
    }
}

/// Gives the directory back when the last clone of a lease is dropped.
struct Guard {
    store: MemoryStore,
    directory: DirectoryId,
    fence: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.store.free(&self.directory, self.fence);
    }
}

impl MemoryStore {
    const PAGE: usize = 1_000;
    const RUNS: usize = 200;

    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn free(&self, directory: &DirectoryId, fence: u64) {
        if let Some(directory) = lock(&self.directories).get_mut(directory)
            && directory.holder.as_ref().is_some_and(|(held, _)| *held == fence)
        {
            directory.holder = None;
        }
    }

    fn read<T>(&self, directory: &DirectoryId, read: impl FnOnce(&Directory) -> T) -> T {
        let mut directories = lock(&self.directories);
        read(directories.entry(directory.clone()).or_default())
    }

    /// Writes under a lease that is still the one given out last.
    fn write<T>(&self, lease: &Lease, write: impl FnOnce(&mut Directory) -> Result<T>) -> Result<T> {
        let mut directories = lock(&self.directories);
        let directory = directories.entry(lease.directory.clone()).or_default();
        match &directory.holder {
            Some((fence, _)) if *fence == lease.fence => {
                let result = write(directory)?;
                directory.written = true;
                Ok(result)
            }
            _ => Err(Error::new(ErrorKind::Conflict, format!("the lease of {} is not valid any more", lease.directory))),
        }
    }

    fn journal_of(directory: &mut Directory) -> Result<&mut Journal> {
        directory.journal.as_mut().ok_or_else(|| Error::new(ErrorKind::Conflict, "there is no journal; begin one first"))
    }
}

impl fmt::Display for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

fn random_key() -> DigestKey {
    let mut bytes = [0; 32];
    for (index, chunk) in bytes.chunks_exact_mut(8).enumerate() {
        // Each `RandomState` is seeded by the operating system.
        chunk.copy_from_slice(&RandomState::new().hash_one(index).to_le_bytes());
    }
    DigestKey::new(bytes)
}

fn pages<T: Clone + Send + 'static>(rows: Vec<T>) -> BoxStream<'static, Result<Vec<T>>> {
    let pages: Vec<_> = rows.chunks(MemoryStore::PAGE).map(|page| Ok(page.to_vec())).collect();
    stream::iter(pages).boxed()
}

fn check_revision(directory: &Directory, expected: Revision) -> Result<()> {
    if directory.revision == expected {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, format!("the directory is at revision {}, not at {expected}", directory.revision)))
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn acquire(&self, id: &DirectoryId, holder: &str) -> Result<Lease> {
        let mut directories = lock(&self.directories);
        let directory = directories.entry(id.clone()).or_default();
        if let Some((_, other)) = &directory.holder {
            return Err(Error::new(ErrorKind::Conflict, format!("{id} is held by {other}")).with_remedy("wait until it is done"));
        }
        directory.next_fence += 1;
        let fence = directory.next_fence;
        directory.holder = Some((fence, holder.to_owned()));
        let guard = Guard { store: self.clone(), directory: id.clone(), fence };
        Ok(Lease::new(id.clone(), fence).with_guard(Arc::new(guard)))
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.free(&lease.directory, lease.fence);
        Ok(())
    }

    async fn head(&self, directory: &DirectoryId) -> Result<Option<Head>> {
        Ok(self.read(directory, |directory| directory.written.then(|| Head::new(directory.revision, directory.note.clone()))))
    }

    async fn digest_key(&self, lease: &Lease) -> Result<DigestKey> {
        let mut directories = lock(&self.directories);
        Ok(directories.entry(lease.directory.clone()).or_default().key.get_or_insert_with(random_key).clone())
    }

    fn index(&self, directory: &DirectoryId, kind: BaseKind) -> BoxStream<'static, Result<Vec<IndexRow>>> {
        pages(self.read(directory, |directory| directory.base.index(kind)))
    }

    async fn records(&self, directory: &DirectoryId, kind: BaseKind, locators: &[Locator]) -> Result<Vec<Option<BaseRecord>>> {
        Ok(self.read(directory, |directory| locators.iter().map(|locator| directory.base.record(kind, *locator)).collect()))
    }

    async fn begin_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        self.write(lease, |directory| {
            check_revision(directory, header.base)?;
            directory.journal = Some(Journal::new(header));
            Ok(())
        })
    }

    async fn journal(&self, directory: &DirectoryId) -> Result<Option<JournalHeader>> {
        Ok(self.read(directory, |directory| directory.journal.as_ref().map(|journal| journal.header.clone())))
    }

    async fn stage(&self, lease: &Lease, rows: Vec<StagedRow>) -> Result<()> {
        self.write(lease, |directory| {
            let journal = Self::journal_of(directory)?;
            for row in rows {
                journal.parts.remove(&row.position);
                journal.rows.insert(row.position.clone(), row);
            }
            Ok(())
        })
    }

    async fn unstage(&self, lease: &Lease, rows: Vec<StagedKey>) -> Result<()> {
        self.write(lease, |directory| {
            let journal = Self::journal_of(directory)?;
            for row in rows {
                journal.parts.remove(&row);
                journal.rows.remove(&row);
            }
            Ok(())
        })
    }

    fn staged(&self, directory: &DirectoryId, after: Option<StagedKey>, detail: Detail) -> BoxStream<'static, Result<Vec<StagedRow>>> {
        let (store, directory) = (self.clone(), directory.clone());
        let pages = stream::unfold(after, move |after| {
            let page = store.read(&directory, |directory| directory.journal.as_ref().map(|journal| journal.page(after.as_ref(), detail)));
            let page = page.unwrap_or_default();
            let next = page.last().map(|row| row.position.clone());
            async move { next.map(|next| (Ok(page), Some(next))) }
        });
        pages.boxed()
    }

    async fn mark(&self, lease: &Lease, marks: Vec<(StagedKey, Mark)>, progress: Option<Progress>) -> Result<()> {
        self.write(lease, |directory| {
            let journal = Self::journal_of(directory)?;
            for (position, mark) in marks {
                match journal.rows.get_mut(&position) {
                    Some(row) => row.mark = mark,
                    None if mark == Mark::Apply => _ = journal.parts.remove(&position),
                    None => _ = journal.parts.insert(position, mark),
                }
            }
            if progress.is_some() {
                journal.header.progress = progress;
            }
            Ok(())
        })
    }

    async fn update_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        self.write(lease, |directory| {
            let journal = &mut Self::journal_of(directory)?.header;
            (journal.stage, journal.plan, journal.note) = (header.stage, header.plan, header.note);
            Ok(())
        })
    }

    async fn write_base(&self, lease: &Lease, writes: Vec<BaseWrite>) -> Result<()> {
        self.write(lease, |directory| {
            if writes.iter().any(|write| write.kind.is_of_the_base()) {
                Self::journal_of(directory)?;
            }
            writes.into_iter().for_each(|write| directory.base.write(write));
            Ok(())
        })
    }

    async fn commit(&self, lease: &Lease, commit: StoreCommit) -> Result<Revision> {
        self.write(lease, |directory| {
            check_revision(directory, commit.expected)?;
            let rows = directory.journal.take().map(|journal| journal.rows).unwrap_or_default();
            let effects = rows.into_values().filter(|row| row.mark == Mark::Apply).filter_map(|row| row.effect);
            effects.for_each(|write| directory.base.write(write));
            directory.revision = directory.revision.next();
            directory.note = commit.note;
            Ok(directory.revision)
        })
    }

    async fn discard_journal(&self, lease: &Lease) -> Result<()> {
        self.write(lease, |directory| {
            directory.journal = None;
            Ok(())
        })
    }

    async fn memo(&self, directory: &DirectoryId, name: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.read(directory, |directory| directory.memos.get(name).cloned()))
    }

    async fn set_memo(&self, lease: &Lease, name: &str, memo: Option<Vec<u8>>) -> Result<()> {
        self.write(lease, |directory| {
            match memo {
                Some(memo) => _ = directory.memos.insert(name.to_owned(), memo),
                None => _ = directory.memos.remove(name),
            }
            Ok(())
        })
    }

    async fn record_run(&self, lease: &Lease, run: RunRecord) -> Result<()> {
        self.write(lease, |directory| {
            directory.runs.push(run);
            let surplus = directory.runs.len().saturating_sub(Self::RUNS);
            directory.runs.drain(..surplus);
            Ok(())
        })
    }

    async fn runs(&self, directory: &DirectoryId, limit: usize) -> Result<Vec<RunRecord>> {
        Ok(self.read(directory, |directory| directory.runs.iter().rev().take(limit).cloned().collect()))
    }
}
