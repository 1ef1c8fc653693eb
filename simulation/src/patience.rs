//! How often a directory could not be read, and before when it is to be left alone.

use idsync_core::Timestamp;
use idsync_engine::QuarantinePolicy;

/// The failed reads of a directory, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    count: u32,
    last: Option<Timestamp>,
    /// Until when the directory must be left alone, and until when it may be.
    until: Option<(Timestamp, Timestamp)>,
}

impl Failures {
    /// A read failed, and nobody knows yet in which way.
    pub(crate) fn fail(&mut self, now: Timestamp, policy: &QuarantinePolicy) {
        self.count += 1;
        self.last = Some(now);
        self.until = self.nth(policy).map(|nth| {
            let (one, other) = (policy.refused.wait(nth), policy.unreadable.wait(nth));
            (now.saturating_add(one.min(other)), now.saturating_add(one.max(other)))
        });
    }

    /// The last failure was a refusal, or it was none.
    pub(crate) fn explain(&mut self, refused: bool, policy: &QuarantinePolicy) {
        let backoff = if refused { policy.refused } else { policy.unreadable };
        let until = self.last.and_then(|last| Some(last.saturating_add(backoff.wait(self.nth(policy)?))));
        self.until = until.map(|until| (until, until));
    }

    fn nth(&self, policy: &QuarantinePolicy) -> Option<u32> {
        policy.after.and_then(|after| self.count.checked_sub(after.get() - 1)).filter(|nth| *nth > 0)
    }

    /// Until when the directory must be left alone, if it must be now. A quarantine from the future, before a clock was set back, is none.
    pub(crate) fn in_force(&self, now: Timestamp) -> Option<Timestamp> {
        self.until.map(|(until, _)| until).filter(|until| self.is_between(now, *until))
    }

    /// Whether the directory may be left alone now.
    pub(crate) fn may_be_in_force(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|(_, until)| self.is_between(now, until))
    }

    fn is_between(&self, now: Timestamp, until: Timestamp) -> bool {
        now < until && self.last.is_some_and(|last| last <= now)
    }

    /// Whether the last read failed.
    pub(crate) const fn is_any(&self) -> bool {
        self.count > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idsync_engine::Backoff;
    use std::num::NonZeroU32;
    use std::time::Duration;

    #[test]
    fn after_so_many_failures_the_waits_grow() {
        let at = |seconds| Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(seconds));
        let mut policy = QuarantinePolicy::after(NonZeroU32::new(2).unwrap());
        policy.refused = Backoff::new(Duration::from_secs(60), Duration::from_secs(600));
        policy.unreadable = Backoff::new(Duration::from_secs(10), Duration::from_secs(600));
        let mut failures = Failures::default();
        failures.fail(at(100), &policy);
        assert_eq!((failures.is_any(), failures.in_force(at(100))), (true, None));
        failures.fail(at(200), &policy);
        assert_eq!(failures.in_force(at(200)), Some(at(210)), "nobody knows yet why");
        assert_eq!([259, 260].map(|now| failures.may_be_in_force(at(now))), [true, false]);
        failures.explain(true, &policy);
        assert_eq!([199, 200, 259, 260].map(|now| failures.in_force(at(now)).is_some()), [false, true, true, false]);
        failures.fail(at(300), &policy);
        failures.explain(false, &policy);
        assert_eq!(failures.in_force(at(300)), Some(at(320)));
    }
}
