//! What is made of a run that is over.

use crate::checks::{Around, Ending, check_failure, check_requests};
use crate::dump::{difference, dump};
use crate::faults::Fault;
use crate::neighbour;
use crate::scenario::Typical;
use crate::shield::Shield;
use crate::simulation::{Simulation, Slot};
use crate::universe::{Oracle, lock};
use crate::watch::Watch;
use futures::FutureExt;
use idsync_core::{EntryId, StateStore};
use idsync_engine::{DirectorySize, Outcome};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

impl Simulation<'_> {
    /// Learns from a run, and checks it.
    pub(crate) fn conclude(&mut self, watch: &Watch, slot: &Slot, around: Around) {
        self.runs += 1;
        self.learn(watch);
        let ending = std::mem::replace(&mut *lock(slot), Ending::Dropped);
        match &ending {
            Ending::Dropped => self.universe.note(format_args!("{} was dropped", watch.name)),
            Ending::Failed(error) => {
                self.universe.note(format_args!("{} failed: {error}", watch.name));
                check_failure(&self.universe, watch, error, around);
            }
            Ending::Planned(plan) => {
                self.universe.note(format_args!("{} planned {:?}", watch.name, plan.changes));
                self.strike_if_held(watch, plan.held.is_some());
            }
            Ending::Done(report) => {
                self.universe.note(format_args!("{} ended {:?}: {:?}", watch.name, report.outcome, report.changes));
                self.strike_if_held(watch, report.held.is_some());
                // A set that was rejected is held, and the run is done.
                let is_done = report.outcome == Outcome::Done && report.held.is_none() && !around.company;
                if !around.company {
                    self.check_size(&report.directory);
                }
                if is_done && !around.source_moved {
                    self.check_done(watch);
                }
            }
        }
        if watch.struck().contains(Fault::NothingShown) && matches!(ending, Ending::Planned(_) | Ending::Done(_)) {
            self.universe.violate(Oracle::Justification, "a directory that shows nothing was believed");
        }
        check_requests(&self.universe, watch);
        self.check_history();
        for fault in watch.struck().iter() {
            self.tally.strike(fault);
            self.struck.insert(fault);
        }
    }

    /// A run that comes to its end says how much the sink has now, whatever is held or refused.
    fn check_size(&self, said: &DirectorySize) {
        let sink = self.sink.snapshot();
        let there = [sink.users().len(), sink.groups().len(), sink.memberships().len()].map(|count| count as u64);
        let said = [said.users, said.groups, said.memberships];
        if said != there {
            self.universe
                .violate(Oracle::Convergence, format!("{said:?} users, groups and memberships are reported, and there are {there:?}"));
        }
    }

    /// A run that says that it is done, while nothing but what an engine can make up for went wrong, has left nothing undone.
    fn check_done(&self, watch: &Watch) {
        const HARMLESS: &[Fault] = &[
            Fault::RowsRepeated,
            Fault::EmptyPages,
            Fault::ScopeChanged,
            Fault::MassDeletion,
            Fault::Approval,
            Fault::GrowthHeld,
            Fault::ProtectedSpared,
            Fault::RefusedWaits,
            Fault::Released,
            Fault::SeveralBlocks,
            Fault::ClockBack,
            Fault::ClockAhead,
        ];
        const HIDING: [Fault; 2] = [Fault::UsersHidden, Fault::GroupsHidden];
        let mut struck = watch.struck();
        let spared = self.spared(&watch.settings.shield);
        if struck.all_among(HARMLESS) {
            self.check_equal_but_for(&spared);
            return;
        }
        HIDING.into_iter().for_each(|fault| struck.remove(fault));
        if struck.all_among(HARMLESS) {
            // Nobody can ask for an entry that was never seen, but what was seen before is what it is now.
            let (sink, source) = self.dumps(&spared);
            let outdated = sink.lines().filter(|line| !source.lines().any(|other| other == *line)).collect::<Vec<_>>();
            if !outdated.is_empty() {
                self.universe.violate(Oracle::Convergence, format!("left behind: {}", outdated.join("; ")));
            }
        }
    }

    /// Entries that the sink may keep whatever the source says.
    fn spared(&self, shield: &Shield) -> HashSet<EntryId> {
        let sink = self.sink.snapshot();
        let users = sink.users().filter(|user| shield.user(&user.id, user.login.as_deref())).map(|user| EntryId::User(user.id.clone()));
        let groups = sink.groups().filter(|group| shield.group(&group.id)).map(|group| EntryId::Group(group.id.clone()));
        users.chain(groups).collect()
    }

    /// What the store keeps of runs is what was recorded.
    fn check_history(&self) {
        let kept = self.memory.runs(&self.directory, usize::MAX).now_or_never().and_then(Result::ok).map_or(0, |runs| runs.len());
        let recorded = *lock(&self.universe.notes.records);
        if kept != recorded {
            self.universe.violate(Oracle::RunRecords, format!("{kept} runs are kept, and {recorded} were recorded"));
        }
    }

    fn strike_if_held(&self, watch: &Watch, held: bool) {
        if held && watch.plans(Fault::MassDeletion) {
            watch.strike(Fault::MassDeletion);
        }
    }

    fn learn(&mut self, watch: &Watch) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Typical { requests, store_calls, sink_calls, polls } = &mut self.typical;
        // The next run is about as long as the last one that came to its end.
        *requests = load(&watch.requests).max(*requests / 2).max(1);
        *store_calls = load(&watch.store_calls).max(*store_calls / 2).max(1);
        *sink_calls = load(&watch.sink_calls).max(*sink_calls / 2).max(1);
        for (step, count) in watch.polls() {
            let typical = polls.entry(step).or_default();
            *typical = count.max(*typical / 2).max(1);
        }
    }

    fn dumps(&self, spared: &HashSet<EntryId>) -> (String, String) {
        (dump(&self.sink.snapshot(), spared), dump(&self.universe.world().snapshot(), spared))
    }

    pub(crate) fn is_equal(&self) -> bool {
        let (sink, source) = self.dumps(&HashSet::new());
        sink == source
    }

    pub(crate) fn check_equal(&self) {
        self.check_equal_but_for(&HashSet::new());
    }

    fn check_equal_but_for(&self, spared: &HashSet<EntryId>) {
        let (sink, source) = self.dumps(spared);
        if sink != source {
            self.universe.violate(Oracle::Convergence, difference(&sink, &source));
        }
    }

    pub(crate) fn check_neighbour(&self) {
        if neighbour::fingerprint(&self.memory, &self.neighbour) != self.untouched {
            self.universe.violate(Oracle::Isolation, "another directory in the same store was touched");
        }
    }
}
