//! What the sink refused, and before when it is not to be tried again.

use idsync_core::{StagedKey, Timestamp};
use idsync_engine::Backoff;
use std::collections::BTreeMap;

/// A change that the sink refused, with the outcome recorded.
#[derive(Debug)]
struct Refused {
    content: String,
    times: u32,
    since: Timestamp,
    retry_at: Timestamp,
}

/// The changes that the sink refused and did not take since.
#[derive(Debug, Default)]
pub(crate) struct Refusals(BTreeMap<StagedKey, Refused>);

impl Refusals {
    /// The sink refused a change once more, in a delivery that began at this instant.
    pub(crate) fn refuse(&mut self, position: StagedKey, content: String, now: Timestamp, backoff: Backoff) {
        let before = self.0.remove(&position).filter(|before| before.content == content);
        let times = before.as_ref().map_or(0, |before| before.times) + 1;
        let since = before.map_or(now, |before| before.since);
        // The next run tries it once more; from then on the waits grow.
        let retry_at = now.saturating_add(backoff.wait(times - 1));
        self.0.insert(position, Refused { content, times, since, retry_at });
    }

    /// Until when this change must wait in a plan made now. A wait from the future, before a clock was set back, is none.
    pub(crate) fn waits(&self, position: &StagedKey, content: &str, now: Timestamp) -> Option<Timestamp> {
        let refused = self.0.get(position).filter(|refused| refused.content == content)?;
        (now < refused.retry_at && refused.since <= now).then_some(refused.retry_at)
    }

    /// Whether the sink refused something at this position, and has not taken it since.
    pub(crate) fn has(&self, position: &StagedKey) -> bool {
        self.0.contains_key(position)
    }

    /// Whether anything is refused.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// It is settled, not wanted any more, or released.
    pub(crate) fn forget(&mut self, position: &StagedKey) {
        self.0.remove(position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idsync_core::Phase;
    use std::time::Duration;

    #[test]
    fn the_same_change_waits_longer_each_time_and_another_one_does_not() {
        let at = |seconds| Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(seconds));
        let backoff = Backoff::new(Duration::from_secs(10), Duration::from_secs(15));
        let (mut refusals, position) = (Refusals::default(), StagedKey::new(Phase::CreateUsers, "u".to_owned()));
        let mut waits = |now| {
            refusals.refuse(position.clone(), "a".to_owned(), at(now), backoff);
            refusals.waits(&position, "a", at(now))
        };
        assert_eq!([waits(100), waits(200), waits(300)], [None, Some(at(210)), Some(at(315))]);
        assert_eq!([99, 314, 315].map(|now| refusals.waits(&position, "a", at(now)).is_some()), [false, true, false]);
        assert_eq!(refusals.waits(&position, "b", at(300)), None);
        refusals.refuse(position.clone(), "b".to_owned(), at(300), backoff);
        assert_eq!(refusals.waits(&position, "b", at(300)), None, "another change counts anew");
    }
}
