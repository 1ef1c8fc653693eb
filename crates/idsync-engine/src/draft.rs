//! Reading the directory, and planning what follows from it.

use crate::checkpoint::{self, Checkpoint};
use crate::compare::Comparisons;
use crate::confirm::{Asking, Fates};
use crate::delta::{Bookmark, Reading, Wish};
use crate::digest::Digester;
use crate::escrow::Escrow;
use crate::held::Decision;
use crate::index::{BaseIndex, MemberIndex};
use crate::members_read::MembersRead;
use crate::memo::Memo;
use crate::note::{HeadNote, ReadResult};
use crate::payload;
use crate::plan;
use crate::read::{Reader, empty};
use crate::read_delta::{DeltaRead, Newcomers};
use crate::report::{DirectorySize, FailedRun, Mode};
use crate::run::RunState;
use crate::stager::Stager;
use crate::updates::Updates;
use crate::{Evidence, Progress, SyncEngine, SyncError};
use idsync_core::{
    Clock, Counts, DirectoryInfo, IdentityProvider, JournalHeader, Lease, RequestUsage, Revision, RunRecord, StateStore, Timestamp,
};
use std::sync::Arc;

/// What reading and planning came to.
pub(crate) struct Draft {
    pub(crate) lease: Lease,
    pub(crate) revision: Revision,
    pub(crate) started: Timestamp,
    pub(crate) mode: Mode,
    pub(crate) read: ReadResult,
    pub(crate) plan: Option<plan::Draft>,
    /// The members in the base, if they were read: the end of the run needs them again.
    pub(crate) members: Option<MemberIndex>,
    pub(crate) before: Before,
    /// What the next delta may stand on; `None` where nothing was read.
    pub(crate) next: Option<(DirectoryInfo, MembersRead)>,
}

/// What there was before the directory was read.
#[derive(Default)]
pub(crate) struct Before {
    /// Changes of an earlier run that were delivered first.
    pub(crate) recovered: Counts,
    /// What the provider had been asked.
    pub(crate) usage: RequestUsage,
}

impl SyncEngine {
    /// Reads and plans. A failure is counted, and recorded as a run of its own.
    pub(crate) async fn draft(&self, info: Option<DirectoryInfo>, lease: &Lease, before: Before, wish: Wish) -> Result<Draft, SyncError> {
        if let Err(error) = self.check_quarantine(lease).await {
            if before.recovered.total() > 0 {
                // Nothing is read, but something was delivered.
                self.record_failure(lease, self.now(), &error).await;
            }
            return Err(error);
        }
        let started = self.now();
        let drafted = self.read_and_plan(info, lease, started, before, wish).await;
        match &drafted {
            Ok(_) => self.forget_failures(lease).await.map_err(SyncError::store)?,
            Err(error) => self.record_failure(lease, started, error).await,
        }
        drafted
    }

    async fn read_and_plan(
        &self,
        info: Option<DirectoryInfo>,
        lease: &Lease,
        started: Timestamp,
        before: Before,
        wish: Wish,
    ) -> Result<Draft, SyncError> {
        let info = self.info_of(&lease.directory, info).await?;
        let decision: Option<Decision> = Memo::Decision.read(self.store.as_ref(), &lease.directory).await.map_err(SyncError::store)?;
        let decision = decision.unwrap_or_default();
        // What was held is only found again, to be applied, by a full read.
        let is_approved = decision.approval(started).is_some();
        let reading = self.choose(if is_approved { Wish::Full } else { wish }, &info, lease, started).await?;
        let delta = match &reading {
            Reading::Delta(bookmark) => self.read_delta(&info, lease, started, bookmark).await?,
            Reading::Full => None,
        };
        let (mut state, mut fates) = match delta {
            Some(read) => read,
            None => self.read_full(&info, lease, started, if is_approved { Asking::All } else { Asking::BelowLimits }).await?,
        };
        let groups = &state.index.groups;
        state.members_read.keep(|group| groups.is_present(group));
        state.stage_fates(&fates).await.map_err(SyncError::store)?;
        let escrow = self.load_escrow(&state.lease, started).await?;
        let plan = state.plan(&mut fates, &escrow, &self.safeguards, &decision).await?;
        let read = state.read_result();
        if !read.evidence.is_complete() {
            let failure = state.first_failure.as_ref().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(failure, "not everything could be read; what was not read stays as it was");
        }
        let next = Some((info, state.members_read));
        let members = Some(state.index.members);
        Ok(Draft { lease: state.lease, revision: state.revision, started, mode: state.mode, read, plan, members, before, next })
    }

    /// Reads everything, and settles the fate of what vanished.
    async fn read_full(
        &self,
        info: &DirectoryInfo,
        lease: &Lease,
        started: Timestamp,
        asking: Asking,
    ) -> Result<(RunState, Fates), SyncError> {
        let mut state = self.open(info, lease, started, Mode::Full).await?;
        self.check_access(&mut state).await?;
        let clock = Arc::clone(&self.surroundings.clock);
        let mut reader = Reader::new(Arc::clone(&self.provider), &mut state, self.concurrency, clock);
        reader.read_all().await?;
        if reader.state.index.users.present() == 0 {
            return Err(empty("users"));
        }
        if reader.state.index.groups.present() == 0 {
            return Err(empty("groups"));
        }
        let fates = reader.confirm(&self.safeguards, asking).await?;
        // A role that was taken away half-way looks like people who are gone, so it must still be there after the last answer.
        self.check_access(&mut state).await?;
        // From here on the journal holds what follows from entries being gone, which is not to be gone on from.
        state.checkpoint.clear(self.store.as_ref(), &state.lease).await.map_err(SyncError::store)?;
        Ok((state, fates))
    }

