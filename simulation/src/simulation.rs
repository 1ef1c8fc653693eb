//! One seed, from an empty world to the verdict.

use crate::checks::{Around, Ending};
use crate::clock::Instants;
use crate::executor;
use crate::faults::{Fault, Tally};
use crate::ledger::Ledger;
use crate::mutation;
use crate::neighbour;
use crate::parts::Parts;
use crate::scenario::{Scenario, Typical};
use crate::settings::Settings;
use crate::trace::Keep;
use crate::universe::{Oracle, Universe, Violation, lock};
use crate::watch::{CLEAN, FaultSet, Moments, Setup, Step, Watch};
use futures::FutureExt;
use idsync_core::memory::{MemorySink, MemoryStore};
use idsync_core::{DigestKey, DirectoryId, DirectorySink, ManualClock, Stage, StateStore, Timestamp};
use idsync_engine::{Limit, Safeguards};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a seed led to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Simulated {
    /// The seed.
    pub seed: u64,
    /// What was found wrong first.
    pub violation: Option<Violation>,
    /// The hash of everything that happened.
    pub hash: u64,
    /// How many runs there were, those without faults at the end included.
    pub runs: u64,
    /// Which faults were drawn, and which struck.
    pub tally: Tally,
    /// What happened, line by line, if it was to be kept.
    pub lines: Vec<String>,
}

/// Simulates one seed.
pub fn simulate(seed: u64, parts: &dyn Parts, keep: Keep) -> Simulated {
    let mut simulation = Simulation::new(seed, parts, keep);
    simulation.run();
    let mut trace = simulation.universe.trace();
    let (hash, lines) = (trace.hash(), trace.lines());
    drop(trace);
    Simulated { seed, violation: simulation.universe.violation(), hash, runs: simulation.runs, tally: simulation.tally, lines }
}

pub(crate) struct Simulation<'a> {
    pub(crate) universe: Arc<Universe>,
    pub(crate) parts: &'a dyn Parts,
    pub(crate) directory: DirectoryId,
    pub(crate) neighbour: DirectoryId,
    /// What the store said of the neighbour at first.
    pub(crate) untouched: String,
    pub(crate) memory: MemoryStore,
    pub(crate) store: Arc<dyn StateStore>,
    pub(crate) sink: MemorySink,
    pub(crate) front: Arc<dyn DirectorySink>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) instants: Arc<Instants>,
    pub(crate) manual: Arc<ManualClock>,
    pub(crate) key: DigestKey,
    pub(crate) max_batch: NonZeroUsize,
    pub(crate) concurrency: NonZeroUsize,
    /// None, few, or all there are.
    pub(crate) member_ids: u64,
    pub(crate) settings: Settings,
    /// What happened before the next run.
    moved: FaultSet,
    pub(crate) typical: Typical,
    pub(crate) tally: Tally,
    pub(crate) struck: FaultSet,
    pub(crate) runs: u64,
}

/// How a task leaves word of how its run ended.
pub(crate) type Slot = Arc<Mutex<Ending>>;

impl<'a> Simulation<'a> {
    /// How many different faults must strike before a seed is done, and how many runs it may take.
    const FAULTS: usize = 3;
    const MOST_RUNS: u64 = 60;
    /// A world with more users than this has groups that are kept in several blocks.
    const CROWD: usize = 60;

