//! Looking at eight bytes at once: most of a text is neither a quote nor anything else of note.
//!
//! In each answer the lowest bit that is set belongs to the first byte that was looked for; of those after it, some may be wrong.

use std::cmp::Ordering;

const ONES: u64 = u64::MAX / 255;
const HIGHEST: u64 = ONES << 7;

/// Finds quotes and backslashes.
pub(crate) const fn specials(bytes: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(bytes);
    below(word ^ (ONES * b'"' as u64), 1) | below(word ^ (ONES * b'\\' as u64), 1)
}

/// Finds what must be escaped in a string.
pub(crate) const fn escapes(bytes: [u8; 8]) -> u64 {
    specials(bytes) | below(u64::from_le_bytes(bytes), b' ')
}

/// Whether all of a text is printable ASCII.
#[inline]
pub(crate) fn is_printable(text: &[u8]) -> bool {
    // Most ids are of some twenty bytes: those that the first and the last sixteen have in common are looked at twice.
    if let (16..=32, Some(first), Some(last)) = (text.len(), text.first_chunk(), text.last_chunk()) {
        return are_printable(first) & are_printable(last);
    }
    let (chunks, rest) = text.as_chunks::<16>();
    chunks.iter().all(are_printable) && rest.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Looks at all of them without a branch, which a compiler turns into a few instructions for all at once.
#[inline]
fn are_printable(text: &[u8; 16]) -> bool {
    text.iter().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'))
}

/// Whether two texts are the same. Those of some twenty bytes, as most ids are, are compared in two pieces that may overlap.
#[inline]
pub(crate) fn are_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match (one.len(), one.first_chunk::<16>(), one.last_chunk::<16>(), other.first_chunk::<16>(), other.last_chunk::<16>()) {
        (16..=32, Some(first), Some(last), Some(other_first), Some(other_last)) => (first == other_first) & (last == other_last),
        _ => one == other,
    }
}

/// The order of two texts, bytewise: mostly that of their first eight bytes.
#[inline]
pub(crate) fn compare(one: &[u8], other: &[u8]) -> Ordering {
    match (one.first_chunk(), other.first_chunk()) {
        (Some(first), Some(other)) if first != other => u64::from_be_bytes(*first).cmp(&u64::from_be_bytes(*other)),
        _ => one.cmp(other),
    }
}

/// Finds the bytes that are less than this one, which is ASCII.
const fn below(word: u64, byte: u8) -> u64 {
    word.wrapping_sub(ONES * byte as u64) & !word & HIGHEST
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        // Of few different bytes, some of them beyond ASCII, so that many texts begin alike.
        #[test]
        fn texts_compare_as_their_bytes_do(
            start in vec(prop_oneof![Just(0_u8), Just(b'a'), Just(u8::MAX)], 0..36),
            ends in [vec(prop_oneof![Just(1_u8), Just(0x80)], 0..4), vec(prop_oneof![Just(1_u8), Just(0x80)], 0..4)],
        ) {
            let [one, other] = ends.map(|end| [start.clone(), end].concat());
            prop_assert_eq!(compare(&one, &other), one.cmp(&other));
            prop_assert_eq!(are_same(&one, &other), one == other);
            prop_assert!(are_same(&one, &one.clone()));
        }
    }

    #[test]
    fn printable_is_what_each_byte_alone_is_wherever_it_stands() {
        for length in 1..=40 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'~'; length];
                    text[place] = byte;
                    assert_eq!(is_printable(&text), matches!(byte, b' '..=b'~'), "{byte} at {place} of {length}");
                }
            }
        }
        assert!(is_printable(b" aZ09~ ~"));
    }
}
