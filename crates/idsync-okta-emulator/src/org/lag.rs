//! Answers that are older than the org.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long searches and member lists go on showing what was there before a change (Okta reference: searches read an eventually
/// consistent index; recorded: a member list is stale for seconds after a change).
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
    /// For this long.
    Time(Duration),
}

/// What was there before changes that are not shown yet, by the index of what was changed.
#[derive(Debug)]
pub(crate) struct Stale<T>(HashMap<u32, Old<T>>);

#[derive(Debug)]
struct Old<T> {
    value: T,
    left: Left,
}

#[derive(Debug)]
enum Left {
    Listings(u32),
    Until(Instant),
}

impl<T> Default for Stale<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Stale<T> {
    /// Keeps what was there before a change, unless something older is still being shown.
    pub(crate) fn keep(&mut self, lag: Lag, index: u32, old: impl FnOnce() -> T) {
        let left = match lag {
            Lag::None => return,
            Lag::Listings(count) => Left::Listings(count),
            Lag::Time(time) => Left::Until(Instant::now() + time),
        };
        let entry = self.0.entry(index).or_insert_with(|| Old { value: old(), left: Left::Listings(0) });
        entry.left = left;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        self.0.get(&index).map(|old| &old.value)
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// A listing of everything begins.
    pub(crate) fn begin(&mut self) {
        self.0.retain(|_, old| old.left.begin());
    }

    /// A listing of one thing begins.
    pub(crate) fn begin_one(&mut self, index: u32) {
        if self.0.get_mut(&index).is_some_and(|old| !old.left.begin()) {
            self.0.remove(&index);
        }
    }
}

impl Left {
    /// Whether the listing that begins still shows what was there before.
    fn begin(&mut self) -> bool {
        match self {
            Self::Listings(0) => false,
            Self::Listings(count) => {
                *count -= 1;
                true
            }
            Self::Until(end) => Instant::now() < *end,
        }
    }
}
