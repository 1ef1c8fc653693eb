//! Puts the staged differences in their final order, decides what is held, and hashes the result.

use crate::confirm::Fates;
use crate::escrow::Escrow;
use crate::groups_held::GroupsHeld;
use crate::held::{Decision, HeldSet};
use crate::note::{HeadNote, PlanNote, ReadResult, planned};
use crate::number::number;
use crate::packs;
use crate::payload;
use crate::planner::Planner;
use crate::report::{DirectorySize, Held};
use crate::run::RunState;
use crate::upheld::KeptSet;
use crate::{Activity, Evidence, Mode, Safeguards, SyncError};
use futures::future;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use idsync_core::{
    Change, Counts, Detail, DirectoryId, JournalHeader, Mark, PlanHash, Result, Revision, RunRecord, Stage, StagedKey, StateStore,
};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// What a run would do, kept in the state store until it is applied or another run replaces it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// The directory.
    pub directory_id: DirectoryId,
    /// Covers the canonical change set and the revision it stands on; `None` when there is nothing to apply.
    pub hash: Option<PlanHash>,
    /// The revision that the plan stands on.
    pub base: Revision,
    /// Changes that would be applied, by kind.
    pub changes: Counts,
    /// Changes that would be held back.
    pub held: Option<Held>,
    /// The same with examples, and whom it reaches.
    pub held_set: Option<HeldSet>,
    /// Changes that would wait, because the sink refused them or what they depend on.
    pub waiting: u64,
    /// How large the directory would be once the plan is applied.
    pub directory: DirectorySize,
    /// What the read proves.
    pub evidence: Evidence,
    /// The run that made the plan.
    pub run: String,
    pub(crate) draft: Option<Draft>,
    /// The last run that was recorded before it.
    pub(crate) last_run: Option<RunRecord>,
    pub(crate) store: Arc<dyn StateStore>,
}

/// One change of a plan.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedChange {
    /// The change.
    pub change: Change,
    /// Whether it would be applied, held, or wait because the sink refused it before.
    pub mark: Mark,
}

impl Plan {
    /// The changes of the plan in the order in which they would be applied, those held back and those that wait included. They are read
    /// from the state store as the stream is polled, and are those of another plan once another run has replaced this one there.
    ///
    /// # Errors
    /// The stream ends with an error when the state store cannot be read.
    pub fn changes(&self) -> BoxStream<'static, Result<PlannedChange>> {
        if self.hash.is_none() && self.held.is_none() && self.waiting == 0 {
            return stream::empty().boxed();
        }
        let rows = self.store.staged(&self.directory_id, None, Detail::Records);
        let rows = rows.map_ok(|rows| stream::iter(rows.into_iter().map(packs::unpack))).try_flatten();
        let rows = rows.map_ok(|rows| stream::iter(rows.into_iter().map(Ok))).try_flatten();
        let rows = rows.try_filter(|row| future::ready(row.mark != Mark::Dropped));
        let rows = rows.and_then(|row| future::ready(payload::change(&row).map(|change| PlannedChange { change, mark: row.mark })));
        rows.boxed()
    }
}

/// A few lines without the changes themselves: what would be applied and under which hash, what would be held, and what waits; no
/// personal data.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.directory_id, self.changes)?;
        if let Some(hash) = &self.hash {
            write!(f, " (hash {hash})")?;
        }
        if let Some(held) = &self.held_set {
            write!(f, "\n{held}")?;
        }
        if self.waiting > 0 {
            write!(f, "\n{} that the sink refused", number(self.waiting, "change"))?;
        }
        if !self.evidence.is_complete() {
            f.write_str("\nnot everything could be read; what was not read stays as it is")?;
        }
        Ok(())
    }
}

/// A plan as the run that made it has it.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) hash: PlanHash,
    pub(crate) note: PlanNote,
    /// What is held, for people, and why.
    pub(crate) held: Option<KeptSet>,
    pub(crate) groups_held: GroupsHeld,
}

