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
    /// A time far ahead of what is known, which another answer has to confirm.
    ahead: Option<(Timestamp, Instant)>,
}

/// Times that are no further apart than this agree.
const AGREE: Duration = Duration::from_secs(90);

/// What time it is after some has passed.
fn later((date, at): (Timestamp, Instant), now: Instant) -> Timestamp {
    date.saturating_add(now.saturating_duration_since(at))
}

impl Identity {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer arrived that says what time it is.
    pub(crate) fn tell(&self, date: Timestamp, now: Instant) {
        let mut known = self.known();
        let is_ahead = known.date.is_some_and(|before| date > later(before, now).saturating_add(AGREE));
        let is_confirmed = known.ahead.is_some_and(|before| date <= later(before, now).saturating_add(AGREE));
        if is_ahead && !is_confirmed {
            // Whatever is read since a time that has not come yet is nothing.
            known.ahead = Some((date, now));
        } else {
            (known.date, known.ahead) = (Some((date, now)), None);
        }
    }

    /// The org's time: what its last answer said, and what has passed since. The local clock, which may jump, has no part in it, so that
    /// this may be late but never early.
    fn time(&self, now: Instant) -> Option<Timestamp> {
        self.known().date.map(|date| later(date, now))
    }

    /// Whether a time is well ahead of the org's.
    pub(crate) fn is_yet_to_come(&self, time: Timestamp, now: Instant) -> bool {
        self.time(now).is_some_and(|present| time > present.saturating_add(AGREE))
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
        let time = found.date.and_then(|_| inner.identity.time(inner.timer.now()));
        Ok((found.value.id, time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon(plus: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_774_612_800_000 + plus * 1000).unwrap()
    }

    #[test]
    fn p19_row12_one_answer_from_the_future_is_not_believed_and_a_clock_that_was_set_is() {
        let (identity, start) = (Identity::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        identity.tell(noon(0), at(0));
        identity.tell(noon(86_400), at(10));
        assert_eq!(identity.time(at(10)), Some(noon(10)), "one is not enough");
        identity.tell(noon(20), at(20));
        identity.tell(noon(86_430), at(30));
        assert_eq!(identity.time(at(30)), Some(noon(30)));
        identity.tell(noon(86_440), at(40));
        assert_eq!(identity.time(at(50)), Some(noon(86_450)), "two agree");
        identity.tell(noon(60), at(60));
        assert_eq!(identity.time(at(60)), Some(noon(60)), "earlier is never too early");
        assert!(identity.is_yet_to_come(noon(86_400), at(60)) && !identity.is_yet_to_come(noon(100), at(60)));
    }
}
