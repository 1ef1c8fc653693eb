//! A second directory in the same store, which nobody may touch.

use futures::{FutureExt, StreamExt, TryStreamExt};
use idsync_core::memory::MemoryStore;
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Detail, Digest, DirectoryId, JournalHeader, Phase, Result, Revision, StagedKey, StagedRow, StateStore,
    StoreCommit, Timestamp,
};

/// Puts a base and a journal under way into the store.
pub(crate) fn plant(store: &MemoryStore, directory: &DirectoryId) {
    let planted = async {
        let lease = store.acquire(directory, "neighbour").await?;
        store.begin_journal(&lease, JournalHeader::new(Revision::default(), Timestamp::UNIX_EPOCH)).await?;
        let record = BaseRecord::new(Digest([7; 16]), b"a neighbour".to_vec());
        let writes = BaseKind::ALL.map(|kind| BaseWrite::put(kind, "n1".to_owned(), record.clone()));
        store.write_base(&lease, writes.to_vec()).await?;
        let revision = store.commit(&lease, StoreCommit::new(Revision::default(), b"note".to_vec())).await?;
        store.begin_journal(&lease, JournalHeader::new(revision, Timestamp::UNIX_EPOCH)).await?;
        store.set_memo(&lease, "n3", Some(b"memo".to_vec())).await?;
        let row = StagedRow::new(StagedKey::new(Phase::CreateUsers, "n2".to_owned()), b"payload".to_vec(), None);
        store.stage(&lease, vec![row]).await
    };
    // The memory answers at once, and without errors.
    let _: Option<Result<()>> = planted.now_or_never();
}

/// Everything that the store says of the directory.
pub(crate) fn fingerprint(store: &MemoryStore, directory: &DirectoryId) -> String {
    let read = async {
        let mut text = format!("{:?}{:?}", store.head(directory).await, store.journal(directory).await);
        for kind in BaseKind::ALL {
            let index: Vec<_> = store.index(directory, kind).try_concat().await.unwrap_or_default();
            let places: Vec<_> = index.iter().map(|row| row.locator).collect();
            text += &format!("{index:?}{:?}", store.records(directory, kind, &places).await);
        }
        text += &format!("{:?}", store.memo(directory, "n3").await);
        text += &format!("{:?}", store.staged(directory, None, Detail::Records).collect::<Vec<_>>().await);
        text + &format!("{:?}", store.runs(directory, 10).await)
    };
    read.now_or_never().unwrap_or_default()
}
