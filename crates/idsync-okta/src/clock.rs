//! The server's clock, and waiting.

use async_trait::async_trait;
use idsync_core::{Clock, Timestamp};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// The org's time: the local clock, corrected by what the org's `Date` headers say.
#[derive(Debug)]
pub(crate) struct ServerClock {
    local: Arc<dyn Clock>,
    offset_millis: AtomicI64,
}

impl ServerClock {
    pub(crate) fn new(local: Arc<dyn Clock>) -> Self {
        Self { local, offset_millis: AtomicI64::new(0) }
    }

    /// Learns from the `Date` of an answer that arrived just now.
    pub(crate) fn observe(&self, date: Timestamp) {
        let offset = date.unix_millis().saturating_sub(self.local.now().unix_millis());
        self.offset_millis.store(offset, Ordering::Relaxed);
    }

    /// The time by the org's clock.
    pub(crate) fn now(&self) -> Timestamp {
        let local = self.local.now();
        let millis = local.unix_millis().saturating_add(self.offset_millis.load(Ordering::Relaxed));
        Timestamp::from_unix_millis(millis).unwrap_or(local)
    }

    /// Seconds since the start of 1970, by the local clock.
    pub(crate) fn local_seconds(&self) -> i64 {
        self.local.now().unix_seconds()
    }

    /// Seconds since the start of 1970, by the org's clock.
    pub(crate) fn unix_seconds(&self) -> i64 {
        self.local.now().unix_millis().saturating_add(self.offset_millis.load(Ordering::Relaxed)).div_euclid(1000)
    }
}

/// Reads an HTTP date (RFC 9110, section 5.6.7).
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Timestamp::from_unix_millis(zoned.as_millisecond())
}

/// Monotonic time and waiting, apart from I/O time limits, so that tests need not wait.
#[async_trait]
pub(crate) trait Timer: fmt::Debug + Send + Sync + 'static {
    fn now(&self) -> Instant;
    async fn sleep(&self, time: Duration);
}

#[derive(Debug)]
pub(crate) struct TokioTimer;

#[async_trait]
impl Timer for TokioTimer {
    fn now(&self) -> Instant {
        Instant::now()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

/// A timer that never waits: it writes down what it was asked for and moves its own time on.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct FakeTimer {
    start: Instant,
    slept: std::sync::Mutex<Vec<Duration>>,
}

#[cfg(test)]
impl FakeTimer {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), slept: std::sync::Mutex::default() })
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.slept.lock().unwrap().push(time);
    }
}

#[cfg(test)]
#[async_trait]
impl Timer for FakeTimer {
    fn now(&self) -> Instant {
        self.start + self.slept().iter().sum::<Duration>()
    }

    async fn sleep(&self, time: Duration) {
        self.advance(time);
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idsync_core::ManualClock;

    #[test]
    fn p19_row12_time_follows_the_date_header_and_not_the_local_clock() {
        let clock = ServerClock::new(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)));
        clock.observe(http_date("Thu, 27 Aug 2020 18:15:50 GMT").unwrap());
        assert_eq!(clock.unix_seconds(), 1_598_552_150);
        assert_eq!(http_date("yesterday"), None);
    }
}
