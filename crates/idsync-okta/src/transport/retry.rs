//! The one place that decides whether and when to send again.

use crate::clock::Timer;
use crate::error::Error;
use crate::random;
use crate::usage::{Progress, Usage};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Grows up to 32 times as much.
const SHORT_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often and how long one request is sent again after passing faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often a request is sent at most.
    pub max_attempts: u32,
    /// How much time its attempts and the pauses between them may take together. Waiting for one's share of the rate limit is not counted.
    pub budget: Duration,
}

impl RetryPolicy {
    /// At most `max_attempts` attempts (at least one) within `budget`.
    pub const fn new(max_attempts: u32, budget: Duration) -> Self {
        Self { max_attempts, budget }
    }
}

impl Default for RetryPolicy {
    /// Ten attempts in five minutes.
    fn default() -> Self {
        Self::new(10, Duration::from_secs(5 * 60))
    }
}

/// Keeps an org that is in trouble from being sent a multiple of the usual requests: each answer earns a part of a repetition.
#[derive(Debug)]
pub(crate) struct RetryBudget(AtomicI64);

impl RetryBudget {
    const REPETITION: i64 = 5;
    const FULL: i64 = 100 * Self::REPETITION;

    pub(crate) const fn new() -> Self {
        Self(AtomicI64::new(Self::FULL))
    }

    pub(crate) fn earn(&self) {
        if self.0.load(Ordering::Relaxed) < Self::FULL {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn spend(&self) -> bool {
        let paid = |left: i64| (left >= Self::REPETITION).then_some(left - Self::REPETITION);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid).is_ok()
    }
}

/// The attempts at one request.
#[derive(Debug)]
pub(crate) struct Attempts {
    policy: RetryPolicy,
    pub(crate) made: u32,
    spent: Duration,
    /// The id of the first request that failed, which repetitions name as a courtesy to Okta's support.
    pub(crate) first_request: Option<String>,
}

impl Attempts {
    pub(crate) const fn new(policy: RetryPolicy) -> Self {
        Self { policy, made: 0, spent: Duration::ZERO, first_request: None }
    }

    pub(crate) fn took(&mut self, time: Duration) {
        self.made += 1;
        self.spent += time;
    }

    /// A random pause that grows with each attempt ("full jitter"), and is never shorter than `at_least`.
    pub(crate) fn pause(&self, at_least: Duration) -> Duration {
        let most = FIRST_PAUSE.saturating_mul(1 << self.made.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
        at_least + random::jitter(most)
    }

    /// A shorter one, after an org refused what is too much at once.
    pub(crate) fn short_pause(&self) -> Duration {
        let most = SHORT_PAUSE.saturating_mul(1 << self.made.saturating_sub(1).min(5));
        most / 4 + random::jitter(most * 3 / 4)
    }

    /// Whether there may be another attempt after `pause`; the pause is accounted for, but not yet made.
    pub(crate) fn again(&mut self, error: Error, pause: Duration, budget: &RetryBudget, usage: &Usage) -> Result<(), Error> {
        if let Some(detail) = error.detail() {
            self.first_request = self.first_request.take().or_else(|| detail.request_id.clone());
        }
        let is_over = self.made >= self.policy.max_attempts || self.spent.saturating_add(pause) > self.policy.budget;
        // Waiting for a rate limit sends nothing in addition, so it is not paid for.
        let is_free = matches!(error, Error::RateLimited { .. });
        if is_over || !(is_free || budget.spend()) {
            return Err(Error::Exhausted { attempts: self.made, last: Box::new(error) });
        }
        self.spent += pause;
        usage.retried();
        if let Some(operation) = error.operation() {
            usage.tell(Progress::Retrying { operation, attempts: self.made, pause });
        }
        Ok(())
    }

    /// The same, and makes the pause.
    pub(crate) async fn again_after(
        &mut self,
        error: Error,
        pause: Duration,
        budget: &RetryBudget,
        usage: &Usage,
        timer: &dyn Timer,
    ) -> Result<(), Error> {
        self.again(error, pause, budget, usage)?;
        timer.sleep(pause).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault() -> Error {
        Error::NotFound { operation: "test" }
    }

    #[test]
    fn row04_attempts_end_by_number_and_by_time() {
        let (budget, usage) = (RetryBudget::new(), Usage::default());
        let mut attempts = Attempts::new(RetryPolicy::new(3, Duration::from_secs(100)));
        for _ in 0..2 {
            attempts.took(Duration::from_secs(1));
            attempts.again(fault(), Duration::from_secs(1), &budget, &usage).unwrap();
        }
        attempts.took(Duration::from_secs(1));
        assert!(matches!(attempts.again(fault(), Duration::ZERO, &budget, &usage), Err(Error::Exhausted { attempts: 3, .. })));

        let mut attempts = Attempts::new(RetryPolicy::new(100, Duration::from_secs(100)));
        attempts.took(Duration::from_secs(60));
        assert!(attempts.again(fault(), Duration::from_secs(41), &budget, &usage).is_err());
    }

    #[test]
    fn p15_row04_repetitions_in_total_are_capped_until_answers_earn_more() {
        let budget = RetryBudget::new();
        let granted = (0..1000).filter(|_| budget.spend()).count();
        assert_eq!(granted, 100);
        (0..4).for_each(|_| budget.earn());
        assert!(!budget.spend());
        budget.earn();
        assert!(budget.spend());
    }

    #[test]
    fn row04_pauses_grow_up_to_half_a_minute() {
        let mut attempts = Attempts::new(RetryPolicy::default());
        for most in [1, 2, 4, 8, 16, 30, 30, 30] {
            attempts.took(Duration::ZERO);
            assert!((0..50).all(|_| attempts.pause(Duration::ZERO) <= Duration::from_secs(most)));
        }
        assert!(attempts.pause(Duration::from_secs(7)) >= Duration::from_secs(7));
    }
}
