//! What a seed draws for one run.

use crate::faults::Fault;
use crate::random::Random;
use crate::watch::{FaultSet, Moments, Step};
use idsync_engine::{GroupLimit, Limit, Safeguards};
use std::collections::BTreeMap;

/// One run, as it was drawn.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) steps: &'static [Step],
    pub(crate) faults: FaultSet,
    pub(crate) limits: Safeguards,
    pub(crate) moments: Moments,
    /// More runs that follow at once, each with faults that go on.
    pub(crate) encores: Vec<(&'static [Step], FaultSet)>,
    /// Nothing but one membership comes and goes between them.
    pub(crate) wavers: bool,
}

/// How many calls a run makes, so that a fault that strikes once strikes in time. Learned from the runs before.
#[derive(Debug)]
pub(crate) struct Typical {
    pub(crate) requests: u64,
    pub(crate) store_calls: u64,
    pub(crate) sink_calls: u64,
    pub(crate) polls: BTreeMap<Step, u64>,
}

impl Typical {
    pub(crate) fn new() -> Self {
        Self { requests: 6, store_calls: 12, sink_calls: 2, polls: BTreeMap::new() }
    }

    fn polls(&self, step: Step) -> u64 {
        self.polls.get(&step).copied().unwrap_or(match step {
            Step::Apply => 25,
            _ => 60,
        })
    }
}

/// What a run may be made of.
const STEPS: [&[Step]; 4] = [&[Step::Sync], &[Step::Plan, Step::Apply], &[Step::Plan, Step::ApplyHash], &[Step::Plan]];

impl Scenario {
    /// Draws a run.
    pub(crate) fn draw(random: &mut Random, typical: &Typical) -> Self {
        let mut faults = draw_faults(random);
        let wavers = faults.contains(Fault::Approval) && random.once_in(4);
        let encores = if wavers { draw_wavering(random, &mut faults) } else { draw_encores(random, &mut faults) };
        let steps = draw_steps(random, &mut faults);
        let doomed = steps.iter().copied().find(|step| faults.contains(step.crash())).unwrap_or(Step::Sync);
        let moments = Moments {
            request: random.between(1, typical.requests),
            store_call: random.between(1, typical.store_calls),
            sink_call: random.between(1, typical.sink_calls),
            poll: random.between(1, typical.polls(doomed)),
        };
        let limits = if wavers { Safeguards::all(Limit::Unlimited).with_memberships(Limit::Count(0)) } else { draw_limits(random, faults) };
        Self { steps, faults, limits, moments, encores, wavers }
    }
}

fn draw_faults(random: &mut Random) -> FaultSet {
    let mut faults = FaultSet::default();
    for _ in 0..random.between(1, 3) {
        // Some worlds have large groups, and others have not.
        if let Some(fault) = random.pick(Fault::ALL).filter(|fault| **fault != Fault::SeveralBlocks) {
            faults.insert(*fault);
        }
    }
    // What is never missing is never looked up.
    if faults.contains(Fault::LookupsFail) {
        faults.insert(if random.once_in(2) { Fault::UsersHidden } else { Fault::GroupsHidden });
    }
    // Only what is held can be approved or rejected.
    if faults.contains(Fault::Approval) || faults.contains(Fault::Rejection) {
        faults.insert(Fault::MassDeletion);
    }
    // Pages that come again are interesting when they differ.
    if faults.contains(Fault::RowsRepeated) && random.once_in(2) {
        faults.insert(Fault::SourceMoves);
    }
    // Rows move only when something moves them.
    if faults.contains(Fault::RowsMoved) {
        faults.insert(Fault::SourceMoves);
    }
    if faults.contains(Fault::LeaseLost) {
        // A batch in flight of an engine without a lease may end otherwise than the other engine was told: sinks know no leases. That it
        // ends the same is promised only as long as the sink does not change its mind.
        for fault in [Fault::RefusedWaits, Fault::SinkRefuses, Fault::SinkRefusesEntries, Fault::StoreFailsBefore, Fault::StoreFailsAfter] {
            faults.remove(fault);
        }
        faults.insert(Fault::SecondEngine);
    }
    faults
}

/// What is approved comes back and goes again, while some part cannot be read, or no run comes to its end.
fn draw_wavering(random: &mut Random, faults: &mut FaultSet) -> Vec<(&'static [Step], FaultSet)> {
    faults.remove(Fault::MassDeletion);
    let mut goes_on = FaultSet::default();
    goes_on.insert(Fault::Approval);
    goes_on.insert(if random.once_in(3) { Fault::SinkRefusesRun } else { Fault::MembersFail });
    vec![(STEPS[0], goes_on); 4]
}

