//! Numbers, texts and sorted keys inside a block.

use super::damaged;
use crate::error::Problem;
use idsync_core::{BaseKind, Digest};

/// Adds a number, seven bits to a byte, the lowest first.
pub(super) fn put_number(block: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        block.push(0x80 | (number & 0x7F) as u8);
        number >>= 7;
    }
    block.push(number as u8);
}

/// How many bytes a number takes that is not negative.
pub(super) const fn number_size(number: i64) -> usize {
    (70 - (number | 1).leading_zeros() as usize) / 7
}

/// Adds bytes, their length first.
pub(super) fn put_bytes(block: &mut Vec<u8>, bytes: &[u8]) {
    put_number(block, bytes.len() as u64);
    block.extend_from_slice(bytes);
}

/// Adds a key as what it has in common with the key before it, and the rest.
pub(super) fn put_key(block: &mut Vec<u8>, before: &[u8], key: &[u8]) {
    let common = common(before, key);
    put_number(block, common as u64);
    put_bytes(block, &key[common..]);
}

pub(super) fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// Reads a block from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a> {
    block: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    pub(super) const fn new(block: &'a [u8], at: usize) -> Self {
        Self { block, at }
    }

    /// How far the block was read.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.at >= self.block.len()
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let taken = self.at.checked_add(length).and_then(|end| self.block.get(self.at..end)).ok_or_else(ends_early)?;
        self.at += length;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Problem> {
        let byte = *self.block.get(self.at).ok_or_else(ends_early)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<u64, Problem> {
        // Most are less than 128.
        match self.block.get(self.at) {
            Some(byte @ ..0x80) => {
                self.at += 1;
                Ok(u64::from(*byte))
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Result<u64, Problem> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F).checked_shl(shift).ok_or_else(ends_early)?;
            if shift == 63 && byte > 1 {
                return Err(damaged("a number that is too large"));
            }
            shift += 7;
            if byte < 0x80 {
                return Ok(number);
            }
        }
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Problem> {
        let length = usize::try_from(self.number()?).map_err(|_| ends_early())?;
        self.take(length)
    }

    /// Turns the key before into the next one, which is greater. The first one of a block follows an empty one.
    pub(super) fn key(&mut self, key: &mut Vec<u8>) -> Result<(), Problem> {
        let common = usize::try_from(self.number()?).ok().filter(|common| *common <= key.len()).ok_or_else(ends_early)?;
        let rest = self.bytes()?;
        // Where they begin to differ decides; whoever pages through keys that do not ascend would not come to an end.
        if !key.is_empty() && rest.first() <= key.get(common) {
            return Err(damaged("keys out of order"));
        }
        key.truncate(common);
        key.extend_from_slice(rest);
        Ok(())
    }

    pub(super) fn digest(&mut self) -> Result<Digest, Problem> {
        digest(self.take(16)?)
    }

    /// The number of a row of `idsync_records`.
    pub(super) fn id(&mut self) -> Result<i64, Problem> {
        i64::try_from(self.number()?).map_err(|_| damaged("a place that is none"))
    }
}

fn ends_early() -> Problem {
    damaged("a block that ends early")
}

pub(super) fn text(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|_| damaged("a key that is not text"))
}

pub(super) fn digest(bytes: &[u8]) -> Result<Digest, Problem> {
    bytes.try_into().map(Digest).map_err(|_| damaged("a digest of the wrong length"))
}

pub(super) fn kind(number: u8) -> Result<BaseKind, Problem> {
    BaseKind::ALL.into_iter().find(|kind| *kind as u8 == number).ok_or_else(|| damaged("a row of an unknown kind"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_comes_back_and_a_cut_block_is_an_error() {
        let (mut block, numbers) = (Vec::new(), [0, 1, 0x7F, 0x80, 0x3FFF, 0x4000, u64::MAX]);
        numbers.iter().for_each(|number| put_number(&mut block, *number));
        assert_eq!(numbers[..6].iter().map(|number| number_size(number.cast_signed())).sum::<usize>(), 1 + 1 + 1 + 2 + 2 + 3);
        let mut input = Input::new(&block, 0);
        assert_eq!(numbers.map(|_| input.number().unwrap()), numbers);
        assert!(input.is_at_end());
        assert!(input.number().is_err());

        let (mut block, keys) = (Vec::new(), ["", "a", "ab", "abcd", "abd", "b"]);
        keys.windows(2).for_each(|keys| put_key(&mut block, keys[0].as_bytes(), keys[1].as_bytes()));
        let (mut input, mut key) = (Input::new(&block, 0), Vec::new());
        for expected in &keys[1..] {
            input.key(&mut key).unwrap();
            assert_eq!(text(&key).unwrap(), *expected);
        }
        assert!(Input::new(&block[..2], 0).key(&mut Vec::new()).is_err());
        assert!(Input::new(&[9, 0], 0).key(&mut Vec::new()).is_err(), "more in common than the key before has");
        assert!(Input::new(&[0xFF; 11], 0).number().is_err());
        let above = [&[0xFF; 9][..], &[2]].concat();
        assert!(Input::new(&above, 0).number().is_err(), "more than 64 bits");
    }

    #[test]
    fn keys_that_do_not_ascend_are_an_error() {
        for (before, block) in [("ab", &[1, 1, b'b'][..]), ("ab", &[1, 1, b'a']), ("ab", &[1, 0]), ("ab", &[2, 0]), ("b", &[0, 1, b'a'])] {
            let mut key = before.as_bytes().to_vec();
            assert!(Input::new(block, 0).key(&mut key).is_err(), "{before} {block:?}");
        }
        let mut key = b"ab".to_vec();
        Input::new(&[1, 1, b'c'], 0).key(&mut key).unwrap();
        assert_eq!(key, b"ac");
    }
}
