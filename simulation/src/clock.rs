//! A clock that the seed moves, and that remembers what it told.

use crate::faults::Fault;
use crate::reading::Reading;
use crate::universe::{Universe, lock};
use crate::watch::Watch;
use idsync_core::{Clock, ManualClock, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Which read an instant belongs to. An instant is told once.
#[derive(Debug, Default)]
pub(crate) struct Instants(Mutex<BTreeMap<i64, Arc<Reading>>>);

impl Instants {
    /// The read that began at this instant.
    pub(crate) fn reading(&self, at: Timestamp) -> Option<Arc<Reading>> {
        lock(&self.0).get(&at.unix_millis()).cloned()
    }
}

/// The time, as one engine is told it.
#[derive(Debug)]
pub(crate) struct SimClock {
    pub(crate) universe: Arc<Universe>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) manual: Arc<ManualClock>,
    pub(crate) instants: Arc<Instants>,
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.manual.advance(Duration::from_millis(self.universe.random().between(1, 100_000)));
        let mut millis = self.manual.now().unix_millis();
        if self.watch.plans(Fault::ClockBack) {
            millis -= i64::try_from(self.universe.below(86_400_000)).unwrap_or_default();
            self.watch.strike(Fault::ClockBack);
        }
        let mut told = lock(&self.instants.0);
        while told.contains_key(&millis) {
            millis += 1;
        }
        let reading = self.watch.reading();
        told.insert(millis, reading);
        self.universe.note(format_args!("{} reads the clock: {millis}", self.watch.name));
        let now = Timestamp::from_unix_millis(millis).unwrap_or(Timestamp::UNIX_EPOCH);
        self.watch.reading().tell(now);
        self.watch.tell(now);
        now
    }
}
