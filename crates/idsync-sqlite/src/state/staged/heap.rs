//! The cursors of a merge, the one to read next on top.

use super::run::{Cursor, End};
use crate::error::Problem;
use rusqlite::Connection;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::Deref;

#[derive(Debug, Default)]
pub(super) struct Heap(BinaryHeap<Entry>);

impl Heap {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn push(&mut self, cursor: Cursor) {
        self.0.push(Entry { begins: beginning(cursor.key()), cursor: Box::new(cursor) });
    }

    /// The cursor at the lowest key, and among those at equal ones that of the newest run.
    pub(super) fn peek(&self) -> Option<&Cursor> {
        self.0.peek().map(|top| &*top.cursor)
    }

    pub(super) fn top(&mut self) -> Option<Top<'_>> {
        self.0.peek_mut().map(Top)
    }
}

/// The cursor on top, to be moved on.
pub(super) struct Top<'a>(PeekMut<'a, Entry>);

impl Top<'_> {
    /// Moves it behind the end of its row, or out of the heap when that was its last one.
    pub(super) fn advance(mut self, connection: &Connection, end: End) -> Result<(), Problem> {
        if self.0.cursor.advance(connection, end)? {
            self.0.begins = beginning(self.0.cursor.key());
        } else {
            PeekMut::pop(self.0);
        }
        Ok(())
    }
}

impl Deref for Top<'_> {
    type Target = Cursor;

    fn deref(&self) -> &Cursor {
        &self.0.cursor
    }
}

/// A cursor, with the beginning of its key beside it: it tells most keys apart, and is compared without a look at memory elsewhere.
#[derive(Debug)]
struct Entry {
    begins: u128,
    cursor: Box<Cursor>,
}

/// The first bytes of a key, which are in order as keys are, except that those of different keys may be equal.
pub(super) fn beginning(key: &[u8]) -> u128 {
    let (mut bytes, length) = ([0; 16], key.len().min(16));
    bytes[..length].copy_from_slice(&key[..length]);
    u128::from_be_bytes(bytes)
}

/// The greatest is the one to read next.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        let begins = other.begins.cmp(&self.begins);
        begins.then_with(|| other.cursor.key().cmp(self.cursor.key())).then_with(|| self.cursor.age().cmp(&other.cursor.age()))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_in_order_as_keys_are() {
        let keys = ["", "\0", "a", "a\0", "a\0b", "ab", "b", "b0123456789abcde", "b0123456789abcdef", "b0123456789abcdg", "ä"];
        for keys in keys.windows(2) {
            assert!(keys[0] < keys[1]);
            assert!(beginning(keys[0].as_bytes()) <= beginning(keys[1].as_bytes()), "{keys:?}");
        }
        assert!(beginning(b"a") < beginning(b"ab"));
        assert!(beginning(b"0123456789abcdef") > beginning(b"0123456789abcdee"));
    }
}
