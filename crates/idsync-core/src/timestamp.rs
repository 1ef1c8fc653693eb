//! Instants, to the millisecond, without a calendar library in the public API.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// An instant in UTC with millisecond resolution.
///
/// Reads any RFC 3339 text and prints `2026-03-27T11:05:20.000Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// The text is not an RFC 3339 instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an RFC 3339 instant such as 2026-03-27T11:05:20.000Z")]
#[non_exhaustive]
pub struct InvalidTimestamp;

impl Timestamp {
    /// The start of 1970.
    pub const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// Milliseconds since the start of 1970; `None` when that lies outside years -9999 to 9999.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        jiff::Timestamp::from_millisecond(millis).ok().map(Self)
    }

    /// Milliseconds since the start of 1970.
    pub fn unix_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Whole seconds since the start of 1970.
    pub fn unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// This instant moved forward; it stops at the end of year 9999.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.unix_millis().saturating_add(millis)).unwrap_or(Self(jiff::Timestamp::MAX))
    }

    /// This instant moved back; it stops at the start of year -9999.
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.unix_millis().saturating_sub(millis)).unwrap_or(Self(jiff::Timestamp::MIN))
    }

    /// The time from `earlier` to this instant, or zero when `earlier` is later.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.unix_millis() - earlier.unix_millis()).unwrap_or(0))
    }
}

impl std::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        Self::from_unix_millis(parsed.as_millisecond()).ok_or(InvalidTimestamp)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rfc_3339_and_prints_milliseconds() {
        let read = |text: &str| text.parse::<Timestamp>().map(|at| at.to_string());
        assert_eq!(read("2026-03-27T11:05:20.000Z").as_deref(), Ok("2026-03-27T11:05:20.000Z"));
        assert_eq!(read("2024-01-24T14:15:22Z").as_deref(), Ok("2024-01-24T14:15:22.000Z"));
        assert_eq!(read("2024-01-24T16:15:22+02:00").as_deref(), Ok("2024-01-24T14:15:22.000Z"));
        assert!(read("yesterday").is_err());
    }
}
