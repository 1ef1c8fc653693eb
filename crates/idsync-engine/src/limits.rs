//! How much may change without a person having looked.

use serde::Serialize;
use std::time::Duration;

/// The most changes of one kind that a run applies; above it, all changes of that kind are held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Limit {
    /// At most this many.
    Count(u64),
    /// At most this share of what the base holds, in percent, but not more than `at_most`, and always `at_least`.
    Percent {
        /// The share, in percent.
        percent: u8,
        /// So many are always allowed, however small the base, and even if they are more than `at_most`.
        at_least: u64,
        /// More than so many are not allowed, however large the base.
        at_most: u64,
    },
    /// No limit.
    Unlimited,
}

impl Limit {
    /// At most this share of what the base holds, and nothing more to it.
    pub const fn percent(percent: u8) -> Self {
        Self::Percent { percent, at_least: 0, at_most: u64::MAX }
    }

    /// How many changes are allowed where the base holds `size`.
    pub fn allowed(self, size: u64) -> u64 {
        match self {
            Self::Count(count) => count,
            Self::Percent { percent, at_least, at_most } => {
                let share = u128::from(size) * u128::from(percent) / 100;
                u64::try_from(share).unwrap_or(u64::MAX).min(at_most).max(at_least)
            }
            Self::Unlimited => u64::MAX,
        }
    }
}

/// The text is not a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a limit; expected a number such as 25, a share such as 10%, or off")]
#[non_exhaustive]
pub struct InvalidLimit(String);

/// Reads `25`, `10%` or `off`.
impl std::str::FromStr for Limit {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, InvalidLimit> {
        let invalid = || InvalidLimit(text.to_owned());
        match text.strip_suffix('%') {
            _ if text == "off" => Ok(Self::Unlimited),
            Some(share) => match share.parse() {
                Ok(percent) if percent <= 100 => Ok(Self::percent(percent)),
                _ => Err(invalid()),
            },
            None => text.parse().map(Self::Count).map_err(|_| invalid()),
        }
    }
}

/// The most members that one group may lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupLimit {
    /// At most this share of its members, in percent, in a group that has at least `from`.
    Percent {
        /// The share, in percent.
        percent: u8,
        /// Smaller groups have no limit.
        from: u64,
    },
    /// No limit.
    Unlimited,
}

impl GroupLimit {
    /// Whether a group of `size` may lose `leaving` members.
    pub fn allows(self, leaving: u64, size: u64) -> bool {
        match self {
            Self::Percent { percent, from } => size < from || u128::from(leaving) * 100 <= u128::from(size) * u128::from(percent),
            Self::Unlimited => true,
        }
    }
}

/// How much may change without a person having looked: per kind of change, within a window that rolls from run to run.
///
/// All changes of a kind that is over its limit are held back; everything else goes on. Memberships are also held when all of ten or
/// more would end at once, unless they have no limit.
///
/// Removals are limited by default, creations and updates are not: what appears can be taken back, what is gone may not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Safeguards {
    /// Users that are deleted: all whom the directory does not show any more count, before anybody is asked for, but those who are
    /// protected.
    pub users: Limit,
    /// Users that become suspended or deprovisioned.
    pub deactivations: Limit,
    /// Groups that are deleted, counted like users.
    pub groups: Limit,
    /// Memberships that end, those of deleted users apart, which count as users.
    pub memberships: Limit,
    /// Users whose login changes: whoever is matched by login becomes somebody else.
    pub logins: Limit,
    /// Members that leave one group within one run, those of deleted users and groups apart.
    pub in_one_group: GroupLimit,
    /// Users, groups and memberships that are new, each counted by itself; not while nothing was synced yet.
    pub creations: Limit,
    /// Users and groups that are updated, each counted by itself; deactivations apart.
    pub updates: Limit,
    /// How far back changes count; they are remembered with the synced state, those that were approved or refused by the sink apart.
    pub window: Duration,
}

impl Safeguards {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const IN_ONE_GROUP: GroupLimit = GroupLimit::Percent { percent: 50, from: 20 };

