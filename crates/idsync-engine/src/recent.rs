//! What changed lately: a slow leak must not pass below limits that would look at one run only.

use idsync_core::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Changes by what limits count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Counted {
    pub(crate) users: u64,
    pub(crate) deactivations: u64,
    pub(crate) groups: u64,
    pub(crate) memberships: u64,
    pub(crate) logins: u64,
    pub(crate) created_users: u64,
    pub(crate) created_groups: u64,
    pub(crate) added_memberships: u64,
    pub(crate) updated_users: u64,
    pub(crate) updated_groups: u64,
}

impl Counted {
    /// A first sync creates everything, which says nothing about the next ones.
    pub(crate) const fn forget_creations(&mut self) {
        (self.created_users, self.created_groups, self.added_memberships) = (0, 0, 0);
    }

    /// How much of it is more than in `other`.
    pub(crate) fn beyond(&self, other: &Self) -> Self {
        self.with_each(other, u64::saturating_sub)
    }

    fn add(&mut self, other: &Self) {
        *self = self.with_each(other, u64::saturating_add);
    }

    fn with_each(&self, other: &Self, of: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            users: of(self.users, other.users),
            deactivations: of(self.deactivations, other.deactivations),
            groups: of(self.groups, other.groups),
            memberships: of(self.memberships, other.memberships),
            logins: of(self.logins, other.logins),
            created_users: of(self.created_users, other.created_users),
            created_groups: of(self.created_groups, other.created_groups),
            added_memberships: of(self.added_memberships, other.added_memberships),
            updated_users: of(self.updated_users, other.updated_users),
            updated_groups: of(self.updated_groups, other.updated_groups),
        }
    }
}

/// The changes of the last while, in steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Recent(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    since: Timestamp,
    until: Timestamp,
    counted: Counted,
}

impl Step {
    fn not_after(&self, now: Timestamp) -> Self {
        Self { since: self.since.min(now), until: self.until.min(now), counted: self.counted }
    }
}

impl Recent {
    /// So many steps a window has at most, however often the engine runs.
    const STEPS: u32 = 96;

    /// What changed in the `window` up to now. Whatever lies in the future, because a clock was set back, counts as well.
    pub(crate) fn within(&self, now: Timestamp, window: Duration) -> Counted {
        let mut sum = Counted::default();
        self.0.iter().filter(|step| now.saturating_since(step.until) < window).for_each(|step| sum.add(&step.counted));
        sum
    }

    /// The same with what changes now, and without what is over. What lies in the future, because a clock was ahead, is taken to be of now:
    /// it counts for a window more, and not until that future has come.
    pub(crate) fn with(&self, now: Timestamp, window: Duration, counted: &Counted) -> Self {
        let lately = self.0.iter().filter(|step| now.saturating_since(step.until) < window);
        let mut steps: Vec<_> = lately.map(|step| step.not_after(now)).collect();
        if *counted == Counted::default() {
            return Self(steps);
        }
        match steps.last_mut().filter(|last| now.saturating_since(last.since) < window / Self::STEPS) {
            Some(last) => {
                last.counted.add(counted);
                last.until = now;
            }
            None => steps.push(Step { since: now, until: now, counted: *counted }),
        }
        Self(steps)
    }

    /// Takes out some of what was added last.
    pub(crate) fn take_out(&mut self, counted: &Counted) {
        if let Some(last) = self.0.last_mut() {
            last.counted = last.counted.beyond(counted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(seconds: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(seconds))
    }

    fn users(users: u64) -> Counted {
        Counted { users, ..Counted::default() }
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
        assert_eq!(recent.within(at(4 * 86_400), DAY), Counted::default());
        assert_eq!(recent.with(at(5 * 86_400), DAY, &Counted::default()), Recent::default());
    }

    #[test]
    fn what_is_taken_out_again_was_added_last() {
        let mut recent = Recent::default().with(at(0), DAY, &users(3)).with(at(10_000), DAY, &users(5)).with(at(10_001), DAY, &users(2));
        recent.take_out(&users(2));
        assert_eq!(recent.0.iter().map(|step| step.counted.users).collect::<Vec<_>>(), [3, 5]);
    }

    #[test]
    fn p04_a_clock_that_is_set_back_forgets_nothing() {
        let recent = Recent::default().with(at(100_000), DAY, &users(7));
        assert_eq!(recent.within(at(10), DAY).users, 7);
    }

    #[test]
    fn p04_what_a_clock_that_was_ahead_has_noted_counts_for_one_window_more() {
        let ahead = Recent::default().with(at(1_000 * 86_400), DAY, &users(7)).with(at(1_001 * 86_400), DAY * 2, &users(2));
        let recent = ahead.with(at(10), DAY, &users(1));
        assert_eq!([10, 86_409, 86_410].map(|now| recent.within(at(now), DAY).users), [10, 10, 0]);
        assert_eq!(ahead.with(at(10), DAY, &Counted::default()).within(at(86_410), DAY).users, 0);
    }
}