/// Some things happen only when a run is made again, and meets the same once more. The last time it may meet nothing.
fn draw_encores(random: &mut Random, faults: &mut FaultSet) -> Vec<(&'static [Step], FaultSet)> {
    let (mut runs, mut goes_on) = (0, FaultSet::default());
    if faults.contains(Fault::RefusedWaits) {
        goes_on.insert(Fault::SinkRefusesEntries);
        runs = random.between(1, 2);
        if random.once_in(3) {
            // What waits and what is held depend on each other.
            [Fault::GrowthHeld, Fault::MassDeletion, Fault::Approval].into_iter().for_each(|fault| faults.insert(fault));
        }
    }
    if faults.contains(Fault::SetAside) {
        goes_on.insert(Fault::ProviderDown);
        runs = random.between(1, 3);
    }
    goes_on.iter().for_each(|fault| faults.insert(fault));
    let mut encores: Vec<_> = (0..runs).map(|_| goes_on).collect();
    if !encores.is_empty() && !random.once_in(3) {
        encores.push(FaultSet::default());
    }
    if faults.contains(Fault::Resumed) {
        faults.insert(if random.once_in(2) { Fault::CrashInSync } else { Fault::UsersFail });
        encores.push(FaultSet::default());
    }
    for decided in [Fault::Approval, Fault::Rejection].into_iter().filter(|fault| faults.contains(*fault)) {
        encores.iter_mut().for_each(|faults| faults.insert(decided));
    }
    encores.into_iter().map(|faults| (STEPS[if random.once_in(3) { 1 } else { 0 }], faults)).collect()
}

/// Chooses what the run is made of; a crash decides it, and there is only one.
fn draw_steps(random: &mut Random, faults: &mut FaultSet) -> &'static [Step] {
    let crashes = [Step::Sync, Step::Apply, Step::ApplyHash, Step::Plan].map(|step| (step, step.crash()));
    let Some((step, _)) = crashes.into_iter().find(|(_, fault)| faults.contains(*fault)) else {
        return STEPS[match random.below(10) {
            0..6 => 0,
            6..8 => 1,
            8 => 2,
            _ => 3,
        }];
    };
    for (_, fault) in crashes.into_iter().filter(|(other, _)| *other != step) {
        faults.remove(fault);
    }
    match step {
        Step::Sync => STEPS[0],
        Step::Apply => STEPS[1],
        Step::ApplyHash => STEPS[2],
        Step::Plan => STEPS[3],
    }
}

fn draw_limits(random: &mut Random, faults: FaultSet) -> Safeguards {
    let tight = faults.contains(Fault::MassDeletion);
    let mut draw = || match random.below(if tight { 2 } else { 6 }) {
        0 => Limit::Count(random.below(if tight { 2 } else { 5 })),
        1 => Limit::percent(u8::try_from(random.below(if tight { 8 } else { 30 })).unwrap_or_default()),
        2 => Limit::Percent { percent: 10, at_least: 10, at_most: 500 },
        _ => Limit::Unlimited,
    };
    let removals = Safeguards::default().with_users(draw()).with_deactivations(draw()).with_groups(draw()).with_memberships(draw());
    let limits = removals.with_logins(draw()).with_in_one_group(draw_group_limit(random, tight));
    // Sometimes nothing is held for which somebody would be looked up.
    let alone = tight && random.once_in(3);
    let limits = if alone { limits.with_users(Limit::Unlimited).with_groups(Limit::Unlimited) } else { limits };
    let tight = faults.contains(Fault::GrowthHeld);
    let mut draw = || match random.below(if tight { 3 } else { 12 }) {
        0 | 1 => Limit::Count(random.below(if tight { 3 } else { 8 })),
        2 => Limit::percent(u8::try_from(random.below(if tight { 10 } else { 50 })).unwrap_or_default()),
        _ => Limit::Unlimited,
    };
    limits.with_creations(draw()).with_updates(draw())
}

fn draw_group_limit(random: &mut Random, tight: bool) -> GroupLimit {
    match random.below(if tight { 2 } else { 5 }) {
        0 => {
            let percent = u8::try_from(random.below(if tight { 30 } else { 70 })).unwrap_or_default();
            GroupLimit::Percent { percent, from: random.between(1, 6) }
        }
        1 => Safeguards::default().in_one_group,
        _ => GroupLimit::Unlimited,
    }
}
