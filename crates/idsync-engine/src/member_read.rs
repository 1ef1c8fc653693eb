//! The members of one group while they are read, and how they are held until all of them are there.

use crate::chunked::Chunked;
use crate::entries::{EntryIndex, Slot};
use crate::members::{BlockSum, Spread};
use crate::queue::{UnderWay, Waiting};
use futures::TryStreamExt;
use futures::stream::BoxStream;
use idsync_core::{GroupId, HeldRecord, Page, Result, Timestamp, UserId};
use std::collections::BTreeSet;

/// A listing of the members of one group that is under way.
pub(crate) struct MemberRead {
    pub(crate) group: GroupId,
    pub(crate) members_updated: Option<Timestamp>,
    pub(crate) members: Members,
    /// How many members it had the last time.
    expected: u64,
    pages: BoxStream<'static, Result<Page<UserId>>>,
    under_way: UnderWay,
}

/// A listing that has come some pages further.
pub(crate) struct MemberStep {
    pub(crate) read: Box<MemberRead>,
    /// How it ended, if it did.
    pub(crate) end: Option<Result<()>>,
}

impl MemberRead {
    pub(crate) fn begin(waiting: Waiting, under_way: UnderWay, pages: BoxStream<'static, Result<Page<UserId>>>) -> Box<Self> {
        let Waiting { group, members_updated, size: expected, .. } = waiting;
        under_way.began(expected);
        let members = Members { ends_empty: true, ..Members::default() };
        Box::new(Self { group, members_updated, members, expected, pages, under_way })
    }

    /// Reads to the end, or until there are more ids at hand than may be.
    pub(crate) async fn go_on(mut self: Box<Self>) -> MemberStep {
        loop {
            let end = match self.pages.try_next().await {
                Ok(Some(page)) => {
                    self.under_way.came(page.items.len());
                    self.members.take(page);
                    if self.under_way.has_room_for_ids() {
                        continue;
                    }
                    None
                }
                Ok(None) => Some(Ok(())),
                Err(error) => Some(Err(error)),
            };
            return MemberStep { read: self, end };
        }
    }

    /// Lets go of the ids of members. `spread` is that of the group in the base.
    ///
    /// # Errors
    /// Two members have ids of the same hash.
    pub(crate) fn make_room(&mut self, users: &mut EntryIndex<UserId>, spread: Option<Spread>) -> Result<()> {
        let before = self.members.ids_held();
        self.members.hold_by_slot(users, spread)?;
        self.under_way.let_go(before);
        Ok(())
    }

    /// The listing is over, whatever came of it.
    pub(crate) fn finish(self) -> (GroupId, Option<Timestamp>, Members) {
        self.under_way.ended(self.expected, self.members.records, self.members.ids_held());
        (self.group, self.members_updated, self.members)
    }
}

/// The members of one group, as they were read.
#[derive(Debug, Default)]
pub(crate) struct Members {
    /// As they came: a user may be listed twice while members change.
    listed: Vec<Vec<UserId>>,
    /// Those who were named to the index of users, by where they are there.
    named: Chunked<Slot>,
    /// What those add up to in each block, where the group is in the base.
    sums: Vec<BlockSum>,
    /// Members whose record could not be understood: neither added nor removed.
    pub(crate) held: BTreeSet<String>,
    /// How many of them have no id, so that nobody can be said to be missing.
    pub(crate) nameless: u64,
    pub(crate) pages: u64,
    pub(crate) records: u64,
    /// The first of the records that could not be understood.
    pub(crate) examples: Vec<HeldRecord>,
    /// Whether the last page showed nobody, as all pages do for an identity that has lost its role.
    pub(crate) ends_empty: bool,
}

impl Members {
    fn take(&mut self, page: Page<UserId>) {
        self.pages += 1;
        self.ends_empty = page.items.is_empty() && page.held.is_empty();
        self.records += page.items.len() as u64;
        self.listed.push(page.items);
        for held in page.held {
            if self.examples.is_empty() {
                self.examples.push(held.clone());
            }
            match held.id {
                Some(id) => _ = self.held.insert(id),
                None => self.nameless += 1,
            }
        }
    }

    /// Holds all of them by where they are in the index from here on, which is a sixth of the memory. Who is not known yet is named to it:
    /// nearly everybody is listed as a user, too, and those of a first sync are in many groups before they are.
    fn hold_by_slot(&mut self, users: &mut EntryIndex<UserId>, spread: Option<Spread>) -> Result<()> {
        self.sums.resize(spread.map_or(0, Spread::blocks), BlockSum::default());
        for page in std::mem::take(&mut self.listed) {
            for (hash, slot) in users.name_all(page)? {
                if let Some(spread) = spread {
                    self.sums[spread.block(hash.short()) as usize].add(hash);
                }
                self.named.push(slot);
            }
        }
        Ok(())
    }

    /// How many ids are at hand.
    pub(crate) fn ids_held(&self) -> usize {
        self.listed.iter().map(Vec::len).sum()
    }

    /// How many were listed.
    pub(crate) const fn count(&self) -> u64 {
        self.records
    }

    /// Those whose ids are at hand.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &UserId> {
        self.listed.iter().flatten()
    }

    /// Those who are held by where they are in the index.
    pub(crate) fn named(&self) -> impl Iterator<Item = Slot> {
        self.named.iter().copied()
    }

    /// What those add up to, for each block of a group that is spread like this.
    pub(crate) fn sums(&self, spread: Spread) -> Vec<BlockSum> {
        if self.sums.is_empty() { vec![BlockSum::default(); spread.blocks()] } else { self.sums.clone() }
    }

    /// Takes those whose ids are at hand page by page, in the order of [`Members::ids`], so that they are not held twice.
    pub(crate) fn take_pages(&mut self) -> impl Iterator<Item = Vec<UserId>> {
        self.listed.drain(..)
    }

    /// Takes the others, some at a time.
    pub(crate) fn take_named(&mut self) -> impl Iterator<Item = Vec<Slot>> + use<> {
        std::mem::take(&mut self.named).into_chunks()
    }

    /// Takes the ids of all of them.
    pub(crate) fn take_ids(&mut self, users: &EntryIndex<UserId>) -> Vec<UserId> {
        let mut ids = Vec::with_capacity(usize::try_from(self.records).unwrap_or_default());
        ids.extend(self.take_named().flatten().map(|slot| users.id(slot).clone()));
        ids.extend(self.take_pages().flatten());
        ids
    }

    /// Takes where in the index all of them are.
    ///
    /// # Errors
    /// Two members have ids of the same hash.
    pub(crate) fn take_slots(&mut self, users: &mut EntryIndex<UserId>) -> Result<Vec<Slot>> {
        self.hold_by_slot(users, None)?;
        let mut slots = Vec::with_capacity(self.named.len());
        slots.extend(self.take_named().flatten());
        Ok(slots)
    }

    /// Whether the ids of members are let go of, as there are many.
    pub(crate) fn are_named(&self) -> bool {
        !self.named.is_empty()
    }
}
