//! What is known of one engine's run: the faults it is to meet, and what it asked for.

use crate::faults::Fault;
use crate::universe::{Universe, lock};
use idsync_core::{Change, GroupId, Phase, PlanHash, RemovalReason, UserId};
use idsync_engine::{Limit, Safeguards};
use std::collections::{BTreeMap, BTreeSet};
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

    pub(crate) fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.iter().copied().filter(move |fault| self.contains(*fault))
    }
}

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
    readings: Mutex<Vec<Arc<Reading>>>,
    polls: Mutex<BTreeMap<Step, u64>>,
}

impl Watch {
    pub(crate) fn new(universe: &Arc<Universe>, name: &'static str, planned: FaultSet, limits: Safeguards, moments: Moments) -> Arc<Self> {
        Arc::new(Self {
            name,
            salt: universe.random().next(),
            limits,
            moments,
            requests: AtomicU64::default(),
            store_calls: AtomicU64::default(),
            sink_calls: AtomicU64::default(),
            role_is_lost: AtomicBool::default(),
            lease_is_lost: AtomicBool::default(),
            expected: Mutex::default(),
            universe: Arc::clone(universe),
            planned,
            struck: Mutex::default(),
            step: Mutex::new(Step::Sync),
            readings: Mutex::new(vec![Arc::new(Reading::new(limits))]),
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

    /// Somebody approves what the run held.
    pub(crate) fn approve(&self) {
        self.universe.note(format_args!("what {} held is approved", self.name));
        self.universe.approve();
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
    pub(crate) fn next_reading(&self) {
        lock(&self.readings).push(Arc::new(Reading::new(self.limits)));
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

/// One read of the directory, and what follows from it.
#[derive(Debug)]
pub(crate) struct Reading {
    limits: Safeguards,
    started: AtomicU64,
    /// The oldest version that anything of the read shows.
    oldest: AtomicU64,
    pub(crate) asked: Mutex<Asked>,
    let_go: Mutex<BTreeMap<Kind, BTreeSet<String>>>,
}

/// What a read asked for, and how large the base was that it stands on.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) checks: u64,
    pub(crate) users_listings: u64,
    pub(crate) groups_listings: u64,
    pub(crate) members_listings: BTreeMap<GroupId, u64>,
    pub(crate) user_look_ups: BTreeMap<UserId, u64>,
    pub(crate) group_look_ups: BTreeMap<GroupId, u64>,
    pub(crate) base_users: u64,
    pub(crate) base_groups: u64,
    pub(crate) base_memberships: u64,
}

/// A kind of removal that has a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Users,
    Deactivations,
    Groups,
    Memberships,
}

impl Reading {
    fn new(limits: Safeguards) -> Self {
        Self {
            limits,
            started: AtomicU64::new(u64::MAX),
            oldest: AtomicU64::new(u64::MAX),
            asked: Mutex::default(),
            let_go: Mutex::default(),
        }
    }

    /// The read begins, if it has not begun yet, at this version of the source.
    pub(crate) fn begin(&self, version: u64) {
        let _ = self.started.compare_exchange(u64::MAX, version, Ordering::Relaxed, Ordering::Relaxed);
        self.show(version);
    }

    /// Something is shown as it was at this version.
    pub(crate) fn show(&self, version: u64) {
        self.oldest.fetch_min(version, Ordering::Relaxed);
    }

    /// The version at which the read began.
    pub(crate) fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// The oldest version that the read can have shown.
    pub(crate) fn oldest(&self) -> u64 {
        self.oldest.load(Ordering::Relaxed)
    }

    /// Takes note of a removal that was delivered; says what is wrong when it is one too many.
    pub(crate) fn let_go(&self, change: &Change) -> Option<String> {
        let key = format!("{}/{}", change.group().map_or("", GroupId::as_str), change.user().map_or("", UserId::as_str));
        let asked = lock(&self.asked);
        let (kind, limit, base): (Kind, Limit, u64) = match change {
            Change::UserDeleted { .. } => (Kind::Users, self.limits.users, asked.base_users),
            Change::GroupDeleted { .. } => (Kind::Groups, self.limits.groups, asked.base_groups),
            Change::GroupUserRemoved { reason: RemovalReason::UserDeleted, .. } => return None,
            Change::GroupUserRemoved { .. } => (Kind::Memberships, self.limits.memberships, asked.base_memberships),
            _ if change.phase() == Phase::Deactivate => (Kind::Deactivations, self.limits.deactivations, asked.base_users),
            _ => return None,
        };
        let mut let_go = lock(&self.let_go);
        let gone = let_go.entry(kind).or_default();
        gone.insert(key);
        let (count, allowed) = (gone.len() as u64, limit.allowed(base));
        (count > allowed).then(|| format!("{count} {kind:?} of {base} are let go, although only {allowed} may"))
    }
}