    /// Reads what changed, and settles the fate of what is said to be gone. `None` when everything has to be read.
    async fn read_delta(
        &self,
        info: &DirectoryInfo,
        lease: &Lease,
        started: Timestamp,
        bookmark: &Bookmark,
    ) -> Result<Option<(RunState, Fates)>, SyncError> {
        let mut state = self.open(info, lease, started, Mode::Delta).await?;
        let clock = Arc::clone(&self.surroundings.clock);
        let mut reader = Reader::new(Arc::clone(&self.provider), &mut state, self.concurrency, clock);
        let newcomers = if reader.state.held_before.is_some() { Newcomers::Some } else { Newcomers::All };
        if reader.read_delta(&bookmark.cursor, newcomers).await? == DeltaRead::TooMuch {
            tracing::info!("too much changed for a delta; reading everything");
            self.store.discard_journal(lease).await.map_err(SyncError::store)?;
            return Ok(None);
        }
        if reader.state.index.groups.present() == 0 {
            return Err(empty("groups"));
        }
        let fates = reader.confirm(&self.safeguards, Asking::BelowLimits).await?;
        // Whoever is shown proves that the role is there; only where nobody was, or somebody was not found, it may be missing.
        let is_over = fates.users_over.is_some() || fates.groups_over.is_some();
        if is_over || state.ends_empty || state.evidence.looked_up > state.evidence.still_there {
            self.check_access(&mut state).await?;
        }
        Ok(Some((state, fates)))
    }

    async fn check_access(&self, state: &mut RunState) -> Result<(), SyncError> {
        self.provider.check().await.map_err(SyncError::provider)?;
        state.evidence.access_checks += 1;
        Ok(())
    }

    pub(crate) async fn load_escrow(&self, lease: &Lease, now: Timestamp) -> Result<Escrow, SyncError> {
        Escrow::load(&self.store, &lease.directory, self.escrow, now).await.map_err(SyncError::store)
    }

    /// Leaves word of a run that failed. That it failed is what its caller must know; that this could not be noted is not.
    pub(crate) async fn record_failure(&self, lease: &Lease, started: Timestamp, error: &SyncError) {
        if matches!(error, SyncError::Busy(_)) {
            return;
        }
        let noted = async {
            if matches!(error, SyncError::Refused(_)) {
                // Nothing of what an identity without its rights has seen is gone on from.
                checkpoint::clear(self.store.as_ref(), lease).await?;
            }
            self.count_failure(lease, error).await?;
            let report = payload::to_json(&FailedRun::new(error))?;
            let report = String::from_utf8(report).unwrap_or_default();
            let record = RunRecord::new(started, self.surroundings.clock.now(), "failed".to_owned(), report);
            self.store.record_run(lease, record).await?;
            self.store.release(lease).await
        };
        if let Err(error) = noted.await {
            tracing::warn!(kind = error.kind().as_str(), "a failed run could not be recorded");
        }
    }

    async fn open(&self, info: &DirectoryInfo, lease: &Lease, read_at: Timestamp, mode: Mode) -> Result<RunState, SyncError> {
        let head = self.store.head(&lease.directory).await.map_err(SyncError::store)?;
        let revision = head.as_ref().map(|head| head.revision).unwrap_or_default();
        let head = HeadNote::decode(head.as_ref().map_or(&[][..], |head| &head.note)).map_err(SyncError::store)?;
        if !head.scope.is_empty() && head.scope != info.scope {
            tracing::info!("the scope changed");
            tracing::debug!(before = head.scope, now = info.scope, "the scope");
        }
        let digester = Digester::new(self.store.digest_key(lease).await.map_err(SyncError::store)?);
        let index = BaseIndex::load(self.store.as_ref(), &lease.directory, &digester, head.directory).await.map_err(SyncError::store)?;
        let resumed = match mode {
            Mode::Full => Checkpoint::resume(self.store.as_ref(), lease, info, revision, self.checkpoint, read_at).await,
            // A delta is short, and must not be gone on from by a full read.
            Mode::Delta => Checkpoint::unused(self.store.as_ref(), lease, read_at).await.map(|checkpoint| (checkpoint, None)),
        };
        let (checkpoint, journal) = resumed.map_err(SyncError::store)?;
        let members_read = if self.provider.capabilities().has_delta() {
            MembersRead::load(self.store.as_ref(), &lease.directory).await.map_err(SyncError::store)?
        } else {
            MembersRead::not_kept()
        };
        let store = Arc::clone(&self.store);
        let stager = match journal {
            Some(journal) => Stager::resumed(store, lease.clone(), journal),
            None => Stager::new(store, lease.clone(), JournalHeader::new(revision, read_at)),
        };
        let before =
            DirectorySize { users: index.users.base_size(), groups: index.groups.base_size(), memberships: index.members.base_size() };
        Ok(RunState {
            store: Arc::clone(&self.store),
            lease: lease.clone(),
            info: info.clone(),
            revision,
            read_at,
            digester,
            index,
            stager,
            updates: Updates::default(),
            comparisons: Comparisons::default(),
            watch: None,
            checkpoint,
            evidence: Evidence { before, ..Evidence::default() },
            progress: Progress::START,
            observer: self.surroundings.observer.clone(),
            membership_size: 0,
            mode,
            members_read,
            most_ids: self.most_ids,
            settle: self.delta.settle,
            ends_empty: false,
            left_out: 0,
            changed_lately: head.recent.within(read_at, self.safeguards.window),
            recent: head.recent,
            held_before: Memo::HeldSet.read(self.store.as_ref(), &lease.directory).await.map_err(SyncError::store)?,
            protected: self.protected.clone(),
            kept: std::collections::HashSet::new(),
            first_failure: None,
        })
    }
}
