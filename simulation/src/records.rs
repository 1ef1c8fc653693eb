//! What a call of an engine must have left behind.

use crate::call::{Call, Doing};
use crate::decisions;
use crate::faults::Fault;
use crate::store::SimStore;
use crate::universe::{Oracle, lock};
use idsync_engine::{Held, Outcome, Plan, Standing, SyncError, SyncReport};
use std::sync::atomic::Ordering;

/// How a call ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ended<'a> {
    /// Something was decided, or released.
    Decided,
    Planned(&'a Plan),
    Reported(&'a SyncReport),
    Failed(&'a SyncError),
}

/// Runs that are recorded.
#[derive(Debug)]
enum Records {
    /// Exactly one, of a run that ended so.
    One(&'static str),
    /// At most one: the store failed, and may have failed to record it.
    AtMostOne,
    None,
}

/// Calls of the store that a run makes beside reading, planning and delivering; whoever fails in one of them may leave no record.
const BESIDE: [&str; 8] = ["acquire", "begin journal", "discard journal", "journal", "memo", "record run", "release", "set memo"];

impl SimStore {
    /// Looks at what a call has left behind, and at what it said.
    pub(crate) fn check_call(&self, ended: Ended<'_>) {
        let call = self.watch.call();
        self.check_records(&call, ended);
        self.check_failures(&call, ended);
        let (held, resumed) = match ended {
            Ended::Planned(plan) => (plan.held.as_ref(), plan.evidence.resumed),
            Ended::Reported(report) => (report.held.as_ref(), report.evidence.resumed),
            Ended::Decided | Ended::Failed(_) => return,
        };
        // The read that a plan is applied from is that of the plan.
        let may = self.watch.reading().goes_on_from();
        if resumed > may {
            let finding = format!("{resumed} groups are as an earlier attempt read them, and only {may} may be");
            self.universe.violate(Oracle::Justification, finding);
        }
        if resumed > 0 {
            self.watch.strike(Fault::Resumed);
        }
        if let Some(held) = held {
            self.check_held(held);
        }
        let has_lease = !self.watch.lease_is_lost.load(Ordering::Relaxed);
        if has_lease && call.doing != Doing::Apply && self.has_checkpoint() {
            self.universe.violate(Oracle::RunRecords, "a read that came to its end has left a checkpoint");
        }
        if let Ended::Reported(report) = ended {
            if report.evidence.protected > 0 {
                self.watch.strike(Fault::ProtectedSpared);
            }
            if call.doing == Doing::Sync {
                self.check_quiet(&call, report);
            }
        }
    }

    fn check_records(&self, call: &Call, ended: Ended<'_>) {
        let sound = call.fault.is_none() && !self.watch.lease_is_lost.load(Ordering::Relaxed);
        let expected = match ended {
            Ended::Decided | Ended::Planned(_) => Records::None,
            // Not a run.
            Ended::Failed(_) if matches!(call.doing, Doing::Approve(_) | Doing::Reject(_) | Doing::Release) => Records::None,
            Ended::Reported(report) => Records::One(word(report.outcome)),
            Ended::Failed(error) => match error {
                SyncError::Read(_) | SyncError::Refused(_) if !call.reads => Records::None,
                SyncError::Read(_) | SyncError::Refused(_) | SyncError::Sink(_) if sound => Records::One("failed"),
                SyncError::Store(_) if call.fault.is_some_and(|what| !BESIDE.contains(&what)) => Records::One("failed"),
                SyncError::Read(_) | SyncError::Refused(_) | SyncError::Sink(_) | SyncError::Store(_) => Records::AtMostOne,
                _ => Records::None,
            },
        };
        let fits = match expected {
            Records::One(outcome) => call.records == [outcome],
            Records::AtMostOne => call.records.len() <= 1,
            Records::None => call.records.is_empty(),
        };
        if !fits {
            let finding = format!("{} has left {:?} in {:?}, expected {expected:?}", self.watch.name, call.records, call.doing);
            self.universe.violate(Oracle::RunRecords, finding);
        }
    }

    /// A failed read counts, and nothing else does.
    fn check_failures(&self, call: &Call, ended: Ended<'_>) {
        let error = if let Ended::Failed(error) = ended { Some(error) } else { None };
        let failed = matches!(error, Some(SyncError::Read(_) | SyncError::Refused(_))) && call.reads;
        let sound = call.fault.is_none() && !self.watch.lease_is_lost.load(Ordering::Relaxed);
        if call.failures > u64::from(failed) || (failed && sound && call.failures == 0) {
            let finding = format!("{} failed reads were counted in {:?}, which ended {ended:?}", call.failures, call.doing);
            self.universe.violate(Oracle::Patience, finding);
        }
        if call.failures > 0 {
            let refused = matches!(error, Some(SyncError::Refused(_)));
            lock(&self.universe.notes.failures).explain(refused, &self.watch.settings.quarantine);
        }
        if matches!(error, Some(SyncError::Quarantined(_))) {
            self.watch.strike(Fault::SetAside);
            let times = self.watch.times();
            if !lock(&self.universe.notes.failures).may_be_in_force(times.patience.unwrap_or(times.last)) {
                self.universe.violate(Oracle::Patience, "the directory is set aside, and is not to be");
            }
        }
    }

    /// A set is held under a hash of its own, and nobody is asked twice about one that was rejected.
    fn check_held(&self, held: &Held) {
        let reading = self.watch.reading();
        let rows = reading.held();
        let mut decisions = lock(&self.universe.notes.decisions);
        if decisions.learn(held.hash, &rows) {
            self.universe.violate(Oracle::Plan, format!("two sets are held under {}", held.hash));
        }
        let now = reading.start().map_or(self.watch.times().last, |start| start.at);
        let is_rejected = decisions.standing(&rows, now) == decisions::Standing::Rejected;
        if is_rejected != (held.standing == Standing::Rejected) {
            self.universe.violate(Oracle::Rejected, format!("a set is said to be {:?}; rejected: {is_rejected}", held.standing));
        }
    }

    /// A run in which nothing happened leaves its record, and nothing else.
    fn check_quiet(&self, call: &Call, report: &SyncReport) {
        const UNEVENTFUL: &[Fault] =
            &[Fault::EmptyPages, Fault::ClockBack, Fault::ClockAhead, Fault::SeveralBlocks, Fault::ProtectedSpared, Fault::Released];
        let reading = self.watch.reading();
        let was_tidy = reading.start().is_some_and(|start| start.is_tidy && start.version == self.universe.version());
        let changes = report.changes.total() + report.recovered.total() + report.escrowed + report.evidence.dangling;
        let quiet = report.outcome == Outcome::Done && changes == 0 && report.held.is_none();
        if !(was_tidy && quiet && self.watch.struck().all_among(UNEVENTFUL)) {
            return;
        }
        let made_checkpoints = !lock(&reading.asked).checkpoints.is_empty();
        let may = |what: &&str| match *what {
            "record run" | "release" => true,
            "begin journal" | "discard journal" | "write base" => made_checkpoints,
            _ => false,
        };
        if let Some(what) = call.writes.iter().find(|what| !may(what)) {
            self.universe.violate(Oracle::RunRecords, format!("a run in which nothing happened did: {what}"));
        }
        if made_checkpoints && self.journal_now().is_some() {
            self.universe.violate(Oracle::RunRecords, "a run in which nothing happened has left a journal");
        }
    }
}

const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Held => "held",
        Outcome::Incomplete => "incomplete",
        Outcome::Refused => "refused",
        _ => "unknown",
    }
}
