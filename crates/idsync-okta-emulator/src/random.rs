//! Numbers that depend on nothing but the seed.

/// A stream of numbers, the same on every machine (SplitMix64). Not for secrets.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream of one thing: `of` keeps different kinds of things apart, `index` the things of one kind.
    pub(crate) fn new(seed: u64, of: u64, index: u64) -> Self {
        Self(mix(seed ^ mix(of ^ mix(index))))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `end`, which must not be zero.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // The high half of the product is free of the bias of a remainder for every `end` that occurs here.
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// True in `count` of `of` cases.
    pub(crate) fn chance(&mut self, count: u64, of: u64) -> bool {
        self.below(of) < count
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }
}

/// Spreads each bit of `value` over all bits.
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// A number that stands for `bytes`, different for each `key`.
pub(crate) fn digest(key: u64, bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(mix(key ^ bytes.len() as u64), |state, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(state ^ u64::from_le_bytes(word)).wrapping_add(0x9E37_79B9_7F4A_7C15)
    })
}
