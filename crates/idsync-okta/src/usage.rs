//! Counting requests, and telling about waits.

use crate::rate::Bucket;
use idsync_core::RequestUsage;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a client is doing when it is not simply reading.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// A request failed in passing and will be sent again.
    Retrying {
        /// What is being done.
        operation: &'static str,
        /// How often it was sent so far.
        attempts: u32,
        /// The pause before the next attempt.
        pause: Duration,
    },
    /// The share of a rate-limit window is used up. This is told once for all requests that wait for its end;
    /// [`OktaClient::forecast`](crate::OktaClient::forecast) says how it goes on from there.
    Waiting {
        /// The bucket.
        bucket: &'static str,
        /// How long until requests go on.
        pause: Duration,
    },
}

/// Who is told about [`Progress`]. It is called in line, so it must not block.
pub type ProgressListener = Arc<dyn Fn(Progress) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Usage {
    by_bucket: Mutex<BTreeMap<&'static str, u64>>,
    rate_limited: AtomicU64,
    retried: AtomicU64,
    listener: Option<ProgressListener>,
}

impl Usage {
    pub(crate) fn new(listener: Option<ProgressListener>) -> Self {
        Self { listener, ..Self::default() }
    }

    pub(crate) fn sent(&self, bucket: Bucket) {
        *self.by_bucket.lock().unwrap_or_else(PoisonError::into_inner).entry(bucket.as_str()).or_default() += 1;
    }

    pub(crate) fn rate_limited(&self) {
        self.rate_limited.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn tell(&self, progress: Progress) {
        if let Some(listener) = &self.listener {
            listener(progress);
        }
    }

    pub(crate) fn snapshot(&self, max_in_flight: u64) -> RequestUsage {
        let by_bucket = self.by_bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let mut usage = RequestUsage::default();
        usage.total = by_bucket.values().sum();
        usage.by_bucket = by_bucket.iter().map(|(bucket, count)| ((*bucket).to_owned(), *count)).collect();
        usage.rate_limited = self.rate_limited.load(Ordering::Relaxed);
        usage.retried = self.retried.load(Ordering::Relaxed);
        usage.max_in_flight = max_in_flight;
        usage
    }
}

impl fmt::Debug for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Usage").finish_non_exhaustive()
    }
}
