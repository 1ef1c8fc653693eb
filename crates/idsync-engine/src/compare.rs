//! Who joined a group and who left it.

use crate::digest::ShortHash;
use crate::index::{Block, GroupBlocks};
use crate::member_read::Members;
use crate::members::{self, BlockSum, Spread};
use crate::packs;
use crate::payload::corrupt;
use crate::run::RunState;
use idsync_core::{BaseKind, BaseRecord, DirectoryId, Error, GroupId, Locator, RemovalReason, Result, StateStore, UserId};
use std::collections::BTreeSet;

/// A member that was read, of a block that differs, and where its id is, unless that is found by the hash.
type Candidate = (ShortHash, Option<u32>);

/// Ids that are at hand, page by page and numbered across them.
#[derive(Debug, Default)]
struct IdsAtHand {
    pages: Vec<Vec<UserId>>,
    /// The number of the first of each page.
    starts: Vec<u32>,
    len: u32,
}

impl IdsAtHand {
    fn push(&mut self, page: Vec<UserId>) -> Result<()> {
        let more = u32::try_from(page.len()).ok().and_then(|more| self.len.checked_add(more));
        self.starts.push(self.len);
        self.len = more.ok_or_else(too_many)?;
        self.pages.push(page);
        Ok(())
    }

    fn get(&self, number: u32) -> Option<&UserId> {
        let page = self.starts.partition_point(|start| *start <= number).checked_sub(1)?;
        self.pages[page].get((number - self.starts[page]) as usize)
    }
}

/// A group with blocks that differ from the base. What these hold there was not read yet.
#[derive(Debug)]
struct Differing {
    group: GroupId,
    /// Why whoever is missing leaves.
    reason: RemovalReason,
    spread: Spread,
    /// The blocks that differ, by number.
    blocks: Vec<DifferingBlock>,
    /// The members of these blocks that were read, in the order of their hashes, each once.
    candidates: Vec<Candidate>,
    ids: IdsAtHand,
    /// Members whose record could not be understood, so that they are not missing.
    held: BTreeSet<String>,
    /// Some of them have no id, so that nobody can be said to be missing.
    nameless: u64,
}

