//! Members that join or leave, and the sets of members that they change.

use crate::digest::{IdHash, ShortHash};
use crate::members::{self, BlockSum};
use crate::payload::corrupt;
use idsync_core::{BaseRecord, Result};

/// What becomes of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    Join,
    Leave,
}

/// A step of the member with this hash.
pub(crate) type HashedStep = (IdHash, Step);

/// The members of a block, or of a group, in order.
#[derive(Debug, Default)]
pub(crate) struct MemberSet {
    pub(crate) sum: BlockSum,
    pub(crate) members: Vec<ShortHash>,
}

impl MemberSet {
    pub(crate) fn read(record: Option<BaseRecord>) -> Result<Self> {
        let record = record.ok_or_else(|| corrupt("an index without its records"))?;
        let members = members::decode(&record).ok_or_else(|| corrupt("a block of members that cannot be read back"))?;
        Ok(Self { sum: BlockSum::from_digest(record.digest), members })
    }

    /// Takes steps in order. One that was taken already, by a fold that was interrupted, changes nothing.
    pub(crate) fn take(&mut self, steps: &[HashedStep]) {
        let mut before = std::mem::take(&mut self.members).into_iter().peekable();
        for (hash, step) in steps {
            while let Some(other) = before.next_if(|other| *other < hash.short()) {
                self.members.push(other);
            }
            let was_there = before.next_if(|other| *other == hash.short()).is_some();
            match (step, was_there) {
                (Step::Join, false) => self.sum.add(*hash),
                (Step::Leave, true) => self.sum.remove(*hash),
                _ => {}
            }
            if *step == Step::Join {
                self.members.push(hash.short());
            }
        }
        self.members.extend(before);
    }
}

/// Members after some joined and some left; both in order.
pub(crate) fn taken(members: Vec<IdHash>, steps: &[HashedStep]) -> Vec<IdHash> {
    let mut before = members.into_iter().peekable();
    let mut after = Vec::with_capacity(before.len() + steps.len());
    for (hash, step) in steps {
        while let Some(other) = before.next_if(|other| other < hash) {
            after.push(other);
        }
        before.next_if_eq(hash);
        if *step == Step::Join {
            after.push(*hash);
        }
    }
    after.extend(before);
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digester;
    use idsync_core::DigestKey;

    #[test]
    fn p12_steps_that_were_taken_already_change_nothing() {
        let digester = Digester::new(DigestKey::new([7; 32]));
        let mut hashes: Vec<_> = (0..100).map(|number| digester.id(&format!("u{number}"))).collect();
        hashes.sort_unstable();
        let mut set = MemberSet::default();
        let join: Vec<_> = hashes.iter().step_by(2).map(|hash| (*hash, Step::Join)).collect();
        set.take(&join);
        let steps: Vec<_> = hashes.iter().enumerate().map(|(n, hash)| (*hash, if n < 50 { Step::Join } else { Step::Leave })).collect();
        set.take(&steps);
        let expected: Vec<_> = hashes[..50].iter().map(|hash| hash.short()).collect();
        assert_eq!(set.members, expected);
        let mut sum = BlockSum::default();
        hashes[..50].iter().for_each(|hash| sum.add(*hash));
        assert_eq!(set.sum, sum);
        set.take(&steps);
        assert_eq!((set.members, set.sum), (expected, sum), "the same once more");
        assert_eq!(taken(hashes.clone(), &steps), hashes[..50]);
    }
}
