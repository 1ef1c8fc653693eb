//! Lets requests through, one bucket at a time.

use super::bucket::{Bucket, Window};
use super::gate::{Gate, Turn};
use super::headers::RateHeaders;
use super::share::RateShare;
use crate::clock::Timer;
use crate::random;
use crate::usage::{Progress, Usage};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Spread over which requests that waited for the same window start again.
const SPREAD: Duration = Duration::from_millis(500);

/// Keeps a client below its share of each rate limit and of concurrency.
#[derive(Debug)]
pub(crate) struct Governor {
    share: RateShare,
    windows: Mutex<BTreeMap<Bucket, Window>>,
    gate: Arc<Gate>,
    timer: Arc<dyn Timer>,
    usage: Arc<Usage>,
}

/// The right to send one request, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    _turn: Turn,
    _place: Place<'a>,
}

#[derive(Debug)]
struct Place<'a> {
    governor: &'a Governor,
    bucket: Bucket,
}

impl Governor {
    pub(crate) fn new(share: RateShare, concurrency: NonZeroUsize, timer: Arc<dyn Timer>, usage: Arc<Usage>) -> Self {
        let windows = Bucket::ALL.into_iter().map(|bucket| (bucket, Window::default())).collect();
        Self { share, windows: Mutex::new(windows), gate: Gate::new(concurrency), timer, usage }
    }

    /// Waits until a request of this bucket may be sent.
    pub(crate) async fn admit(&self, bucket: Bucket) -> Permit<'_> {
        let place = loop {
            let now = self.timer.now();
            match self.window(bucket, |window| window.admit(now, self.share)) {
                Ok(()) => break Place { governor: self, bucket },
                Err(until) => {
                    let pause = until.saturating_duration_since(now) + random::jitter(SPREAD);
                    self.usage.tell(Progress::Waiting { bucket: bucket.as_str(), pause });
                    tracing::debug!(bucket = bucket.as_str(), pause_ms = pause.as_millis(), "rate share used up");
                    self.timer.sleep(pause).await;
                }
            }
        };
        Permit { _turn: self.gate.enter().await, _place: place }
    }

    pub(crate) fn observe(&self, bucket: Bucket, headers: RateHeaders) {
        let now = self.timer.now();
        self.window(bucket, |window| window.observe(now, headers));
    }

    /// Sends nothing of this bucket for a while, after a 429.
    pub(crate) fn block(&self, bucket: Bucket, wait: Duration) {
        let until = self.timer.now() + wait;
        self.window(bucket, |window| window.block(until));
    }

    pub(crate) fn widen(&self) {
        self.gate.widen();
    }

    pub(crate) fn narrow(&self) {
        self.gate.narrow();
    }

    pub(crate) fn max_in_flight(&self) -> u64 {
        self.gate.most_inside() as u64
    }

    fn window<T>(&self, bucket: Bucket, act: impl FnOnce(&mut Window) -> T) -> T {
        act(self.windows.lock().unwrap_or_else(PoisonError::into_inner).entry(bucket).or_default())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.governor.window(self.bucket, Window::complete);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FakeTimer;

    #[tokio::test]
    async fn p15_row01_a_full_window_makes_the_next_request_wait_for_its_end_and_no_other_bucket() {
        let timer = FakeTimer::new();
        let governor = Governor::new(RateShare::percent(50).unwrap(), NonZeroUsize::MIN, Arc::<FakeTimer>::clone(&timer), Arc::default());
        let headers = RateHeaders { limit: Some(4), remaining: Some(3), reset_in: Some(Duration::from_secs(20)) };
        drop(governor.admit(Bucket::Users).await);
        governor.observe(Bucket::Users, headers);
        drop(governor.admit(Bucket::Users).await);
        drop(governor.admit(Bucket::Groups).await);
        assert!(timer.slept().is_empty());
        drop(governor.admit(Bucket::Users).await);
        let slept = timer.slept();
        assert_eq!(slept.len(), 1);
        assert!((Duration::from_secs(21)..=Duration::from_secs(21) + SPREAD).contains(&slept[0]), "{slept:?}");
    }
}
