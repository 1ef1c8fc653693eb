//! What all clients with one credential share: the org counts their requests together.

use super::bucket::Bucket;
use super::headers::RateHeaders;
use super::server_time::ServerTime;
use super::window::{Exchange, Fate, Window};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// The windows of one credential in one org.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    windows: BTreeMap<Bucket, Window>,
    time: ServerTime,
}

impl Counters {
    /// Does something with the window of a bucket.
    pub(super) fn act<T>(&self, bucket: Bucket, act: impl FnOnce(&mut Window, &ServerTime) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { windows, time } = &mut *state;
        act(windows.entry(bucket).or_default(), time)
    }

    /// Learns from an answer.
    pub(super) fn observe(&self, bucket: Bucket, exchange: Exchange, headers: RateHeaders) {
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let State { windows, time } = &mut *state;
            if let Some(date) = headers.date {
                time.observe(date, exchange.sent, exchange.received);
            }
            windows.entry(bucket).or_default().observe(exchange, headers, time);
        }
        self.changed.notify_waiters();
    }

    /// A request is no longer under way.
    pub(super) fn complete(&self, bucket: Bucket, number: u64, fate: Fate) {
        self.act(bucket, |window, _| window.complete(number, fate));
        self.changed.notify_waiters();
    }

    /// Ends when an answer came or a request ended.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }
}
