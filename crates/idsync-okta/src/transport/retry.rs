//! The one place that decides whether and when to send again.

use crate::clock::Timer;
use crate::error::Error;
use crate::random;
use crate::usage::{Progress, Usage};
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Grows up to 32 times as much.
const SHORT_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often and how long one request is sent again after passing faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often a request is sent at most.
    pub max_attempts: u32,
    /// How much time its attempts and the pauses between them may take together. Waiting for one's share of the rate limit is not counted;
    /// the wait that the org asks for with a 429 is, and where that one alone is longer, it is left to the caller. So is what is left of it to
    /// whoever asks for the same kind of thing meanwhile: [`Error::RateLimited`] says how long, and nothing is sent.
    pub budget: Duration,
}

impl RetryPolicy {
    /// At most `max_attempts` attempts (at least one) within `budget`.
    pub const fn new(max_attempts: u32, budget: Duration) -> Self {
        Self { max_attempts, budget }
    }
}

impl Default for RetryPolicy {
    /// Sixteen attempts in five minutes: so many that an org that fails two requests of five is still read to the end.
    fn default() -> Self {
        Self::new(16, Duration::from_secs(5 * 60))
    }
}

/// Keeps an org that is in trouble from being sent a multiple of the usual requests: each answer earns one repetition, so that all in all
/// there are hardly more than twice as many.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    repetitions: AtomicI64,
    /// Repetitions since the last good answer to any request.
    in_a_row: AtomicU32,
}

impl RetryBudget {
    const FULL: i64 = 100;

    pub(crate) const fn new() -> Self {
        Self { repetitions: AtomicI64::new(Self::FULL), in_a_row: AtomicU32::new(0) }
    }

    /// A good answer came.
    pub(crate) fn earn(&self) {
        self.in_a_row.store(0, Ordering::Relaxed);
        if self.repetitions.load(Ordering::Relaxed) < Self::FULL {
            self.repetitions.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn spend(&self) -> bool {
        self.in_a_row.fetch_add(1, Ordering::Relaxed);
        let paid = |left: i64| (left > 0).then_some(left - 1);
        self.repetitions.fetch_update(Ordering::Relaxed, Ordering::Relaxed, paid).is_ok()
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

    /// A random pause that grows with each attempt ("full jitter"), and is never shorter than `at_least`. It stays short as long as the org
    /// answers other requests.
    pub(crate) fn pause(&self, at_least: Duration, budget: &RetryBudget) -> Duration {
        let failed = self.made.saturating_sub(1).min(budget.in_a_row.load(Ordering::Relaxed));
        let most = FIRST_PAUSE.saturating_mul(1 << failed.min(16)).min(LONGEST_PAUSE);
        // What the server asks for may be beyond all measure.
        at_least.saturating_add(random::jitter(most))
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
        // Whoever asked knows better whether to come back after so long than to be kept waiting.
        if matches!(error, Error::RateLimited { .. }) && pause > self.policy.budget {
            return Err(error);
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
        Error::NotFound { operation: "test", detail: <_>::default() }
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
        assert!(!budget.spend());
        budget.earn();
        assert!(budget.spend());
        assert!(!budget.spend(), "one answer, one repetition");
    }

    #[test]
    fn row04_pauses_grow_up_to_half_a_minute() {
        let (mut attempts, budget) = (Attempts::new(RetryPolicy::default()), RetryBudget::new());
        for most in [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000] {
            attempts.took(Duration::ZERO);
            let pauses: Vec<_> = (0..200).map(|_| attempts.pause(Duration::ZERO, &budget)).collect();
            assert!(pauses.iter().all(|pause| *pause <= Duration::from_millis(most)));
            assert!(pauses.iter().any(|pause| *pause > Duration::from_millis(most / 2)));
            budget.spend();
        }
        assert!(attempts.pause(Duration::from_secs(7), &budget) >= Duration::from_secs(7));
    }

    #[test]
    fn p15_row04_pauses_stay_short_while_the_org_answers_others() {
        let (mut attempts, budget) = (Attempts::new(RetryPolicy::default()), RetryBudget::new());
        (0..9).for_each(|_| attempts.took(Duration::ZERO));
        budget.spend();
        budget.earn();
        assert!((0..200).all(|_| attempts.pause(Duration::ZERO, &budget) <= FIRST_PAUSE));
    }

    #[test]
    fn p15_row04_a_read_ends_although_two_requests_of_five_fail() {
        let (budget, usage, mut random) = (RetryBudget::new(), Usage::default(), 1_u64);
        let mut requests = 0;
        for _ in 0..5_000 {
            let mut attempts = Attempts::new(RetryPolicy::default());
            loop {
                attempts.took(Duration::from_millis(30));
                requests += 1;
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if (random >> 33) % 10 >= 4 {
                    break budget.earn();
                }
                attempts.again(fault(), attempts.pause(Duration::ZERO, &budget), &budget, &usage).unwrap();
            }
        }
        assert!((8_000..8_700).contains(&requests), "{requests}");
    }
}