    fn new(seed: u64, parts: &'a dyn Parts, keep: Keep) -> Self {
        let universe = Universe::new(seed, keep);
        let id = |text: &str| DirectoryId::new(text).unwrap_or_else(|_| unreachable!("the literals are valid ids"));
        let (directory, neighbour) = (id("simulated:1"), id("simulated:2"));
        let memory = MemoryStore::new();
        neighbour::plant(&memory, &neighbour);
        let untouched = neighbour::fingerprint(&memory, &neighbour);
        let (mut key, sink) = ([0; 32], MemorySink::new());
        let mut random = universe.random();
        key.iter_mut().for_each(|byte| *byte = u8::try_from(random.below(256)).unwrap_or_default());
        let mut at_most = |most| usize::try_from(random.between(1, most)).ok().and_then(NonZeroUsize::new).unwrap_or(NonZeroUsize::MIN);
        let (max_batch, concurrency) = (at_most(20), at_most(8));
        mutation::populate(&mut universe.world(), &mut random);
        let settings = Settings::draw(&universe.world(), &mut random);
        drop(random);
        Self {
            ledger: Ledger::new(&universe),
            universe,
            parts,
            directory,
            neighbour,
            untouched,
            store: parts.store(Arc::new(memory.clone())),
            memory,
            front: parts.sink(Arc::new(sink.clone())),
            sink,
            instants: Arc::default(),
            manual: Arc::new(ManualClock::new(Timestamp::from_unix_millis(1_767_225_600_000).unwrap_or(Timestamp::UNIX_EPOCH))),
            key: DigestKey::new(key),
            max_batch,
            concurrency,
            member_ids: [0, 9, u64::MAX][(seed % 3) as usize],
            settings,
            moved: FaultSet::default(),
            typical: Typical::new(),
            tally: Tally::default(),
            struck: FaultSet::default(),
            runs: 0,
        }
    }

    fn run(&mut self) {
        let runs = self.universe.random().between(2, 6);
        while self.runs < runs || (self.struck.iter().count() < Self::FAULTS && self.runs < Self::MOST_RUNS) {
            self.run_with_faults();
            self.check_neighbour();
            if self.universe.violation().is_some() {
                return;
            }
        }
        self.settle();
        self.check_neighbour();
    }

    fn run_with_faults(&mut self) {
        let scenario = Scenario::draw(&mut self.universe.random(), &self.typical);
        scenario.faults.iter().for_each(|fault| self.tally.draw(fault));
        let mut settings = self.settings.clone();
        if scenario.faults.contains(Fault::Resumed) {
            settings = settings.with_checkpoints();
        }
        let salt = self.universe.random().next();
        let mut setup = Setup { faults: scenario.faults, limits: scenario.limits, settings, moments: scenario.moments, salt };
        self.universe.note(format_args!("run {}: {:?} with {:?}", self.runs, scenario.steps, scenario.faults.iter().collect::<Vec<_>>()));
        self.change_source(&setup);
        self.run_once(setup.clone(), scenario.steps);
        for (steps, faults) in scenario.encores {
            setup.faults = faults;
            if self.universe.violation().is_some() {
                return;
            }
            self.universe.note(format_args!("run {}: {steps:?} once more", self.runs));
            self.pass_time(false);
            let what = match self.universe.below(4) {
                _ if scenario.wavers => mutation::waver(&mut self.universe.world()),
                0 => mutation::mutate(&mut self.universe.world(), &mut self.universe.random()),
                1 | 2 => mutation::waver(&mut self.universe.world()),
                _ => None,
            };
            what.into_iter().for_each(|what| self.universe.note(format_args!("{what}")));
            self.run_once(setup.clone(), steps);
        }
    }

    fn run_once(&mut self, setup: Setup, steps: &'static [Step]) {
        let watch = Watch::new(&self.universe, "engine", setup.clone());
        std::mem::take(&mut self.moved).iter().for_each(|fault| watch.strike(fault));
        let slot = Slot::new(Mutex::new(Ending::Dropped));
        let second = Setup { faults: FaultSet::default(), moments: Moments::default(), salt: self.universe.random().next(), ..setup };
        let second = Watch::new(&self.universe, "second engine", second);
        let second_slot = Slot::new(Mutex::new(Ending::Dropped));
        let around = self.around(watch.plans(Fault::SecondEngine));
        let version = self.universe.version();
        let mut tasks = vec![self.engine_task(&watch, steps, &slot, 0)];
        if around.company {
            let late = self.universe.below(40);
            let steps: &[Step] = if self.universe.once_in(4) { &[Step::Plan] } else { &[Step::Sync] };
            tasks.push(self.engine_task(&second, steps, &second_slot, late));
        }
        if watch.plans(Fault::SourceMoves) {
            tasks.push(self.source_task(&watch));
        }
        executor::run(&self.universe, tasks);
        let around = Around { source_moved: self.universe.version() != version, ..around };
        self.conclude(&watch, &slot, around);
        if around.company {
            self.conclude(&second, &second_slot, around);
        }
    }

