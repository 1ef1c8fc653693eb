//! What answers say about rate limits.

use crate::clock::http_date;
use idsync_core::Timestamp;
use reqwest::header::HeaderMap;
use std::time::Duration;

/// A window lasts a minute; a reset further ahead than this is a mistake.
const ABSURD: Duration = Duration::from_secs(3600);
const DEFAULT_WAIT: Duration = Duration::from_secs(60);
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(65);

/// The rate-limit headers of one answer, as far as they can be understood.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RateHeaders {
    pub(crate) limit: Option<u64>,
    pub(crate) remaining: Option<u64>,
    /// Until the window ends, by the server's own clock; zero when it has ended.
    pub(crate) reset_in: Option<Duration>,
    /// The end of the window in seconds since the start of 1970, by the server's own clock; not when it is absurd.
    pub(crate) reset: Option<i64>,
    /// What the server's clock showed, in seconds since the start of 1970.
    pub(crate) date: Option<i64>,
}

/// What an answer of "too many requests" asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limited {
    /// Fewer requests at once: a short wait, not the whole window.
    Concurrency,
    /// No request before the window has ended, which takes about this much time. The window's own counter knows it, too.
    Reset(Duration),
    /// No request before this much time has passed.
    Window(Duration),
}

impl RateHeaders {
    /// Reads the headers of an answer with this `Date`.
    pub(crate) fn read(headers: &HeaderMap, date: Option<Timestamp>) -> Self {
        let date = date.map(Timestamp::unix_seconds);
        let reset = date.and_then(|date| {
            let reset = i64::try_from(least(headers, "x-rate-limit-reset")?).ok()?;
            let ahead = reset.checked_sub(date)?;
            let ahead = Duration::from_secs(u64::try_from(ahead).unwrap_or(0));
            (ahead <= ABSURD).then_some((reset, ahead))
        });
        Self {
            limit: least(headers, "x-rate-limit-limit"),
            remaining: least(headers, "x-rate-limit-remaining"),
            reset_in: reset.map(|(_, ahead)| ahead),
            reset: reset.map(|(reset, _)| reset),
            date,
        }
    }

    /// How to react to a 429 with these headers and this `Retry-After`.
    pub(crate) fn limited(self, retry_after: Option<Duration>) -> Limited {
        if let Some(wait) = retry_after {
            return Limited::Window(wait.clamp(SHORTEST_WAIT, ABSURD));
        }
        if (self.limit, self.remaining) == (Some(0), Some(0)) {
            return Limited::Concurrency;
        }
        // One second more, for both the reset and the date are whole seconds.
        let wait = self.reset_in.map_or(DEFAULT_WAIT, |reset| reset + Duration::from_secs(1)).clamp(SHORTEST_WAIT, LONGEST_WAIT);
        // A window that is over by its own account does not hold the next request back, though this one was refused.
        let is_running = self.reset_in.is_some_and(|reset| !reset.is_zero());
        let is_counted = is_running && self.limit.is_some_and(|limit| limit > 0) && self.remaining == Some(0);
        if is_counted { Limited::Reset(wait) } else { Limited::Window(wait) }
    }
}

/// The smallest of all values of a header, which may be repeated or joined by commas.
fn least(headers: &HeaderMap, name: &str) -> Option<u64> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|value| value.trim().parse().ok()).min()
}

/// The wait that `Retry-After` asks for, given in seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap, date: Option<Timestamp>) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(http_date(text)?.saturating_since(date?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    const DATE: &str = "Thu, 27 Aug 2020 18:15:50 GMT";
    const EPOCH: u64 = 1_598_552_150;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn wait(reset: &str) -> Limited {
        let headers = headers(&[("x-rate-limit-limit", "50"), ("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", reset)]);
        RateHeaders::read(&headers, http_date(DATE)).limited(retry_after(&headers, http_date(DATE)))
    }

    #[test]
    fn p15_row03_the_wait_after_a_429_runs_to_the_reset_by_the_servers_date() {
        let seconds = |seconds| Limited::Reset(Duration::from_secs(seconds));
        assert_eq!(wait(&(EPOCH + 8).to_string()), seconds(9));
        for past in [EPOCH - 2, EPOCH] {
            assert_eq!(wait(&past.to_string()), Limited::Window(Duration::from_secs(1)), "a reset in the past is now");
        }
        assert_eq!(wait(&(EPOCH + 300).to_string()), seconds(65), "no window lasts longer than a minute");
        for absurd in ["", "soon", "-5", "99999999999999999999", &(EPOCH + 31_536_000).to_string()] {
            assert_eq!(wait(absurd), Limited::Window(Duration::from_secs(60)), "{absurd:?}");
        }
        assert_eq!(wait(&format!("{}, {}", EPOCH + 40, EPOCH + 3)), seconds(4), "of several values the earliest counts");
    }

    #[test]
    fn p15_row02_zero_of_zero_is_the_concurrency_limit_whatever_its_reset_says() {
        let headers = headers(&[("x-rate-limit-limit", "0"), ("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", "1598552290")]);
        assert_eq!(RateHeaders::read(&headers, http_date(DATE)).limited(None), Limited::Concurrency);
    }

    #[test]
    fn row04_retry_after_is_honoured_in_seconds_and_as_a_date() {
        let date = http_date(DATE);
        assert_eq!(retry_after(&headers(&[("retry-after", "7")]), date), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(&headers(&[("retry-after", "Thu, 27 Aug 2020 18:16:00 GMT")]), date), Some(Duration::from_secs(10)));
        assert_eq!(retry_after(&headers(&[("retry-after", "later")]), date), None);
        assert_eq!(RateHeaders::default().limited(Some(Duration::from_secs(7))), Limited::Window(Duration::from_secs(7)));
    }

    proptest! {
        #[test]
        fn row03_a_wait_is_never_shorter_than_a_second_nor_longer_than_a_window(reset in any::<u64>(), date in -1_000_000_000_000_i64..4_000_000_000_000) {
            let headers = headers(&[("x-rate-limit-reset", &reset.to_string())]);
            let rate = RateHeaders::read(&headers, Timestamp::from_unix_millis(date));
            let Limited::Window(wait) = rate.limited(None) else { panic!("not a concurrency limit") };
            assert!((SHORTEST_WAIT..=LONGEST_WAIT).contains(&wait));
        }
    }
}
