//! Brings the members in the base up to date with what was applied.

use crate::amend::StagedPacks;
use crate::digest::{Digester, IdHash, ShortHash};
use crate::entries::EntryIndex;
use crate::index::{GroupBlocks, MemberIndex};
use crate::members::{self, Spread, block_key};
use crate::packs::Pack;
use crate::payload::corrupt;
use crate::steps::{HashedStep, MemberSet, Step, taken};
use crate::touched::Update;
use futures::TryStreamExt;
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Detail, GroupId, Lease, Locator, Mark, Phase, Result, StagedKey, StagedRow, StateStore, UserId,
};
use std::sync::Arc;

/// Folds all staged memberships into the base. Everything here can be repeated: after a crash it is. `members` are those that the base
/// has, if they are known.
pub(crate) async fn fold_members(store: &Arc<dyn StateStore>, lease: &Lease, members: Option<MemberIndex>) -> Result<()> {
    fold_with(store, lease, members, Folder::PART).await
}

async fn fold_with(store: &Arc<dyn StateStore>, lease: &Lease, members: Option<MemberIndex>, part: usize) -> Result<()> {
    let mut removed = StagedPacks::new(store.as_ref(), &lease.directory, Phase::RemoveMembers);
    let mut added = StagedPacks::new(store.as_ref(), &lease.directory, Phase::AddMembers);
    if removed.peek().await?.is_none() && added.peek().await?.is_none() {
        return Ok(());
    }
    let index = match members {
        Some(members) => members,
        None => MemberIndex::load(store.as_ref(), &lease.directory, 0).await?,
    };
    let digester = Digester::new(store.digest_key(lease).await?);
    let mut folder = Folder { store, lease, digester, names: None, waiting: Vec::new(), blocks: 0, writes: Vec::new(), bytes: 0, part };
    loop {
        let group = match (removed.peek().await?, added.peek().await?) {
            (None, None) => break,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(one), Some(other)) => one.min(other),
        };
        let (base, mut steps, mut more) = (index.get(&group), Vec::new(), 0);
        while let Some(row) = removed.next_of(&group).await? {
            steps.extend(applied(&row)?.map(|user| (folder.digester.id(user), Step::Leave)));
        }
        while let Some(row) = added.next_of(&group).await? {
            let joining = applied(&row)?;
            if base.is_none() && steps.len() >= folder.part {
                more += joining.count();
            } else {
                steps.extend(joining.map(|user| (folder.digester.id(user), Step::Join)));
            }
        }
        if more > 0 {
            let joining = steps.len() + more;
            drop(steps);
            folder.fold_by_parts(&group, joining).await?;
            continue;
        }
        // In order of their hashes, and so of their blocks.
        steps.sort_unstable();
        if !steps.is_empty() {
            folder.fold_group(group, base, steps).await?;
        }
    }
    folder.update_waiting().await?;
    folder.flush().await
}

/// The users of a pack that join, or leave, as was decided.
fn applied(row: &StagedRow) -> Result<impl Iterator<Item = &str>> {
    let marked = Pack::of(row)?.into_iter().flat_map(|pack| pack.marked());
    Ok(marked.filter(|(_, mark)| *mark == Mark::Apply).map(|(item, _)| item.user()))
}

/// The blocks that these members make, who are in the order of their hashes.
fn blocks(spread: Spread, members: &[IdHash]) -> impl Iterator<Item = (u32, MemberSet)> {
    members.chunk_by(move |one, other| spread.block(one.short()) == spread.block(other.short())).map(move |block| {
        let mut set = MemberSet::default();
        block.iter().for_each(|hash| set.sum.add(*hash));
        set.members.extend(block.iter().map(|hash| hash.short()));
        (block.first().map_or(0, |hash| spread.block(hash.short())), set)
    })
}

/// Folds group by group. A group that is spread anew is written in one transaction, so that it is never kept in two layouts.
struct Folder<'a> {
    store: &'a Arc<dyn StateStore>,
    lease: &'a Lease,
    digester: Digester,
    /// All users, loaded when a group is spread anew.
    names: Option<EntryIndex<UserId>>,
    /// Groups whose blocks are read together: few blocks change in most groups.
    waiting: Vec<Update>,
    /// How many blocks those are.
    blocks: usize,
    writes: Vec<BaseWrite>,
    bytes: usize,
    /// How many steps of a new group are held at a time.
    part: usize,
}

