//! Users who were not shown, looked for among the members of groups.

use crate::digest::ShortHash;

/// The hashes of some users among many: nearly all others are told by a bit that is near, without a search.
#[derive(Debug)]
pub(crate) struct Watch {
    /// In order.
    hashes: Vec<ShortHash>,
    /// Which beginnings of hashes there are.
    beginnings: Vec<u64>,
    /// How many bits of a hash come after its beginning.
    rest: u32,
}

impl Watch {
    pub(crate) fn new(hashes: impl Iterator<Item = ShortHash>) -> Self {
        let mut hashes: Vec<_> = hashes.collect();
        hashes.sort_unstable();
        // One beginning in 64 is that of somebody; 8 KiB for a thousand or fewer, and 512 KiB at the most.
        let bits = (hashes.len().next_power_of_two().trailing_zeros() + 6).clamp(16, 22);
        let mut watch = Self { hashes, beginnings: vec![0; 1 << (bits - 6)], rest: 64 - bits };
        for hash in &watch.hashes {
            let (word, bit) = watch.place(*hash);
            watch.beginnings[word] |= bit;
        }
        watch
    }

    /// The hashes, in order.
    pub(crate) fn hashes(&self) -> &[ShortHash] {
        &self.hashes
    }

    /// Where a hash is among all of them.
    pub(crate) fn find(&self, hash: ShortHash) -> Option<usize> {
        let (word, bit) = self.place(hash);
        if self.beginnings[word] & bit == 0 { None } else { self.hashes.binary_search(&hash).ok() }
    }

    pub(crate) fn has(&self, hash: ShortHash) -> bool {
        self.find(hash).is_some()
    }

    const fn place(&self, hash: ShortHash) -> (usize, u64) {
        let beginning = hash.0 >> self.rest;
        ((beginning >> 6) as usize, 1 << (beginning & 63))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_are_found_who_are_watched_for() {
        let hash = |number: u64| ShortHash(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        // As many as make it larger than it is at the least.
        let watch = Watch::new((0..5_000).map(|number| hash(2 * number)));
        assert!((0..5_000).all(|number| watch.has(hash(2 * number)) && !watch.has(hash(2 * number + 1))));
        assert!(watch.hashes().is_sorted());
        assert!((0..5_000).all(|number| watch.find(hash(2 * number)).map(|place| watch.hashes()[place]) == Some(hash(2 * number))));
        assert!(!Watch::new(std::iter::empty()).has(hash(0)));
    }
}
