//! The rows of the base.

use super::super::tools::{directory_id, ensure, ensure_eq};
use super::super::{Unproven, Verdict};
use super::picture::{BaseRow, base, ensure_rows, index};
use super::samples::{KEYS, bytes, delete, digest, directory, header, put, record};
use super::{StoreFixture, Tenancy};
use crate::{BaseKind, BaseRecord, BaseWrite, DirectoryId, Lease, Locator, Revision, StateStore, StoreCommit};

/// “Keys, digests and places of all rows of `kind`, in bytewise key order.”
///
/// # Errors
/// The promise is not proven.
pub async fn rows_come_bytewise_by_key_and_each_kind_for_itself<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    let seed = |kind: BaseKind| kind as u8 * 10;
    for key in KEYS {
        store.write_base(&lease, BaseKind::ALL.into_iter().rev().map(|kind| put(kind, key, seed(kind))).collect()).await?;
    }
    let mut keys = KEYS;
    keys.sort_unstable();
    for kind in BaseKind::ALL {
        let expected: Vec<_> = keys.iter().map(|key| ((*key).to_owned(), digest(seed(kind)))).collect();
        let found = index(store.as_ref(), &directory, kind).await?;
        let found: Vec<_> = found.iter().map(|row| (row.key().to_owned(), row.digest)).collect();
        ensure_rows(&found, &expected, |(key, _)| format!("{key:?}"), &format!("the index of {kind:?}"))?;
    }
    Ok(())
}

/// “The records at these places, in the order asked; `None` where there is no row of this directory and kind.”
///
/// # Errors
/// The promise is not proven.
pub async fn records_come_in_the_order_asked_with_none_for_what_is_missing<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    store.write_base(&lease, vec![put(BaseKind::User, "a", 1), put(BaseKind::User, "b", 2), put(BaseKind::Group, "c", 3)]).await?;
    let place = async |kind, key: &str| {
        let rows = index(store.as_ref(), &directory, kind).await?;
        let row = rows.into_iter().find(|row| row.key() == key);
        row.map(|row| row.locator).ok_or_else(|| Unproven::failed(format!("{key:?} is not in the index")))
    };
    let (a, b) = (place(BaseKind::User, "a").await?, place(BaseKind::User, "b").await?);
    let asked = [b, Locator(u64::MAX), a, b];
    let found = store.records(&directory, BaseKind::User, &asked).await?;
    ensure_eq(&found, &vec![Some(record(2)), None, Some(record(1)), Some(record(2))], "the records of b, nobody, a, b")?;
    let of_group = store.records(&directory, BaseKind::Group, &[place(BaseKind::Group, "c").await?]).await?;
    ensure_eq(&of_group, &vec![Some(record(3))], "the record of a group")?;
    ensure_eq(&store.records(&directory, BaseKind::User, &[]).await?, &Vec::new(), "the records of no places")
}

/// “The store treats keys, records and payloads as opaque bytes.”
///
/// # Errors
/// The promise is not proven.
pub async fn records_of_any_bytes_come_back_as_they_were<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    let records = [
        ("all bytes", BaseRecord::new(digest(1), bytes())),
        ("nothing", BaseRecord::new(digest(2), Vec::new())),
        ("large", BaseRecord::new(digest(3), bytes().repeat(4_096))),
        ("not UTF-8", BaseRecord::new(digest(0xFF), vec![0xFF, 0xC0, 0x00])),
    ];
    for kind in BaseKind::ALL {
        let writes = records.iter().map(|(key, record)| BaseWrite::put(kind, (*key).to_owned(), record.clone()));
        store.write_base(&lease, writes.collect()).await?;
        for (key, expected) in &records {
            let place = index(store.as_ref(), &directory, kind).await?.into_iter().find(|row| row.key() == *key).map(|row| row.locator);
            let found = store.records(&directory, kind, &Vec::from_iter(place)).await?;
            ensure(found == [Some(expected.clone())], || format!("the record “{key}” of {kind:?} did not come back as it was"))?;
        }
    }
    Ok(())
}

/// A row that is written again is replaced; “`None` deletes the row”, and “one that is not there is fine”.
///
/// # Errors
/// The promise is not proven.
pub async fn rows_are_replaced_and_deleted<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    store.write_base(&lease, ["a", "b", "c"].map(|key| put(BaseKind::Members, key, 1)).to_vec()).await?;
    // Within one call, the later write of a row wins.
    let writes = vec![
        put(BaseKind::Members, "a", 2),
        delete(BaseKind::Members, "b"),
        delete(BaseKind::Members, "never there"),
        delete(BaseKind::User, "c"),
        delete(BaseKind::Members, "d"),
        put(BaseKind::Members, "d", 4),
    ];
    store.write_base(&lease, writes).await?;
    let row = |key: &str, seed| BaseRow { kind: BaseKind::Members, key: key.to_owned(), record: record(seed) };
    ensure_base(&base(store.as_ref(), &directory).await?, &[row("a", 2), row("c", 1), row("d", 4)], "after rows were replaced and deleted")
}