impl Folder<'_> {
    const BUNDLE: usize = 2_000;
    const BYTES: usize = 4 * 1024 * 1024;
    const PART: usize = 1 << 17;

    /// Folds a group that the base does not have and that some `joining` users join, more than are held at a time: those whose hashes
    /// begin alike, part by part. A fold that was interrupted leaves some of its blocks, which the next one goes on with as with any group.
    async fn fold_by_parts(&mut self, group: &GroupId, joining: usize) -> Result<()> {
        let spread = Spread::for_size(joining);
        let parts = spread.in_parts(joining.div_ceil(self.part));
        for part in 0..parts.blocks() as u32 {
            let mut joined = Vec::new();
            let mut added = StagedPacks::from(self.store.as_ref(), &self.lease.directory, Phase::AddMembers, group);
            while let Some(row) = added.next_of(group).await? {
                let hashes = applied(&row)?.map(|user| self.digester.id(user));
                joined.extend(hashes.filter(|hash| parts.block(hash.short()) == part));
            }
            joined.sort_unstable();
            for (number, set) in blocks(spread, &joined) {
                self.make_room().await?;
                self.write(group, spread, number, &set);
            }
        }
        Ok(())
    }

    async fn fold_group(&mut self, group: GroupId, base: Option<GroupBlocks<'_>>, steps: Vec<HashedStep>) -> Result<()> {
        let size = base.map_or(0, |base| usize::try_from(base.size).unwrap_or(usize::MAX));
        let joining = steps.iter().filter(|(_, step)| *step == Step::Join).count();
        let size_after = (size + joining).saturating_sub(steps.len() - joining);
        let Some(stays) = base.filter(|base| base.spread.suits(size_after)) else {
            return self.spread_anew(&group, base, &steps).await;
        };
        let update = Update::new(group, stays, steps);
        self.blocks += update.blocks.len();
        self.waiting.push(update);
        if self.blocks >= Self::BUNDLE { self.update_waiting().await } else { Ok(()) }
    }

    /// Changes the blocks of the groups that wait.
    async fn update_waiting(&mut self) -> Result<()> {
        self.blocks = 0;
        let waiting = std::mem::take(&mut self.waiting);
        let touched: Vec<_> = waiting.iter().flat_map(|update| update.blocks.iter().map(move |block| (update, block))).collect();
        for bundle in touched.chunks(Self::BUNDLE) {
            let places: Vec<_> = bundle.iter().filter_map(|(_, block)| block.place).collect();
            let mut records = self.records(&places).await?.into_iter();
            for (update, block) in bundle {
                if block.steps.start == 0 {
                    // Another group begins.
                    self.make_room().await?;
                }
                let mut set = match block.place {
                    Some(_) => MemberSet::read(records.next().flatten())?,
                    None => MemberSet::default(),
                };
                set.take(&update.steps[block.steps.clone()]);
                self.write(&update.group, update.spread, block.number, &set);
            }
        }
        Ok(())
    }

    /// Spreads a group that is new, or of a very different size, over as many blocks as suit it.
    async fn spread_anew(&mut self, group: &GroupId, base: Option<GroupBlocks<'_>>, steps: &[HashedStep]) -> Result<()> {
        self.make_room().await?;
        let mut members = Vec::new();
        if let Some(base) = base {
            let places: Vec<_> = base.iter().map(|block| block.locator).collect();
            let mut unnamed = Vec::new();
            for record in self.records(&places).await? {
                for member in MemberSet::read(record)?.members {
                    // A step says the whole hash of its member; of the others it has to be found.
                    match steps.binary_search_by_key(&member, |(hash, _)| hash.short()) {
                        Ok(step) => members.push(steps[step].0),
                        Err(_) => unnamed.push(member),
                    }
                }
            }
            if !unnamed.is_empty() {
                members.extend(self.names().await?.hashes(unnamed)?);
            }
            // Of two with the same first half, the order is not known.
            members.sort_unstable();
            for block in base.iter() {
                self.push(BaseWrite::delete(BaseKind::Members, block_key(group.as_str(), base.spread, block.number)));
            }
        }
        let members = taken(members, steps);
        let spread = Spread::for_size(members.len());
        blocks(spread, &members).for_each(|(number, set)| self.write(group, spread, number, &set));
        Ok(())
    }

    async fn records(&self, places: &[Locator]) -> Result<Vec<Option<BaseRecord>>> {
        self.store.records(&self.lease.directory, BaseKind::Members, places).await
    }

    /// The users of the base, and those that this run adds to it.
    async fn names(&mut self) -> Result<&EntryIndex<UserId>> {
        if self.names.is_none() {
            let (store, directory) = (self.store.as_ref(), &self.lease.directory);
            let mut names = EntryIndex::load(store, directory, self.digester.clone(), 0).await?;
            let mut pages = store.staged(directory, Some(StagedKey::new(Phase::CreateUsers, String::new())), Detail::Digests);
            'pages: while let Some(rows) = pages.try_next().await? {
                for row in rows {
                    if row.position.phase != Phase::CreateUsers {
                        break 'pages;
                    }
                    names.find_or_insert(&UserId::new(&row.position.key).map_err(|_| corrupt("a key that is not an id"))?)?;
                }
            }
            self.names = Some(names);
        }
        self.names.as_ref().ok_or_else(|| corrupt("no users"))
    }

    fn write(&mut self, group: &GroupId, spread: Spread, number: u32, set: &MemberSet) {
        let key = block_key(group.as_str(), spread, number);
        self.push(match set.members.is_empty() {
            true => BaseWrite::delete(BaseKind::Members, key),
            false => BaseWrite::put(BaseKind::Members, key, members::encode(set.sum, &set.members)),
        });
    }

    fn push(&mut self, write: BaseWrite) {
        self.bytes += write.key.len() + write.record.as_ref().map_or(0, |record| record.record.len());
        self.writes.push(write);
    }

    async fn make_room(&mut self) -> Result<()> {
        if self.writes.len() >= Self::BUNDLE || self.bytes >= Self::BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        if self.writes.is_empty() {
            return Ok(());
        }
        self.bytes = 0;
        self.store.write_base(self.lease, std::mem::take(&mut self.writes)).await
    }
}

