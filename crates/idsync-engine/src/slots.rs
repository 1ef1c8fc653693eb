//! Where something stands in a list, and a table of such slots by the hashes of ids.

use crate::digest::ShortHash;
use std::hint::black_box;

/// Where an entry stands in an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slot(u32);

impl Slot {
    /// The slot at this place; `None` when there are more than can be numbered.
    pub(crate) fn new(place: usize) -> Option<Self> {
        // The last number is left to the table, for cells that are free.
        u32::try_from(place).ok().filter(|number| *number < u32::MAX).map(Self)
    }

    pub(crate) const fn place(self) -> usize {
        self.0 as usize
    }
}

/// Finds slots by hash: to look one up is to wait for memory once.
///
/// Half of the hash stands beside each slot, so that what the table finds is nearly always what was looked for, and the entry itself need
/// not be looked at to know. The table is in parts, by the first bits of the hashes, each of which grows by itself: the whole never has to
/// be in memory twice, nor in one piece, which allocators keep for long after it was given back.
#[derive(Debug)]
pub(crate) struct SlotTable {
    parts: Vec<Part>,
}

/// A table of the slots whose hashes begin alike. A cell that is taken is followed by the next one.
#[derive(Debug, Clone, Default)]
struct Part {
    cells: Vec<Cell>,
    taken: usize,
}

/// Half of a hash and a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell(u64);

impl Cell {
    /// No slot has this number.
    const FREE: Self = Self(u64::MAX);

    const fn new(hash: ShortHash, slot: Slot) -> Self {
        Self((hash.0 >> 32) << 32 | slot.0 as u64)
    }

    const fn slot(self) -> Slot {
        Slot(self.0 as u32)
    }

    const fn has(self, hash: ShortHash) -> bool {
        self.0 >> 32 == hash.0 >> 32
    }
}

impl SlotTable {
    /// How many bits of a hash choose its part.
    const BITS: u32 = 8;

    pub(crate) const fn new() -> Self {
        Self { parts: Vec::new() }
    }

    /// A table that will hardly grow before it holds so many.
    pub(crate) fn with_room_for(slots: usize) -> Self {
        if slots == 0 {
            return Self::new();
        }
        // Hashes are spread evenly, but not wholly so: four times the deviation is exceeded by none of a few thousand parts.
        let each = slots.div_ceil(1 << Self::BITS);
        let room = Part::size_for(each + 4 * each.isqrt());
        Self { parts: vec![Part { cells: vec![Cell::FREE; room], taken: 0 }; 1 << Self::BITS] }
    }

    /// The slots that may have this hash, the first of which nearly always has.
    pub(crate) fn candidates(&self, hash: ShortHash) -> impl Iterator<Item = Slot> {
        self.parts.get(Self::part(hash)).into_iter().flat_map(move |part| part.candidates(hash))
    }

    /// Brings near where these hashes are looked for. Nothing is decided by what is there, so that all of it is waited for at once.
    pub(crate) fn bring_near(&self, hashes: impl Iterator<Item = ShortHash>) {
        for hash in hashes {
            black_box(self.parts.get(Self::part(hash)).and_then(|part| part.cells.get(part.home(hash.0))).copied());
        }
    }

    /// Takes up a slot under its hash, unless one is there already that `is_same` as it; whether it was taken up.
    #[must_use]
    pub(crate) fn insert(&mut self, hash: ShortHash, slot: Slot, is_same: impl Fn(Slot) -> bool) -> bool {
        if self.parts.is_empty() {
            self.parts.resize(1 << Self::BITS, Part::default());
        }
        self.parts[Self::part(hash)].insert(hash, slot, is_same)
    }

    /// Drops a slot, if it is there under this hash.
    pub(crate) fn remove(&mut self, hash: ShortHash, slot: Slot) {
        if let Some(part) = self.parts.get_mut(Self::part(hash)) {
            part.remove(Cell::new(hash, slot));
        }
    }

    const fn part(hash: ShortHash) -> usize {
        (hash.0 >> (u64::BITS - Self::BITS)) as usize
    }
}

impl Part {
    const SMALLEST: usize = 8;

    /// Two thirds are taken at most, so that runs of taken cells stay short.
    const fn size_for(slots: usize) -> usize {
        slots + slots / 2 + Self::SMALLEST
    }

    fn candidates(&self, hash: ShortHash) -> impl Iterator<Item = Slot> {
        let (before, from) = self.cells.split_at(self.home(hash.0));
        let run = from.iter().chain(before).take_while(|cell| **cell != Cell::FREE);
        run.filter(move |cell| cell.has(hash)).map(|cell| cell.slot())
    }

