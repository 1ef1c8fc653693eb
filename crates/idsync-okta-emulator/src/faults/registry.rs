//! The faults that are waiting for their request.

use super::fault::Fault;
use crate::server::{Call, Endpoint};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The faults of an org. Clones are handles on the same faults.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Active>>>);

/// A fault that was added.
#[derive(Debug, Clone)]
pub struct AddedFault {
    faults: Faults,
    number: u64,
    fired: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    number: u64,
    fired: Arc<AtomicU64>,
}

impl Faults {
    /// Adds a fault. Where several apply they all strike, except that only the first one can take the place of the answer.
    pub fn add(&self, fault: Fault) -> AddedFault {
        let mut active = self.lock();
        let number = active.last().map_or(1, |last| last.number + 1);
        let fired = Arc::new(AtomicU64::new(0));
        active.push(Active { fault, number, fired: Arc::clone(&fired) });
        AddedFault { faults: self.clone(), number, fired }
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How often the faults that were not removed have struck, all together.
    #[must_use]
    pub fn fired(&self) -> u64 {
        self.lock().iter().map(|active| active.fired.load(Ordering::Relaxed)).sum()
    }

    /// The faults in the order in which they were added: number, fault, and how often it has struck.
    pub(crate) fn list(&self) -> Vec<(u64, Fault, u64)> {
        let active = self.lock();
        active.iter().map(|active| (active.number, active.fault.clone(), active.fired.load(Ordering::Relaxed))).collect()
    }

    /// False when there is no such fault.
    pub(crate) fn remove(&self, number: u64) -> bool {
        let mut active = self.lock();
        let before = active.len();
        active.retain(|active| active.number != number);
        active.len() < before
    }

    /// Gives each fault that applies to this request to `strike`, in the order in which they were added. `strike` says whether to go on.
    pub(super) fn strike(&self, call: &Call, applies: impl Fn(&Fault) -> bool, mut strike: impl FnMut(&Fault) -> Going) {
        for active in self.lock().iter_mut() {
            let fault = &mut active.fault;
            let is_meant = (fault.endpoint == Endpoint::Any || fault.endpoint == call.endpoint)
                && fault.calls.has(call)
                && fault.method.is_none_or(|method| method == call.method)
                && (fault.id.is_none() || fault.id.as_deref() == call.id())
                && fault.times != Some(0)
                && applies(fault);
            if !is_meant {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.times = fault.times.map(|times| times - 1);
            active.fired.fetch_add(1, Ordering::Relaxed);
            if strike(fault) == Going::Stop {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Active>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether further faults may strike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Going {
    On,
    Stop,
}

impl AddedFault {
    /// How often it has struck.
    #[must_use]
    pub fn fired(&self) -> u64 {
        self.fired.load(Ordering::Relaxed)
    }

    /// Removes it.
    pub fn remove(&self) {
        self.faults.remove(self.number);
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}
