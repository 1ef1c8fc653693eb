//! Brings the members in the base up to date with what was applied.

use crate::digest::Digester;
use crate::index::{GroupBlocks, MemberIndex};
use crate::members::{self, Spread, block_key};
use crate::payload::{applies, corrupt, parse_member_key};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use idsync_core::{BaseKind, BaseWrite, GroupId, Lease, Membership, Phase, Result, StagedKey, StagedRow, StateStore, UserId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Folds all staged memberships into the base. Everything here can be repeated: after a crash it is.
pub(crate) async fn fold_members(store: &Arc<dyn StateStore>, lease: &Lease) -> Result<()> {
    let mut removed = StagedMembers::new(store, lease, Phase::RemoveMembers);
    let mut added = StagedMembers::new(store, lease, Phase::AddMembers);
    if removed.peek().await?.is_none() && added.peek().await?.is_none() {
        return Ok(());
    }
    let index = MemberIndex::load(store.as_ref(), &lease.directory).await?;
    let digester = Digester::new(store.digest_key(lease).await?);
    let mut writer = BaseWriter { store, lease, writes: Vec::new() };
    loop {
        let group = match (removed.peek().await?, added.peek().await?) {
            (None, None) => break,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(one), Some(other)) => one.min(other),
        };
        let change = GroupChange { removed: removed.take(&group).await?, added: added.take(&group).await? };
        let nobody = GroupBlocks::default();
        let base = index.get(&group).unwrap_or(&nobody);
        fold_group(&digester, &mut writer, &group, base, &change).await?;
    }
    writer.flush().await
}

struct GroupChange {
    removed: BTreeSet<UserId>,
    added: BTreeSet<UserId>,
}

async fn fold_group(
    digester: &Digester,
    writer: &mut BaseWriter<'_>,
    group: &GroupId,
    base: &GroupBlocks,
    change: &GroupChange,
) -> Result<()> {
    let size = usize::try_from(base.size()).unwrap_or(usize::MAX);
    let size_after = (size + change.added.len()).saturating_sub(change.removed.len());
    match base.spread.filter(|spread| spread.suits(size_after)) {
        Some(spread) => {
            let touched: BTreeSet<u32> =
                change.added.iter().chain(&change.removed).map(|user| spread.block(digester.member(user.as_str()))).collect();
            let blocks: Vec<u32> = touched.iter().copied().filter(|block| base.blocks.contains_key(block)).collect();
            let mut members = writer.read(group, spread, &blocks).await?;
            update(&mut members, change);
            writer.write(digester, group, spread, &touched, members).await
        }
        None => {
            let mut members = BTreeSet::new();
            if let Some(spread) = base.spread {
                let blocks: Vec<u32> = base.blocks.keys().copied().collect();
                members = writer.read(group, spread, &blocks).await?;
                writer.delete(group, spread, &blocks).await?;
            }
            update(&mut members, change);
            let spread = Spread::for_size(members.len());
            writer.write(digester, group, spread, &BTreeSet::new(), members).await
        }
    }
}

fn update(members: &mut BTreeSet<UserId>, change: &GroupChange) {
    members.retain(|user| !change.removed.contains(user));
    members.extend(change.added.iter().cloned());
}

/// Collects writes to the base. All writes for one group go into one transaction, so that a group is never kept in two layouts.
struct BaseWriter<'a> {
    store: &'a Arc<dyn StateStore>,
    lease: &'a Lease,
    writes: Vec<BaseWrite>,
}

impl BaseWriter<'_> {
    const BUNDLE: usize = 2_000;

    async fn read(&self, group: &GroupId, spread: Spread, blocks: &[u32]) -> Result<BTreeSet<UserId>> {
        let keys: Vec<_> = blocks.iter().map(|block| block_key(group.as_str(), spread, *block)).collect();
        let mut members = BTreeSet::new();
        for record in self.store.records(&self.lease.directory, BaseKind::Members, &keys).await?.into_iter().flatten() {
            members.extend(members::decode(&record.record).ok_or_else(|| corrupt("a block of members that cannot be read back"))?);
        }
        Ok(members)
    }

    async fn delete(&mut self, group: &GroupId, spread: Spread, blocks: &[u32]) -> Result<()> {
        self.make_room().await?;
        self.writes.extend(blocks.iter().map(|block| BaseWrite::delete(BaseKind::Members, block_key(group.as_str(), spread, *block))));
        Ok(())
    }

    async fn write(
        &mut self,
        digester: &Digester,
        group: &GroupId,
        spread: Spread,
        touched: &BTreeSet<u32>,
        members: BTreeSet<UserId>,
    ) -> Result<()> {
        let mut blocks = BTreeMap::<u32, Vec<UserId>>::new();
        for block in touched {
            blocks.entry(*block).or_default();
        }
        for user in members {
            blocks.entry(spread.block(digester.member(user.as_str()))).or_default().push(user);
        }
        for (block, members) in blocks {
            let key = block_key(group.as_str(), spread, block);
            self.writes.push(if members.is_empty() {
                BaseWrite::delete(BaseKind::Members, key)
            } else {
                BaseWrite::put(BaseKind::Members, key, members::encode(digester, &members))
            });
        }
        self.make_room().await
    }

    async fn make_room(&mut self) -> Result<()> {
        if self.writes.len() >= Self::BUNDLE { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<()> {
        if self.writes.is_empty() {
            return Ok(());
        }
        self.store.write_base(self.lease, std::mem::take(&mut self.writes)).await
    }
}

/// The applied memberships of one phase, group by group.
struct StagedMembers {
    pages: BoxStream<'static, Result<Vec<StagedRow>>>,
    phase: Phase,
    rows: VecDeque<Membership>,
    ended: bool,
}

impl StagedMembers {
    fn new(store: &Arc<dyn StateStore>, lease: &Lease, phase: Phase) -> Self {
        let pages = store.staged(&lease.directory, Some(StagedKey::new(phase, String::new())));
        Self { pages, phase, rows: VecDeque::new(), ended: false }
    }

    async fn fill(&mut self) -> Result<()> {
        while self.rows.is_empty() && !self.ended {
            let Some(rows) = self.pages.try_next().await? else {
                self.ended = true;
                break;
            };
            self.ended = rows.last().is_some_and(|row| row.position.phase != self.phase);
            for row in rows.iter().filter(|row| row.position.phase == self.phase && applies(row)) {
                self.rows
                    .push_back(parse_member_key(&row.position.key).ok_or_else(|| corrupt("a staged membership that cannot be read back"))?);
            }
        }
        Ok(())
    }

    async fn peek(&mut self) -> Result<Option<GroupId>> {
        self.fill().await?;
        Ok(self.rows.front().map(|membership| membership.group.clone()))
    }

    async fn take(&mut self, group: &GroupId) -> Result<BTreeSet<UserId>> {
        let mut users = BTreeSet::new();
        loop {
            self.fill().await?;
            match self.rows.front() {
                Some(next) if next.group == *group => users.extend(self.rows.pop_front().map(|membership| membership.user)),
                _ => return Ok(users),
            }
        }
    }
}
