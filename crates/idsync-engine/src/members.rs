//! Blocks of members: how a group's members are kept in the base.
//!
//! A group's members are spread over blocks by a keyed hash of their id, about 64 to a block, and each block has a commutative digest.
//! A fresh listing, in any order, yields the same digests, so that only blocks that differ are ever read back. A block is the sorted list
//! of the first halves of its members' hashes: eight bytes for each, and nothing has to be looked up to compare two lists. Names are
//! found in the index of users by their hash.

use crate::digest::{IdHash, ShortHash};
use idsync_core::{BaseRecord, Digest};

/// The number of blocks that a group is spread over, as a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Spread(u8);

impl Spread {
    /// As blocks double in number, groups that grow have from half as many to as many in each: some 64.
    const MOST: usize = 90;
    const MAX: u8 = 24;

    /// The spread that suits a group of `size`.
    pub(crate) fn for_size(size: usize) -> Self {
        let blocks = size.div_ceil(Self::MOST).max(1).next_power_of_two();
        Self(u8::try_from(blocks.trailing_zeros()).unwrap_or(Self::MAX).min(Self::MAX))
    }

    /// Whether a group of `size` may stay as it is: blocks within a factor of four of their target.
    pub(crate) fn suits(self, size: usize) -> bool {
        self.0.abs_diff(Self::for_size(size).0) <= 2
    }

    /// Parts of a group that is spread like this, `count` of them or a few more, each of whole blocks.
    pub(crate) fn in_parts(self, count: usize) -> Self {
        Self(u8::try_from(count.next_power_of_two().trailing_zeros()).unwrap_or(Self::MAX)).min(self)
    }

    /// How many blocks there are.
    pub(crate) const fn blocks(self) -> usize {
        1 << self.0
    }

    /// How many digits the number of a block has in its key.
    const fn digits(self) -> u32 {
        (self.0 as u32).div_ceil(DIGIT)
    }

    /// The block of a member with this hash: its top bits. Lists in order of their hashes are in order of their blocks, too.
    pub(crate) const fn block(self, hash: ShortHash) -> u32 {
        // In two steps, for all 64 bits cannot be shifted out at once.
        (hash.0 >> 1 >> (63 - self.0 as u32)) as u32
    }
}

/// What a digit of a block's number is added to: letters and digits in one row, so that keys sort as numbers do.
const ZERO: u8 = b'0';
/// Bits to a digit.
const DIGIT: u32 = 6;

/// The key of a block in the base: the group, a character that ids cannot hold, the spread, and the number of the block with as many
/// digits as the spread needs. There are hundreds of thousands of them, and most are short enough to need no memory of their own.
pub(crate) fn block_key(group: &str, spread: Spread, block: u32) -> String {
    let mut key = String::with_capacity(group.len() + 2 + spread.digits() as usize);
    key.push_str(group);
    key.push('\0');
    key.push(char::from(ZERO + spread.0));
    for digit in (0..spread.digits()).rev() {
        key.push(char::from(ZERO + (block >> (DIGIT * digit) & ((1 << DIGIT) - 1)) as u8));
    }
    key
}

/// Reads a key that [`block_key`] made.
pub(crate) fn parse_block_key(key: &str) -> Option<(&str, Spread, u32)> {
    let (group, rest) = key.split_at_checked(key.bytes().rposition(|byte| byte == 0)?)?;
    let (spread, digits) = rest.as_bytes().get(1..)?.split_first()?;
    let spread = spread.checked_sub(ZERO).filter(|bits| *bits <= Spread::MAX).map(Spread)?;
    let number = |number, digit: &u8| Some(number << DIGIT | u32::from(digit.checked_sub(ZERO).filter(|digit| digit >> DIGIT == 0)?));
    let block = (digits.len() == spread.digits() as usize).then(|| digits.iter().try_fold(0, number)).flatten()?;
    ((block as usize) < spread.blocks()).then_some((group, spread, block))
}

/// How many members a block has, and the commutative sum of their hashes; 4 and 12 bytes of a [`Digest`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BlockSum {
    pub(crate) count: u32,
    /// More of it than counts: what is above the mask is cut off when it is looked at, and not with each member.
    sum: u128,
}

impl PartialEq for BlockSum {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for BlockSum {}

impl BlockSum {
    /// The 96 bits of a sum that are kept.
    const MASK: u128 = (1 << 96) - 1;

    pub(crate) const fn add(&mut self, hash: IdHash) {
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.wrapping_add(hash.whole());
    }

