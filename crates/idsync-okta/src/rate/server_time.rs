//! The server's clock on the local monotonic one, finer than the whole seconds of its `Date`.

use std::time::Duration;
use tokio::time::Instant;

const SECOND: i128 = 1_000_000_000;

/// When the server's seconds begin, as far as its answers tell.
///
/// An answer with `Date` d shows that d had begun when it came. Of many answers some come right after the server's clock has ticked, and
/// those tell most: what is left is the way back from the server.
#[derive(Debug, Default)]
pub(super) struct ServerTime(Option<Lead>);

/// How far the server's clock is ahead of the local one at the least, which is counted from `base`.
#[derive(Debug, Clone, Copy)]
struct Lead {
    base: Instant,
    nanos: i128,
}

impl Lead {
    fn of(base: Instant, date: i64, at: Instant) -> Self {
        Self { base, nanos: i128::from(date) * SECOND - since(base, at) }
    }
}

impl ServerTime {
    /// Learns from an answer with this `Date`, in seconds since the start of 1970.
    pub(super) fn observe(&mut self, date: i64, sent: Instant, received: Instant) {
        let base = self.0.map_or(received, |lead| lead.base);
        let least = Lead::of(base, date, received);
        let most = Lead::of(base, date.saturating_add(1), sent);
        // What cannot be true any more was learned before one of the clocks was set, or from a wrong date.
        let known = self.0.filter(|known| (least.nanos..=most.nanos).contains(&known.nanos));
        self.0 = Some(known.unwrap_or(least));
    }

    /// The local time at which this second of the server's clock has begun for sure; `None` before the first answer.
    pub(super) fn surely_at(&self, second: i64) -> Option<Instant> {
        let lead = self.0?;
        let ahead = i128::from(second) * SECOND - lead.nanos;
        Some(lead.base + Duration::from_nanos(u64::try_from(ahead.max(0)).unwrap_or(u64::MAX / 4)))
    }

    /// The second of the server's clock that had begun for sure at this local time.
    pub(super) fn second_at(&self, at: Instant) -> Option<i64> {
        let lead = self.0?;
        i64::try_from((lead.nanos + since(lead.base, at)).div_euclid(SECOND)).ok()
    }
}

/// Nanoseconds from `base` to `at`, which may be earlier.
fn since(base: Instant, at: Instant) -> i128 {
    let nanos = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
    nanos(at.saturating_duration_since(base)) - nanos(base.saturating_duration_since(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn p19_answers_around_a_tick_tell_when_the_servers_seconds_begin() {
        let (mut time, start) = (ServerTime::default(), Instant::now());
        assert_eq!(time.surely_at(100), None);
        // The server's clock shows 100.0 at 300 ms of the local one.
        for (date, sent) in [(99, 0), (99, 200), (100, 310), (100, 900), (101, 1400)] {
            time.observe(date, start + millis(sent), start + millis(sent + 20));
        }
        assert_eq!(time.surely_at(105), Some(start + millis(5330)));
        assert_eq!((time.second_at(start + millis(5329)), time.second_at(start + millis(5330))), (Some(104), Some(105)));
    }

    #[test]
    fn p19_a_clock_that_was_set_is_followed() {
        let (mut time, start) = (ServerTime::default(), Instant::now());
        time.observe(1000, start, start + millis(10));
        time.observe(900, start + millis(20), start + millis(30));
        assert_eq!(time.surely_at(901), Some(start + millis(1030)));
        time.observe(5000, start + millis(40), start + millis(50));
        assert_eq!(time.surely_at(5001), Some(start + millis(1050)));
    }
}
