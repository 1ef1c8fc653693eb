//! Looking at eight bytes at once: most of a text is neither a quote nor anything else of note.
//!
//! In each answer the lowest bit that is set belongs to the first byte that was looked for; of those after it, some may be wrong.

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
    match text.last_chunk() {
        // What is left after the last whole word is looked at with some bytes before it once more.
        Some(last) => text.as_chunks().0.iter().fold(unprintable(*last), |found, word| found | unprintable(*word)) == 0,
        None => text.iter().all(|byte| matches!(byte, b' '..=b'~')),
    }
}

/// Finds what is not printable ASCII.
const fn unprintable(bytes: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(bytes);
    // The highest bit is set of bytes that are not ASCII, and of what follows `~` once one is added; it is not set of what is less than a
    // space once as much is added as makes a space the least that has it. What is added carries over from no byte but those found.
    (word | word.wrapping_add(ONES) | !word.wrapping_add(ONES * (0x80 - b' ') as u64)) & HIGHEST
}

/// Finds the bytes that are less than this one, which is ASCII.
const fn below(word: u64, byte: u8) -> u64 {
    word.wrapping_sub(ONES * byte as u64) & !word & HIGHEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_is_what_each_byte_alone_is_wherever_it_stands() {
        for length in 1..=20 {
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
