//! The bodies of answers, and the room that they are read into.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroize;

/// Room for bodies, which serves again and again while requests are under way: pages have a megabyte and more, and to ask the allocator
/// for as much with each of them leaves gaps everywhere. Once no body is held, there is no room either.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bodies(Arc<Mutex<Room>>);

#[derive(Default)]
struct Room {
    /// How many bodies are held.
    held: usize,
    idle: Vec<Vec<u8>>,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("held", &self.held).field("idle", &self.idle.len()).finish()
    }
}

impl Bodies {
    /// Larger ones are rare, and are given back at once.
    const MOST: usize = 2 * 1024 * 1024;

    /// A body that is empty yet, with room for this much at least.
    pub(crate) fn empty(&self, room: usize) -> Body {
        let mut state = self.lock();
        state.held += 1;
        let mut bytes = state.idle.pop().unwrap_or_default();
        drop(state);
        bytes.reserve_exact(room);
        Body { bytes, bodies: Some(self.clone()) }
    }

    fn take_back(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        let mut state = self.lock();
        state.held -= 1;
        if state.held == 0 {
            state.idle = Vec::new();
        } else if bytes.capacity() <= Self::MOST {
            state.idle.push(bytes);
        }
    }

    /// What is behind it is whole at any time.
    fn lock(&self) -> MutexGuard<'_, Room> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of an answer.
pub(crate) struct Body {
    bytes: Vec<u8>,
    bodies: Option<Bodies>,
}

impl Body {
    pub(crate) fn extend(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
    }

    /// Overwrites what it holds, so that a token is not in the room that it leaves behind.
    pub(crate) fn wipe(&mut self) {
        self.bytes.zeroize();
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.bytes.len())
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some(bodies) = self.bodies.take() {
            bodies.take_back(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), bodies: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p17_nothing_is_left_of_a_body_that_was_wiped() {
        let bodies = Bodies::default();
        let mut token = bodies.empty(100);
        token.extend(b"canary");
        token.wipe();
        assert_eq!(&*token, b"");
    }

    #[test]
    fn room_serves_again_while_bodies_are_held_and_goes_with_the_last() {
        let bodies = Bodies::default();
        let state = || {
            let room = bodies.lock();
            (room.held, room.idle.len())
        };
        let (mut one, two) = (bodies.empty(1_000), bodies.empty(10));
        one.extend(b"page");
        assert_eq!(&*one, b"page");
        let place = one.bytes.as_ptr();
        drop(one);
        let again = bodies.empty(500);
        assert_eq!((again.bytes.as_ptr(), again.len()), (place, 0), "the same room, and nothing in it");
        let large = bodies.empty(Bodies::MOST + 1);
        drop(large);
        assert_eq!(state(), (2, 0), "not kept");
        drop(again);
        assert_eq!(state(), (1, 1));
        drop(two);
        assert_eq!(state(), (0, 0));
    }
}
