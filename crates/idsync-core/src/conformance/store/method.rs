//! The methods that write, one by one.

use super::super::{Unproven, Verdict};
use super::samples::{at, header, position, progress, put, row, rows, run};
use crate::{
    BaseKind, DirectoryId, JournalHeader, Lease, Mark, Phase, PlanHash, Result, Revision, Stage, StagedKey, StateStore, StoreCommit,
};
use futures::future::BoxFuture;

/// A method that writes, called so that it changes what [`prepare`] left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    BeginJournal,
    Commit,
    DiscardJournal,
    Mark,
    RecordRun,
    SetMemo,
    Stage,
    Unstage,
    UpdateJournal,
    WriteBase,
}

impl Method {
    pub(super) const ALL: [Self; 10] = [
        Self::BeginJournal,
        Self::Commit,
        Self::DiscardJournal,
        Self::Mark,
        Self::RecordRun,
        Self::SetMemo,
        Self::Stage,
        Self::Unstage,
        Self::UpdateJournal,
        Self::WriteBase,
    ];

    /// Those that need a journal.
    pub(super) const IN_A_JOURNAL: [Self; 5] = [Self::Mark, Self::Stage, Self::Unstage, Self::UpdateJournal, Self::WriteBase];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::BeginJournal => "begin_journal",
            Self::Commit => "commit",
            Self::DiscardJournal => "discard_journal",
            Self::Mark => "mark",
            Self::RecordRun => "record_run",
            Self::SetMemo => "set_memo",
            Self::Stage => "stage",
            Self::Unstage => "unstage",
            Self::UpdateJournal => "update_journal",
            Self::WriteBase => "write_base",
        }
    }

    /// Calls the method.
    pub(super) fn call<'a>(self, store: &'a dyn StateStore, lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        match self {
            Self::BeginJournal => store.begin_journal(lease, JournalHeader::new(REVISION, at(1))),
            Self::Commit => {
                Box::pin(async move { store.commit(lease, StoreCommit::new(REVISION, b"another note".to_vec())).await.map(drop) })
            }
            Self::DiscardJournal => store.discard_journal(lease),
            Self::Mark => store.mark(lease, vec![(staged_by_prepare(), Mark::Held)], Some(progress(Phase::AddMembers, "m"))),
            Self::RecordRun => store.record_run(lease, run(2)),
            Self::SetMemo => store.set_memo(lease, MEMO, Some(b"another memo".to_vec())),
            Self::Stage => store.stage(lease, vec![row(Phase::DeleteUsers, "one"), row(Phase::DeleteUsers, "two")]),
            Self::Unstage => store.unstage(lease, vec![staged_by_prepare()]),
            Self::UpdateJournal => store.update_journal(lease, planned()),
            Self::WriteBase => store.write_base(lease, vec![put(BaseKind::Members, "one", 1), put(BaseKind::Members, "two", 2)]),
        }
    }
}

/// The revision at which [`prepare`] leaves the directory.
pub(super) const REVISION: Revision = Revision(1);

/// The memo that [`prepare`] keeps.
pub(super) const MEMO: &str = "a memo";

/// A row that [`prepare`] stages.
fn staged_by_prepare() -> StagedKey {
    position(Phase::CreateUsers, "staged")
}

fn planned() -> JournalHeader {
    let mut header = header(REVISION);
    header.stage = Stage::Planned;
    header.plan = Some(PlanHash::from_bytes([5; 16]));
    header.note = b"planned".to_vec();
    header
}

/// Brings an empty directory to a state in which every method has something to change: a base, a journal with rows, a run.
pub(super) async fn prepare(store: &dyn StateStore, lease: &Lease) -> Verdict {
    store.begin_journal(lease, header(Revision(0))).await?;
    store.stage(lease, rows()).await?;
    store.commit(lease, StoreCommit::new(Revision(0), b"note".to_vec())).await?;
    store.begin_journal(lease, header(REVISION)).await?;
    store.stage(lease, vec![row(Phase::CreateUsers, "staged")]).await?;
    store.mark(lease, Vec::new(), Some(progress(Phase::Deactivate, "m"))).await?;
    store.record_run(lease, run(1)).await?;
    store.set_memo(lease, MEMO, Some(b"memo".to_vec())).await?;
    Ok(())
}

/// Takes a directory and prepares it.
pub(super) async fn acquire_prepared(store: &dyn StateStore, directory: &DirectoryId) -> Result<Lease, Unproven> {
    let lease = store.acquire(directory, "first").await?;
    prepare(store, &lease).await?;
    Ok(lease)
}
