//! Delivering what was planned, and the end of a run.

use crate::apply::{Applied, Applier};
use crate::delta::Ended;
use crate::draft::Draft;
use crate::escrow::Waiting;
use crate::held::Decision;
use crate::index::MemberIndex;
use crate::memo::Memo;
use crate::payload;
use crate::report::{Held, Mode, Outcome, SyncReport};
use crate::run::run_name;
use crate::upheld::KeptSet;
use crate::{Standing, SyncEngine, SyncError};
use idsync_core::{Clock, IdentityProvider, JournalHeader, Lease, PlanHash, RunRecord, StateStore, Timestamp};
use std::sync::Arc;

/// What is left from before, which a delta does not find again.
#[derive(Default)]
struct Left {
    held: Option<Held>,
    /// What the sink refused, without what depends on it.
    waiting: Waiting,
}

impl SyncEngine {
    /// Delivers a journal. `members` are those of the base, if this run has read them.
    pub(crate) async fn deliver(
        &self,
        lease: &Lease,
        journal: JournalHeader,
        hash: PlanHash,
        members: Option<MemberIndex>,
    ) -> Result<Applied, SyncError> {
        let started = self.surroundings.clock.now();
        let applied = self.deliver_from(started, lease, journal, hash, members).await;
        if let Err(error) = &applied {
            self.record_failure(lease, started, error).await;
        }
        applied
    }

    async fn deliver_from(
        &self,
        started: Timestamp,
        lease: &Lease,
        journal: JournalHeader,
        hash: PlanHash,
        members: Option<MemberIndex>,
    ) -> Result<Applied, SyncError> {
        let escrow = self.load_escrow(lease, started).await?;
        let (store, sink, clock) = (Arc::clone(&self.store), Arc::clone(&self.sink), Arc::clone(&self.surroundings.clock));
        let mut applier = Applier::new(store, sink, lease.clone(), &journal, hash, escrow, clock);
        applier.observer = self.surroundings.observer.clone();
        applier.run(journal, members).await
    }

    pub(crate) async fn close(&self, mut draft: Draft, applied: Applied) -> Result<SyncReport, SyncError> {
        let finished = self.surroundings.clock.now();
        let left = self.left(&draft).await?;
        let kept_held = left.held.is_some();
        let (refused, declined) = (applied.refused, applied.declined);
        let report = self.report(&draft, applied, finished, left);
        if !kept_held {
            self.remember_held(&draft).await.map_err(SyncError::store)?;
        }
        if let Some((info, members_read)) = draft.next.take() {
            // A full run finds again whatever is held.
            let holds = draft.mode == Mode::Delta && draft.plan.as_ref().is_some_and(|plan| plan.held.is_some());
            let mut ended = Ended {
                lease: &draft.lease,
                info: &info,
                mode: draft.mode,
                started: draft.started,
                // Groups that failed are read again by every delta until they do not.
                is_good: report.evidence.unconfirmed == 0 && !report.evidence.is_garbled(),
                holds_anew: holds && !kept_held,
                is_unsettled: draft.read.evidence.users.held > 0 || draft.read.left_out > 0,
                held: draft.plan.as_ref().filter(|plan| plan.held.is_some()).map(|plan| plan.groups_held),
                declined,
                changed: refused > 0 || report.changes.total() > 0,
            };
            if ended.is_good && !ended.holds_anew {
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
        let mut waiting = Waiting::default();
        self.escrow_of(&draft.lease.directory).await?.iter().for_each(|known| waiting.add(Some(known)));
        Ok(Left { held, waiting })
    }

    fn report(&self, draft: &Draft, applied: Applied, finished: Timestamp, left: Left) -> SyncReport {
        let note = draft.plan.as_ref().map(|plan| &plan.note);
        let held = left.held.or_else(|| note.and_then(|note| note.held.clone()));
        let complete = draft.read.evidence.is_complete();
        let waiting = note.map(|note| note.waiting.clone()).unwrap_or_default();
        let escrowed = (applied.refused + waiting.changes).max(left.waiting.changes);
        // What was refused just now is in the escrow as well, and may be tried with the next run.
        let retry_left = left.waiting.retry_at.filter(|_| applied.refused == 0);
        let outcome = if !complete {
            Outcome::Incomplete
        } else if held.as_ref().is_some_and(|held| held.standing != Standing::Rejected) {
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
            first_refusal: applied.first_refusal.or(waiting.reason).or(left.waiting.reason),
            retry_at: waiting.retry_at.or(retry_left),
            directory: draft.read.evidence.before.after(&applied.counts),
            requests: self.provider.usage().since(&draft.before.usage),
            complete,
            evidence: draft.read.evidence.clone(),
            elapsed: finished.saturating_since(draft.started),
        }
    }

    /// Keeps the held set for whoever decides about it. What is not wanted any more is forgotten, decisions included.
    async fn remember_held(&self, draft: &Draft) -> Result<(), idsync_core::Error> {
        let (store, lease) = (self.store.as_ref(), &draft.lease);
        let kept: Option<KeptSet> = Memo::HeldSet.read(store, &lease.directory).await?;
        // A part that was not read may still want what is held, but an approval is good once.
        let is_over = draft.read.evidence.is_complete() || draft.plan.as_ref().is_some_and(|plan| plan.note.approved);
        match draft.plan.as_ref().and_then(|plan| plan.held.as_ref()) {
            Some(held) if kept.as_ref().is_some_and(|kept| kept.is_same_as(held)) => {
                match kept.and_then(|kept| kept.with_causes_of(held)) {
                    Some(kept) => Memo::HeldSet.write(store, lease, Some(&kept)).await,
                    None => Ok(()),
                }
            }
            Some(held) => {
                Memo::HeldSet.write(store, lease, Some(held)).await?;
                // Whatever was decided was decided about another set.
                Memo::Decision.write::<Decision>(store, lease, None).await
            }
            None if kept.is_some() && is_over => {
                Memo::HeldSet.write::<KeptSet>(store, lease, None).await?;
                Memo::Decision.write::<Decision>(store, lease, None).await
            }
            None => Ok(()),
        }
    }
}
