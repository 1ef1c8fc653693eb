//! The state store: leases here, rows in [`crate::state`].

use crate::SqliteFile;
use crate::error::{Problem, conflict};
use crate::moment::Moment;
use crate::state::staged::Merge;
use crate::state::{base, directories, journal, memos, runs, staged};
use crate::{schema, state::directories::Row};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Detail, DigestKey, DirectoryId, Head, IndexRow, JournalHeader, Lease, Locator, Mark, Progress, Result,
    Revision, RunRecord, StagedKey, StagedRow, StateStore, StoreCommit,
};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// The state store in an [`SqliteFile`].
#[derive(Debug, Clone)]
pub struct SqliteStore {
    file: SqliteFile,
}

impl SqliteStore {
    pub(crate) const fn new(file: SqliteFile) -> Self {
        Self { file }
    }

    async fn read<T: Send + 'static>(&self, read: impl FnOnce(&Connection) -> Result<T, Problem> + Send + 'static) -> Result<T> {
        let read = move |connection: &mut Connection| -> Result<T, Problem> {
            let moment = Moment::begin(connection)?;
            let result = read(&moment)?;
            moment.end()?;
            Ok(result)
        };
        self.file.shared.worker.call(move |connection| Ok(read(connection)?)).await
    }

    /// Reads rows of a directory that may not be known yet.
    async fn read_rows<T: Default + Send + 'static>(
        &self,
        directory: &DirectoryId,
        read: impl FnOnce(&Connection, Row) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T> {
        let directory = directory.clone();
        self.read(move |connection| match directories::find(connection, &directory)? {
            Some(row) => read(connection, row),
            None => Ok(T::default()),
        })
        .await
    }

    /// Writes in one transaction, under a lease that is still the one that holds the directory.
    async fn write<T: Send + 'static>(
        &self,
        lease: &Lease,
        write: impl FnOnce(&Transaction<'_>, Row) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T> {
        let (directory, fence, locks) = (lease.directory.clone(), lease.fence, Arc::clone(&self.file.shared.locks));
        self.file
            .shared
            .worker
            .call(move |connection| {
                let written = || -> Result<T, Problem> {
                    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                    if !locks.holds(&directory, fence) {
                        return Err(conflict(format!("the lease of {directory} is not valid any more")).into());
                    }
                    let row = directories::enter(&transaction, &directory, fence, &locks)?;
                    let result = write(&transaction, row)?;
                    transaction.commit()?;
                    locks.note_written(&directory, fence);
                    Ok(result)
                };
                Ok(written()?)
            })
            .await
    }
}

impl fmt::Display for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SQLite {}", self.file.path().display())
    }
}

