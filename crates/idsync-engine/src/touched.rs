//! The blocks of a group that a fold changes.

use crate::index::GroupBlocks;
use crate::members::Spread;
use crate::steps::HashedStep;
use idsync_core::{GroupId, Locator};
use std::ops::Range;

/// A group, some of whose blocks change while it stays spread as it is.
#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) group: GroupId,
    pub(crate) spread: Spread,
    pub(crate) steps: Vec<HashedStep>,
    pub(crate) blocks: Vec<Touched>,
}

/// A block that changes.
#[derive(Debug)]
pub(crate) struct Touched {
    pub(crate) number: u32,
    /// Those of the steps of its group that fall into it.
    pub(crate) steps: Range<usize>,
    /// Where it is, if it is there.
    pub(crate) place: Option<Locator>,
}

impl Update {
    pub(crate) fn new(group: GroupId, base: GroupBlocks<'_>, steps: Vec<HashedStep>) -> Self {
        let spread = base.spread;
        let (mut blocks, mut known, mut start) = (Vec::new(), base.iter().peekable(), 0);
        let number = |step: &HashedStep| spread.block(step.0.short());
        for of_block in steps.chunk_by(|one, other| number(one) == number(other)) {
            let (number, end) = (of_block.first().map_or(0, number), start + of_block.len());
            while known.next_if(|block| block.number < number).is_some() {}
            let place = known.next_if(|block| block.number == number).map(|block| block.locator);
            blocks.push(Touched { number, steps: start..end, place });
            start = end;
        }
        Self { group, spread, steps, blocks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digester;
    use crate::index::MemberIndex;
    use crate::members::{self, BlockSum, block_key};
    use crate::steps::Step;
    use futures::executor::block_on;
    use idsync_core::memory::MemoryStore;
    use idsync_core::{BaseKind, BaseWrite, DigestKey, DirectoryId, JournalHeader, Revision, StateStore, Timestamp};

    #[test]
    fn steps_are_told_apart_by_their_blocks_and_blocks_that_are_not_there_have_no_place() {
        block_on(async {
            let (store, directory, group) = (MemoryStore::new(), DirectoryId::new("d").unwrap(), GroupId::new("g").unwrap());
            let lease = store.acquire(&directory, "test").await.unwrap();
            store.begin_journal(&lease, JournalHeader::new(Revision(0), Timestamp::UNIX_EPOCH)).await.unwrap();
            let (digester, spread) = (Digester::new(DigestKey::new([7; 32])), Spread::for_size(4 * 64));
            let mut hashes: Vec<_> = (0..100).map(|number| digester.id(&format!("u{number}"))).collect();
            hashes.sort_unstable();
            // The base has all blocks but the third.
            let mut writes = Vec::new();
            for of_block in hashes.chunk_by(|one, other| spread.block(one.short()) == spread.block(other.short())) {
                let number = spread.block(of_block[0].short());
                let mut sum = BlockSum::default();
                of_block.iter().for_each(|hash| sum.add(*hash));
                let shorts: Vec<_> = of_block.iter().map(|hash| hash.short()).collect();
                if number != 2 {
                    writes.push(BaseWrite::put(BaseKind::Members, block_key("g", spread, number), members::encode(sum, &shorts)));
                }
            }
            store.write_base(&lease, writes).await.unwrap();
            let index = MemberIndex::load(&store, &directory, 0).await.unwrap();
            let base = index.get(&group).unwrap();
            let places: Vec<_> = base.iter().map(|block| (block.number, block.locator)).collect();
            assert_eq!(places.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [0, 1, 3]);

            let steps: Vec<_> = hashes.iter().filter(|hash| spread.block(hash.short()) != 0).map(|hash| (*hash, Step::Leave)).collect();
            let update = Update::new(group, base, steps.clone());
            assert_eq!(update.steps, steps);
            let blocks: Vec<_> = update.blocks.iter().map(|block| (block.number, block.place)).collect();
            assert_eq!(blocks, [(1, Some(places[1].1)), (2, None), (3, Some(places[2].1))]);
            assert_eq!(update.blocks[0].steps.start, 0);
            for block in &update.blocks {
                assert!(update.steps[block.steps.clone()].iter().all(|(hash, _)| spread.block(hash.short()) == block.number));
            }
            assert_eq!(update.blocks.iter().map(|block| block.steps.len()).sum::<usize>(), steps.len());
        });
    }
}
