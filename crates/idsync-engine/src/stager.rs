//! Collects differences and hands them to the store's journal in bundles.

use idsync_core::{JournalHeader, Lease, Result, StagedKey, StagedRow, StateStore};
use std::sync::Arc;

/// Stages rows. The journal is begun with the first row, so that a run without differences writes none.
#[derive(Debug)]
pub(crate) struct Stager {
    store: Arc<dyn StateStore>,
    lease: Lease,
    header: JournalHeader,
    begun: bool,
    resumed: bool,
    rows: Vec<StagedRow>,
    bytes: usize,
}

impl Stager {
    const BUNDLE: usize = 16_384;
    const BYTES: usize = 4 * 1024 * 1024;

    pub(crate) fn new(store: Arc<dyn StateStore>, lease: Lease, header: JournalHeader) -> Self {
        Self { store, lease, header, begun: false, resumed: false, rows: Vec::new(), bytes: 0 }
    }

    /// Goes on with a journal that is there.
    pub(crate) const fn resumed(store: Arc<dyn StateStore>, lease: Lease, header: JournalHeader) -> Self {
        Self { store, lease, header, begun: true, resumed: true, rows: Vec::new(), bytes: 0 }
    }

    pub(crate) async fn stage(&mut self, row: StagedRow) -> Result<()> {
        let record = row.effect.as_ref().and_then(|effect| effect.record.as_ref());
        self.bytes += row.position.key.len() + row.payload.len() + record.map_or(0, |record| record.record.len());
        self.rows.push(row);
        if self.rows.len() >= Self::BUNDLE || self.bytes >= Self::BYTES { self.flush().await } else { Ok(()) }
    }

    pub(crate) async fn unstage(&mut self, rows: Vec<StagedKey>) -> Result<()> {
        self.flush().await?;
        if self.begun { self.store.unstage(&self.lease, rows).await } else { Ok(()) }
    }

    /// Hands everything over.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.begin().await?;
        self.bytes = 0;
        // Rows are staged again under the same position when an entry is read twice; the store keeps the later one.
        self.store.stage(&self.lease, std::mem::take(&mut self.rows)).await
    }

    /// Begins the journal, if that was not done yet.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        if !self.begun {
            self.store.begin_journal(&self.lease, self.header.clone()).await?;
            self.begun = true;
        }
        Ok(())
    }

    /// The journal as it was begun.
    pub(crate) const fn header(&self) -> &JournalHeader {
        &self.header
    }

    /// Whether the journal holds what an earlier run staged.
    pub(crate) const fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Whether there is a journal of this run.
    pub(crate) const fn has_begun(&self) -> bool {
        self.begun
    }
}