    /// The same limit for each kind of removal, within a day. Without a limit, there is none for single groups either.
    pub const fn all(limit: Limit) -> Self {
        let in_one_group = match limit {
            Limit::Unlimited => GroupLimit::Unlimited,
            _ => Self::IN_ONE_GROUP,
        };
        Self {
            users: limit,
            deactivations: limit,
            groups: limit,
            memberships: limit,
            logins: limit,
            in_one_group,
            creations: Limit::Unlimited,
            updates: Limit::Unlimited,
            window: Self::DAY,
        }
    }

    /// Whether nothing that is counted in a plan has a limit; users and groups that are deleted are counted before there is one.
    pub(crate) fn are_off_for_plans(&self) -> bool {
        let limits = [self.deactivations, self.memberships, self.logins, self.creations, self.updates];
        limits.iter().all(|limit| *limit == Limit::Unlimited) && self.in_one_group == GroupLimit::Unlimited
    }

    /// Sets the limit for users that are deleted.
    #[must_use]
    pub const fn with_users(mut self, limit: Limit) -> Self {
        self.users = limit;
        self
    }

    /// Sets the limit for users that become suspended or deprovisioned.
    #[must_use]
    pub const fn with_deactivations(mut self, limit: Limit) -> Self {
        self.deactivations = limit;
        self
    }

    /// Sets the limit for groups that are deleted.
    #[must_use]
    pub const fn with_groups(mut self, limit: Limit) -> Self {
        self.groups = limit;
        self
    }

    /// Sets the limit for memberships that end.
    #[must_use]
    pub const fn with_memberships(mut self, limit: Limit) -> Self {
        self.memberships = limit;
        self
    }

    /// Sets the limit for logins that change.
    #[must_use]
    pub const fn with_logins(mut self, limit: Limit) -> Self {
        self.logins = limit;
        self
    }

    /// Sets the limit for single groups.
    #[must_use]
    pub const fn with_in_one_group(mut self, limit: GroupLimit) -> Self {
        self.in_one_group = limit;
        self
    }

    /// Sets the limit for what is new.
    #[must_use]
    pub const fn with_creations(mut self, limit: Limit) -> Self {
        self.creations = limit;
        self
    }

    /// Sets the limit for what is updated.
    #[must_use]
    pub const fn with_updates(mut self, limit: Limit) -> Self {
        self.updates = limit;
        self
    }

    /// Sets how far back changes count; zero looks at each run by itself.
    #[must_use]
    pub const fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }
}

/// Users, deactivations, groups and logins: a tenth, but at least 10 and at most 500. Memberships: a fifth, but at least 10; and half of
/// those of one group that has 20 or more. Creations and updates: no limit. Within a day.
impl Default for Safeguards {
    fn default() -> Self {
        let entries = Limit::Percent { percent: 10, at_least: 10, at_most: 500 };
        let memberships = Limit::Percent { percent: 20, at_least: 10, at_most: u64::MAX };
        Self::all(entries).with_memberships(memberships)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p04_the_default_is_a_tenth_between_ten_and_five_hundred() {
        let users = Safeguards::default().users;
        let allowed = [0, 50, 100, 101, 1_000, 5_000, 100_000].map(|size| users.allowed(size));
        assert_eq!(allowed, [10, 10, 10, 10, 100, 500, 500]);
        assert_eq!(Safeguards::default().memberships.allowed(1_000), 200);
    }

    #[test]
    fn p04_a_group_may_lose_half_of_its_members_from_twenty_on() {
        let limit = Safeguards::default().in_one_group;
        assert!(limit.allows(19, 19) && limit.allows(10, 20) && !limit.allows(11, 20) && limit.allows(10, 21) && !limit.allows(11, 21));
        assert!(GroupLimit::Unlimited.allows(1_000, 1_000));
    }

    #[test]
    fn limits_are_read_as_people_write_them() {
        assert_eq!("25".parse(), Ok(Limit::Count(25)));
        assert_eq!("10%".parse(), Ok(Limit::percent(10)));
        assert_eq!("off".parse(), Ok(Limit::Unlimited));
        for bad in ["", "-1", "101%", "ten", "%", "Off "] {
            assert!(bad.parse::<Limit>().is_err(), "{bad}");
        }
        assert_eq!(Limit::percent(10).allowed(9), 0);
    }
}