#[derive(Debug)]
struct DifferingBlock {
    number: u32,
    /// What the base has; `None` when it has no such block.
    base: Option<Block>,
    /// What was read adds up to this, members that were listed twice included.
    fresh: BlockSum,
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
        let Some((size, differing)) = self.differing(group, &mut fresh, reason)? else {
            return self.stage_all_joined(group, &mut fresh).await;
        };
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
        // Ids are quicker to sort. Those of the largest groups are not copied all at once where they were let go of.
        const IDS: u64 = 1 << 16;
        const PART: usize = 4_096;
        let joined = if fresh.are_named() && fresh.count() > IDS {
            let mut joined = fresh.take_slots(&mut self.index.users)?;
            joined.sort_unstable_by_key(|slot| self.index.users.id(*slot));
            joined.dedup();
            for part in joined.chunks(PART) {
                let part: Vec<_> = part.iter().map(|slot| self.index.users.id(*slot).clone()).collect();
                self.stage_joining(group, &part).await?;
            }
            joined.len()
        } else {
            let mut joined = fresh.take_ids(&self.index.users);
            joined.sort_unstable();
            joined.dedup();
            self.stage_joining(group, &joined).await?;
            joined.len()
        };
        self.membership_size += joined as u64;
        Ok(joined as u64)
    }

    /// Stages that users join, who are in order.
    async fn stage_joining(&mut self, group: &GroupId, users: &[UserId]) -> Result<()> {
        for row in packs::added(group.as_str(), users) {
            self.stager.stage(row).await?;
        }
        Ok(())
    }

    /// Compares the members that were read, each block of them by its sum. Returns how many there are, each once, and what to compare
    /// one by one; `None` where the base has no members.
    fn differing(&mut self, group: &GroupId, fresh: &mut Members, reason: RemovalReason) -> Result<Option<(u64, Option<Differing>)>> {
        let Some(base) = self.index.members.get(group) else { return Ok(None) };
        let spread = base.spread;
        let Sums { sums, hashes, mut suspects } = self.sums(spread, fresh);
        let mut blocks = differing_blocks(base, sums);
        if self.watch.is_some() {
            // Whoever is not listed any more makes a block differ, and is found when it is compared.
            suspects.sort_unstable();
            self.index.members.set_watched(group, &suspects);
        }
        if blocks.is_empty() {
            return Ok(Some((fresh.count(), None)));
        }
        let (mut candidates, ids) = self.candidates(fresh, hashes, spread, &blocks)?;
        let twice = self.drop_repeated(&mut candidates, &ids, spread, &mut blocks)?;
        let (held, nameless) = (std::mem::take(&mut fresh.held), fresh.nameless);
        let differing = Differing { group: group.clone(), reason, spread, blocks, candidates, ids, held, nameless };
        Ok(Some((fresh.count() - twice, Some(differing))))
    }

    /// Takes the members of these blocks, in the order of their hashes, of which the first are given; and the ids that are at hand.
    fn candidates(
        &self,
        fresh: &mut Members,
        hashes: Vec<ShortHash>,
        spread: Spread,
        blocks: &[DifferingBlock],
    ) -> Result<(Vec<Candidate>, IdsAtHand)> {
        // Four bytes for each block of the group, so that they stay in the cache.
        const ELSEWHERE: u32 = u32::MAX;
        let (mut places, mut read) = (vec![ELSEWHERE; spread.blocks()], 0);
        for block in blocks {
            // Where the next member of this block goes.
            places[block.number as usize] = read;
            read = read.checked_add(block.fresh.count).ok_or_else(too_many)?;
        }
        let mut candidates = vec![(ShortHash::default(), None); read as usize];
        let mut take = |hash: ShortHash, id: Option<u32>| {
            let place = &mut places[spread.block(hash) as usize];
            let is_here = *place != ELSEWHERE;
            if is_here {
                candidates[*place as usize] = (hash, id);
                *place += 1;
            }
            is_here
        };
        let (mut ids, mut hashes) = (IdsAtHand::default(), hashes.as_slice());
        // Of few blocks those are picked out that may be looked at again; else all pages are kept as they are.
        let mut picked = (u64::from(read) < fresh.count() / 2).then(Vec::new);
        for page in fresh.take_pages() {
            let (of_page, later) = hashes.split_at(hashes.len().min(page.len()));
            hashes = later;
            let (hashed, rest) = page.split_at(of_page.len());
            let hash = |id: &UserId| self.digester.id(id.as_str()).short();
            let mut each = |hash, id: &UserId, number| match &mut picked {
                None => _ = take(hash, Some(number)),
                Some(picked) => {
                    if take(hash, Some(picked.len() as u32)) {
                        picked.push(id.clone());
                    }
                }
            };
            hashed.iter().zip(of_page).zip(ids.len..).for_each(|((id, hash), number)| each(*hash, id, number));
            rest.iter().zip(ids.len + hashed.len() as u32..).for_each(|(id, number)| each(hash(id), id, number));
            if picked.is_none() {
                ids.push(page)?;
            }
        }
        if let Some(picked) = picked {
            ids.push(picked)?;
        }
        for slots in fresh.take_named() {
            self.index.users.hashes_of(&slots).for_each(|hash| _ = take(hash, None));
        }
        // Blocks are in order already, and to sort some 64 at a time takes a fraction of sorting all.
        let mut rest = candidates.as_mut_slice();
        for block in blocks {
            let (of_block, behind) = rest.split_at_mut(block.fresh.count as usize);
            of_block.sort_unstable_by_key(|(hash, _)| *hash);
            rest = behind;
        }
        Ok((candidates, ids))
    }

    /// A user may be listed twice while members change. Takes the second one out, and out of the sum of its block; returns how many.
    fn drop_repeated(
        &self,
        candidates: &mut Vec<Candidate>,
        ids: &IdsAtHand,
        spread: Spread,
        blocks: &mut [DifferingBlock],
    ) -> Result<u64> {
        if candidates.is_sorted_by(|(one, _), (other, _)| one < other) {
            return Ok(0);
        }
        let before = candidates.len();
        let mut is_clash = false;
        candidates.dedup_by(|again, kept| {
            if again.0 != kept.0 {
                return false;
            }
            // Whoever is known by the hash is one user, so that only an id that is at hand may be another's.
            let (hash, Some(id)) = (again.0, self.id_of(again, ids)) else { return true };
            is_clash |= self.id_of(kept, ids) != Some(id);
            if let Ok(block) = blocks.binary_search_by_key(&spread.block(hash), |block| block.number) {
                blocks[block].fresh.remove(self.digester.id(id.as_str()));
            }
            true
        });
        if is_clash {
            return Err(corrupt("a key under which two members of a group have the same hash"));
        }
        Ok((before - candidates.len()) as u64)
    }

    fn sums(&self, spread: Spread, fresh: &Members) -> Sums {
        // All, in most groups; of the largest they would take as much memory as the whole index of small directories.
        const KEPT: usize = 1 << 16;
        let mut sums = fresh.sums(spread);
        let mut hashes = Vec::with_capacity(usize::try_from(fresh.count()).unwrap_or(KEPT).min(KEPT));
        let is_watched = |hash| self.watch.as_ref().is_some_and(|watch| watch.has(hash));
        // Whoever is watched for was not shown until the users ended, and is not gone if a look-up has shown them since.
        let missing = fresh.named().filter(|slot| self.watch.is_some() && self.index.users.is_missing(*slot));
        let mut suspects: Vec<_> = missing.map(|slot| spread.block(self.index.users.hash(slot).short())).collect();
        for id in fresh.ids() {
            let hash = self.digester.id(id.as_str());
            let block = spread.block(hash.short());
            sums[block as usize].add(hash);
            if is_watched(hash.short()) {
                suspects.push(block);
            }
            if hashes.len() < KEPT {
                hashes.push(hash.short());
            }
        }
        Sums { sums, hashes, suspects }
    }

    /// Compares the groups that wait, member by member, and stages who joined and who left.
    pub(crate) async fn stage_comparisons(&mut self) -> Result<()> {
        let Comparisons { waiting, .. } = std::mem::take(&mut self.comparisons);
        let places = waiting.iter().flat_map(|differing| &differing.blocks).filter_map(|block| block.base.map(|base| base.locator));
        let mut records = BlockRecords { places: places.collect(), next: 0, records: Vec::new().into_iter() };
        for differing in waiting {
            let mut found = Found::default();
            let mut rest = differing.candidates.as_slice();
            for block in &differing.blocks {
                let before = match block.base {
                    Some(_) => records.next(self.store.as_ref(), &self.lease.directory).await?,
                    None => members::encode(BlockSum::default(), &[]),
                };
                let before = members::of(&before).ok_or_else(|| corrupt("a block of members that cannot be read back"))?;
                let now = rest.split_at_checked(block.fresh.count as usize);
                let (now, later) = now.ok_or_else(|| corrupt("a block with fewer members than were counted"))?;
                rest = later;
                found.compare(before, now);
            }
            if let Some(watch) = &self.watch {
                let mut missing = found.left.iter().filter(|hash| watch.has(**hash)).peekable();
                if differing.nameless > 0 || !differing.held.is_empty() {
                    // Not everybody who is missing is staged.
                    let suspects: Vec<_> = missing.map(|hash| differing.spread.block(*hash)).collect();
                    self.index.members.suspect(&differing.group, &suspects);
                } else if missing.peek().is_some() {
                    self.index.members.set_lost_watched(&differing.group);
                }
            }
            let mut added = self.joined(&differing, &found)?;
            let mut removed = self.left(&differing, &found, &added)?;
            added.sort_unstable();
            self.stage_joining(&differing.group, &added).await?;
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

    /// The id of a candidate; `None` if nobody is known by its hash.
    fn id_of<'a>(&'a self, (hash, number): &Candidate, ids: &'a IdsAtHand) -> Option<&'a UserId> {
        match number {
            Some(number) => ids.get(*number),
            None => self.index.users.find_hash(*hash).map(|slot| self.index.users.id(slot)),
        }
    }

    fn joined(&self, differing: &Differing, found: &Found) -> Result<Vec<UserId>> {
        let id = |candidate| self.id_of(candidate, &differing.ids).cloned().ok_or_else(|| corrupt("a user who is gone from the index"));
        found.joined.iter().map(id).collect()
    }

    /// Who left, where `added` joined; checks that what was found explains the difference of each block.
    fn left(&self, differing: &Differing, found: &Found, added: &[UserId]) -> Result<Vec<UserId>> {
        let mut removed = Vec::with_capacity(found.left.len());
        let slots = self.index.users.find_hashes(&found.left);
        let (mut slots, mut joined) = (slots.into_iter(), added.iter());
        for (block, (joins, leaves)) in differing.blocks.iter().zip(&found.steps) {
            let mut sum = block.base.as_ref().map(Block::sum).unwrap_or_default();
            for user in joined.by_ref().take(*joins) {
                sum.add(self.digester.id(user.as_str()));
            }
            for slot in slots.by_ref().take(*leaves) {
                let slot = slot.ok_or_else(|| corrupt("a member that is no user"))?;
                sum.remove(self.index.users.hash(slot));
                removed.push(self.index.users.id(slot).clone());
            }
            if sum != block.fresh {
                return Err(corrupt("a block of members that does not add up"));
            }
        }
        Ok(removed)
    }
}

fn too_many() -> Error {
    corrupt("a group with more members than can be numbered")
}

/// What the members of a group add up to.
struct Sums {
    /// For each block.
    sums: Vec<BlockSum>,
    /// The hashes of the first of them.
    hashes: Vec<ShortHash>,
    /// The blocks that have somebody who is watched for.
    suspects: Vec<u32>,
}

/// The blocks whose members do not add up to what the base has.
fn differing_blocks(base: GroupBlocks<'_>, sums: Vec<BlockSum>) -> Vec<DifferingBlock> {
    let mut before = base.iter().copied().peekable();
    let mut blocks = Vec::new();
    for (number, fresh) in (0..).zip(sums) {
        let base = before.next_if(|block| block.number == number);
        if fresh != base.as_ref().map(Block::sum).unwrap_or_default() {
            blocks.push(DifferingBlock { number, base, fresh });
        }
    }
    blocks
}

/// What was found in the blocks of one group.
#[derive(Debug, Default)]
struct Found {
    /// Those who joined.
    joined: Vec<Candidate>,
    /// The hashes of those who left.
    left: Vec<ShortHash>,
    /// How many joined and left in each block.
    steps: Vec<(usize, usize)>,
}

impl Found {
    /// Compares the next block that differs.
    fn compare(&mut self, before: impl Iterator<Item = ShortHash>, now: &[Candidate]) {
        let start = (self.joined.len(), self.left.len());
        let mut before = before.peekable();
        for candidate in now {
            let (hash, _) = candidate;
            while let Some(gone) = before.next_if(|known| known < hash) {
                self.left.push(gone);
            }
            if before.next_if(|known| known == hash).is_none() {
                self.joined.push(*candidate);
            }
        }
        self.left.extend(before);
        self.steps.push((self.joined.len() - start.0, self.left.len() - start.1));
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
