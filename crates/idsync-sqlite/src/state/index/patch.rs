//! Changes that leave a block as it is but for digests and numbers of records.

use super::{Change, What};
use crate::error::Problem;
use crate::state::codec::{Input, number_size, put_number};
use idsync_core::{BaseRecord, Digest};

/// Where in a block the digest and the number of an entry are, and what they become.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patch<'a> {
    at: usize,
    /// The number of its record until now.
    pub(super) there: i64,
    digest: Digest,
    id: i64,
    /// The record to be written over the one that is there.
    pub(super) record: Option<&'a BaseRecord>,
}

/// The patches that make these changes, sorted by key; `None` if they do more to the block. Most changes of a large directory are
/// patches, and to cut a block anew takes several times as long as to look through it.
pub(super) fn patches<'a>(block: &[u8], changes: &[Change<'a>]) -> Result<Option<Vec<Patch<'a>>>, Problem> {
    let (mut patches, mut input, mut key) = (Vec::with_capacity(changes.len()), Input::new(block, 0), Vec::new());
    for change in changes {
        let (at, there) = loop {
            if input.is_at_end() {
                return Ok(None);
            }
            input.key(&mut key)?;
            let at = input.at();
            input.digest()?;
            let there = input.id()?;
            // A key that is not there is passed by, and the end comes.
            if key == change.key {
                break (at, there);
            }
        };
        let (digest, id, record) = match change.what {
            What::Adopt(digest, id) if number_size(id) == number_size(there) => (digest, id, None),
            What::Write(record) => (record.digest, there, Some(record)),
            _ => return Ok(None),
        };
        patches.push(Patch { at, there, digest, id, record });
    }
    Ok(Some(patches))
}

impl Patch<'_> {
    /// The number of the record that the entry does not name any more, if it names another one.
    pub(super) fn dead(&self) -> Option<i64> {
        (self.there != self.id).then_some(self.there)
    }

    pub(super) fn write(&self, block: &mut [u8]) {
        let mut bytes = self.digest.0.to_vec();
        put_number(&mut bytes, self.id.cast_unsigned());
        block[self.at..self.at + bytes.len()].copy_from_slice(&bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, encode};
    use super::*;
    use idsync_core::Digest;

    fn entry(key: &'static str, digest: u8, id: i64) -> Entry<'static> {
        Entry { key: key.as_bytes(), digest: Digest([digest; 16]), id }
    }

    fn change<'a>(key: &'a str, what: What<'a>) -> Change<'a> {
        Change { key: key.as_bytes(), what }
    }

    #[test]
    fn a_patched_block_is_the_one_that_would_be_cut() {
        let block = encode(&[entry("a", 1, 1), entry("ab", 2, 200), entry("b", 3, 0x4000), entry("c", 4, 4)], 0);
        let record = BaseRecord::new(Digest([9; 16]), vec![9]);
        let adopt = |digest, id| What::Adopt(Digest([digest; 16]), id);
        let changes =
            [change("a", adopt(5, 127)), change("ab", adopt(6, 0x3FFF)), change("b", What::Write(&record)), change("c", adopt(7, 4))];
        let patches = patches(&block, &changes).unwrap().unwrap();
        let mut patched = block;
        patches.iter().for_each(|patch| patch.write(&mut patched));
        assert_eq!(patched, encode(&[entry("a", 5, 127), entry("ab", 6, 0x3FFF), entry("b", 9, 0x4000), entry("c", 7, 4)], 0));
        assert_eq!(patches.iter().map(Patch::dead).collect::<Vec<_>>(), [Some(1), Some(200), None, None]);
        assert_eq!(patches.iter().map(|patch| patch.record.is_some()).collect::<Vec<_>>(), [false, false, true, false]);
    }

    #[test]
    fn what_moves_other_entries_is_no_patch() {
        let block = encode(&[entry("a", 1, 1), entry("c", 2, 200)], 0);
        let record = BaseRecord::new(Digest([9; 16]), vec![9]);
        let adopt = |id| What::Adopt(Digest([5; 16]), id);
        for what in [adopt(128), What::Delete] {
            assert!(patches(&block, &[change("a", what)]).unwrap().is_none());
        }
        for key in ["", "b", "d"] {
            for what in [adopt(1), What::Write(&record), What::Delete] {
                assert!(patches(&block, &[change(key, what)]).unwrap().is_none());
            }
        }
        assert!(patches(&block, &[change("c", adopt(127))]).unwrap().is_none());
        assert!(patches(&block[..9], &[change("c", adopt(200))]).is_err(), "a block that ends early");
    }
}
