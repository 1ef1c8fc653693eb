//! When grants and roles have an effect, which may be later than when they are made.

use super::Quirks;
use std::time::Duration;

/// How far an app and the org's clock have come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// How many requests the app has made.
    pub(crate) requests: u64,
    /// Milliseconds since the start of 1970.
    pub(crate) millis: i64,
}

/// From when on a change has an effect: from this request of the app on, and not before this time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Effect {
    requests: u64,
    millis: i64,
}

/// How long changes of an app's powers take to have an effect.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delay {
    pub(crate) requests: u32,
    pub(crate) time: Duration,
}

impl Delay {
    /// The delay of grants.
    pub(crate) fn of_grants(quirks: &Quirks, requests: u32) -> Self {
        Self { requests, time: quirks.grant_delay }
    }

    /// The delay of roles.
    pub(crate) fn of_roles(quirks: &Quirks, requests: u32) -> Self {
        Self { requests, time: quirks.role_delay }
    }

    /// When a change that is made now has an effect.
    pub(crate) fn from(self, now: Progress) -> Effect {
        Effect {
            requests: if self.requests == 0 { 0 } else { now.requests + u64::from(self.requests) + 1 },
            millis: if self.time.is_zero() { 0 } else { now.millis + i64::try_from(self.time.as_millis()).unwrap_or(i64::MAX / 2) },
        }
    }
}

impl Effect {
    fn is_reached(self, now: Progress) -> bool {
        now.requests >= self.requests && now.millis >= self.millis
    }
}

/// The life of a grant or a role. What was taken away is listed no more, but may have its effect for a while.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    from: Effect,
    until: Option<Effect>,
}

impl Span {
    pub(crate) fn starting(from: Effect) -> Self {
        Self { from, until: None }
    }

    pub(crate) fn end(&mut self, until: Effect) {
        self.until.get_or_insert(until);
    }

    /// Whether it was not taken away.
    pub(crate) fn is_listed(&self) -> bool {
        self.until.is_none()
    }

    pub(crate) fn is_effective(&self, now: Progress) -> bool {
        self.from.is_reached(now) && !self.until.is_some_and(|until| until.is_reached(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_its_effect_after_the_requests_and_the_time_it_takes() {
        let at = |requests, millis| Progress { requests, millis };
        let now = at(5, 1000);
        let mut span = Span::starting(Delay { requests: 2, time: Duration::from_millis(300) }.from(now));
        assert!(!span.is_effective(at(7, 5000)) && !span.is_effective(at(8, 1299)));
        assert!(span.is_effective(at(8, 1300)) && span.is_listed());
        span.end(Delay { requests: 1, time: Duration::ZERO }.from(at(8, 1300)));
        assert!(!span.is_listed() && span.is_effective(at(9, 1300)) && !span.is_effective(at(10, 1300)));
        assert!(Span::default().is_effective(at(0, 0)));
    }
}
