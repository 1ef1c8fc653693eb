//! The engine: plan, apply, sync.

use crate::apply::{Applied, Applier};
use crate::checkpoint::{self, Checkpoint, CheckpointPolicy};
use crate::confirm::Asking;
use crate::confirm::Fates;
use crate::delta::{Bookmark, Ended, Reading, Wish};
use crate::digest::Digester;
use crate::escrow::Escrow;
use crate::held::{Decision, HeldSet};
use crate::index::BaseIndex;
use crate::members_read::MembersRead;
use crate::memo::Memo;
use crate::note::{HeadNote, PlanNote, ReadResult};
use crate::payload;
use crate::plan::{self, Plan};
use crate::read::{Reader, empty};
use crate::read_delta::DeltaRead;
use crate::report::{DirectorySize, FailedRun, Held, Mode, Outcome, SyncReport};
use crate::run::{RunState, Surroundings, run_name};
use crate::stager::Stager;
use crate::{Backoff, DeltaPolicy, Evidence, Progress, Protected, QuarantinePolicy, Safeguards, Standing, SyncError};
use idsync_core::{
    Clock, Counts, DirectoryInfo, DirectorySink, IdentityProvider, JournalHeader, Lease, PlanHash, RequestUsage, Revision, RunRecord,
    Stage, StateStore, Timestamp,
};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Keeps one sink in step with one directory.
///
/// An engine holds no state of its own: everything is in the state store, so it may be dropped and built anew at any time, and a future
/// of it may be dropped at any await. The next run goes on from what the store last confirmed.
#[derive(Debug, Clone)]
pub struct SyncEngine {
    pub(crate) provider: Arc<dyn IdentityProvider>,
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) sink: Arc<dyn DirectorySink>,
    pub(crate) safeguards: Safeguards,
    pub(crate) protected: Protected,
    pub(crate) escrow: Backoff,
    pub(crate) quarantine: QuarantinePolicy,
    pub(crate) checkpoint: CheckpointPolicy,
    pub(crate) delta: DeltaPolicy,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) holder: String,
    pub(crate) surroundings: Surroundings,
}

/// What reading and planning came to.
struct Draft {
    lease: Lease,
    revision: Revision,
    started: Timestamp,
    mode: Mode,
    read: ReadResult,
    plan: Option<plan::Draft>,
    before: Before,
    /// What the next delta may stand on; `None` where nothing was read.
    next: Option<(DirectoryInfo, MembersRead)>,
}

/// What is left from before, which a delta does not find again.
#[derive(Default)]
struct Left {
    held: Option<Held>,
    escrowed: u64,
}

/// What there was before the directory was read.
#[derive(Default)]
struct Before {
    /// Changes of an earlier run that were delivered first.
    recovered: Counts,
    /// What the provider had been asked.
    usage: RequestUsage,
}

impl SyncEngine {
    /// Reads the directory and says what a sync would do. The sink is not touched; the plan is kept in the state store until it is
    /// applied or another run replaces it.
    ///
    /// # Errors
    /// [`SyncError`] says what could not be done; nothing was changed. A delivery that was interrupted must be finished by
    /// [`SyncEngine::sync`] before anything can be planned.
    pub async fn plan(&self) -> Result<Plan, SyncError> {
        let usage = self.provider.usage();
        let (info, lease) = self.take().await?;
        if self.unfinished(&lease).await?.is_some() {
            return Err(SyncError::Interrupted);
        }
        let draft = self.draft(info, &lease, Before { usage, ..Before::default() }, Wish::Full).await?;
        let plan = self.to_plan(&draft);
        self.give_back(&draft.lease).await?;
        Ok(plan)
    }

