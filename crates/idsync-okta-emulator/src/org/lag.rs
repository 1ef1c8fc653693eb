//! Answers that are older than the org.

use crate::clock::Clock;
use std::collections::HashMap;
use std::time::Duration;

/// How long searches, filters and member lists go on showing what was there before a change (Okta reference: searches read an eventually
/// consistent index; reported: filters do as well; recorded: a member list is stale for seconds after a change).
///
/// The plain user list, the plain group list and reads by id are never behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lag {
    /// Not at all.
    #[default]
    None,
    /// For this many listings after the change. A listing counts when its first page is asked for, and its later pages show what its
    /// first page showed.
    Listings(u32),
    /// For this long, by the org's clock.
    Time(Duration),
}

/// What was there before changes that are not shown yet, by the index of what was changed.
#[derive(Debug)]
pub(crate) struct Stale<T> {
    old: HashMap<u32, Old<T>>,
    clock: Clock,
}

#[derive(Debug)]
struct Old<T> {
    value: T,
    left: Left,
}

#[derive(Debug)]
enum Left {
    Listings(u32),
    /// In milliseconds since the start of 1970.
    Until(i64),
}

impl<T> Stale<T> {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { old: HashMap::new(), clock }
    }

    /// Keeps what was there before a change, unless something older is still being shown.
    pub(crate) fn keep(&mut self, lag: Lag, index: u32, old: impl FnOnce() -> T) {
        let left = match lag {
            Lag::None => return,
            Lag::Listings(count) => Left::Listings(count),
            Lag::Time(time) => Left::Until(self.clock.millis().saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))),
        };
        let entry = self.old.entry(index).or_insert_with(|| Old { value: old(), left: Left::Listings(0) });
        entry.left = left;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.old.is_empty()
    }

    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        self.old.get(&index).map(|old| &old.value)
    }

    pub(crate) fn clear(&mut self) {
        self.old.clear();
    }

    /// A listing of everything begins.
    pub(crate) fn begin(&mut self) {
        let now = self.clock.millis();
        self.old.retain(|_, old| old.left.begin(now));
    }

    /// A listing of one thing begins.
    pub(crate) fn begin_one(&mut self, index: u32) {
        let now = self.clock.millis();
        if self.old.get_mut(&index).is_some_and(|old| !old.left.begin(now)) {
            self.old.remove(&index);
        }
    }
}

impl Left {
    /// Whether the listing that begins still shows what was there before.
    fn begin(&mut self, now: i64) -> bool {
        match self {
            Self::Listings(0) => false,
            Self::Listings(count) => {
                *count -= 1;
                true
            }
            Self::Until(end) => now < *end,
        }
    }
}