impl RunState {
    /// Turns what was staged into a plan. `None` when there is nothing to do, nothing held and nothing that waits.
    pub(crate) async fn plan(
        &mut self,
        fates: &mut Fates,
        escrow: &Escrow,
        limits: &Safeguards,
        decision: &Decision,
    ) -> Result<Option<Draft>, SyncError> {
        self.report(Activity::Planning);
        self.stager.flush().await.map_err(SyncError::store)?;
        if !self.stager.has_begun() {
            self.discard_earlier_plan().await.map_err(SyncError::store)?;
            self.prune(escrow, &BTreeSet::new()).await.map_err(SyncError::store)?;
            return Ok(None);
        }
        let upheld = self.upheld(fates, escrow, decision).await.map_err(SyncError::store)?;
        fates.uphold(&upheld);
        let wanted = self.wanted(fates, limits).await.map_err(SyncError::store)?;
        let mut exceeded = self.exceeded(wanted, limits);
        exceeded.uphold(&upheld);
        let mut planner = self.planner(fates, escrow, exceeded);
        self.judge_all(&mut planner).await.map_err(SyncError::store)?;
        self.prune(escrow, &planner.wanted_of_escrow).await.map_err(SyncError::store)?;
        if planner.counts.total() + planner.held.total() + planner.waiting.changes == 0 {
            self.store.discard_journal(&self.lease).await.map_err(SyncError::store)?;
            return Ok(None);
        }
        if self.index.users.base_size() + self.index.groups.base_size() == 0 {
            planner.counted.forget_creations();
        }
        let hash = planner.held_hash();
        let approved = planner.held.total() > 0 && decision.approves(hash, self.read_at);
        let held = if approved {
            tracing::info!(held = %hash, "changes that were held are approved");
            self.approve_all(&mut planner).await.map_err(SyncError::store)?;
            None
        } else {
            planner.summary(decision.standing(hash, self.read_at)).map(|summary| self.as_before(summary))
        };
        let hash = planner.apply_hash();
        let directory = self.evidence.before.after(&planner.counts);
        let recent = self.recent.with(self.read_at, limits.window, &planner.counted);
        let note = PlanNote {
            head: HeadNote { scope: self.info.scope.clone(), directory, recent },
            planned: planned(&planner.counts),
            held: held.clone(),
            waiting: planner.waiting.clone(),
            counted: planner.counted,
            approved,
        };
        let mut header = JournalHeader::new(self.revision, self.read_at);
        header.stage = Stage::Planned;
        header.plan = Some(hash);
        header.note = payload::to_json(&note).map_err(SyncError::store)?;
        self.store.update_journal(&self.lease, header).await.map_err(SyncError::store)?;
        let held = match held {
            Some(summary) => {
                let set = self.held_set(&planner, summary).await.map_err(SyncError::store)?;
                Some(KeptSet { set, causes: self.with_upheld(planner.causes(), upheld) })
            }
            None => None,
        };
        Ok(Some(Draft { hash, note, held, groups_held: planner.groups_held() }))
    }

    /// A plan that an earlier run made is not what would happen now. No delivery is under way, for that would have been finished first.
    async fn discard_earlier_plan(&self) -> Result<()> {
        match self.store.journal(&self.lease.directory).await? {
            Some(_) => self.store.discard_journal(&self.lease).await,
            None => Ok(()),
        }
    }

    /// Forgets what the sink refused and the directory does not want any more. What was not read says nothing about that.
    async fn prune(&self, escrow: &Escrow, wanted: &BTreeSet<StagedKey>) -> Result<()> {
        let writes = if self.evidence.is_complete() && self.mode == Mode::Full { escrow.keep(wanted) } else { Vec::new() };
        if writes.is_empty() { Ok(()) } else { self.store.write_base(&self.lease, writes).await }
    }

    /// Decides about every row, and marks what is held, what waits and what comes to nothing.
    async fn judge_all(&mut self, planner: &mut Planner<'_>) -> Result<()> {
        let mut pages = self.store.staged(&self.lease.directory, None, planner.detail());
        while let Some(rows) = pages.try_next().await? {
            let mut marks = Vec::new();
            for row in &rows {
                let verdict = planner.judge(row, self)?;
                self.evidence.dangling += verdict.dropped;
                marks.extend(verdict.marks);
            }
            if !marks.is_empty() {
                self.store.mark(&self.lease, marks, None).await?;
            }
        }
        Ok(())
    }

    /// Marks what was held to be applied after all, or to wait with what it depends on. The hash of the plan then covers the approved
    /// rows after the others.
    async fn approve_all(&self, planner: &mut Planner<'_>) -> Result<()> {
        let mut pages = self.store.staged(&self.lease.directory, None, Detail::Digests);
        while let Some(rows) = pages.try_next().await? {
            let mut marks = Vec::new();
            for row in &rows {
                marks.extend(planner.approve(row)?);
            }
            if !marks.is_empty() {
                self.store.mark(&self.lease, marks, None).await?;
            }
        }
        Ok(())
    }

    pub(crate) fn read_result(&self) -> ReadResult {
        ReadResult {
            evidence: Evidence { first_failure: self.first_failure.as_ref().map(Into::into), ..self.evidence.clone() },
            left_out: self.left_out,
        }
    }
}