    /// Applies a plan exactly as it was hashed.
    ///
    /// # Errors
    /// [`SyncError::StalePlan`] when another run came in between, otherwise as for [`SyncEngine::sync`].
    pub async fn apply(&self, plan: &Plan) -> Result<SyncReport, SyncError> {
        let lease = self.store.acquire(&plan.directory_id, &self.holder).await.map_err(SyncError::store)?;
        let started = self.surroundings.clock.now();
        let journal = self.store.journal(&lease.directory).await.map_err(SyncError::store)?;
        let applied = match (plan.hash, journal) {
            (Some(hash), Some(journal)) if journal.stage == Stage::Planned && journal.plan == Some(hash) && journal.base == plan.base => {
                self.deliver(&lease, journal, hash).await?
            }
            (None, _) => Applied::default(),
            (Some(expected), journal) => {
                let found = journal.and_then(|journal| journal.plan);
                self.give_back(&lease).await?;
                return Err(SyncError::StalePlan { expected, found, moved: "another run came in between".to_owned() });
            }
        };
        let read = ReadResult { evidence: plan.evidence.clone(), directory: plan.directory };
        let before = Before { usage: self.provider.usage(), ..Before::default() };
        // A plan of which everything is held or waits has no hash of its own, and is still not done.
        let draft = Draft { lease, revision: plan.base, started, mode: Mode::Full, read, plan: plan.draft.clone(), before, next: None };
        self.close(draft, applied).await
    }

    /// Reads the directory again, and applies the differences if they are exactly those that `expected` names.
    ///
    /// # Errors
    /// [`SyncError::StalePlan`] says what moved when they are not; nothing was changed. Otherwise as for [`SyncEngine::sync`].
    pub async fn apply_hash(&self, expected: PlanHash) -> Result<SyncReport, SyncError> {
        let usage = self.provider.usage();
        let (info, lease) = self.take().await?;
        if self.unfinished(&lease).await?.is_some() {
            return Err(SyncError::Interrupted);
        }
        let before = self.store.journal(&lease.directory).await.map_err(SyncError::store)?.filter(|journal| journal.plan == Some(expected));
        let before = before.map(|journal| PlanNote::decode(&journal.note)).transpose().map_err(SyncError::store)?;
        let draft = self.draft(info, &lease, Before { usage, ..Before::default() }, Wish::Full).await?;
        let found = draft.plan.as_ref().map(|plan| plan.hash);
        if found != Some(expected) {
            let now = draft.plan.as_ref().map(|plan| plan.note.counts()).unwrap_or_default();
            let moved = what_moved(before.map(|note| note.counts()), now);
            self.give_back(&draft.lease).await?;
            return Err(SyncError::StalePlan { expected, found, moved });
        }
        self.finish(draft).await
    }

    /// Reads the directory and brings the sink in step with it.
    ///
    /// Where the provider has deltas, only what changed is read most of the time ([`DeltaPolicy`]).
    ///
    /// A delivery that an earlier run did not finish is finished first.
    ///
    /// # Errors
    /// [`SyncError`] says what could not be done and what was left untouched. Changes that a safeguard holds back, and changes that
    /// the sink refuses, are not errors: the report tells.
    ///
    /// # Cancellation
    /// The future may be dropped at any await; the next run goes on from what the store last confirmed.
    pub async fn sync(&self) -> Result<SyncReport, SyncError> {
        let usage = self.provider.usage();
        let (info, lease) = self.take().await?;
        let recovered = match self.unfinished(&lease).await? {
            Some((journal, hash)) => {
                tracing::info!(directory = %lease.directory, "finishing the delivery of an interrupted run");
                self.deliver(&lease, journal, hash).await?.counts
            }
            None => Counts::default(),
        };
        let draft = self.draft(info, &lease, Before { recovered, usage }, Wish::Cheapest).await?;
        self.finish(draft).await
    }

    pub(crate) async fn identify(&self) -> Result<DirectoryInfo, SyncError> {
        self.provider.identify().await.map_err(SyncError::provider)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.surroundings.clock.now()
    }

    pub(crate) async fn take(&self) -> Result<(DirectoryInfo, Lease), SyncError> {
        let info = self.identify().await?;
        let lease = self.store.acquire(&info.id, &self.holder).await.map_err(SyncError::store)?;
        Ok((info, lease))
    }

