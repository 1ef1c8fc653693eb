//! The share of a rate limit that a client takes.

use crate::error::Error;
use std::fmt;

/// The part of each rate-limit window that a client uses before it waits for the next, in percent.
///
/// Okta's headers already show the app's own part of the org's limit (half of it, unless configured), so the share leaves room for other
/// uses of the same app, and for what other requests of this client have under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateShare(u8);

impl RateShare {
    /// A share from 1 to 100 percent.
    ///
    /// # Errors
    /// [`Error::Config`] outside that range.
    pub fn percent(percent: u8) -> Result<Self, Error> {
        match percent {
            1..=100 => Ok(Self(percent)),
            _ => Err(Error::config("the rate share is not between 1 and 100 percent", "give a share such as 80%")),
        }
    }

    /// The share in percent.
    pub const fn in_percent(self) -> u8 {
        self.0
    }

    /// How many of `limit` requests that is: at least one.
    pub(super) fn of(self, limit: u64) -> u64 {
        (limit.saturating_mul(u64::from(self.0)) / 100).max(1)
    }
}

impl Default for RateShare {
    /// 80 percent.
    fn default() -> Self {
        Self(80)
    }
}

impl fmt::Display for RateShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}
