//! What a run knows of the users, or of the groups: their ids, digests and what became of them, never the records.

mod many;

use crate::chunked::Chunked;
use crate::digest::{Digester, IdHash, ShortHash};
pub(crate) use crate::entry_key::EntryKey;
use crate::payload::corrupt;
pub(crate) use crate::slots::Slot;
use crate::slots::SlotTable;
use futures::TryStreamExt;
use idsync_core::{Digest, DirectoryId, IndexRow, Locator, Phase, Result, StateStore};
use std::fmt;

/// What the base has of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InBase {
    pub(crate) digest: Digest,
    pub(crate) locator: Locator,
}

#[derive(Debug)]
struct Entry<K> {
    id: K,
    digest: Digest,
    locator: Locator,
}

/// What became of an entry, in one byte: there are as many as entries.
#[derive(Debug, Clone, Copy, Default)]
struct State(u8);

impl State {
    const IN_BASE: u8 = 1 << 6;
    const SEEN: u8 = 1 << 7;
    const WAITING: u8 = 1 << 5;
    const PHASE: u8 = (1 << 5) - 1;

    /// Whether one of these bits is set.
    const fn has(self, bits: u8) -> bool {
        self.0 & bits != 0
    }

    const fn is_missing(self) -> bool {
        self.has(Self::IN_BASE) && !self.has(Self::SEEN)
    }

    /// Whether nothing is known of the entry but its id.
    const fn is_named_only(self) -> bool {
        self.0 == 0
    }
}

enum Sight {
    Seen,
    Unseen,
}

/// The entries of one kind: some 60 bytes for each, as ids are commonly long.
pub(crate) struct EntryIndex<K> {
    digester: Digester,
    table: SlotTable,
    entries: Chunked<Entry<K>>,
    states: Chunked<State>,
    base_size: u64,
    present: u64,
}

impl<K> fmt::Debug for EntryIndex<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryIndex").field("entries", &self.entries.len()).field("base", &self.base_size).finish()
    }
}

impl<K: EntryKey> EntryIndex<K> {
    pub(crate) const fn empty(digester: Digester) -> Self {
        Self { digester, table: SlotTable::new(), entries: Chunked::new(), states: Chunked::new(), base_size: 0, present: 0 }
    }

    /// Loads what the base has; `expected` entries are made room for.
    pub(crate) async fn load(store: &dyn StateStore, directory: &DirectoryId, digester: Digester, expected: u64) -> Result<Self> {
        let mut index = Self::empty(digester);
        // Room for a few more, so that a run that finds some does not make the table anew.
        let room = usize::try_from(expected + expected / 64).unwrap_or_default();
        index.table = SlotTable::with_room_for(room);
        let mut pages = store.index(directory, K::KIND);
        while let Some(rows) = pages.try_next().await? {
            index.push_page(&rows)?;
        }
        index.base_size = index.entries.len() as u64;
        Ok(index)
    }

    /// Takes a page of the base. First all entries, then their places in the table, which are spread all over the memory.
    fn push_page(&mut self, rows: &[IndexRow]) -> Result<()> {
        let first = self.entries.len();
        let mut hashes = Vec::with_capacity(rows.len());
        for row in rows {
            let id = K::parse(row.key()).ok_or_else(|| corrupt("a key that is not an id"))?;
            hashes.push(self.digester.id(id.text()).short());
            self.entries.push(Entry { id, digest: row.digest, locator: row.locator });
            self.states.push(State(State::IN_BASE));
        }
        self.table.bring_near(hashes.iter().copied());
        hashes.into_iter().zip(first..).try_for_each(|(hash, place)| self.enter(hash, slot(place)?))
    }

    /// How many entries the base holds.
    pub(crate) const fn base_size(&self) -> u64 {
        self.base_size
    }

    /// How many entries this run saw.
    pub(crate) const fn present(&self) -> u64 {
        self.present
    }

    /// Takes everything that the base holds for shown, because the read shows only what changed.
    pub(crate) fn see_all(&mut self) {
        (0..self.states.len()).for_each(|place| self.states.get_mut(place).0 |= State::SEEN);
        self.present = self.states.len() as u64;
    }

    /// The entry of `id`, unless it was only named.
    pub(crate) fn find(&self, id: &K) -> Option<Slot> {
        self.find_text(id.text())
    }

    pub(crate) fn find_text(&self, id: &str) -> Option<Slot> {
        self.find_any(id).filter(|slot| !self.state(*slot).is_named_only())
    }

    fn find_any(&self, id: &str) -> Option<Slot> {
        let hash = self.digester.id(id).short();
        self.table.candidates(hash).find(|slot| self.id(*slot).text() == id)
    }

    /// The entry whose id has this hash, even if it was only named.
    pub(crate) fn find_hash(&self, hash: ShortHash) -> Option<Slot> {
        self.table.candidates(hash).find(|slot| self.hash(*slot).short() == hash)
    }

    /// The entry of `id`, made new when it is not there.
    ///
    /// # Errors
    /// Two ids have the same hash, by which members could not be told apart.
    pub(crate) fn find_or_insert(&mut self, id: &K) -> Result<Slot> {
        match self.find_any(id.text()) {
            Some(slot) => Ok(slot),
            None => self.name(id.clone(), self.digester.id(id.text()).short()),
        }
    }

