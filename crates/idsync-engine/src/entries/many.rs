//! Looking up many entries at once.
//!
//! A look-up waits for memory: for the table first, then for the entry. Those of one kind do not depend on each other, so that in a step
//! that does little else many are waited for at once. What the table alone says is nearly always right.

use super::{EntryIndex, EntryKey, IdHash, ShortHash, Slot, State};
use idsync_core::Result;
use std::hint::black_box;

impl<K: EntryKey> EntryIndex<K> {
    /// The entries of these ids, made new where they are not there.
    ///
    /// # Errors
    /// Two ids have the same hash, by which members could not be told apart.
    pub(crate) fn find_or_insert_all<'a>(&mut self, ids: impl Iterator<Item = &'a K> + Clone) -> Result<Vec<Slot>>
    where
        K: 'a,
    {
        let hashes: Vec<_> = ids.clone().map(|id| self.digester.id(id.text()).short()).collect();
        let mut slots = Vec::with_capacity(hashes.len());
        for ((slot, hash), id) in self.likely(&hashes).into_iter().zip(hashes).zip(ids) {
            slots.push(match self.find_from(slot, id) {
                Some(slot) => slot,
                None => self.name(id.clone(), hash)?,
            });
        }
        Ok(slots)
    }

    /// The hashes of these ids, in their order, and where they are found from here on: entries are made of those that have none.
    ///
    /// # Errors
    /// Two ids have the same hash, by which members could not be told apart.
    pub(crate) fn name_all(&mut self, ids: Vec<K>) -> Result<Vec<(IdHash, Slot)>> {
        let hashes: Vec<_> = ids.iter().map(|id| self.digester.id(id.text())).collect();
        let likely = self.likely(&hashes.iter().map(|hash| hash.short()).collect::<Vec<_>>());
        let mut named = Vec::with_capacity(hashes.len());
        for ((slot, hash), id) in likely.into_iter().zip(hashes).zip(ids) {
            let slot = match self.find_from(slot, &id) {
                Some(slot) => slot,
                None => self.name(id, hash.short())?,
            };
            named.push((hash, slot));
        }
        Ok(named)
    }

    /// The hashes of the ids of these entries, in their order.
    pub(crate) fn hashes_of<'a>(&'a self, slots: &'a [Slot]) -> impl Iterator<Item = ShortHash> + 'a {
        self.bring_near(slots.iter());
        slots.iter().map(|slot| self.hash(*slot).short())
    }

    /// The entries whose ids have these hashes, in their order.
    pub(crate) fn find_hashes(&self, hashes: &[ShortHash]) -> Vec<Option<Slot>> {
        let likely = self.likely(hashes);
        let is_right = |slot: &Slot, hash| self.hash(*slot).short() == hash;
        likely
            .into_iter()
            .zip(hashes)
            .map(|(slot, hash)| slot.filter(|slot| is_right(slot, *hash)).or_else(|| self.find_hash(*hash)))
            .collect()
    }

    /// Whether all of these entries are in the directory as this run saw it.
    pub(crate) fn are_present<'a>(&self, ids: impl Iterator<Item = &'a str> + Clone) -> bool {
        let hashes: Vec<_> = ids.clone().map(|id| self.digester.id(id).short()).collect();
        let likely = self.likely(&hashes);
        let is_right = |slot: &Slot, id| self.id(*slot).text() == id;
        ids.zip(likely).all(|(id, slot)| match slot.filter(|slot| is_right(slot, id)) {
            Some(slot) => self.state(slot).has(State::SEEN),
            None => self.is_present_text(id),
        })
    }

    /// The entry of `id`, which is likely to be in this slot. One that comes twice may have been made a moment ago.
    fn find_from(&self, likely: Option<Slot>, id: &K) -> Option<Slot> {
        likely.filter(|slot| self.id(*slot) == id).or_else(|| self.find_any(id.text()))
    }

    /// What the table says, with the entries it names brought near.
    fn likely(&self, hashes: &[ShortHash]) -> Vec<Option<Slot>> {
        self.table.bring_near(hashes.iter().copied());
        let likely: Vec<_> = hashes.iter().map(|hash| self.table.candidates(*hash).next()).collect();
        self.bring_near(likely.iter().flatten());
        likely
    }

    fn bring_near<'a>(&self, slots: impl Iterator<Item = &'a Slot>) {
        for slot in slots {
            let entry = self.entries.get(slot.place());
            // Both ends, for an entry may begin in one line of the cache and end in the next.
            black_box((entry.id.text().len(), entry.digest.0, entry.locator, self.state(*slot)));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::digest::Digester;
    use crate::entries::EntryIndex;
    use idsync_core::{DigestKey, UserId};

    #[test]
    fn many_are_found_by_hash_and_known_to_be_present_as_they_are_one_by_one() {
        let digester = Digester::new(DigestKey::new([7; 32]));
        let mut index = EntryIndex::<UserId>::empty(digester.clone());
        // So many that the table cannot always tell two entries apart without looking at them.
        let ids: Vec<_> = (0..20_000).map(|number| UserId::new(format!("00u{number:05}")).unwrap()).collect();
        for id in ids.iter().step_by(2) {
            let slot = index.find_or_insert(id).unwrap();
            index.see(slot);
        }
        let hashes: Vec<_> = ids.iter().map(|id| digester.id(id.as_str()).short()).collect();
        let found = index.find_hashes(&hashes);
        assert!(found.iter().zip(&hashes).all(|(slot, hash)| *slot == index.find_hash(*hash)));
        assert_eq!(found.iter().flatten().count(), 10_000);
        let slots: Vec<_> = found.iter().flatten().copied().collect();
        assert!(index.hashes_of(&slots).eq(hashes.iter().step_by(2).copied()));
        let even = ids.iter().step_by(2).map(UserId::as_str);
        assert!(index.are_present(even.clone()));
        assert!(!index.are_present(even.clone().chain([ids[3].as_str()])), "there is no such entry");
        index.unsee(found[8].unwrap());
        assert!(!index.are_present(even), "one was not seen");

        let named = index.name_all(ids.clone()).unwrap();
        assert!(named.iter().zip(&ids).all(|((hash, slot), id)| *hash == digester.id(id.as_str()) && index.id(*slot) == id));
        assert!(named.iter().all(|(hash, slot)| index.find_hash(hash.short()) == Some(*slot)), "each is there once");
        assert_eq!((index.find(&ids[3]), index.is_present(&ids[3])), (None, false), "it was only named");
        assert_eq!((index.present(), index.unseen().count()), (9_999, 0), "names count as nothing");
        let (_, slot) = named[3];
        assert_eq!(index.find_or_insert_all([&ids[3]].into_iter()).unwrap(), [slot]);
        index.see(slot);
        assert_eq!(index.find(&ids[3]), Some(slot));
    }
}