impl EntryIndex<UserId> {
    /// The whole hashes of members.
    fn hashes(&self, members: Vec<ShortHash>) -> Result<Vec<IdHash>> {
        members
            .into_iter()
            .map(|member| self.find_hash(member).map(|slot| self.hash(slot)).ok_or_else(|| corrupt("a member that is no user")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::BlockSum;
    use crate::packs;
    use futures::executor::block_on;
    use idsync_core::memory::MemoryStore;
    use idsync_core::{DirectoryId, JournalHeader, RemovalReason, Revision, Timestamp};
    use std::collections::BTreeSet;

    #[test]
    fn blocks_of_many_groups_are_changed_together_and_each_as_if_alone() {
        block_on(async {
            let (store, directory) = (Arc::new(MemoryStore::new()) as Arc<dyn StateStore>, DirectoryId::new("d").unwrap());
            let lease = store.acquire(&directory, "test").await.unwrap();
            let user = |name: &str| UserId::new(name).unwrap();
            let groups: Vec<_> = (0..Folder::BUNDLE + 100).map(|number| format!("g{number:04}")).collect();
            let digester = Digester::new(store.digest_key(&lease).await.unwrap());
            let sum_of = |names: &[&str]| {
                let mut sum = BlockSum::default();
                names.iter().for_each(|name| sum.add(digester.id(name)));
                sum.digest()
            };
            // All groups get two members; then in all but every tenth one goes and another one comes, which is done twice.
            let (first, then) = ([user("a"), user("b")], [user("c")]);
            for round in 0..3 {
                store.begin_journal(&lease, JournalHeader::new(Revision(0), Timestamp::UNIX_EPOCH)).await.unwrap();
                let touched = groups.iter().enumerate().filter(|(number, _)| round == 0 || number % 10 > 0);
                let rows = touched.flat_map(|(_, group)| match round {
                    0 => packs::added(group, &first).collect::<Vec<_>>(),
                    _ => packs::added(group, &then).chain(packs::removed(group, &[(user("a"), RemovalReason::Left)])).collect(),
                });
                store.stage(&lease, rows.collect()).await.unwrap();
                fold_members(&store, &lease, None).await.unwrap();
                let index: Vec<_> = store.index(&directory, BaseKind::Members).try_concat().await.unwrap();
                assert_eq!(index.len(), groups.len());
                for (number, row) in index.iter().enumerate() {
                    let names = if round == 0 || number % 10 == 0 { ["a", "b"] } else { ["b", "c"] };
                    assert_eq!((row.key().split('\0').next(), row.digest), (Some(&*groups[number]), sum_of(&names)), "{round}");
                }
            }
        });
    }

    #[test]
    fn a_new_group_is_the_same_in_any_number_of_parts_and_after_a_fold_that_was_interrupted() {
        block_on(async {
            let users: Vec<_> = (0..3_000).map(|number| UserId::new(format!("u{number:04}")).unwrap()).collect();
            let mut expected = None;
            // All at once; in two parts; in as many as there are blocks.
            for part in [3_000, 2_999, 1] {
                let (store, directory) = (Arc::new(MemoryStore::new()) as Arc<dyn StateStore>, DirectoryId::new("d").unwrap());
                let lease = store.acquire(&directory, "test").await.unwrap();
                store.begin_journal(&lease, JournalHeader::new(Revision(0), Timestamp::UNIX_EPOCH)).await.unwrap();
                let rows =
                    ["f", "g", "h"].into_iter().flat_map(|group| packs::added(group, &users[..if group == "g" { 3_000 } else { 5 }]));
                store.stage(&lease, rows.collect()).await.unwrap();
                fold_with(&store, &lease, None, part).await.unwrap();
                let digester = Digester::new(store.digest_key(&lease).await.unwrap());
                let all = || async {
                    let index: Vec<_> = store.index(&directory, BaseKind::Members).try_concat().await.unwrap();
                    let places: Vec<_> = index.iter().map(|row| row.locator).collect();
                    let records = store.records(&directory, BaseKind::Members, &places).await.unwrap();
                    let members = records.iter().flatten().flat_map(|record| members::decode(record).unwrap()).collect::<BTreeSet<_>>();
                    let sums: Vec<_> = index.iter().map(|row| (row.key().to_owned(), BlockSum::from_digest(row.digest).count)).collect();
                    (sums, members)
                };
                let (sums, members) = all().await;
                assert_eq!(members, users.iter().map(|user| digester.id(user.as_str()).short()).collect());
                assert_eq!(sums.iter().map(|(_, count)| *count).sum::<u32>(), 3_010, "{part}");
                assert!(sums.is_sorted());
                // Each store has a key of its own.
                assert_eq!(*expected.get_or_insert(sums.len()), sums.len(), "{part}");

                // A fold that ended half-way is gone on with.
                let half = sums.iter().skip(sums.len() / 2).map(|(key, _)| BaseWrite::delete(BaseKind::Members, key.clone()));
                store.write_base(&lease, half.collect()).await.unwrap();
                fold_with(&store, &lease, None, part).await.unwrap();
                assert_eq!(all().await, (sums, members), "{part}");
            }
        });
    }

    #[test]
    fn a_large_group_is_emptied_without_a_look_at_all_users() {
        block_on(async {
            let (store, directory) = (Arc::new(MemoryStore::new()) as Arc<dyn StateStore>, DirectoryId::new("d").unwrap());
            let lease = store.acquire(&directory, "test").await.unwrap();
            let users: Vec<_> = (0..1_000).map(|number| UserId::new(format!("u{number:04}")).unwrap()).collect();
            let leaving: Vec<_> = users.iter().map(|user| (user.clone(), RemovalReason::GroupDeleted)).collect();
            for rows in [packs::added("g", &users).collect::<Vec<_>>(), packs::removed("g", &leaving).collect()] {
                store.begin_journal(&lease, JournalHeader::new(Revision(0), Timestamp::UNIX_EPOCH)).await.unwrap();
                store.stage(&lease, rows).await.unwrap();
                // The base has no users, so that to look one up would be an error.
                fold_members(&store, &lease, None).await.unwrap();
            }
            let index: Vec<_> = store.index(&directory, BaseKind::Members).try_concat().await.unwrap();
            assert!(index.is_empty());
        });
    }
}
