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
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

/// Spread over which processes that waited for the same window start again. Within a process one request goes first anyway.
const SPREAD: Duration = Duration::from_millis(20);

/// How long a request waits for others to end before it is sent nevertheless. Whoever has a place may be a future that its owner does not
/// poll while it awaits this very request; to wait for that one would be to wait for ever.
const PATIENCE: Duration = Duration::from_secs(30);
/// Ends of waits that are closer together than this are those of one wait.
const SAME_WAIT: Duration = Duration::from_millis(500);

/// Keeps a client below its share of each rate limit, and of concurrency.
///
/// What was used and what the org bears is counted together with all clients that have the same [`Counters`] and the same [`Gate`]; the
/// share and the own limit of concurrency are the client's own. Nobody holds a lock while waiting.
#[derive(Debug)]
pub(crate) struct Governor {
    share: RateShare,
    counters: Arc<Counters>,
    gate: Arc<Gate>,
    /// Until when requests of each bucket are known to wait.
    told: Mutex<BTreeMap<Bucket, Instant>>,
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

/// No request is sent, because the org has asked for a wait that is longer than the client's patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blocked {
    /// How much of the wait is left.
    pub(crate) rest: Duration,
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
        let concurrency = concurrency.get().min(Semaphore::MAX_PERMITS);
        let (lanes, most) = (Semaphore::new(concurrency), AtomicUsize::new(0));
        Self { share, counters, gate, told: Mutex::default(), lanes, concurrency, most, timer, usage }
    }

    /// Waits until a request of this bucket may be sent. Windows are waited for as long as it takes; of the waits that the org asked for with a
    /// 429, none that is longer than `longest`.
    pub(crate) async fn admit(&self, bucket: Bucket, longest: Duration) -> Result<Permit<'_>, Blocked> {
        let place = self.place(bucket, longest).await?;
        // The semaphore is never closed, so that there is no lane only when the wait was too long.
        let lane = timeout(PATIENCE, self.lanes.acquire()).await.ok().and_then(Result::ok);
        let turn = match timeout(PATIENCE, self.gate.enter()).await {
            Ok(turn) => turn,
            Err(_) => self.gate.squeeze_in(),
        };
        self.most.fetch_max(self.concurrency - self.lanes.available_permits(), Ordering::Relaxed);
        Ok(Permit { place, turn, _lane: lane })
    }

    async fn place(&self, bucket: Bucket, longest: Duration) -> Result<Place<'_>, Blocked> {
        loop {
            let mut changed = pin!(self.counters.changed());
            // Answers that come from here on are not missed.
            changed.as_mut().enable();
            let now = self.timer.now();
            let until = match self.counters.act(bucket, |window, time| window.admit(now, self.share, time)) {
                Ok(number) => return Ok(Place { governor: self, bucket, number, sent: None, fate: Fate::Unsent }),
                Err(Hold::Answer(until)) => {
                    // Whether it came or not, the window knows what is to be done now.
                    _ = timeout(until.saturating_duration_since(now), changed).await;
                    continue;
                }
                Err(Hold::Blocked(until)) if until.saturating_duration_since(now) > longest => {
                    return Err(Blocked { rest: until.saturating_duration_since(now) });
                }
                Err(Hold::Full(until) | Hold::Blocked(until)) => until,
            };
            let pause = until.saturating_duration_since(now) + random::jitter(SPREAD);
            if self.is_news(bucket, until) {
                self.usage.tell(Progress::Waiting { bucket: bucket.as_str(), pause });
                tracing::debug!(bucket = bucket.as_str(), pause_ms = pause.as_millis(), "rate share used up");
            }
            self.timer.sleep(pause).await;
        }
    }

    /// Whether nobody was told yet that the bucket waits until then. All requests that wait for one window do so at once.
    fn is_news(&self, bucket: Bucket, until: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let before = told.insert(bucket, until);
        before.is_none_or(|before| until > before + SAME_WAIT)
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