/// “Rows that stand beside the base need no journal, and no commit or end of a journal touches them.”
///
/// # Errors
/// The promise is not proven.
pub async fn rows_beside_the_base_need_no_journal_and_outlive_them<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    let beside = || BaseKind::ALL.into_iter().filter(|kind| !kind.is_of_the_base());
    store.write_base(&lease, beside().map(|kind| put(kind, "kept", 1)).collect()).await?;
    let expected: Vec<_> = beside().map(|kind| BaseRow { kind, key: "kept".to_owned(), record: record(1) }).collect();
    ensure_base(&base(store.as_ref(), &directory).await?, &expected, "rows beside the base, without a journal")?;
    ensure_eq(&store.journal(&directory).await?, &None, "the journal after rows beside the base were written")?;
    store.begin_journal(&lease, header(Revision(0))).await?;
    store.commit(&lease, StoreCommit::new(Revision(0), Vec::new())).await?;
    store.begin_journal(&lease, header(Revision(1))).await?;
    store.discard_journal(&lease).await?;
    ensure_base(&base(store.as_ref(), &directory).await?, &expected, "rows beside the base, after two journals")
}

/// The base of a real directory does not fit one page.
///
/// # Errors
/// The promise is not proven.
pub async fn thousands_of_rows_come_complete<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    let key = |number: usize| format!("u{number:06}");
    let rows: Vec<_> = (0..3_500).map(|number| BaseRow { kind: BaseKind::User, key: key(number), record: record(3) }).collect();
    for part in rows.rchunks(1_500) {
        let writes = part.iter().map(|row| BaseWrite::put(row.kind, row.key.clone(), row.record.clone()));
        store.write_base(&lease, writes.collect()).await?;
    }
    ensure_base(&base(store.as_ref(), &directory).await?, &rows, "thousands of rows")
}

/// “A place is good until its row is written again or deleted”: through other writes, commits, and opening the store again.
///
/// # Errors
/// The promise is not proven.
pub async fn places_are_good_until_their_row_is_written_again<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let kinds = [BaseKind::User, BaseKind::Members, BaseKind::Escrow];
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    for kind in kinds {
        store.write_base(&lease, ["a", "b", "c"].into_iter().zip(1..).map(|(key, seed)| put(kind, key, seed)).collect()).await?;
    }
    let mut places = Vec::new();
    for kind in kinds {
        places.push((kind, index(store.as_ref(), &directory, kind).await?.iter().map(|row| row.locator).collect::<Vec<_>>()));
    }
    for kind in kinds {
        let others = (0..2_000).map(|number| put(kind, &format!("{}{number}", if number % 2 == 0 { "a" } else { "x" }), 4));
        store.write_base(&lease, others.chain([put(kind, "b", 5), delete(kind, "a1999")]).collect()).await?;
    }
    store.commit(&lease, StoreCommit::new(Revision(0), Vec::new())).await?;
    ensure_places(store.as_ref(), &directory, &places, "after other rows were written and committed").await?;
    drop((lease, store));
    let store = fixture.open(&place).await?;
    ensure_places(store.as_ref(), &directory, &places, "after opening the store again").await
}

/// The records of the rows `a` and `c` are at the places that were first given; `b` was written again.
async fn ensure_places(store: &dyn StateStore, directory: &DirectoryId, places: &[(BaseKind, Vec<Locator>)], what: &str) -> Verdict {
    for (kind, places) in places {
        let [a, _, c] = places[..] else {
            return Err(Unproven::failed(format!("{} rows of {kind:?} where 3 were expected", places.len())));
        };
        let found = store.records(directory, *kind, &[c, a]).await?;
        ensure_eq(&found, &vec![Some(record(3)), Some(record(1))], &format!("the records of {kind:?} at their first places {what}"))?;
    }
    Ok(())
}

/// “`None` where there is no row of this directory and kind”: the place of a row is none of another kind, or of a directory without rows.
///
/// # Errors
/// The promise is not proven.
pub async fn a_place_is_of_one_kind_and_directory<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    store.write_base(&lease, BaseKind::ALL.into_iter().flat_map(|kind| ["a", "b"].map(|key| put(kind, key, 1))).collect()).await?;
    let mut places = Vec::new();
    for kind in BaseKind::ALL {
        places.push((kind, index(store.as_ref(), &directory, kind).await?.iter().map(|row| row.locator).collect::<Vec<_>>()));
    }
    for (kind, places) in &places {
        for other in BaseKind::ALL.into_iter().filter(|other| other != kind) {
            let found = store.records(&directory, other, places).await?;
            ensure_eq(&found, &vec![None; places.len()], &format!("the records of {other:?} at places of {kind:?}"))?;
        }
    }
    if fixture.tenancy() == Tenancy::Many {
        let other = directory_id("conformance:another")?;
        let lease = store.acquire(&other, "first").await?;
        store.begin_journal(&lease, header(Revision(0))).await?;
        for (kind, places) in &places {
            let found = store.records(&other, *kind, places).await?;
            ensure_eq(&found, &vec![None; places.len()], &format!("the records of {kind:?} at places of another directory"))?;
        }
    }
    Ok(())
}

async fn begin(store: &dyn StateStore) -> Result<Lease, Unproven> {
    let lease = store.acquire(&directory()?, "first").await?;
    store.begin_journal(&lease, header(Revision(0))).await?;
    Ok(lease)
}

fn ensure_base(found: &[BaseRow], expected: &[BaseRow], what: &str) -> Verdict {
    ensure_rows(found, expected, |row| format!("{:?} {:?}", row.kind, row.key), what)
}
