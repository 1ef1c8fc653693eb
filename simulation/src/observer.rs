//! What the oracles learn from what an engine asks of its store. Each of these is called once the store has done it, whether or not the
//! engine is told so.

use crate::call::Doing;
use crate::decisions::{HeldRows, Standing};
use crate::faults::Fault;
use crate::packs::{unpack, unpack_marks};
use crate::position::parse_escrow_key;
use crate::reading::{Reading, Start};
use crate::store::SimStore;
use crate::universe::{Oracle, lock};
use futures::{FutureExt, TryStreamExt};
use idsync_core::{BaseKind, Detail, GroupId, IndexRow, JournalHeader, Mark, Phase, Result, Stage, StagedKey, StagedRow};
use idsync_engine::Limit;
use std::collections::BTreeSet;
use std::future::Future;

/// The memos of the engine.
pub(crate) const FAILURES: &str = "failures";
const DECISION: &str = "decision";
const HELD_SET: &str = "held_set";

/// The stores of a simulation answer at once when nobody makes them wait.
fn at_once<T>(call: impl Future<Output = Result<T>>) -> Option<T> {
    call.now_or_never().and_then(Result::ok)
}

impl SimStore {
    /// The journal as the store has it.
    pub(crate) fn journal_now(&self) -> Option<JournalHeader> {
        at_once(self.inner.journal(&self.directory)).flatten()
    }

    fn staged_now(&self) -> Vec<StagedRow> {
        at_once(self.inner.staged(&self.directory, None, Detail::Digests).try_concat()).unwrap_or_default()
    }

    fn has_rows(&self, kind: BaseKind) -> bool {
        at_once(self.inner.index(&self.directory, kind).try_concat()).is_none_or(|rows: Vec<IndexRow>| !rows.is_empty())
    }

    fn has_memo(&self, name: &str) -> bool {
        at_once(self.inner.memo(&self.directory, name)).flatten().is_some()
    }

    /// Whether a failed read or a refused change is remembered.
    pub(crate) fn is_something_set_aside(&self) -> bool {
        let notes = &self.universe.notes;
        lock(&notes.failures).is_any() || !lock(&notes.refusals).is_empty()
    }

    /// Whether something is left of a read.
    pub(crate) fn has_checkpoint(&self) -> bool {
        self.has_rows(BaseKind::Checkpoint)
    }

    /// The first that is asked when a directory is to be read.
    pub(crate) fn begin_read(&self) {
        let (notes, now) = (&self.universe.notes, self.watch.times().last);
        let beside = [BaseKind::Escrow, BaseKind::Checkpoint].into_iter().any(|kind| self.has_rows(kind));
        let memos = [FAILURES, DECISION, HELD_SET].into_iter().any(|name| self.has_memo(name));
        self.watch.reading().begin(Start {
            version: self.universe.version(),
            at: now,
            lately: lock(&notes.lately).within(now, self.watch.limits.window),
            approved: lock(&notes.decisions).is_approval_good(now),
            // A plan that was not applied is discarded by the next run.
            is_tidy: !beside && !memos && self.journal_now().is_none(),
        });
        self.watch.did(|call| (call.reads, call.delivers) = (true, false));
    }

    /// A read looks for one that was broken off.
    pub(crate) fn resume(&self, reading: &Reading) {
        let Some((journal, start)) = self.journal_now().zip(reading.start()) else { return };
        let revision = at_once(self.inner.head(&self.directory)).flatten().map(|head| head.revision).unwrap_or_default();
        let keep = self.watch.settings.checkpoint.keep;
        lock(&self.universe.notes.noted).resume(&journal, revision, &reading.scope, start.at, keep, reading);
    }

    /// Takes note of how large the base is that a read stands on.
    pub(crate) fn count_base(&self, kind: BaseKind, rows: &[IndexRow]) {
        let reading = self.watch.reading();
        let base = &mut lock(&reading.asked).base;
        match kind {
            BaseKind::User => base.users += rows.len() as u64,
            BaseKind::Group => base.groups += rows.len() as u64,
            BaseKind::Members => {
                let mut groups = BTreeSet::new();
                for row in rows {
                    // The digest of a block of members begins with their sum and ends with their number; its key begins with the group.
                    let members = u64::try_from(u128::from_le_bytes(row.digest.0) >> 96).unwrap_or(u64::MAX);
                    base.memberships += members;
                    let Some(group) = row.key().split('\0').next().and_then(|id| GroupId::new(id).ok()) else { continue };
                    if !groups.insert(group.clone()) {
                        self.watch.strike(Fault::SeveralBlocks);
                    }
                    *base.members.entry(group).or_default() += members;
                }
            }
            _ => {}
        }
    }

    /// A plan holds rows back, lets them wait, or applies what was held because somebody approved it.
    pub(crate) fn note_judgements(&self, marks: &[(StagedKey, Mark)]) {
        let marks = unpack_marks(marks, &self.staged_now());
        let positions = |wanted: Mark| marks.iter().filter(move |(_, mark)| *mark == wanted).map(|(position, _)| position);
        if positions(Mark::Failed).next().is_some() {
            self.watch.strike(Fault::RefusedWaits);
        }
        let held: BTreeSet<_> = positions(Mark::Held).cloned().collect();
        if !held.is_empty() {
            self.hold(&held);
        }
        if positions(Mark::Apply).next().is_some() {
            self.approve();
        }
    }

