//! Counting requests.

use super::limits::{Bucket, RateLimits};
use crate::auth::Principal;
use crate::org::USUAL_SHARE;
use std::collections::HashMap;

/// The windows that are open.
#[derive(Debug)]
pub(crate) struct Windows {
    limits: RateLimits,
    open: HashMap<(Principal, Bucket), Window>,
}

#[derive(Debug)]
struct Window {
    start_millis: i64,
    used: u32,
}

/// What the headers of an answer say, and whether the request was one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Seconds since the start of 1970.
    pub(crate) reset: i64,
    pub(crate) is_over: bool,
}

impl Windows {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self { limits, open: HashMap::new() }
    }

    /// Sets other limits, and forgets what was counted.
    pub(crate) fn set_limits(&mut self, limits: RateLimits) {
        *self = Self::new(limits);
    }

    pub(crate) fn limits(&self) -> &RateLimits {
        &self.limits
    }

    /// Counts a request of somebody who gets this share of the limits, in percent. A window starts with its first request and not with the minute; its first answer shows one less than the limit
    /// (recorded).
    pub(crate) fn count(&mut self, principal: Principal, bucket: Bucket, share: u32, now_millis: i64) -> Count {
        let (usual, length) = self.limits.of(bucket);
        // The limits that are set are those of who gets the usual share.
        let limit = u32::try_from(u64::from(usual) * u64::from(share) / u64::from(USUAL_SHARE)).unwrap_or(u32::MAX);
        let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 2);
        let window = self.open.entry((principal, bucket)).or_insert(Window { start_millis: now_millis, used: 0 });
        if !(window.start_millis..window.start_millis + length).contains(&now_millis) {
            *window = Window { start_millis: now_millis, used: 0 };
        }
        let is_over = window.used >= limit;
        window.used += u32::from(!is_over);
        // A client that waits until the second in the header must find the window closed.
        let reset = (window.start_millis + length + 999).div_euclid(1000);
        Count { limit, remaining: limit.saturating_sub(window.used), reset, is_over }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_window_starts_with_its_first_request_and_ends_when_it_says() {
        let limits = RateLimits::unlimited().with(Bucket::Users, 2, Duration::from_secs(60));
        let mut windows = Windows::new(limits);
        let mut at = |millis| {
            let count = windows.count(Principal::App(0), Bucket::Users, USUAL_SHARE, millis);
            (count.remaining, count.reset, count.is_over)
        };
        assert_eq!(at(10_500), (1, 71, false));
        assert_eq!(at(30_000), (0, 71, false));
        assert_eq!(at(70_499), (0, 71, true));
        assert_eq!(at(71_000), (1, 131, false));
        assert_eq!(
            windows.count(Principal::ApiToken(0), Bucket::Users, USUAL_SHARE, 71_000).remaining,
            1,
            "each caller has windows of its own"
        );
        assert_eq!(windows.count(Principal::App(0), Bucket::User, USUAL_SHARE, 71_000).remaining, 999_999, "and each bucket");
        assert_eq!(windows.count(Principal::App(1), Bucket::Users, 100, 71_000).limit, 4, "and twice the usual share is twice as much");
    }
}
