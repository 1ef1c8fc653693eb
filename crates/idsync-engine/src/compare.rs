//! Who joined a group and who left it.

use crate::digest::{IdHash, ShortHash};
use crate::index::{Block, GroupBlocks};
use crate::members::{self, BlockSum, Spread};
use crate::packs;
use crate::payload::corrupt;
use crate::read::Members;
use crate::run::RunState;
use idsync_core::{BaseKind, BaseRecord, DirectoryId, GroupId, Locator, RemovalReason, Result, StateStore, UserId};
use std::collections::BTreeSet;

/// A member that was read, of a block that differs.
type Candidate = (IdHash, UserId);

/// A group with blocks that differ from the base. What these hold there was not read yet.
#[derive(Debug)]
struct Differing {
    group: GroupId,
    /// Why whoever is missing leaves.
    reason: RemovalReason,
    spread: Spread,
    /// The blocks that differ, by number; `None` when the base has no such block.
    blocks: Vec<(u32, Option<Block>)>,
    /// The members of these blocks that were read, in order, each once.
    candidates: Vec<Candidate>,
    /// Members whose record could not be understood, so that they are not missing.
    held: BTreeSet<String>,
    /// Some of them have no id, so that nobody can be said to be missing.
    nameless: u64,
}

/// Groups whose blocks are to be read from the base: those of many groups at once.
#[derive(Debug, Default)]
pub(crate) struct Comparisons {
    waiting: Vec<Differing>,
    blocks: usize,
}

impl Comparisons {
    /// Blocks read from the store at a time.
    const BUNDLE: usize = 1_000;

    fn push(&mut self, differing: Differing) {
        self.blocks += differing.blocks.len();
        self.waiting.push(differing);
    }
}

impl RunState {
    /// Stages what differs between the members that were read and those in the base, or has it wait until enough of such groups are to
    /// be looked at. Returns how many were read, each once.
    ///
    /// # Errors
    /// The store cannot be read; or it does not add up: what was before, who joined and who left do not make what was read. That is how
    /// a collision of hashes shows, too.
    pub(crate) async fn stage_members(&mut self, group: &GroupId, mut fresh: Members, reason: RemovalReason) -> Result<u64> {
        if self.index.members.get(group).is_none() {
            return self.stage_all_joined(group, &mut fresh).await;
        }
        let (size, differing) = self.differing(group, fresh, reason)?;
        self.membership_size += size;
        if let Some(differing) = differing {
            self.comparisons.push(differing);
        }
        if self.comparisons.blocks >= Comparisons::BUNDLE {
            self.stage_comparisons().await?;
        }
        Ok(size)
    }

    async fn stage_all_joined(&mut self, group: &GroupId, fresh: &mut Members) -> Result<u64> {
        let mut added = fresh.take_ids();
        added.sort_unstable();
        added.dedup();
        self.membership_size += added.len() as u64;
        for row in packs::added(group.as_str(), &added) {
            self.stager.stage(row).await?;
        }
        Ok(added.len() as u64)
    }

    /// Compares the members that were read, each block of them by its sum. Returns how many there are, each once, and what to compare
    /// one by one.
    fn differing(&self, group: &GroupId, mut fresh: Members, reason: RemovalReason) -> Result<(u64, Option<Differing>)> {
        let Some(base) = self.index.members.get(group) else { return Ok((fresh.count(), None)) };
        let sums = self.sums(base, &fresh);
        let mut before = base.iter().copied().peekable();
        let mut blocks = Vec::new();
        let mut differs = vec![false; sums.len()];
        let mut read = 0;
        for ((number, sum), differs) in (0..).zip(&sums).zip(&mut differs) {
            let block = before.next_if(|block| block.number == number);
            if *sum != block.as_ref().map(Block::sum).unwrap_or_default() {
                *differs = true;
                read += u64::from(sum.count);
                blocks.push((number, block));
            }
        }
        if blocks.is_empty() {
            return Ok((fresh.count(), None));
        }
        let spread = base.spread;
        let hashed = fresh.drain_ids().map(|id| (self.digester.id(id.as_str()), id));
        let mut candidates: Vec<_> = hashed.filter(|(hash, _)| differs[spread.block(hash.short()) as usize]).collect();
        candidates.sort_unstable();
        candidates.dedup();
        if !candidates.is_sorted_by(|(one, _), (other, _)| one.short() < other.short()) {
            return Err(corrupt("a key under which two members of a group have the same hash"));
        }
        let size = fresh.count() - read.saturating_sub(candidates.len() as u64);
        let Members { held, nameless, .. } = fresh;
        Ok((size, Some(Differing { group: group.clone(), reason, spread, blocks, candidates, held, nameless })))
    }