    /// The journal of a delivery that must be finished before anything else.
    async fn unfinished(&self, lease: &Lease) -> Result<Option<(JournalHeader, PlanHash)>, SyncError> {
        let journal = self.store.journal(&lease.directory).await.map_err(SyncError::store)?;
        let Some(journal) = journal.filter(|journal| journal.stage.is_delivering()) else {
            return Ok(None);
        };
        let hash = journal.plan.ok_or_else(|| SyncError::Store(payload::corrupt("a delivery without a plan")))?;
        Ok(Some((journal, hash)))
    }

    /// Reads and plans. A failure is counted, and recorded as a run of its own.
    async fn draft(&self, info: DirectoryInfo, lease: &Lease, before: Before, wish: Wish) -> Result<Draft, SyncError> {
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
        info: DirectoryInfo,
        lease: &Lease,
        started: Timestamp,
        before: Before,
        wish: Wish,
    ) -> Result<Draft, SyncError> {
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
        state.stage_fates(&mut fates).await.map_err(SyncError::store)?;
        let escrow = self.load_escrow(&state.lease, started).await?;
        let plan = state.plan(&fates, &escrow, &self.safeguards, &decision).await?;
        let read = state.read_result();
        if !read.evidence.is_complete() {
            let failure = state.first_failure.as_ref().map(ToString::to_string).unwrap_or_default();
            tracing::warn!(directory = %state.lease.directory, failure, "not everything could be read; what was not read stays as it was");
        }
        let next = Some((info, state.members_read));
        Ok(Draft { lease: state.lease, revision: state.revision, started, mode: state.mode, read, plan, before, next })
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
        if reader.read_delta(&bookmark.cursor).await? == DeltaRead::TooMuch {
            tracing::info!(directory = %lease.directory, "too much changed for a delta; reading everything");
            self.store.discard_journal(lease).await.map_err(SyncError::store)?;
            return Ok(None);
        }
        if reader.state.index.groups.present() == 0 {
            return Err(empty("groups"));
        }
        let fates = reader.confirm(&self.safeguards, Asking::BelowLimits).await?;
        // Whoever is shown proves that the role is there; only where nobody was, or somebody was not found, it may be missing.
        if state.ends_empty || state.evidence.looked_up > state.evidence.still_there {
            self.check_access(&mut state).await?;
        }
        Ok(Some((state, fates)))
    }

    async fn check_access(&self, state: &mut RunState) -> Result<(), SyncError> {
        self.provider.check().await.map_err(SyncError::provider)?;
        state.evidence.access_checks += 1;
        Ok(())
    }

    async fn load_escrow(&self, lease: &Lease, now: Timestamp) -> Result<Escrow, SyncError> {
        Escrow::load(&self.store, &lease.directory, self.escrow, now).await.map_err(SyncError::store)
    }

