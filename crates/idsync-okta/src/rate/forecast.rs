//! How long requests will take, as far as the rate limits decide.

use super::bucket::Bucket;
use super::window::Outlook;
use idsync_core::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// Requests that are still to be made, for [`OktaClient::forecast`](crate::OktaClient::forecast).
///
/// ```
/// use idsync_okta::Remaining;
///
/// let remaining = Remaining::default().with_users(50).with_groups(1_200);
/// assert_eq!((remaining.users, remaining.groups), (50, 1_200));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Remaining {
    /// Pages of users.
    pub users: u64,
    /// Pages of groups and pages of members, which the org counts together.
    pub groups: u64,
}

impl Remaining {
    /// With so many pages of users.
    #[must_use]
    pub const fn with_users(mut self, pages: u64) -> Self {
        self.users = pages;
        self
    }

    /// With so many pages of groups and of members.
    #[must_use]
    pub const fn with_groups(mut self, pages: u64) -> Self {
        self.groups = pages;
        self
    }

    pub(super) const fn by_bucket(self) -> [(Bucket, u64); 2] {
        [(Bucket::Users, self.users), (Bucket::Groups, self.groups)]
    }
}

/// When requests will be done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forecast {
    /// The earliest time, by the org's clock, at which the rate limits let the last request through; `None` before an answer of each
    /// bucket has told its limit.
    pub done_at: Option<Timestamp>,
    /// One bucket after the other.
    pub buckets: Vec<BucketForecast>,
}

/// What becomes of the requests of one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BucketForecast {
    /// The bucket, as [`Progress::Waiting`](crate::Progress::Waiting) names it.
    pub bucket: &'static str,
    /// How many requests are still to be made.
    pub requests: u64,
    /// How long it takes until the last of them may be sent; `None` before the bucket's limit is known.
    pub done_in: Option<Duration>,
    /// How much of the bucket's window will be used in the end, by whoever has the same credential, in percent; `None` before the limit is
    /// known.
    pub used_percent: Option<u8>,
}

impl Forecast {
    pub(crate) fn new(now: Timestamp, buckets: Vec<BucketForecast>) -> Self {
        let longest = buckets.iter().map(|bucket| bucket.done_in).collect::<Option<Vec<_>>>();
        let longest = longest.map(|times| times.into_iter().max().unwrap_or_default());
        let millis = longest.and_then(|time| i64::try_from(time.as_millis()).ok());
        Self { done_at: millis.and_then(|millis| Timestamp::from_unix_millis(now.unix_millis().saturating_add(millis))), buckets }
    }
}

impl BucketForecast {
    pub(super) fn new(bucket: Bucket, requests: u64, outlook: Option<Outlook>, now: Instant) -> Self {
        let done_in = if requests == 0 { Some(Duration::ZERO) } else { outlook.map(|outlook| done_in(requests, outlook, now)) };
        let used_percent = outlook.map(|outlook| {
            let most = outlook.used.saturating_add(requests).min(outlook.cap.max(outlook.used)).min(outlook.limit);
            u8::try_from(most.saturating_mul(100) / outlook.limit.max(1)).unwrap_or(100)
        });
        Self { bucket: bucket.as_str(), requests, done_in, used_percent }
    }
}

fn done_in(requests: u64, outlook: Outlook, now: Instant) -> Duration {
    let later = requests.saturating_sub(outlook.cap.saturating_sub(outlook.used));
    if later == 0 {
        return Duration::ZERO;
    }
    let first = outlook.ends.map_or(outlook.length, |end| end.saturating_duration_since(now));
    let more = later.div_ceil(outlook.cap.max(1)) - 1;
    first.saturating_add(outlook.length.saturating_mul(u32::try_from(more).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forecast(requests: u64, used: u64, ends_in: Option<u64>) -> (Option<u64>, Option<u8>) {
        let now = Instant::now();
        let ends = ends_in.map(|seconds| now + Duration::from_secs(seconds));
        let outlook = Outlook { cap: 200, limit: 250, used, ends, length: Duration::from_secs(60) };
        let forecast = BucketForecast::new(Bucket::Groups, requests, Some(outlook), now);
        (forecast.done_in.map(|time| time.as_secs()), forecast.used_percent)
    }

    #[test]
    fn p15_a_forecast_counts_the_windows_that_are_needed() {
        assert_eq!(forecast(50, 50, Some(20)), (Some(0), Some(40)));
        assert_eq!(forecast(150, 50, Some(20)), (Some(0), Some(80)));
        assert_eq!(forecast(151, 50, Some(20)), (Some(20), Some(80)));
        assert_eq!(forecast(351, 50, Some(20)), (Some(80), Some(80)));
        assert_eq!(forecast(401, 0, None), (Some(120), Some(80)));
        assert_eq!(forecast(0, 250, Some(20)), (Some(0), Some(100)), "others may use more than the share");
    }

    #[test]
    fn p15_a_forecast_says_nothing_before_the_limit_is_known() {
        let unknown = BucketForecast::new(Bucket::Users, 1, None, Instant::now());
        let nothing = BucketForecast::new(Bucket::Groups, 0, None, Instant::now());
        assert_eq!((unknown.done_in, unknown.used_percent), (None, None));
        assert_eq!(Forecast::new(Timestamp::UNIX_EPOCH, vec![unknown, nothing]).done_at, None);
        assert_eq!(Forecast::new(Timestamp::UNIX_EPOCH, vec![nothing]).done_at, Some(Timestamp::UNIX_EPOCH));
    }
}