/// Pages read one after the other, each from the state in which the one before it left the reader, until one is empty.
fn pages<T, S, F>(state: S, read: impl Fn(S) -> F + Send + 'static) -> BoxStream<'static, Result<Vec<T>>>
where
    T: Send + 'static,
    S: Send + 'static,
    F: Future<Output = Result<(S, Vec<T>)>> + Send + 'static,
{
    stream::try_unfold((state, read), move |(state, read)| async move {
        let (state, page) = read(state).await?;
        Ok((!page.is_empty()).then_some((page, (state, read))))
    })
    .boxed()
}

#[async_trait]
impl StateStore for SqliteStore {
    async fn acquire(&self, directory: &DirectoryId, holder: &str) -> Result<Lease> {
        let (id, path, locks) = (directory.clone(), self.file.path().to_owned(), Arc::clone(&self.file.shared.locks));
        let holder = holder.to_owned();
        let lease = self.file.shared.worker.call(move |connection| {
            schema::check_owner(connection, &id, &path)?;
            let written = |connection: &Connection| directories::find(connection, &id).map(|row| row.map_or(0, |row| row.fence));
            let guard = locks.acquire(&id, &holder, || Ok(written(connection).map_err(Problem::from)?))?;
            Ok(Lease::new(id, guard.fence()).with_guard(Arc::new(guard)))
        });
        lease.await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        self.file.shared.locks.release(&lease.directory, lease.fence);
        Ok(())
    }

    async fn head(&self, directory: &DirectoryId) -> Result<Option<Head>> {
        let directory = directory.clone();
        self.read(move |connection| Ok(directories::head(connection, &directory)?)).await
    }

    async fn digest_key(&self, lease: &Lease) -> Result<DigestKey> {
        let (directory, locks) = (lease.directory.clone(), Arc::clone(&self.file.shared.locks));
        self.read(move |connection| match directories::digest_key(connection, &directory)? {
            Some(key) => Ok(key),
            None => directories::new_key(connection, &directory, &locks),
        })
        .await
    }

    fn index(&self, directory: &DirectoryId, kind: BaseKind) -> BoxStream<'static, Result<Vec<IndexRow>>> {
        let (store, directory) = (self.clone(), directory.clone());
        pages(None, move |after: Option<String>| {
            let (store, directory) = (store.clone(), directory.clone());
            async move {
                let read = move |connection: &Connection, row| {
                    let page = base::index(connection, &row, kind, after.as_deref())?;
                    // Nobody comes back to what was gone through, and the cache would fill with it.
                    schema::shrink(connection)?;
                    Ok(page)
                };
                let page = store.read_rows(&directory, read).await?;
                Ok((page.last().map(|row| row.key().to_owned()), page))
            }
        })
    }

    async fn records(&self, directory: &DirectoryId, kind: BaseKind, places: &[Locator]) -> Result<Vec<Option<BaseRecord>>> {
        let (directory, places) = (directory.clone(), places.to_vec());
        self.read(move |connection| match directories::find(connection, &directory)? {
            Some(row) => base::records(connection, &row, kind, &places),
            None => Ok(vec![None; places.len()]),
        })
        .await
    }

    async fn begin_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        self.write(lease, move |transaction, row| {
            directories::check_revision(&row, header.base)?;
            journal::discard(transaction, &row)?;
            journal::begin(transaction, &row, &header)
        })
        .await
    }

    async fn journal(&self, directory: &DirectoryId) -> Result<Option<JournalHeader>> {
        self.read_rows(directory, |connection, row| journal::header(connection, &row)).await
    }

    async fn stage(&self, lease: &Lease, rows: Vec<StagedRow>) -> Result<()> {
        self.write(lease, move |transaction, row| {
            journal::require(transaction, &row)?;
            staged::stage(transaction, &row, rows)
        })
        .await
    }

    async fn unstage(&self, lease: &Lease, rows: Vec<StagedKey>) -> Result<()> {
        self.write(lease, move |transaction, row| {
            journal::require(transaction, &row)?;
            staged::unstage(transaction, &row, rows)
        })
        .await
    }

    fn staged(&self, directory: &DirectoryId, after: Option<StagedKey>, detail: Detail) -> BoxStream<'static, Result<Vec<StagedRow>>> {
        let (store, directory) = (self.clone(), directory.clone());
        pages(Merge::new(after), move |mut merge| {
            let (store, directory) = (store.clone(), directory.clone());
            async move {
                let read = move |connection: &Connection, row| {
                    let page = staged::page(connection, &row, &mut merge, detail)?;
                    Ok(Some((merge, page)))
                };
                Ok(store.read_rows(&directory, read).await?.unwrap_or_else(|| (Merge::new(None), Vec::new())))
            }
        })
    }

    async fn mark(&self, lease: &Lease, marks: Vec<(StagedKey, Mark)>, progress: Option<Progress>) -> Result<()> {
        self.write(lease, move |transaction, row| {
            journal::require(transaction, &row)?;
            staged::mark(transaction, &row, marks.iter().map(|(position, mark)| (position, *mark)))?;
            match progress {
                Some(progress) => journal::move_on(transaction, &row, &progress),
                None => Ok(()),
            }
        })
        .await
    }

    async fn update_journal(&self, lease: &Lease, header: JournalHeader) -> Result<()> {
        self.write(lease, move |transaction, row| {
            journal::require(transaction, &row)?;
            journal::update(transaction, &row, &header)
        })
        .await
    }

    async fn write_base(&self, lease: &Lease, writes: Vec<BaseWrite>) -> Result<()> {
        self.write(lease, move |transaction, row| {
            if writes.iter().any(|write| write.kind.is_of_the_base()) {
                journal::require(transaction, &row)?;
            }
            base::write(transaction, &row, &writes)
        })
        .await
    }

    async fn commit(&self, lease: &Lease, commit: StoreCommit) -> Result<Revision> {
        self.write(lease, move |transaction, row| {
            directories::check_revision(&row, commit.expected)?;
            journal::apply(transaction, &row)?;
            directories::move_on(transaction, &row, &commit.note)
        })
        .await
    }

    async fn discard_journal(&self, lease: &Lease) -> Result<()> {
        self.write(lease, |transaction, row| journal::discard(transaction, &row)).await
    }

    async fn memo(&self, directory: &DirectoryId, name: &str) -> Result<Option<Vec<u8>>> {
        let name = name.to_owned();
        self.read_rows(directory, move |connection, row| memos::get(connection, &row, &name)).await
    }

    async fn set_memo(&self, lease: &Lease, name: &str, memo: Option<Vec<u8>>) -> Result<()> {
        let name = name.to_owned();
        self.write(lease, move |transaction, row| memos::set(transaction, &row, &name, memo.as_deref())).await
    }

    async fn record_run(&self, lease: &Lease, run: RunRecord) -> Result<()> {
        self.write(lease, move |transaction, row| runs::add(transaction, &row, &run)).await
    }

    async fn runs(&self, directory: &DirectoryId, limit: usize) -> Result<Vec<RunRecord>> {
        self.read_rows(directory, move |connection, row| runs::newest(connection, &row, limit)).await
    }
}
