//! Instants, to the millisecond, without a calendar library in the public API.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::num::NonZeroI64;
use std::time::Duration;

/// An instant in UTC with millisecond resolution.
///
/// Reads any RFC 3339 text and prints `2026-03-27T11:05:20.000Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(
    /// Milliseconds since the start of 1970, and [`Timestamp::SHIFT`]. An entry has several instants that it may or may not know, and
    /// what is never zero needs no room to say which.
    NonZeroI64,
);

/// The text is not an RFC 3339 instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an RFC 3339 instant such as 2026-03-27T11:05:20.000Z")]
#[non_exhaustive]
pub struct InvalidTimestamp;

impl Timestamp {
    /// More milliseconds than there are from year -9999 to 9999.
    const SHIFT: i64 = 1 << 50;

    /// The start of 1970.
    pub const UNIX_EPOCH: Self = Self(NonZeroI64::new(Self::SHIFT).expect("it is not zero"));

    fn new(at: jiff::Timestamp) -> Self {
        Self(NonZeroI64::new(at.as_millisecond() + Self::SHIFT).expect("no instant is so early"))
    }

    /// Milliseconds since the start of 1970; `None` when that lies outside years -9999 to 9999.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        calendar(millis).map(Self::new)
    }

    /// Milliseconds since the start of 1970.
    pub const fn unix_millis(self) -> i64 {
        self.0.get() - Self::SHIFT
    }

    /// Whole seconds since the start of 1970.
    pub const fn unix_seconds(self) -> i64 {
        self.unix_millis().div_euclid(1_000)
    }

    /// This instant moved forward; it stops at the end of year 9999.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.unix_millis().saturating_add(millis)).unwrap_or(Self::new(jiff::Timestamp::MAX))
    }

    /// This instant moved back; it stops at the start of year -9999.
    #[must_use]
    pub fn saturating_sub(self, by: Duration) -> Self {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self::from_unix_millis(self.unix_millis().saturating_sub(millis)).unwrap_or(Self::new(jiff::Timestamp::MIN))
    }

    /// The time from `earlier` to this instant, or zero when `earlier` is later.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.unix_millis() - earlier.unix_millis()).unwrap_or(0))
    }
}

/// The same instant as the library has it that knows the calendar.
fn calendar(millis: i64) -> Option<jiff::Timestamp> {
    // Whole milliseconds alone would leave out the last second.
    let nanos = i32::try_from(millis.rem_euclid(1_000) * 1_000_000).ok()?;
    jiff::Timestamp::new(millis.div_euclid(1_000), nanos).ok()
}

impl std::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp)?;
        Ok(Self::new(parsed))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whatever is held lies within the years that can be printed.
        calendar(self.unix_millis()).ok_or(fmt::Error).and_then(|at| write!(f, "{at:.3}"))
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

    #[test]
    fn any_instant_is_held_in_eight_bytes_whether_or_not_it_is_there() {
        assert_eq!(size_of::<Option<Timestamp>>(), 8);
        let ends = [jiff::Timestamp::MIN, jiff::Timestamp::MAX].map(|at| at.as_millisecond());
        let all = [ends[0], -62_135_596_800_001, -1_001, -1_000, -1, 0, 1, 999, 1_000, ends[1]].map(|millis| {
            let at = Timestamp::from_unix_millis(millis).unwrap();
            assert_eq!((at.unix_millis(), at.to_string().parse()), (millis, Ok(at)));
            assert_eq!(at.unix_seconds(), millis.div_euclid(1_000));
            at
        });
        assert!(all.is_sorted_by(|one, other| one < other));
        assert_eq!([Timestamp::from_unix_millis(ends[0] - 1_000), Timestamp::from_unix_millis(ends[1] + 1_000)], [None, None]);
        let far = Duration::from_secs(u64::MAX);
        assert_eq!([all[5].saturating_sub(far), all[5].saturating_add(far)], [all[0], all[9]]);
        let text = |place: usize| all[place].to_string();
        assert_eq!([text(0), text(4), text(9)], ["-009999-01-02T01:59:59.000Z", "1969-12-31T23:59:59.999Z", "9999-12-30T22:00:00.999Z"]);
        assert_eq!(Timestamp::UNIX_EPOCH, all[5]);
    }
}
