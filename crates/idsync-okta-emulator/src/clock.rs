//! The org's clock, which may differ from the machine's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Wall-clock time as the org sees it. Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    skew_seconds: Arc<AtomicI64>,
}

impl Clock {
    pub(crate) fn set_skew(&self, seconds: i64) {
        self.skew_seconds.store(seconds, Ordering::Relaxed);
    }

    /// Milliseconds since the start of 1970.
    #[expect(clippy::disallowed_methods, reason = "the one place where the emulator asks for the time")]
    pub(crate) fn millis(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as i64);
        now + self.skew_seconds.load(Ordering::Relaxed) * 1000
    }

    /// Whole seconds since the start of 1970.
    pub(crate) fn seconds(&self) -> i64 {
        self.millis().div_euclid(1000)
    }
}
