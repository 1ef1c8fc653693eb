//! What is known of one engine's run: the faults it is to meet, and what it does.

use crate::call::{Call, Doing, Times};
use crate::faults::Fault;
use crate::reading::Reading;
use crate::settings::Settings;
use crate::universe::{Universe, lock};
use idsync_core::{PlanHash, Timestamp};
use idsync_engine::Safeguards;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Faults that were drawn, or that struck.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FaultSet(u64);

impl FaultSet {
    pub(crate) const fn insert(&mut self, fault: Fault) {
        self.0 |= 1 << fault as u64;
    }

    pub(crate) const fn remove(&mut self, fault: Fault) {
        self.0 &= !(1 << fault as u64);
    }

    pub(crate) const fn contains(self, fault: Fault) -> bool {
        self.0 & (1 << fault as u64) != 0
    }

    /// Whether all of them are among these.
    pub(crate) fn all_among(self, faults: &[Fault]) -> bool {
        self.iter().all(|fault| faults.contains(&fault))
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.iter().copied().filter(move |fault| self.contains(*fault))
    }
}

/// The engine that brings everything in step at the end.
pub(crate) const CLEAN: &str = "clean engine";

/// What an engine is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Plan,
    Apply,
    ApplyHash,
    Sync,
}

impl Step {
    /// The fault of being dropped in this step.
    pub(crate) const fn crash(self) -> Fault {
        match self {
            Self::Plan => Fault::CrashInPlan,
            Self::Apply => Fault::CrashInApply,
            Self::ApplyHash => Fault::CrashInApplyHash,
            Self::Sync => Fault::CrashInSync,
        }
    }
}

/// At which call of its kind a fault strikes that strikes once.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moments {
    pub(crate) request: u64,
    pub(crate) store_call: u64,
    pub(crate) sink_call: u64,
    pub(crate) poll: u64,
}

/// One engine's run.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) name: &'static str,
    pub(crate) salt: u64,
    pub(crate) limits: Safeguards,
    pub(crate) settings: Settings,
    pub(crate) moments: Moments,
    pub(crate) requests: AtomicU64,
    pub(crate) store_calls: AtomicU64,
    pub(crate) sink_calls: AtomicU64,
    pub(crate) role_is_lost: AtomicBool,
    pub(crate) lease_is_lost: AtomicBool,
    /// What is to be delivered, and nothing else.
    pub(crate) expected: Mutex<Option<PlanHash>>,
    universe: Arc<Universe>,
    planned: FaultSet,
    struck: Mutex<FaultSet>,
    step: Mutex<Step>,
    call: Mutex<Call>,
    times: Mutex<Times>,
    readings: Mutex<Vec<Arc<Reading>>>,
    polls: Mutex<BTreeMap<Step, u64>>,
}

/// What a run is made with.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) faults: FaultSet,
    pub(crate) limits: Safeguards,
    pub(crate) settings: Settings,
    pub(crate) moments: Moments,
    /// Decides which entries a fault strikes.
    pub(crate) salt: u64,
}

impl Watch {
    pub(crate) fn new(universe: &Arc<Universe>, name: &'static str, setup: Setup) -> Arc<Self> {
        let Setup { faults, limits, settings, moments, salt } = setup;
        let limits = limits.with_window(settings.window);
        Arc::new(Self {
            name,
            salt,
            limits,
            settings,
            moments,
            requests: AtomicU64::default(),
            store_calls: AtomicU64::default(),
            sink_calls: AtomicU64::default(),
            role_is_lost: AtomicBool::default(),
            lease_is_lost: AtomicBool::default(),
            expected: Mutex::default(),
            universe: Arc::clone(universe),
            planned: faults,
            struck: Mutex::default(),
            step: Mutex::new(Step::Sync),
            call: Mutex::default(),
            times: Mutex::new(Times::START),
            readings: Mutex::new(vec![Arc::new(Reading::new(limits, String::new()))]),
            polls: Mutex::default(),
        })
    }

    pub(crate) const fn plans(&self, fault: Fault) -> bool {
        self.planned.contains(fault)
    }

    pub(crate) fn strike(&self, fault: Fault) {
        let mut struck = lock(&self.struck);
        if !struck.contains(fault) {
            self.universe.note(format_args!("{} meets: {fault}", self.name));
            struck.insert(fault);
        }
    }

    pub(crate) fn struck(&self) -> FaultSet {
        *lock(&self.struck)
    }

    pub(crate) fn step(&self) -> Step {
        *lock(&self.step)
    }

    pub(crate) fn set_step(&self, step: Step) {
        *lock(&self.step) = step;
    }

    /// The engine is asked to do something.
    pub(crate) fn start(&self, doing: Doing) {
        self.universe.note(format_args!("{} does {doing:?}", self.name));
        *lock(&self.call) = Call { doing, ..Call::default() };
    }

    /// What the engine did since.
    pub(crate) fn call(&self) -> Call {
        lock(&self.call).clone()
    }

    /// Takes note of something that the engine did.
    pub(crate) fn did(&self, note: impl FnOnce(&mut Call)) {
        note(&mut lock(&self.call));
    }

    /// The engine is told the time.
    pub(crate) fn tell(&self, now: Timestamp) {
        let mut times = lock(&self.times);
        times.last = now;
        times.patience.get_or_insert(now);
    }

    /// What it was told.
    pub(crate) fn times(&self) -> Times {
        *lock(&self.times)
    }

    /// What it was told last is the time from which refused changes count.
    pub(crate) fn loads_escrow(&self) {
        let mut times = lock(&self.times);
        times.escrow = times.last;
    }

    /// The next that it is told decides whether the directory is set aside.
    pub(crate) fn looks_for_quarantine(&self) {
        lock(&self.times).patience = None;
    }

    /// The read under way, or the last one.
    pub(crate) fn reading(&self) -> Arc<Reading> {
        let readings = lock(&self.readings);
        // There is one from the start, and none is ever taken away.
        Arc::clone(&readings[readings.len() - 1])
    }

    /// All reads.
    pub(crate) fn readings(&self) -> Vec<Arc<Reading>> {
        lock(&self.readings).clone()
    }

    /// From now on, everything is about another read.
    pub(crate) fn next_reading(&self, scope: String) {
        lock(&self.readings).push(Arc::new(Reading::new(self.limits, scope)));
    }

    /// Counts a poll; says whether the run is to be dropped after it.
    pub(crate) fn polled(&self) -> bool {
        let step = self.step();
        let mut polls = lock(&self.polls);
        let count = polls.entry(step).or_default();
        *count += 1;
        let crashes = self.plans(step.crash()) && *count >= self.moments.poll;
        if crashes {
            self.strike(step.crash());
        }
        crashes
    }

    /// How often the run was polled in each step.
    pub(crate) fn polls(&self) -> BTreeMap<Step, u64> {
        lock(&self.polls).clone()
    }

    /// Counts a call, and says the number it has.
    pub(crate) fn count(counter: &AtomicU64) -> u64 {
        counter.fetch_add(1, Ordering::Relaxed) + 1
    }
}
