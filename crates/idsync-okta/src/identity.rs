//! Who the org is, asked now and then, and what time it is there.

use crate::client::OktaClient;
use crate::error::Error;
use idsync_core::Timestamp;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long an org is believed to be the same one at its address.
const GOOD_FOR: Duration = Duration::from_secs(60 * 60);

/// What was learnt of the org along the way.
#[derive(Debug, Default)]
pub(crate) struct Identity(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    org: Option<(String, Instant)>,
    date: Option<(Timestamp, Instant)>,
}

impl Identity {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer arrived that says what time it is.
    pub(crate) fn tell(&self, date: Timestamp, now: Instant) {
        self.known().date = Some((date, now));
    }

    /// The org's time: what its last answer said, and what has passed since. The local clock, which may jump, has no part in it, so that
    /// this may be late but never early.
    fn time(&self, now: Instant) -> Option<Timestamp> {
        self.known().date.map(|(date, at)| date.saturating_add(now.saturating_duration_since(at)))
    }

    fn org(&self, now: Instant) -> Option<String> {
        self.known().org.as_ref().filter(|(_, at)| now.saturating_duration_since(*at) < GOOD_FOR).map(|(id, _)| id.clone())
    }
}

impl OktaClient {
    /// The id of the org and its time. The org is asked at most once an hour.
    pub(crate) async fn identity(&self) -> Result<(String, Option<Timestamp>), Error> {
        let inner = &self.inner;
        if let Some(id) = inner.identity.org(inner.timer.now()) {
            return Ok((id, inner.identity.time(inner.timer.now())));
        }
        let found = self.discover().await?;
        inner.identity.known().org = Some((found.value.id.clone(), inner.timer.now()));
        Ok((found.value.id, found.date))
    }
}
