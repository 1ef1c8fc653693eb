//! Blocks of members: how a group's members are kept in the base.
//!
//! A group's members are spread over blocks by a keyed hash of their id, about 64 to a block, and each block has a commutative digest.
//! A fresh listing, in any order, yields the same digests, so that only blocks that differ are ever read back.

use crate::digest::Digester;
use idsync_core::{BaseRecord, Digest, GroupId, UserId};
use std::collections::BTreeMap;

/// The number of blocks that a group is spread over, as a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Spread(u8);

impl Spread {
    const TARGET: usize = 64;
    const MAX: u8 = 24;

    /// The spread that suits a group of `size`.
    pub(crate) fn for_size(size: usize) -> Self {
        let blocks = size.div_ceil(Self::TARGET).max(1).next_power_of_two();
        Self(u8::try_from(blocks.trailing_zeros()).unwrap_or(Self::MAX).min(Self::MAX))
    }

    /// Whether a group of `size` may stay as it is: blocks within a factor of four of their target.
    pub(crate) fn suits(self, size: usize) -> bool {
        self.0.abs_diff(Self::for_size(size).0) <= 2
    }

    /// The block of a member with this hash: its top bits.
    pub(crate) const fn block(self, hash: u128) -> u32 {
        if self.0 == 0 { 0 } else { (hash >> (128 - self.0 as u32)) as u32 }
    }
}

/// The key of a block in the base: group, spread and block, separated by a character that ids cannot hold.
pub(crate) fn block_key(group: &str, spread: Spread, block: u32) -> String {
    format!("{group}\0{:02x}\0{block:08x}", spread.0)
}

/// Reads a key that [`block_key`] made.
pub(crate) fn parse_block_key(key: &str) -> Option<(GroupId, Spread, u32)> {
    let mut parts = key.split('\0');
    let group = GroupId::new(parts.next()?).ok()?;
    let spread = u8::from_str_radix(parts.next()?, 16).ok().filter(|bits| *bits <= Spread::MAX)?;
    let block = u32::from_str_radix(parts.next()?, 16).ok()?;
    parts.next().is_none().then_some((group, Spread(spread), block))
}

/// How many members a block has, and the commutative sum of their hashes; 4 and 12 bytes of a [`Digest`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct BlockSum {
    pub(crate) count: u32,
    sum: u128,
}

impl BlockSum {
    const MASK: u128 = (1 << 96) - 1;

    pub(crate) fn add(&mut self, hash: u128) {
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.wrapping_add(hash) & Self::MASK;
    }

    pub(crate) fn digest(self) -> Digest {
        let mut bytes = self.sum.to_le_bytes();
        bytes[12..].copy_from_slice(&self.count.to_le_bytes());
        Digest(bytes)
    }

    pub(crate) fn from_digest(digest: Digest) -> Self {
        let value = u128::from_le_bytes(digest.0);
        Self { count: u32::try_from(value >> 96).unwrap_or(u32::MAX), sum: value & Self::MASK }
    }
}

/// The sums of a group's blocks.
pub(crate) fn sums<'a>(digester: &Digester, spread: Spread, members: impl Iterator<Item = &'a UserId>) -> BTreeMap<u32, BlockSum> {
    let mut sums = BTreeMap::<u32, BlockSum>::new();
    for member in members {
        let hash = digester.member(member.as_str());
        sums.entry(spread.block(hash)).or_default().add(hash);
    }
    sums
}

/// A block as it is kept: ids in order, a line each.
pub(crate) fn encode(digester: &Digester, members: &[UserId]) -> BaseRecord {
    let mut sum = BlockSum::default();
    let mut record = Vec::with_capacity(members.len() * 21);
    for member in members {
        sum.add(digester.member(member.as_str()));
        record.extend_from_slice(member.as_str().as_bytes());
        record.push(b'\n');
    }
    BaseRecord::new(sum.digest(), record)
}

/// Reads a block; `None` when the record is not one.
pub(crate) fn decode(record: &[u8]) -> Option<Vec<UserId>> {
    std::str::from_utf8(record).ok()?.lines().map(|line| UserId::new(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use idsync_core::DigestKey;

    fn ids(count: usize) -> Vec<UserId> {
        (0..count).map(|n| UserId::new(format!("00u{n:05}")).unwrap()).collect()
    }

    #[test]
    fn sums_do_not_depend_on_the_order_and_match_the_encoded_blocks() {
        let digester = Digester::new(DigestKey::new([7; 32]));
        let members = ids(1_000);
        let spread = Spread::for_size(members.len());
        let forward = sums(&digester, spread, members.iter());
        assert_eq!(forward, sums(&digester, spread, members.iter().rev()));
        assert_eq!(forward.len(), 16);
        assert_eq!(forward.values().map(|sum| sum.count).sum::<u32>(), 1_000);
        let first: Vec<_> = members.iter().filter(|id| spread.block(digester.member(id.as_str())) == 0).cloned().collect();
        let record = encode(&digester, &first);
        assert_eq!(BlockSum::from_digest(record.digest), forward[&0]);
        assert_eq!(decode(&record.record), Some(first));
    }

    #[test]
    fn block_keys_round_trip_with_any_id() {
        for id in ["00g1", "a b", "ü/%"] {
            let key = block_key(id, Spread(4), 9);
            assert_eq!(parse_block_key(&key), Some((GroupId::new(id).unwrap(), Spread(4), 9)));
        }
        assert_eq!(parse_block_key("00g1"), None);
    }
}
