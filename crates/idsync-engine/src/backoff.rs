//! Growing waits.

use std::time::Duration;

/// Waits that double from the first one until they are as long as they get.
///
/// ```
/// use idsync_engine::Backoff;
/// use std::time::Duration;
///
/// let hour = Duration::from_secs(3_600);
/// let backoff = Backoff::new(6 * hour, 24 * hour);
/// assert_eq!([1, 2, 3, 4].map(|nth| backoff.wait(nth)), [6 * hour, 12 * hour, 24 * hour, 24 * hour]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The first wait.
    pub first: Duration,
    /// The longest wait.
    pub most: Duration,
}

impl Backoff {
    /// Waits from `first` to `most`.
    pub const fn new(first: Duration, most: Duration) -> Self {
        Self { first, most }
    }

    /// The `nth` wait, counted from one; before it, there is none.
    pub fn wait(self, nth: u32) -> Duration {
        match nth.checked_sub(1) {
            Some(doublings) => self.first.saturating_mul(2_u32.checked_pow(doublings).unwrap_or(u32::MAX)).min(self.most),
            None => Duration::ZERO,
        }
    }
}
