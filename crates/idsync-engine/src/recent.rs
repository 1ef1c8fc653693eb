//! What was removed lately: a slow leak must not pass below limits that would look at one run only.

use idsync_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Removals by what limits count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Removals {
    pub(crate) users: u64,
    pub(crate) deactivations: u64,
    pub(crate) groups: u64,
    pub(crate) memberships: u64,
    pub(crate) logins: u64,
}

impl Removals {
    fn add(&mut self, other: &Self) {
        self.users += other.users;
        self.deactivations += other.deactivations;
        self.groups += other.groups;
        self.memberships += other.memberships;
        self.logins += other.logins;
    }
}

/// The removals of the last while, in steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Recent(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    since: Timestamp,
    until: Timestamp,
    removals: Removals,
}

impl Recent {
    /// So many steps a window has at most, however often the engine runs.
    const STEPS: u32 = 96;

    /// What was removed in the `window` up to now. Whatever lies in the future, because a clock was set back, counts as well.
    pub(crate) fn within(&self, now: Timestamp, window: Duration) -> Removals {
        let mut sum = Removals::default();
        self.0.iter().filter(|step| now.saturating_since(step.until) < window).for_each(|step| sum.add(&step.removals));
        sum
    }

    /// The same with what is removed now, and without what is over.
    pub(crate) fn with(&self, now: Timestamp, window: Duration, removals: &Removals) -> Self {
        let mut steps: Vec<_> = self.0.iter().filter(|step| now.saturating_since(step.until) < window).cloned().collect();
        if *removals == Removals::default() {
            return Self(steps);
        }
        match steps.last_mut().filter(|last| now.saturating_since(last.since) < window / Self::STEPS) {
            Some(last) => {
                last.removals.add(removals);
                last.until = last.until.max(now);
            }
            None => steps.push(Step { since: now, until: now, removals: *removals }),
        }
        Self(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(seconds))
    }

    fn users(users: u64) -> Removals {
        Removals { users, ..Removals::default() }
    }

    #[test]
    fn p04_a_window_rolls_and_stays_small() {
        let mut recent = Recent::default();
        for minute in 0..3 * 1_440 {
            recent = recent.with(at(minute * 60), DAY, &users(1));
        }
        let now = at(3 * 86_400 - 60);
        assert!((1_440..1_460).contains(&recent.within(now, DAY).users), "{:?}", recent.within(now, DAY));
        assert!(recent.0.len() <= 97, "{}", recent.0.len());
        assert_eq!(recent.within(at(4 * 86_400), DAY), Removals::default());
        assert_eq!(recent.with(at(5 * 86_400), DAY, &Removals::default()), Recent::default());
    }

    #[test]
    fn p04_a_clock_that_is_set_back_forgets_nothing() {
        let recent = Recent::default().with(at(100_000), DAY, &users(7));
        assert_eq!(recent.within(at(10), DAY).users, 7);
    }
}
