//! Groups whose members are to be read, the largest first: the members of a group come page after page, so that the last group to begin
//! should not be one with many pages.

use idsync_core::{GroupId, Timestamp};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A group that waits for its members to be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// How many members it had the last time.
    size: u64,
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