    pub(crate) const fn remove(&mut self, hash: IdHash) {
        self.count = self.count.saturating_sub(1);
        self.sum = self.sum.wrapping_sub(hash.whole());
    }

    pub(crate) const fn digest(self) -> Digest {
        Digest((self.sum & Self::MASK | (self.count as u128) << 96).to_le_bytes())
    }

    pub(crate) fn from_digest(digest: Digest) -> Self {
        let value = u128::from_le_bytes(digest.0);
        Self { count: u32::try_from(value >> 96).unwrap_or(u32::MAX), sum: value & Self::MASK }
    }
}

/// A block as it is kept.
pub(crate) fn encode(sum: BlockSum, members: &[ShortHash]) -> BaseRecord {
    BaseRecord::new(sum.digest(), members.iter().flat_map(|member| member.0.to_le_bytes()).collect())
}

/// The members of a block, in order; `None` when the record is not one.
pub(crate) fn of(record: &BaseRecord) -> Option<impl Iterator<Item = ShortHash>> {
    let (members, rest) = record.record.as_chunks::<8>();
    let member = |bytes: &[u8; 8]| ShortHash(u64::from_le_bytes(*bytes));
    let is_whole = rest.is_empty() && members.len() == BlockSum::from_digest(record.digest).count as usize;
    (is_whole && members.is_sorted_by(|one, other| member(one) < member(other))).then(|| members.iter().map(member))
}

/// Reads a block; `None` when the record is not one.
pub(crate) fn decode(record: &BaseRecord) -> Option<Vec<ShortHash>> {
    of(record).map(Iterator::collect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digester;
    use idsync_core::DigestKey;

    #[test]
    fn sums_do_not_depend_on_the_order_and_blocks_round_trip() {
        let digester = Digester::new(DigestKey::new([7; 32]));
        let mut hashes: Vec<_> = (0..1_000).map(|number| digester.id(&format!("00u{number:05}"))).collect();
        let sum = |hashes: &[IdHash]| {
            let mut sum = BlockSum::default();
            hashes.iter().for_each(|hash| sum.add(*hash));
            sum
        };
        let forward = sum(&hashes);
        hashes.sort_unstable();
        assert_eq!((forward, forward.count), (sum(&hashes), 1_000));
        let mut less = forward;
        less.remove(hashes[0]);
        assert_eq!(less, sum(&hashes[1..]));
        let shorts: Vec<_> = hashes.iter().map(|hash| hash.short()).collect();
        let record = encode(forward, &shorts);
        assert_eq!(BlockSum::from_digest(record.digest), forward);
        assert_eq!(decode(&record), Some(shorts.clone()));
        assert_eq!(decode(&BaseRecord::new(record.digest, record.record[8..].to_vec())), None, "a member is missing");
        let spread = Spread::for_size(1_000);
        let blocks: Vec<_> = shorts.iter().map(|hash| spread.block(*hash)).collect();
        assert_eq!((blocks.is_sorted(), blocks.last().map(|block| *block as usize + 1)), (true, Some(spread.blocks())));
    }

    #[test]
    fn block_keys_round_trip_with_any_id_and_sort_by_number() {
        for id in ["00g1", "a b", "ü/%"] {
            for bits in 0..=Spread::MAX {
                let spread = Spread(bits);
                let last = spread.blocks() as u32 - 1;
                let numbers: std::collections::BTreeSet<_> =
                    [0, 1, 63, 64, 65, 4_095, 4_096, last / 2, last].map(|number| number.min(last)).into();
                let keys: Vec<_> = numbers.iter().map(|number| block_key(id, spread, *number)).collect();
                assert!(keys.is_sorted_by(|one, other| one < other), "{keys:?}");
                assert!(keys.iter().zip(numbers).all(|(key, number)| parse_block_key(key) == Some((id, spread, number))), "{keys:?}");
            }
        }
        assert_eq!(block_key("00gabcdefghijklmnopq", Spread(12), 4_095).len(), 24);
    }

    #[test]
    fn what_is_no_block_key_is_not_read_as_one() {
        assert_eq!((parse_block_key(""), parse_block_key("00g1")), (None, None));
        for rest in ["", "I", "6", "600", "6p", "6/", "1o", "06"] {
            let key = format!("00g1\0{rest}");
            assert_eq!(parse_block_key(&key), None, "{key:?}");
        }
        assert_eq!(parse_block_key("00g1\u{0}6o"), Some(("00g1", Spread(6), 63)));
    }
}