    fn sums(&self, base: GroupBlocks<'_>, fresh: &Members) -> Vec<BlockSum> {
        let mut sums = vec![BlockSum::default(); base.spread.blocks()];
        for id in fresh.ids() {
            let hash = self.digester.id(id.as_str());
            sums[base.spread.block(hash.short()) as usize].add(hash);
        }
        sums
    }

    /// Compares the groups that wait, member by member, and stages who joined and who left.
    pub(crate) async fn stage_comparisons(&mut self) -> Result<()> {
        let Comparisons { waiting, .. } = std::mem::take(&mut self.comparisons);
        let places = waiting.iter().flat_map(|differing| &differing.blocks).filter_map(|(_, block)| block.map(|block| block.locator));
        let mut records = BlockRecords { places: places.collect(), next: 0, records: Vec::new().into_iter() };
        for mut differing in waiting {
            let (mut added, mut removed) = (Vec::new(), Vec::new());
            let mut candidates = std::mem::take(&mut differing.candidates).into_iter().peekable();
            for (number, block) in &differing.blocks {
                let sum = block.as_ref().map(Block::sum).unwrap_or_default();
                let before = match block {
                    Some(_) => records.next(self.store.as_ref(), &self.lease.directory).await?,
                    None => members::encode(sum, &[]),
                };
                let before = members::of(&before).ok_or_else(|| corrupt("a block of members that cannot be read back"))?;
                let now = std::iter::from_fn(|| candidates.next_if(|(hash, _)| differing.spread.block(hash.short()) == *number));
                self.compare_block(sum, before, now, &mut added, |user| removed.push(user))?;
            }
            added.sort_unstable();
            for row in packs::added(differing.group.as_str(), &added) {
                self.stager.stage(row).await?;
            }
            if differing.nameless > 0 {
                continue;
            }
            removed.retain(|user: &UserId| !differing.held.contains(user.as_str()));
            removed.sort_unstable();
            let removed: Vec<_> = removed.into_iter().map(|user| (user, differing.reason)).collect();
            for row in packs::removed(differing.group.as_str(), &removed) {
                self.stager.stage(row).await?;
            }
        }
        Ok(())
    }

    /// Compares one block that differs, and checks that what is found explains the difference.
    fn compare_block(
        &self,
        mut sum: BlockSum,
        before: impl Iterator<Item = ShortHash>,
        now: impl Iterator<Item = Candidate>,
        added: &mut Vec<UserId>,
        mut left: impl FnMut(UserId),
    ) -> Result<()> {
        let mut leave = |hash: ShortHash, sum: &mut BlockSum| {
            let slot = self.index.users.find_hash(hash).ok_or_else(|| corrupt("a member that is no user"))?;
            let id = self.index.users.id(slot);
            sum.remove(self.digester.id(id.as_str()));
            left(id.clone());
            Ok(())
        };
        let (mut before, mut expected) = (before.peekable(), BlockSum::default());
        for (hash, id) in now {
            expected.add(hash);
            while let Some(gone) = before.next_if(|known| *known < hash.short()) {
                leave(gone, &mut sum)?;
            }
            if before.next_if(|known| *known == hash.short()).is_none() {
                sum.add(hash);
                added.push(id);
            }
        }
        before.try_for_each(|gone| leave(gone, &mut sum))?;
        if sum == expected { Ok(()) } else { Err(corrupt("a block of members that does not add up")) }
    }
}

/// Blocks of members in the base, read in bundles and handed out one by one.
struct BlockRecords {
    places: Vec<Locator>,
    next: usize,
    records: std::vec::IntoIter<Option<BaseRecord>>,
}

impl BlockRecords {
    async fn next(&mut self, store: &dyn StateStore, directory: &DirectoryId) -> Result<BaseRecord> {
        if self.records.len() == 0 {
            let bundle = &self.places[self.next..self.places.len().min(self.next + Comparisons::BUNDLE)];
            self.next += bundle.len();
            self.records = store.records(directory, BaseKind::Members, bundle).await?.into_iter();
        }
        self.records.next().flatten().ok_or_else(|| corrupt("an index without its records"))
    }
}
