//! When it is written down how far a delivery has come.
//!
//! Each note is a transaction that is on the disk before the delivery goes on. A sink that takes a batch within a millisecond would wait
//! several times longer for the notes than for itself, so batches share one: what is delivered and not noted when the process dies comes
//! again, under the same keys, and is what a sink took within [`Noting::WITHIN`], and [`Noting::BATCHES`] batches at most.

use crate::pending::Last;
use idsync_core::{Clock, Progress, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// How far a delivery has come since that was written down.
#[derive(Debug)]
pub(crate) struct Noting {
    clock: Arc<dyn Clock>,
    noted_at: Timestamp,
    batches: usize,
    through: Option<Last>,
}

impl Noting {
    pub(crate) const WITHIN: Duration = Duration::from_millis(50);
    pub(crate) const BATCHES: usize = 64;

    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { noted_at: clock.now(), clock, batches: 0, through: None }
    }

    /// A batch is settled up to and including `last`.
    pub(crate) fn settled(&mut self, last: Last) {
        self.batches += 1;
        self.through = Some(last);
    }

    /// Whether it is time for a note. A clock that was set back says nothing, so then it is.
    pub(crate) fn is_due(&self) -> bool {
        let now = self.clock.now();
        self.batches >= Self::BATCHES || now < self.noted_at || now.saturating_since(self.noted_at) >= Self::WITHIN
    }

    /// What is to be written down, if anything is.
    pub(crate) fn take(&mut self) -> Option<Progress> {
        let through = self.through.take()?;
        (self.batches, self.noted_at) = (0, self.clock.now());
        Some(Progress::through(through.into_key()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idsync_core::{ManualClock, Phase, StagedKey};

    fn last(number: usize) -> Last {
        Last::Row(StagedKey::new(Phase::CreateUsers, format!("{number:03}")))
    }

    fn key(progress: Option<Progress>) -> Option<String> {
        progress.map(|progress| progress.through.key)
    }

    #[test]
    fn a_quick_sink_has_many_batches_noted_together() {
        let mut noting = Noting::new(Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)));
        for number in 1..Noting::BATCHES {
            noting.settled(last(number));
            assert!(!noting.is_due(), "{number}");
        }
        noting.settled(last(64));
        assert!(noting.is_due());
        assert_eq!(key(noting.take()), Some("064".to_owned()));
        assert!(!noting.is_due(), "it begins anew");
        assert_eq!(key(noting.take()), None, "once is enough");
    }

    #[test]
    fn a_slow_sink_has_each_batch_noted_and_so_has_one_whose_clock_was_set_back() {
        let start = Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(3_600));
        let clock = Arc::new(ManualClock::new(start));
        let mut noting = Noting::new(Arc::clone(&clock) as Arc<dyn Clock>);
        for number in 0..3 {
            clock.advance(Noting::WITHIN);
            noting.settled(last(number));
            assert!(noting.is_due(), "{number}");
            assert_eq!(key(noting.take()), Some(format!("{number:03}")));
        }
        clock.advance(Noting::WITHIN / 2);
        noting.settled(last(3));
        assert!(!noting.is_due());
        noting.clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        assert!(noting.is_due());
    }
}
