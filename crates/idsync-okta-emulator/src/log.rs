//! What was asked of the org.

use crate::server::{Endpoint, Method};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The requests so far, without those of the control API. Holds no credential, only whose it was.
#[derive(Debug, Clone, Default)]
pub struct RequestLog {
    entries: Vec<RequestEntry>,
    max_in_flight: usize,
}

/// A request that was answered, or is being answered.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RequestEntry {
    /// What was asked.
    pub endpoint: Endpoint,
    /// The method.
    pub method: Method,
    /// The path, with its ids.
    pub path: String,
    /// What follows the path and the question mark; always empty for the token endpoint, which takes credentials there.
    pub query: String,
    /// Whether the request would change something that is managed through the API; asking for an access token would not.
    pub is_writing: bool,
    /// What a writing request brought; a text where it is not JSON, `None` where it is empty.
    pub body: Option<Value>,
    /// Whose credential the request brought, whether it was good or not; `None` where nobody is known to have it.
    pub credential: Option<Credential>,
    /// How the caller authenticated.
    pub scheme: Scheme,
    /// Whether the request was meant for another host than the org's own, as when a client follows a foreign link.
    pub is_foreign: bool,
    /// When the request arrived, counted from the start of the log; never runs backwards.
    pub at: Duration,
    /// How the request was answered; `None` while it is being answered, and when the connection was torn down without an answer.
    pub status: Option<u16>,
    /// How long it took until the last byte of the answer was handed over; `None` before that.
    pub took: Option<Duration>,
}

/// Whose credential a request brought.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Credential {
    /// An API token, by its id.
    ApiToken(String),
    /// An app, by its client id.
    App(String),
}

/// The scheme of an `Authorization` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// An access token without proof of possession.
    Bearer,
    /// An access token with proof of possession.
    Dpop,
    /// No credential.
    None,
    /// Something else.
    Other,
    /// An API token.
    Ssws,
}

impl Scheme {
    pub(crate) fn of(header: Option<&str>) -> Self {
        match header.map(|text| text.split(' ').next().unwrap_or_default()) {
            None => Self::None,
            Some("Bearer") => Self::Bearer,
            Some("DPoP") => Self::Dpop,
            Some("SSWS") => Self::Ssws,
            Some(_) => Self::Other,
        }
    }

    /// The scheme as the header spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
            Self::None => "none",
            Self::Other => "other",
            Self::Ssws => "SSWS",
        }
    }
}

impl RequestLog {
    /// The requests, in the order in which they arrived.
    #[must_use]
    pub fn entries(&self) -> &[RequestEntry] {
        &self.entries
    }

    /// How many requests there were.
    #[must_use]
    pub fn total(&self) -> usize {
        self.entries.len()
    }

    /// How many requests of this kind there were.
    #[must_use]
    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.entries.iter().filter(|entry| endpoint == Endpoint::Any || entry.endpoint == endpoint).count()
    }

    /// How many requests of this kind were answered with this status.
    #[must_use]
    pub fn count_with_status(&self, endpoint: Endpoint, status: u16) -> usize {
        let is_meant = |entry: &&RequestEntry| endpoint == Endpoint::Any || entry.endpoint == endpoint;
        self.entries.iter().filter(is_meant).filter(|entry| entry.status == Some(status)).count()
    }

    /// The number of requests by kind and status.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(Endpoint, Option<u16>), usize> {
        let mut counts = BTreeMap::new();
        for entry in &self.entries {
            *counts.entry((entry.endpoint, entry.status)).or_default() += 1;
        }
        counts
    }

    /// The requests that would have changed something.
    pub fn writing(&self) -> impl Iterator<Item = &RequestEntry> {
        self.entries.iter().filter(|entry| entry.is_writing)
    }

    /// How many requests were refused because there were too many of them.
    #[must_use]
    pub fn rate_limited(&self) -> usize {
        self.count_with_status(Endpoint::Any, 429)
    }

    /// The most requests that were being served at one moment.
    #[must_use]
    pub fn max_in_flight(&self) -> usize {
        self.max_in_flight
    }

    /// The most requests of these kinds that arrived within any window of this length; for tests of a client's pace.
    #[must_use]
    pub fn most_within(&self, window: Duration, endpoints: &[Endpoint]) -> usize {
        let at: Vec<Duration> = self.entries.iter().filter(|entry| endpoints.contains(&entry.endpoint)).map(|entry| entry.at).collect();
        let mut first = 0;
        let mut most = 0;
        for (last, &end) in at.iter().enumerate() {
            while end - at[first] >= window {
                first += 1;
            }
            most = most.max(last + 1 - first);
        }
        most
    }
}

/// The log as it is written.
#[derive(Debug)]
pub(crate) struct Log(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    log: RequestLog,
    start: Instant,
    in_flight: usize,
    /// Tells requests that began before the log was cleared from those after.
    generation: u32,
}

impl Default for Log {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Inner { log: RequestLog::default(), start: Instant::now(), in_flight: 0, generation: 0 })))
    }
}

impl Log {
    /// Notes that a request arrived. It counts as being served until the ticket is gone.
    pub(crate) fn begin(&self, arrival: Arrival) -> Ticket {
        let Arrival { endpoint, method, path, query, is_writing, scheme, is_foreign } = arrival;
        let mut inner = lock(&self.0);
        inner.in_flight += 1;
        inner.log.max_in_flight = inner.log.max_in_flight.max(inner.in_flight);
        let at = inner.start.elapsed();
        inner.log.entries.push(RequestEntry {
            endpoint,
            method,
            path,
            query,
            is_writing,
            body: None,
            credential: None,
            scheme,
            is_foreign,
            at,
            status: None,
            took: None,
        });
        let place = inner.log.entries.len() - 1;
        Ticket { log: Arc::clone(&self.0), place, generation: inner.generation, in_flight: inner.in_flight }
    }

    pub(crate) fn snapshot(&self) -> RequestLog {
        lock(&self.0).log.clone()
    }

    pub(crate) fn clear(&self) {
        let mut inner = lock(&self.0);
        let in_flight = inner.in_flight;
        inner.log = RequestLog { entries: Vec::new(), max_in_flight: in_flight };
        inner.start = Instant::now();
        inner.generation += 1;
    }
}

/// A request that has just arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) endpoint: Endpoint,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) is_writing: bool,
    pub(crate) scheme: Scheme,
    pub(crate) is_foreign: bool,
}

/// A request that is being served.
#[derive(Debug)]
pub(crate) struct Ticket {
    log: Arc<Mutex<Inner>>,
    place: usize,
    generation: u32,
    in_flight: usize,
}

impl Ticket {
    /// How many requests were being served when this one arrived, this one among them.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Notes what the request brought.
    pub(crate) fn brought(&self, credential: Option<Credential>, body: Option<Value>) {
        self.change(|entry, _| (entry.credential, entry.body) = (credential, body));
    }

    pub(crate) fn answered(&self, status: u16) {
        self.change(|entry, _| entry.status = Some(status));
    }

    fn change(&self, change: impl FnOnce(&mut RequestEntry, Duration)) {
        let mut inner = lock(&self.log);
        let now = inner.start.elapsed();
        if inner.generation == self.generation
            && let Some(entry) = inner.log.entries.get_mut(self.place)
        {
            change(entry, now);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.log).in_flight -= 1;
        self.change(|entry, now| entry.took = Some(now.saturating_sub(entry.at)));
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}
