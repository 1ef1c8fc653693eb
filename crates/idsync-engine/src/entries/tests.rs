use super::*;
use idsync_core::{DigestKey, UserId};

fn id(number: usize) -> UserId {
    UserId::new(format!("00u{number:05}")).unwrap()
}

fn row(number: usize) -> IndexRow {
    IndexRow::new(id(number).as_str(), Digest([number as u8; 16]), Locator(number as u64))
}

#[test]
fn a_page_of_the_base_is_found_and_what_comes_twice_is_an_error() {
    let mut index = EntryIndex::<UserId>::empty(Digester::new(DigestKey::new([7; 32])));
    let rows: Vec<_> = (0..9_000).map(row).collect();
    rows.chunks(4_000).for_each(|page| index.push_page(page).unwrap());
    for number in 0..9_000 {
        let base = index.in_base(index.find(&id(number)).unwrap());
        assert_eq!(base, Some(InBase { digest: Digest([number as u8; 16]), locator: Locator(number as u64) }));
    }
    assert!(index.push_page(&[row(9_000), row(9_001), row(9_000)]).is_err(), "on one page");
    assert!(index.push_page(&[row(17)]).is_err(), "on a page after");
}

#[test]
fn many_are_found_at_once_as_they_are_one_by_one() {
    let mut index = EntryIndex::<UserId>::empty(Digester::new(DigestKey::new([7; 32])));
    // So many that the table cannot always tell two entries apart without looking at them.
    let ids: Vec<_> = (0..20_000).map(id).collect();
    let (some, all) = (ids.iter().step_by(2), ids.iter());
    let made: Vec<_> = some.clone().map(|id| index.find_or_insert(id).unwrap()).collect();
    assert_eq!(index.find_or_insert_all(some).unwrap(), made);
    let slots = index.find_or_insert_all(all.clone().chain(&ids[7..9])).unwrap();
    assert!(slots.iter().zip(all.chain(&ids[7..9])).all(|(slot, id)| index.find_any(id.as_str()) == Some(*slot) && index.id(*slot) == id));
    assert_eq!(index.entries.len(), ids.len());
    index.see_each(&slots);
    assert_eq!((index.present(), index.is_seen(slots[3])), (20_000, true));
}

#[test]
fn entries_are_found_by_id_and_by_hash_and_forgotten() {
    let digester = Digester::new(DigestKey::new([7; 32]));
    let mut index = EntryIndex::<UserId>::empty(digester.clone());
    let slots: Vec<_> = (0..10_000).map(|number| index.find_or_insert(&id(number)).unwrap()).collect();
    for (number, slot) in slots.iter().enumerate() {
        assert_eq!((index.find(&id(number)), index.find_any(id(number).as_str())), (None, Some(*slot)), "it was only named");
        assert_eq!(index.find_or_insert(&id(number)).unwrap(), *slot);
        assert_eq!(index.find_hash(digester.id(id(number).as_str()).short()), Some(*slot));
    }
    assert_eq!((index.find(&id(10_000)), index.present(), index.base_size()), (None, 0, 0));
    index.see(slots[3]);
    index.see(slots[3]);
    assert_eq!(index.find(&id(3)), Some(slots[3]));
    assert_eq!(index.set_staged(slots[3], Some(Phase::DeleteUsers)), None);
    assert_eq!(index.set_staged(slots[3], Some(Phase::Deactivate)), Some(Phase::DeleteUsers));
    assert_eq!((index.present(), index.is_present(&id(3)), index.is_present(&id(4))), (1, true, false));
    index.forget(slots[3]);
    let found = [3, 4].map(|number| index.find_any(id(number).as_str()));
    assert_eq!((index.present(), found), (0, [None, Some(slots[4])]));
}
