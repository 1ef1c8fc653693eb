//! Looking at eight bytes at once: most of a text is neither a quote nor anything else of note.
//!
//! In each answer the lowest bit that is set belongs to the first byte that was looked for; of those after it, some may be wrong.

const ONES: u64 = u64::MAX / 255;

/// Finds quotes and backslashes.
pub(super) const fn specials(bytes: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(bytes);
    below(word ^ (ONES * b'"' as u64), 1) | below(word ^ (ONES * b'\\' as u64), 1)
}

/// Finds what must be escaped in a string.
pub(super) const fn escapes(bytes: [u8; 8]) -> u64 {
    specials(bytes) | below(u64::from_le_bytes(bytes), b' ')
}

/// Finds the bytes that are less than this one, which is ASCII.
const fn below(word: u64, byte: u8) -> u64 {
    word.wrapping_sub(ONES * byte as u64) & !word & (ONES << 7)
}