    fn hold(&self, positions: &BTreeSet<StagedKey>) {
        let limits = &self.watch.limits;
        let grows = |position: &StagedKey| match position.phase {
            Phase::CreateUsers | Phase::AddMembers => limits.creations != Limit::Unlimited,
            Phase::PutGroups => true,
            Phase::UpdateUsers => limits.logins == Limit::Unlimited,
            _ => false,
        };
        if positions.iter().any(grows) {
            self.watch.strike(Fault::GrowthHeld);
        }
        let rows = self.staged_now().iter().flat_map(unpack).collect::<Vec<_>>();
        let rows = rows.into_iter().filter(|row| positions.contains(&row.position));
        let rows = rows.map(|row| (row.position, row.effect.and_then(|effect| effect.record).map(|record| record.digest)));
        self.watch.reading().hold(rows.collect());
    }

    fn approve(&self) {
        let reading = self.watch.reading();
        let (held, now) = (reading.held(), reading.start().map_or(self.watch.times().last, |start| start.at));
        match lock(&self.universe.notes.decisions).standing(&held, now) {
            Standing::Approved => {}
            Standing::Rejected => self.universe.violate(Oracle::Rejected, format!("what was rejected is to be applied: {}", names(&held))),
            Standing::Open => self.universe.violate(Oracle::Held, format!("what nobody approved is to be applied: {}", names(&held))),
        }
        reading.approve();
    }

    /// Rows beside the base are written: kind, key, and whether there is a row from now on.
    pub(crate) fn note_beside(&self, writes: &[(BaseKind, String, bool)]) {
        let (universe, reading, now) = (&self.universe, self.watch.reading(), self.watch.times().last);
        let mut saves = false;
        for (kind, key, is_put) in writes {
            match kind {
                BaseKind::Escrow if !is_put => match parse_escrow_key(key) {
                    Some(position) => self.forget_refusal(&position, &reading),
                    None => universe.violate(Oracle::EarlyRetry, format!("a refused change under {key:?}")),
                },
                BaseKind::Checkpoint => {
                    let group = key.split_once('\0').and_then(|(_, id)| GroupId::new(id).ok());
                    let mut noted = lock(&universe.notes.noted);
                    match (group, is_put) {
                        (Some(group), true) => {
                            let finding = noted.note(&group, &reading);
                            finding.into_iter().for_each(|finding| universe.violate(Oracle::Justification, finding));
                        }
                        (Some(group), false) => noted.forget(&group),
                        (None, _) => {}
                    }
                    if let Some(journal) = self.journal_now().filter(|_| *is_put) {
                        noted.identify(&journal, reading.scope.clone());
                    }
                    saves |= is_put;
                }
                _ => {}
            }
        }
        if saves {
            lock(&reading.asked).checkpoints.push(now);
        }
    }

    /// The engine forgets that the sink refused something: because it took it, because it is not wanted any more, or because it is told to.
    fn forget_refusal(&self, position: &StagedKey, reading: &Reading) {
        let refusals = &self.universe.notes.refusals;
        let call = self.watch.call();
        if call.doing != Doing::Release && lock(refusals).has(position) {
            let key = position.key.replace('\0', " ");
            if call.delivers {
                self.universe.violate(Oracle::EarlyRetry, format!("{key} is forgotten, although the sink has not taken it"));
            } else if lock(&reading.asked).incomplete {
                self.universe.violate(Oracle::EarlyRetry, format!("{key} is forgotten, although not everything was read"));
            } else if self.is_staged(position) {
                self.universe.violate(Oracle::EarlyRetry, format!("{key} is forgotten, although it is still wanted"));
            }
        }
        lock(refusals).forget(position);
    }

    fn is_staged(&self, position: &StagedKey) -> bool {
        // A plan that is left of an earlier run says nothing about what is wanted now.
        self.journal_now().is_some_and(|journal| journal.stage == Stage::Reading)
            && self.staged_now().iter().flat_map(unpack).any(|row| row.position == *position && row.mark != Mark::Dropped)
    }

    /// What was delivered is part of the base from now on, and of what changed lately.
    pub(crate) fn note_commit(&self, journal: Option<&JournalHeader>) {
        let plan = journal.and_then(|journal| journal.plan);
        let Some(reading) = plan.and_then(|plan| self.universe.notes.reading(plan)) else { return };
        let Some(start) = reading.start() else { return };
        lock(&self.universe.notes.lately).commit(start.at, reading.limits.window, reading.counted());
        if reading.is_any_approved() {
            lock(&self.universe.notes.decisions).consume();
        }
    }

    /// A memo is kept, or forgotten.
    pub(crate) fn note_memo(&self, name: &str, is_kept: bool) {
        let (notes, now) = (&self.universe.notes, self.watch.times().last);
        match (name, is_kept) {
            (FAILURES, true) => {
                lock(&notes.failures).fail(now, &self.watch.settings.quarantine);
                self.watch.did(|call| call.failures += 1);
            }
            (FAILURES, false) => *lock(&notes.failures) = crate::patience::Failures::default(),
            (DECISION, true) => match self.watch.call().doing {
                Doing::Approve(hash) => lock(&notes.decisions).approve(hash, now),
                Doing::Reject(hash) => lock(&notes.decisions).reject(hash),
                other => self.universe.violate(Oracle::Held, format!("a decision that nobody made, in {other:?}")),
            },
            (DECISION, false) => lock(&notes.decisions).forget(),
            _ => {}
        }
    }
}

/// Some of the rows, for people.
fn names(rows: &HeldRows) -> String {
    rows.keys().take(4).map(|position| position.key.replace('\0', " ")).collect::<Vec<_>>().join(", ")
}
