//! Who joined a group and who left it.

use crate::digest::{IdHash, ShortHash};
use crate::index::{Block, GroupBlocks};
use crate::members::{self, BlockSum};
use crate::payload::corrupt;
use crate::read::Members;
use crate::run::RunState;
use idsync_core::{BaseKind, GroupId, Result, UserId};

/// How a group differs from the base.
#[derive(Debug, Default)]
pub(crate) struct MemberChange {
    /// Who joined, by id.
    pub(crate) added: Vec<UserId>,
    /// Who left, by id.
    pub(crate) removed: Vec<UserId>,
    /// How many members were read, each once.
    pub(crate) size: u64,
}

/// A member that was read, of a block that differs.
type Candidate<'a> = (IdHash, &'a UserId);

/// Blocks read from the store at a time.
const BUNDLE: usize = 1_000;

impl RunState {
    /// Compares the members that were read, each block of them by its sum, and those of blocks that differ one by one.
    ///
    /// # Errors
    /// The store cannot be read; or it does not add up: what was before, who joined and who left do not make what was read. That is how
    /// a collision of hashes shows, too.
    pub(crate) async fn compare_members(&self, group: &GroupId, fresh: &mut Members) -> Result<MemberChange> {
        let Some(base) = self.index.members.get(group) else { return Ok(all_joined(fresh)) };
        let sums = self.sums(base, fresh);
        let mut before = base.iter().peekable();
        let blocks: Vec<(u32, Option<&Block>)> =
            (0..sums.len() as u32).map(|number| (number, before.next_if(|block| block.number == number))).collect();
        let differs = |(number, block): &(u32, Option<&Block>)| sums[*number as usize] != block.map(Block::sum).unwrap_or_default();
        let differing: Vec<_> = blocks.into_iter().filter(differs).collect();
        let mut change = MemberChange { size: fresh.count(), ..MemberChange::default() };
        if differing.is_empty() {
            return Ok(change);
        }
        let candidates = self.candidates(base, &differing, sums.len(), fresh)?;
        let read: u64 = differing.iter().map(|(number, _)| u64::from(sums[*number as usize].count)).sum();
        change.size -= read.saturating_sub(candidates.len() as u64);
        let mut rest = candidates.as_slice();
        for bundle in differing.chunks(BUNDLE) {
            let places: Vec<_> = bundle.iter().filter_map(|(_, block)| block.map(|block| block.locator)).collect();
            let mut records = self.store.records(&self.lease.directory, BaseKind::Members, &places).await?.into_iter();
            for (number, block) in bundle {
                let before = match block {
                    Some(_) => records.next().flatten().ok_or_else(|| corrupt("an index without its records"))?,
                    None => members::encode(BlockSum::default(), &[]),
                };
                let before = members::decode(&before).ok_or_else(|| corrupt("a block of members that cannot be read back"))?;
                let (now, later) = rest.split_at(rest.partition_point(|(hash, _)| base.spread.block(hash.short()) <= *number));
                rest = later;
                self.compare_block(block.map(Block::sum).unwrap_or_default(), &before, now, fresh, &mut change)?;
            }
        }
        change.added.sort_unstable();
        change.removed.sort_unstable();
        Ok(change)
    }

    fn sums(&self, base: GroupBlocks<'_>, fresh: &Members) -> Vec<BlockSum> {
        let mut sums = vec![BlockSum::default(); base.spread.blocks()];
        for id in fresh.ids() {
            let hash = self.digester.id(id.as_str());
            sums[base.spread.block(hash.short()) as usize].add(hash);
        }
        sums
    }

    /// The members of blocks that differ, in order, each once.
    fn candidates<'a>(
        &self,
        base: GroupBlocks<'_>,
        differing: &[(u32, Option<&Block>)],
        blocks: usize,
        fresh: &'a Members,
    ) -> Result<Vec<Candidate<'a>>> {
        let differs = flags(differing, blocks);
        let hashed = fresh.ids().map(|id| (self.digester.id(id.as_str()), id));
        let mut candidates: Vec<_> = hashed.filter(|(hash, _)| differs[base.spread.block(hash.short()) as usize]).collect();
        candidates.sort_unstable();
        candidates.dedup();
        if candidates.is_sorted_by(|(one, _), (other, _)| one.short() < other.short()) {
            Ok(candidates)
        } else {
            Err(corrupt("a key under which two members of a group have the same hash"))
        }
    }

    /// Compares one block that differs, and checks that what is found explains the difference.
    fn compare_block(
        &self,
        mut sum: BlockSum,
        before: &[ShortHash],
        now: &[Candidate<'_>],
        fresh: &Members,
        change: &mut MemberChange,
    ) -> Result<()> {
        let mut before = before.iter().copied().peekable();
        let mut left = Vec::new();
        for (hash, id) in now {
            while let Some(gone) = before.next_if(|known| *known < hash.short()) {
                left.push(gone);
            }
            if before.next_if(|known| *known == hash.short()).is_none() {
                sum.add(*hash);
                change.added.push((*id).clone());
            }
        }
        left.extend(before);
        for hash in left {
            let slot = self.index.users.find_hash(hash).ok_or_else(|| corrupt("a member that is no user"))?;
            let id = self.index.users.id(slot);
            sum.remove(self.digester.id(id.as_str()));
            if fresh.nameless == 0 && !fresh.held.contains(id.as_str()) {
                change.removed.push(id.clone());
            }
        }
        let mut expected = BlockSum::default();
        now.iter().for_each(|(hash, _)| expected.add(*hash));
        if sum == expected { Ok(()) } else { Err(corrupt("a block of members that does not add up")) }
    }
}

fn all_joined(fresh: &mut Members) -> MemberChange {
    let mut added = fresh.take_ids();
    added.sort_unstable();
    added.dedup();
    let size = added.len() as u64;
    MemberChange { added, removed: Vec::new(), size }
}

fn flags(differing: &[(u32, Option<&Block>)], blocks: usize) -> Vec<bool> {
    let mut flags = vec![false; blocks];
    differing.iter().for_each(|(number, _)| flags[*number as usize] = true);
    flags
}