    /// Some time passes between two runs.
    fn pass_time(&self, leap: bool) {
        let mut random = self.universe.random();
        let minutes = match random.below(8) {
            _ if leap => random.between(60, 4 * 24 * 60),
            0..4 => 0,
            4..7 => random.between(1, 30),
            _ => random.between(30, 12 * 60),
        };
        self.manual.advance(Duration::from_secs(minutes * 60));
    }

    /// What happens to the source before a run.
    fn change_source(&mut self, setup: &Setup) {
        let leaps = setup.faults.contains(Fault::ClockAhead);
        self.pass_time(leaps);
        if leaps {
            self.moved.insert(Fault::ClockAhead);
        }
        let (mut world, mut random) = (self.universe.world(), self.universe.random());
        world.keep_as_past();
        for _ in 0..random.below(7) {
            mutation::mutate(&mut world, &mut random);
        }
        if world.users.len() > Self::CROWD && random.once_in(3) {
            mutation::rush(&mut world, &mut random);
        }
        if setup.faults.contains(Fault::MassDeletion) || setup.faults.contains(Fault::ProtectedSpared) {
            mutation::mutate_massively(&mut world, &mut random);
        }
        if setup.faults.contains(Fault::GrowthHeld) {
            mutation::grow(&mut world, &mut random);
        }
        let moved = setup.faults.contains(Fault::ScopeChanged) && mutation::change_scope(&mut world, &mut random);
        drop((world, random));
        if moved {
            self.moved.insert(Fault::ScopeChanged);
        }
    }

    fn around(&self, company: bool) -> Around {
        let snapshot = self.universe.world().snapshot();
        let journal = self.memory.journal(&self.directory).now_or_never().and_then(Result::ok).flatten();
        Around {
            company,
            source_moved: false,
            visible: snapshot.users().len() > 0 && snapshot.groups().len() > 0,
            timed: !lock(&self.universe.notes.refusals).is_empty() || !lock(&self.universe.notes.lately).is_empty(),
            unfinished: journal.is_some_and(|journal| matches!(journal.stage, Stage::Applying | Stage::Folding)),
        }
    }

    /// Without faults and without limits, two runs are enough once nothing is set aside any more, and what was rejected is approved.
    fn settle(&mut self) {
        let visible = self.around(false).visible;
        if !visible {
            self.universe.note(format_args!("nothing is visible"));
            self.run_clean(false);
            mutation::make_visible(&mut self.universe.world(), &mut self.universe.random());
        }
        let releases = self.universe.once_in(2);
        if !releases {
            self.manual.advance(self.settings.longest_wait());
        }
        self.run_clean(releases);
        let settled = self.is_equal();
        let changes = self.ledger.changes();
        self.run_clean(false);
        self.check_equal();
        if settled && self.ledger.changes() != changes {
            self.universe.violate(Oracle::Convergence, "a run changed what was in step already");
        }
    }

    fn run_clean(&mut self, releases: bool) {
        if self.universe.violation().is_some() {
            return;
        }
        let mut faults = FaultSet::default();
        if releases {
            faults.insert(Fault::Released);
        }
        let settings = self.settings.without_shield();
        let salt = self.universe.random().next();
        let setup = Setup { faults, limits: Safeguards::all(Limit::Unlimited), settings, moments: Moments::default(), salt };
        let watch = Watch::new(&self.universe, CLEAN, setup);
        let slot = Slot::new(Mutex::new(Ending::Dropped));
        let around = self.around(false);
        executor::run(&self.universe, vec![self.engine_task(&watch, &[Step::Sync], &slot, 0)]);
        self.conclude(&watch, &slot, around);
    }
}