    fn insert(&mut self, hash: ShortHash, slot: Slot, is_same: impl Fn(Slot) -> bool) -> bool {
        if self.cells.len() < Self::size_for(self.taken + 1) {
            self.grow();
        }
        let cell = Cell::new(hash, slot);
        let mut place = self.home(cell.0);
        while self.cells[place] != Cell::FREE {
            if self.cells[place].has(hash) && is_same(self.cells[place].slot()) {
                return false;
            }
            place = self.after(place);
        }
        self.cells[place] = cell;
        self.taken += 1;
        true
    }

    fn remove(&mut self, cell: Cell) {
        let mut place = self.home(cell.0);
        loop {
            match self.cells.get(place) {
                Some(found) if *found == cell => break,
                Some(found) if *found != Cell::FREE => place = self.after(place),
                _ => return,
            }
        }
        self.cells[place] = Cell::FREE;
        self.taken -= 1;
        // Whoever went further because of it must still be found.
        loop {
            place = self.after(place);
            let moved = std::mem::replace(&mut self.cells[place], Cell::FREE);
            if moved == Cell::FREE {
                return;
            }
            self.put(moved);
        }
    }

    fn put(&mut self, cell: Cell) {
        let mut place = self.home(cell.0);
        while self.cells[place] != Cell::FREE {
            place = self.after(place);
        }
        self.cells[place] = cell;
    }

    fn grow(&mut self) {
        let larger = vec![Cell::FREE; Self::size_for(self.cells.len())];
        let smaller = std::mem::replace(&mut self.cells, larger);
        smaller.into_iter().filter(|cell| *cell != Cell::FREE).for_each(|cell| self.put(cell));
    }

    /// Where a cell stands unless that place is taken: what its half of the hash has behind the bits that chose the part, as a share of
    /// the part.
    const fn home(&self, cell: u64) -> usize {
        let behind = ((cell >> 32) as u32) << SlotTable::BITS;
        ((behind as u64 * self.cells.len() as u64) >> 32) as usize
    }

    const fn after(&self, place: usize) -> usize {
        if place + 1 == self.cells.len() { 0 } else { place + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digester;
    use idsync_core::DigestKey;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn found(table: &SlotTable, hash: ShortHash) -> BTreeSet<u32> {
        table.candidates(hash).map(|slot| slot.0).collect()
    }

    #[test]
    fn an_empty_table_has_nothing() {
        for mut table in [SlotTable::new(), SlotTable::with_room_for(0)] {
            assert_eq!(found(&table, ShortHash(7)), BTreeSet::new());
            table.remove(ShortHash(7), Slot(1));
            assert!(table.insert(ShortHash(u64::MAX), Slot(1), |_| true));
            assert!(!table.insert(ShortHash(u64::MAX), Slot(2), |slot| slot == Slot(1)), "it is there");
            assert_eq!(found(&table, ShortHash(u64::MAX)), BTreeSet::from([1]));
        }
    }

    #[test]
    fn a_table_with_room_does_not_grow() {
        let mut table = SlotTable::with_room_for(100_000);
        let sizes = |table: &SlotTable| table.parts.iter().map(|part| part.cells.len()).collect::<Vec<_>>();
        let taken = |table: &SlotTable| table.parts.iter().map(|part| part.taken).sum::<usize>();
        let before = sizes(&table);
        let digester = Digester::new(DigestKey::new([7; 32]));
        let hash = |slot: u32| digester.id(&format!("00u{slot:07}")).short();
        assert!((0..100_000).all(|slot| table.insert(hash(slot), Slot(slot), |_| false)));
        assert_eq!((sizes(&table) == before, taken(&table)), (true, 100_000));
        assert!((0..100_000).all(|slot| found(&table, hash(slot)).contains(&slot)));
        assert!(before.iter().sum::<usize>() < 200_000, "two cells for each at the most");
    }

    proptest! {
        // Few hashes, most of them at the ends of the table, so that runs are long and go on from the end at the start.
        #[test]
        fn what_was_inserted_is_found_until_it_is_removed(
            steps in vec((any::<bool>(), prop_oneof![0_u32..3, (u32::MAX - 2)..=u32::MAX, any::<u32>()], 0_u32..12), 0..300),
            room in 0_usize..4,
        ) {
            let mut table = SlotTable::with_room_for(room);
            let mut model = BTreeSet::new();
            // Half of a hash is not in its cell.
            let hash = |high: u32| ShortHash(u64::from(high) << 32 | 0xFEDC_BA98);
            for (is_new, high, slot) in steps {
                if is_new && model.insert((high, slot)) {
                    assert!(table.insert(hash(high), Slot(slot), |found| found == Slot(slot)));
                } else {
                    model.remove(&(high, slot));
                    table.remove(hash(high), Slot(slot));
                }
                for (high, _) in &model {
                    let expected = model.iter().filter(|(of, _)| of == high).map(|(_, slot)| *slot).collect();
                    prop_assert_eq!(found(&table, hash(*high)), expected);
                }
                prop_assert_eq!(table.parts.iter().map(|part| part.taken).sum::<usize>(), model.len());
            }
        }
    }
}
