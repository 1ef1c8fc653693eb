//! Groups whose members are to be read, the largest first: the members of a group come page after page, so that the last group to begin
//! should not be one with many pages.

use idsync_core::{GroupId, Timestamp};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering as Memory};

/// A group that waits for its members to be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// How many members it had the last time.
    pub(crate) size: u64,
    /// Among groups of one size, the first to come is the first to go.
    arrival: u64,
    pub(crate) group: GroupId,
    pub(crate) members_updated: Option<Timestamp>,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.size.cmp(&other.size).then(other.arrival.cmp(&self.arrival))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    groups: BinaryHeap<Waiting>,
    arrivals: u64,
}

impl Queue {
    pub(crate) fn push(&mut self, group: GroupId, members_updated: Option<Timestamp>, size: u64) {
        self.arrivals += 1;
        self.groups.push(Waiting { size, arrival: self.arrivals, group, members_updated });
    }

    pub(crate) fn pop(&mut self) -> Option<Waiting> {
        self.groups.pop()
    }

    /// The size of the group that is next.
    pub(crate) fn largest(&self) -> Option<u64> {
        self.groups.peek().map(|waiting| waiting.size)
    }
}

/// How many members of groups under way are held in memory, or will be.
#[derive(Debug, Clone)]
pub(crate) struct UnderWay(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    expected: AtomicU64,
    held: AtomicU64,
    /// Those of them that are held with their ids.
    ids: AtomicU64,
    /// How many of those there may be.
    most_ids: u64,
}

impl UnderWay {
    /// The most members at once, unless one group alone has more: at 24 bytes for each id and 8 for a hash in its place, some 36 MB at the
    /// most.
    const MOST: u64 = 1_500_000;

    pub(crate) fn new(most_ids: u64) -> Self {
        Self(Arc::new(Counts { expected: AtomicU64::new(0), held: AtomicU64::new(0), ids: AtomicU64::new(0), most_ids }))
    }

    pub(crate) fn has_room_for(&self, size: u64) -> bool {
        let taken = self.0.expected.load(Memory::Relaxed).max(self.0.held.load(Memory::Relaxed));
        taken.saturating_add(size) <= Self::MOST
    }

    pub(crate) fn began(&self, expected: u64) {
        self.0.expected.fetch_add(expected, Memory::Relaxed);
    }

    pub(crate) fn came(&self, members: usize) {
        self.0.held.fetch_add(members as u64, Memory::Relaxed);
        self.0.ids.fetch_add(members as u64, Memory::Relaxed);
    }

    /// Whether no more ids are at hand than may be.
    pub(crate) fn has_room_for_ids(&self) -> bool {
        self.0.ids.load(Memory::Relaxed) <= self.0.most_ids
    }

    /// So many ids are not held any more.
    pub(crate) fn let_go(&self, ids: usize) {
        self.0.ids.fetch_sub(ids as u64, Memory::Relaxed);
    }

    pub(crate) fn ended(&self, expected: u64, held: u64, ids: usize) {
        self.0.expected.fetch_sub(expected, Memory::Relaxed);
        self.0.held.fetch_sub(held, Memory::Relaxed);
        self.let_go(ids);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_goes_first_and_equals_in_their_order() {
        let mut queue = Queue::default();
        for (name, size) in [("a", 0), ("b", 5), ("c", 0), ("d", 9), ("e", 5)] {
            queue.push(GroupId::new(name).unwrap(), None, size);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|waiting| waiting.group.to_string()).collect();
        assert_eq!(order, ["d", "b", "e", "a", "c"]);
    }
}
