//! How long a window lasts, which no header says.

use std::time::Duration;

/// Okta documents a minute.
const DOCUMENTED: u64 = 60;

/// Bounds of a window's length, in whole seconds.
///
/// The reset that a header names is a whole second, rounded up by some servers and down by others. Each window narrows the bounds; what
/// contradicts itself is given up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    shortest: u64,
    longest: u64,
    is_trusted: bool,
}

impl Default for Length {
    fn default() -> Self {
        Self { shortest: 0, longest: DOCUMENTED, is_trusted: true }
    }
}

impl Length {
    /// The window surely lasts no longer.
    pub(super) const fn longest(self) -> Duration {
        Duration::from_secs(self.longest)
    }

    /// The window surely lasts as long as this.
    pub(super) const fn shortest(self) -> Duration {
        Duration::from_secs(if self.is_trusted { self.shortest } else { self.longest })
    }

    /// A window that was opened at `opened` by the server's clock, in a second that is not after `date`, ends at about `reset`.
    pub(super) fn told(&mut self, opened: i64, date: i64, reset: i64) {
        let seconds = |from: i64, to: i64| u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        self.at_least(seconds(date, reset.saturating_sub(1)));
        self.at_most(seconds(opened, reset));
    }

    /// A window was still the same after this time.
    pub(super) fn lasted(&mut self, time: Duration) {
        self.at_least(time.as_secs() + 1);
    }

    /// A window had been followed by another after this time, and before its reset by the server's own clock, so that its reset had been
    /// rounded up.
    pub(super) fn over_after(&mut self, time: Duration) {
        self.at_most(time.as_secs());
    }

    fn at_least(&mut self, seconds: u64) {
        // What is about a minute is the minute that is documented.
        let seconds = if seconds + 1 >= DOCUMENTED { DOCUMENTED } else { seconds };
        self.shortest = self.shortest.max(seconds);
        self.check();
    }

    fn at_most(&mut self, seconds: u64) {
        if self.is_trusted {
            self.longest = self.longest.min(seconds.max(1));
            self.check();
        }
    }

    fn check(&mut self) {
        if self.is_trusted && self.shortest > self.longest {
            (self.longest, self.is_trusted) = (DOCUMENTED, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn bounds(length: Length) -> (u64, u64) {
        (length.shortest().as_secs(), length.longest().as_secs())
    }

    #[test]
    fn the_documented_minute_needs_no_proof() {
        let mut length = Length::default();
        length.told(100, 100, 160);
        assert_eq!(bounds(length), (60, 60), "rounded down");
        let mut length = Length::default();
        length.told(100, 100, 161);
        assert_eq!(bounds(length), (60, 60), "rounded up");
    }

    #[test]
    fn another_length_is_found_by_what_happens() {
        let mut up = Length::default();
        up.told(100, 100, 106);
        assert_eq!(bounds(up), (5, 6));
        up.over_after(Duration::from_millis(5_040));
        assert_eq!(bounds(up), (5, 5));
        let mut down = Length::default();
        down.told(100, 100, 105);
        assert_eq!(bounds(down), (4, 5));
        down.lasted(Duration::from_millis(4_010));
        assert_eq!(bounds(down), (5, 5));
    }

    #[test]
    fn what_contradicts_itself_is_not_built_upon() {
        let mut length = Length::default();
        length.told(100, 100, 110);
        length.lasted(Duration::from_secs(30));
        assert_eq!(bounds(length), (60, 60));
        length.over_after(Duration::from_secs(10));
        assert_eq!(bounds(length), (60, 60));
    }
}