    /// Leaves word of a run that failed. That it failed is what its caller must know; that this could not be noted is not.
    async fn record_failure(&self, lease: &Lease, started: Timestamp, error: &SyncError) {
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
            tracing::info!(directory = %lease.directory, before = head.scope, now = info.scope, "the scope changed");
        }
        let index = BaseIndex::load(self.store.as_ref(), &lease.directory).await.map_err(SyncError::store)?;
        let digester = Digester::new(self.store.digest_key(lease).await.map_err(SyncError::store)?);
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
            checkpoint,
            evidence: Evidence { before, ..Evidence::default() },
            progress: Progress::START,
            observer: self.surroundings.observer.clone(),
            membership_size: 0,
            mode,
            members_read,
            settle: self.delta.settle,
            ends_empty: false,
            changed_lately: head.recent.within(read_at, self.safeguards.window),
            recent: head.recent,
            protected: self.protected.clone(),
            kept: std::collections::HashSet::new(),
            first_failure: None,
        })
    }

    fn to_plan(&self, draft: &Draft) -> Plan {
        let note = draft.plan.as_ref().map(|plan| &plan.note);
        Plan {
            directory_id: draft.lease.directory.clone(),
            hash: draft.plan.as_ref().filter(|plan| plan.note.counts().total() > 0).map(|plan| plan.hash),
            base: draft.revision,
            changes: note.map(PlanNote::counts).unwrap_or_default(),
            held: note.and_then(|note| note.held.clone()),
            held_set: draft.plan.as_ref().and_then(|plan| plan.held.clone()),
            waiting: note.map_or(0, |note| note.waiting.changes),
            directory: draft.read.directory,
            evidence: draft.read.evidence.clone(),
            run: run_name(draft.started, &draft.lease),
            draft: draft.plan.clone(),
            store: Arc::clone(&self.store),
        }
    }

    async fn finish(&self, draft: Draft) -> Result<SyncReport, SyncError> {
        let applied = match &draft.plan {
            Some(plan) if plan.note.counts().total() > 0 => {
                let journal = self.store.journal(&draft.lease.directory).await.map_err(SyncError::store)?;
                let journal = journal.ok_or_else(|| SyncError::Store(payload::corrupt("no journal for the plan just made")))?;
                self.deliver(&draft.lease, journal, plan.hash).await?
            }
            Some(_) => {
                // Everything is held or waits: nothing is to be applied, and the next run finds the same again.
                self.store.discard_journal(&draft.lease).await.map_err(SyncError::store)?;
                Applied::default()
            }
            None => Applied::default(),
        };
        self.close(draft, applied).await
    }

    async fn deliver(&self, lease: &Lease, journal: JournalHeader, hash: PlanHash) -> Result<Applied, SyncError> {
        let started = self.surroundings.clock.now();
        let applied = self.deliver_from(started, lease, journal, hash).await;
        if let Err(error) = &applied {
            self.record_failure(lease, started, error).await;
        }
        applied
    }

    async fn deliver_from(&self, started: Timestamp, lease: &Lease, journal: JournalHeader, hash: PlanHash) -> Result<Applied, SyncError> {
        let escrow = self.load_escrow(lease, started).await?;
        let mut applier = Applier::new(Arc::clone(&self.store), Arc::clone(&self.sink), lease.clone(), &journal, hash, escrow);
        applier.observer = self.surroundings.observer.clone();
        applier.run(journal).await
    }

    async fn close(&self, mut draft: Draft, applied: Applied) -> Result<SyncReport, SyncError> {
        let finished = self.surroundings.clock.now();
        let left = self.left(&draft).await?;
        let kept_held = left.held.is_some();
        let refused = applied.refused;
        let report = self.report(&draft, applied, finished, left);
        if !kept_held {
            self.remember_held(&draft).await.map_err(SyncError::store)?;
        }
        if let Some((info, members_read)) = draft.next.take() {
            let holds = draft.plan.as_ref().is_some_and(|plan| plan.held.is_some());
            let is_clean = draft.mode == Mode::Full || (!holds && draft.read.evidence.users.held == 0);
            let mut ended = Ended {
                lease: &draft.lease,
                info: &info,
                mode: draft.mode,
                started: draft.started,
                is_complete: report.complete,
                holds_anew: holds && !kept_held,
                is_clean,
                changed: refused > 0 || report.changes.total() > 0,
            };
            if report.complete && is_clean {
                ended.changed |= members_read.save(self.store.as_ref(), &draft.lease).await.map_err(SyncError::store)?;
            }
            self.turn_page(&ended).await.map_err(SyncError::store)?;
        }
        let outcome = serde_json::to_value(report.outcome).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default();
        let json = String::from_utf8(payload::to_json(&report).map_err(SyncError::store)?).unwrap_or_default();
        let record = RunRecord::new(draft.started, finished, outcome, json);
        self.store.record_run(&draft.lease, record).await.map_err(SyncError::store)?;
        self.give_back(&draft.lease).await?;
        Ok(report)
    }

    /// What earlier runs left, as far as this one did not look for it.
    async fn left(&self, draft: &Draft) -> Result<Left, SyncError> {
        if draft.mode == Mode::Full {
            return Ok(Left::default());
        }
        let held = self.held_of(&draft.lease.directory).await?.map(|set| set.summary);
        Ok(Left { held, escrowed: self.escrow_of(&draft.lease.directory).await?.len() as u64 })
    }

    fn report(&self, draft: &Draft, applied: Applied, finished: Timestamp, left: Left) -> SyncReport {
        let note = draft.plan.as_ref().map(|plan| &plan.note);
        let held = left.held.or_else(|| note.and_then(|note| note.held.clone()));
        let complete = draft.read.evidence.is_complete();
        let waiting = note.map(|note| note.waiting.clone()).unwrap_or_default();
        let escrowed = (applied.refused + waiting.changes).max(left.escrowed);
        let outcome = if !complete {
            Outcome::Incomplete
        } else if held.as_ref().is_some_and(|held| held.standing == Standing::Open) {
            Outcome::Held
        } else if escrowed > 0 {
            Outcome::Refused
        } else {
            Outcome::Done
        };
        SyncReport {
            outcome,
            mode: draft.mode,
            directory_id: draft.lease.directory.clone(),
            run: run_name(draft.started, &draft.lease),
            change_set: draft.plan.as_ref().filter(|_| applied.counts.total() > 0).map(|plan| plan.hash),
            changes: applied.counts,
            recovered: draft.before.recovered,
            held,
            escrowed,
            first_refusal: applied.first_refusal.or(waiting.reason),
            retry_at: waiting.retry_at,
            directory: draft.read.directory,
            requests: self.provider.usage().since(&draft.before.usage),
            complete,
            evidence: draft.read.evidence.clone(),
            elapsed: finished.saturating_since(draft.started),
        }
    }

    /// Keeps the held set for whoever decides about it. What is not wanted any more is forgotten, decisions included.
    async fn remember_held(&self, draft: &Draft) -> Result<(), idsync_core::Error> {
        let (store, lease) = (self.store.as_ref(), &draft.lease);
        let kept: Option<HeldSet> = Memo::HeldSet.read(store, &lease.directory).await?;
        // A part that was not read may still want what is held, but an approval is good once.
        let is_over = draft.read.evidence.is_complete() || draft.plan.as_ref().is_some_and(|plan| plan.note.approved);
        match draft.plan.as_ref().and_then(|plan| plan.held.as_ref()) {
            Some(set) if kept.as_ref().is_some_and(|kept| kept.summary.hash == set.summary.hash) => Ok(()),
            Some(set) => {
                Memo::HeldSet.write(store, lease, Some(set)).await?;
                // Whatever was decided was decided about another set.
                Memo::Decision.write::<Decision>(store, lease, None).await
            }
            None if kept.is_some() && is_over => {
                Memo::HeldSet.write::<HeldSet>(store, lease, None).await?;
                Memo::Decision.write::<Decision>(store, lease, None).await
            }
            None => Ok(()),
        }
    }

    pub(crate) async fn give_back(&self, lease: &Lease) -> Result<(), SyncError> {
        self.store.release(lease).await.map_err(SyncError::store)
    }
}

fn what_moved(before: Option<Counts>, now: Counts) -> String {
    let describe = |counts: &Counts| {
        let kinds = idsync_core::ChangeKind::ALL.into_iter().filter(|kind| counts.get(*kind) > 0);
        let parts: Vec<_> = kinds.map(|kind| format!("{} {kind}", counts.get(kind))).collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
    };
    match before {
        Some(before) if before == now => format!("the counts are the same ({}), but not the changes", describe(&now)),
        Some(before) => format!("the plan was {}; now it would be {}", describe(&before), describe(&now)),
        None => format!("there is no such plan; now it would be {}", describe(&now)),
    }
}
