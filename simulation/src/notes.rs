//! What the oracles remember from run to run. It is learned from what passes between the engine and its components, and never read back
//! from the store, which may be broken.

use crate::decisions::Decisions;
use crate::lately::Lately;
use crate::noted::Noted;
use crate::patience::Failures;
use crate::reading::Reading;
use crate::refusals::Refusals;
use crate::universe::lock;
use idsync_core::PlanHash;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What is remembered of one directory.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) decisions: Mutex<Decisions>,
    pub(crate) failures: Mutex<Failures>,
    pub(crate) lately: Mutex<Lately>,
    pub(crate) noted: Mutex<Noted>,
    pub(crate) refusals: Mutex<Refusals>,
    /// How many runs were recorded.
    pub(crate) records: Mutex<usize>,
    plans: Mutex<BTreeMap<PlanHash, Arc<Reading>>>,
}

impl Notes {
    /// A read led to a plan.
    pub(crate) fn planned(&self, plan: PlanHash, reading: Arc<Reading>) {
        lock(&self.plans).insert(plan, reading);
    }

    /// The read that a plan follows from.
    pub(crate) fn reading(&self, plan: PlanHash) -> Option<Arc<Reading>> {
        lock(&self.plans).get(&plan).cloned()
    }
}
