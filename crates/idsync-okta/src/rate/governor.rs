//! Lets the requests of one client through.

use super::bucket::Bucket;
use super::counters::Counters;
use super::forecast::{BucketForecast, Remaining};
use super::gate::{Gate, Turn};
use super::headers::RateHeaders;
use super::share::RateShare;
use super::window::{Exchange, Fate, Hold};
use crate::clock::Timer;
use crate::random;
use crate::usage::{Progress, Usage};
use futures::future::select;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Spread over which processes that waited for the same window start again. Within a process one request goes first anyway.
const SPREAD: Duration = Duration::from_millis(20);

/// Keeps a client below its share of each rate limit, and of concurrency.
///
/// What was used and what the org bears is counted together with all clients that have the same [`Counters`] and the same [`Gate`]; the
/// share, the own limit of concurrency, and whose turn it is are the client's own.
#[derive(Debug)]
pub(crate) struct Governor {
    share: RateShare,
    counters: Arc<Counters>,
    gate: Arc<Gate>,
    /// Whoever holds the lock of a bucket is the first of those that wait; the others queue up behind it in order.
    heads: BTreeMap<Bucket, Mutex<()>>,
    lanes: Semaphore,
    concurrency: usize,
    most: AtomicUsize,
    timer: Arc<dyn Timer>,
    usage: Arc<Usage>,
}

/// The right to send one request, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    place: Place<'a>,
    turn: Turn,
    _lane: Option<SemaphorePermit<'a>>,
}

#[derive(Debug)]
struct Place<'a> {
    governor: &'a Governor,
    bucket: Bucket,
    number: u64,
    sent: Option<Instant>,
    fate: Fate,
}

impl Governor {
    pub(crate) fn new(
        (counters, gate): (Arc<Counters>, Arc<Gate>),
        share: RateShare,
        concurrency: NonZeroUsize,
        timer: Arc<dyn Timer>,
        usage: Arc<Usage>,
    ) -> Self {
        let heads = Bucket::ALL.into_iter().map(|bucket| (bucket, Mutex::default())).collect();
        let concurrency = concurrency.get().min(Semaphore::MAX_PERMITS);
        let (lanes, most) = (Semaphore::new(concurrency), AtomicUsize::new(0));
        Self { share, counters, gate, heads, lanes, concurrency, most, timer, usage }
    }

    /// Waits until a request of this bucket may be sent.
    pub(crate) async fn admit(&self, bucket: Bucket) -> Permit<'_> {
        let place = self.place(bucket).await;
        // The semaphore is never closed.
        let lane = self.lanes.acquire().await.ok();
        let turn = self.gate.enter().await;
        self.most.fetch_max(self.concurrency - self.lanes.available_permits(), Ordering::Relaxed);
        Permit { place, turn, _lane: lane }
    }

    async fn place(&self, bucket: Bucket) -> Place<'_> {
        let _head = match self.heads.get(&bucket) {
            Some(head) => Some(head.lock().await),
            None => None,
        };
        loop {
            let mut changed = pin!(self.counters.changed());
            // Answers that come from here on are not missed.
            changed.as_mut().enable();
            let now = self.timer.now();
            let until = match self.counters.act(bucket, |window, time| window.admit(now, self.share, time)) {
                Ok(number) => return Place { governor: self, bucket, number, sent: None, fate: Fate::Unsent },
                Err(Hold::Answer(None)) => {
                    changed.await;
                    continue;
                }
                Err(Hold::Answer(Some(until))) => {
                    select(changed, self.timer.sleep(until.saturating_duration_since(now))).await;
                    continue;
                }
                Err(Hold::Full(until)) => until,
            };
            let pause = until.saturating_duration_since(now) + random::jitter(SPREAD);
            self.usage.tell(Progress::Waiting { bucket: bucket.as_str(), pause });
            tracing::debug!(bucket = bucket.as_str(), pause_ms = pause.as_millis(), "rate share used up");
            self.timer.sleep(pause).await;
        }
    }

    /// Sends nothing of this bucket for a while, whatever its counter says.
    pub(crate) fn block(&self, bucket: Bucket, wait: Duration) {
        let until = self.timer.now() + wait;
        self.counters.act(bucket, |window, _| window.block(until));
    }

    pub(crate) fn max_in_flight(&self) -> u64 {
        self.most.load(Ordering::Relaxed) as u64
    }

    /// What becomes of these requests, bucket by bucket.
    pub(crate) fn forecast(&self, remaining: Remaining) -> Vec<BucketForecast> {
        let now = self.timer.now();
        let forecast = |(bucket, requests)| {
            let outlook = self.counters.act(bucket, |window, time| window.outlook(now, self.share, time));
            BucketForecast::new(bucket, requests, outlook, now)
        };
        remaining.by_bucket().into_iter().map(forecast).collect()
    }
}

impl Permit<'_> {
    /// The request is sent now.
    pub(crate) fn send(&mut self) {
        self.place.sent = Some(self.place.governor.timer.now());
        self.place.fate = Fate::Lost;
    }

    /// Learns from the answer that came just now.
    pub(crate) fn answered(&mut self, status: u16, headers: RateHeaders) {
        match (status, headers.limit, headers.remaining) {
            (429, Some(0), Some(0)) => self.turn.was_too_many(),
            (429, _, _) => {}
            _ => self.turn.went_well(),
        }
        let place = &mut self.place;
        let received = place.governor.timer.now();
        let exchange = Exchange { number: place.number, sent: place.sent.unwrap_or(received), received };
        place.fate = Fate::Answered;
        place.governor.counters.observe(place.bucket, exchange, headers);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.governor.counters.complete(self.bucket, self.number, self.fate);
    }
}
