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
    /// Whether the rows are in order.
    sorted: bool,
    /// What is taken out of the journal before the rows are added.
    outdated: Vec<StagedKey>,
}

impl Stager {
    const BUNDLE: usize = 16_384;
    const BYTES: usize = 4 * 1024 * 1024;

    pub(crate) fn new(store: Arc<dyn StateStore>, lease: Lease, header: JournalHeader) -> Self {
        Self { store, lease, header, begun: false, resumed: false, rows: Vec::new(), bytes: 0, sorted: true, outdated: Vec::new() }
    }

    /// Goes on with a journal that is there.
    pub(crate) const fn resumed(store: Arc<dyn StateStore>, lease: Lease, header: JournalHeader) -> Self {
        Self { store, lease, header, begun: true, resumed: true, rows: Vec::new(), bytes: 0, sorted: true, outdated: Vec::new() }
    }

    pub(crate) async fn stage(&mut self, row: StagedRow) -> Result<()> {
        let record = row.effect.as_ref().and_then(|effect| effect.record.as_ref());
        self.bytes += row.position.key.len() + row.payload.len() + record.map_or(0, |record| record.record.len());
        self.sorted &= self.rows.last().is_none_or(|last| last.position < row.position);
        self.rows.push(row);
        if self.rows.len() >= Self::BUNDLE || self.bytes >= Self::BYTES { self.flush().await } else { Ok(()) }
    }

    /// Takes rows out of the journal, staged before or not.
    pub(crate) async fn unstage(&mut self, rows: Vec<StagedKey>) -> Result<()> {
        let is_later = |key: &StagedKey| self.sorted && self.rows.last().is_none_or(|last| last.position < *key);
        if !rows.iter().all(is_later) {
            // They may be among those that were not handed over yet.
            self.flush().await?;
        }
        if self.begun || !self.rows.is_empty() {
            self.outdated.extend(rows);
        }
        if self.outdated.len() >= Self::BUNDLE { self.flush().await } else { Ok(()) }
    }

    /// Hands everything over.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        if self.rows.is_empty() && self.outdated.is_empty() {
            return Ok(());
        }
        self.begin().await?;
        if !self.outdated.is_empty() {
            self.store.unstage(&self.lease, std::mem::take(&mut self.outdated)).await?;
        }
        if self.rows.is_empty() {
            return Ok(());
        }
        (self.bytes, self.sorted) = (0, true);
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
