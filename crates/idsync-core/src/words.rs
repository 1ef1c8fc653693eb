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

/// Finds the bytes that are less than this one, which is ASCII.
const fn below(word: u64, byte: u8) -> u64 {
    word.wrapping_sub(ONES * byte as u64) & !word & HIGHEST
}

#[cfg(test)]
mod tests {
    use super::*;

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
