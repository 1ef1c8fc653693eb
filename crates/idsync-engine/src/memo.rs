//! What the engine keeps in a store beside journal and base.

use crate::payload;
use idsync_core::{DirectoryId, Lease, Result, StateStore};
use serde::Serialize;

/// The memos that the engine keeps in a store.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Memo {
    Bookmark,
    Decision,
    Failures,
    HeldSet,
}

impl Memo {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bookmark => "bookmark",
            Self::Decision => "decision",
            Self::Failures => "failures",
            Self::HeldSet => "held_set",
        }
    }

    pub(crate) async fn read<T: serde::de::DeserializeOwned>(self, store: &dyn StateStore, directory: &DirectoryId) -> Result<Option<T>> {
        let memo = store.memo(directory, self.name()).await?;
        memo.map(|memo| payload::from_json(&memo)).transpose()
    }

    pub(crate) async fn write<T: Serialize>(self, store: &dyn StateStore, lease: &Lease, value: Option<&T>) -> Result<()> {
        let memo = value.map(payload::to_json).transpose()?;
        store.set_memo(lease, self.name(), memo).await
    }
}