    /// Makes an entry of which nothing is known yet but its id, which has this hash.
    fn name(&mut self, id: K, hash: ShortHash) -> Result<Slot> {
        self.push(hash, Entry { id, digest: Digest::default(), locator: Locator(0) }, State::default())
    }

    fn push(&mut self, hash: ShortHash, entry: Entry<K>, state: State) -> Result<Slot> {
        let slot = slot(self.entries.len())?;
        self.entries.push(entry);
        self.states.push(state);
        self.enter(hash, slot)?;
        Ok(slot)
    }

    /// Makes an entry one that is found.
    fn enter(&mut self, hash: ShortHash, slot: Slot) -> Result<()> {
        // The table tells nearly all apart by itself, so that this looks at hardly any entry.
        let Self { table, entries, digester, .. } = self;
        let is_new = table.insert(hash, slot, |other| digester.id(entries.get(other.place()).id.text()).short() == hash);
        is_new.then_some(()).ok_or_else(|| corrupt("two entries whose ids cannot be told apart by their hashes, or one entry twice"))
    }

    /// Forgets an entry that turned out not to be there.
    pub(crate) fn forget(&mut self, slot: Slot) {
        self.table.remove(self.hash(slot).short(), slot);
        self.unsee(slot);
        *self.states.get_mut(slot.place()) = State::default();
    }

    /// The whole hash of an entry's id.
    pub(crate) fn hash(&self, slot: Slot) -> IdHash {
        self.digester.id(self.id(slot).text())
    }

    pub(crate) fn id(&self, slot: Slot) -> &K {
        &self.entries.get(slot.place()).id
    }

    /// What the base has of the entry; `None` when it is new.
    pub(crate) fn in_base(&self, slot: Slot) -> Option<InBase> {
        let entry = self.entries.get(slot.place());
        self.state(slot).has(State::IN_BASE).then_some(InBase { digest: entry.digest, locator: entry.locator })
    }

    /// Whether this read has shown it.
    pub(crate) fn is_seen(&self, slot: Slot) -> bool {
        self.state(slot).has(State::SEEN)
    }

    /// Whether the base has it and this read has not shown it.
    pub(crate) fn is_missing(&self, slot: Slot) -> bool {
        self.state(slot).is_missing()
    }

    /// Takes many entries for shown. What is said of each is waited for here, for all of them at once.
    pub(crate) fn see_each(&mut self, slots: &[Slot]) {
        slots.iter().for_each(|slot| self.see(*slot));
    }

    pub(crate) fn see(&mut self, slot: Slot) {
        self.turn(slot, Sight::Seen);
    }

    pub(crate) fn unsee(&mut self, slot: Slot) {
        self.turn(slot, Sight::Unseen);
    }

    fn turn(&mut self, slot: Slot, sight: Sight) {
        let state = self.states.get_mut(slot.place());
        match (state.has(State::SEEN), sight) {
            (false, Sight::Seen) => {
                state.0 |= State::SEEN;
                self.present += 1;
            }
            (true, Sight::Unseen) => {
                state.0 &= !State::SEEN;
                self.present -= 1;
            }
            _ => {}
        }
    }

    /// Where a difference of it is staged.
    pub(crate) fn staged(&self, slot: Slot) -> Option<Phase> {
        Phase::from_number(self.state(slot).0 & State::PHASE)
    }

    /// Whether a difference of it is staged, or waits to be.
    pub(crate) fn is_touched(&self, slot: Slot) -> bool {
        self.state(slot).has(State::PHASE | State::WAITING)
    }

    /// Notes that a difference is to be staged.
    pub(crate) fn set_waiting(&mut self, slot: Slot) {
        self.states.get_mut(slot.place()).0 |= State::WAITING;
    }

    /// Notes where a difference is staged; returns where one was before.
    pub(crate) fn set_staged(&mut self, slot: Slot, phase: Option<Phase>) -> Option<Phase> {
        let before = self.staged(slot);
        let state = self.states.get_mut(slot.place());
        *state = State(state.0 & !(State::PHASE | State::WAITING) | phase.map_or(0, |phase| phase as u8));
        before
    }

    /// Whether the entry is in the directory as this run saw it.
    pub(crate) fn is_present(&self, id: &K) -> bool {
        self.is_present_text(id.text())
    }

    pub(crate) fn is_present_text(&self, id: &str) -> bool {
        self.find_text(id).is_some_and(|slot| self.is_seen(slot))
    }

    /// The hashes of the entries of the base that this read has not shown.
    pub(crate) fn unseen(&self) -> impl Iterator<Item = ShortHash> {
        self.missing().map(|id| self.digester.id(id.text()).short())
    }

    /// The entries of the base that this read has not shown, by id.
    pub(crate) fn vanished(&self) -> Vec<K> {
        let mut vanished: Vec<_> = self.missing().cloned().collect();
        vanished.sort_unstable();
        vanished
    }

    fn missing(&self) -> impl Iterator<Item = &K> {
        let entries = self.entries.iter().zip(self.states.iter());
        entries.filter(|(_, state)| state.is_missing()).map(|(entry, _)| &entry.id)
    }

    fn state(&self, slot: Slot) -> State {
        *self.states.get(slot.place())
    }
}

fn slot(place: usize) -> Result<Slot> {
    Slot::new(place).ok_or_else(|| corrupt("more entries than can be numbered"))
}

#[cfg(test)]
mod tests;
