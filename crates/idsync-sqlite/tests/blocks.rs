//! Blocks that are split, emptied and merged while somebody reads.

use futures::TryStreamExt;
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Detail, Digest, DirectoryId, ErrorKind, IndexRow, JournalHeader, Lease, Phase, Revision, StagedKey,
    StagedRow, StateStore, StoreCommit, Timestamp,
};
use idsync_sqlite::{SqliteFile, SqliteStore};
use std::collections::BTreeMap;
use tempfile::TempDir;

async fn begun() -> (TempDir, SqliteStore, Lease) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteFile::open(folder.path().join("acme.db")).await.unwrap().store();
    let lease = store.acquire(&DirectoryId::new("okta:1").unwrap(), "the test").await.unwrap();
    store.begin_journal(&lease, JournalHeader::new(Revision(0), Timestamp::UNIX_EPOCH)).await.unwrap();
    (folder, store, lease)
}

fn count(folder: &TempDir, sql: &str) -> i64 {
    rusqlite::Connection::open(folder.path().join("acme.db")).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Keys far from each other and of many lengths.
fn key(number: u32) -> String {
    let mixed = number.wrapping_mul(0x9E37_79B1);
    format!("{mixed:08x}{}", "-".repeat((mixed % 61) as usize))
}

fn record(number: u32) -> BaseRecord {
    BaseRecord::new(Digest([number.to_le_bytes()[0]; 16]), number.to_le_bytes().to_vec())
}

#[tokio::test]
async fn an_index_that_grows_and_shrinks_anywhere_stays_sorted_and_complete() {
    let (folder, store, lease) = begun().await;
    let mut expected = BTreeMap::new();
    for bundle in 0..60_u32 {
        let mut writes = Vec::new();
        for number in bundle * 200..(bundle + 1) * 200 {
            writes.push(BaseWrite::put(BaseKind::User, key(number), record(number)));
            expected.insert(key(number), record(number));
            if number % 3 == 0 && bundle > 10 {
                let gone = key(number - 2_000);
                expected.remove(&gone);
                writes.push(BaseWrite::delete(BaseKind::User, gone));
            }
        }
        store.write_base(&lease, writes).await.unwrap();
    }
    let index: Vec<IndexRow> = store.index(&lease.directory, BaseKind::User).try_concat().await.unwrap();
    assert!(index.iter().map(IndexRow::key).eq(expected.keys().map(String::as_str)));
    let places: Vec<_> = index.iter().map(|row| row.locator).collect();
    let records = store.records(&lease.directory, BaseKind::User, &places).await.unwrap();
    assert!(records.into_iter().flatten().eq(expected.values().cloned()));
    let largest = count(&folder, "SELECT max(length(first) + length(entries)) FROM idsync_index");
    assert!(largest <= 4_000, "a block of {largest} bytes does not fit a page");
    let overflow = "SELECT count(*) FROM dbstat WHERE name = 'idsync_index' AND pagetype = 'overflow'";
    assert_eq!(count(&folder, overflow), 0);

    store.write_base(&lease, expected.into_keys().map(|key| BaseWrite::delete(BaseKind::User, key)).collect()).await.unwrap();
    assert_eq!(count(&folder, "SELECT count(*) FROM idsync_index"), 0);
    assert_eq!(count(&folder, "SELECT count(*) FROM idsync_records"), 0);
}

#[tokio::test]
async fn an_index_that_comes_in_order_is_packed_full() {
    let (folder, store, lease) = begun().await;
    let keys: Vec<_> = (0..20_000_u32).map(|number| format!("00u{number:017}")).collect();
    for (keys, number) in keys.chunks(700).zip(0..) {
        let writes = keys.iter().map(|key| BaseWrite::put(BaseKind::User, key.clone(), record(number)));
        store.write_base(&lease, writes.collect()).await.unwrap();
    }
    let average = count(
        &folder,
        "SELECT sum(length(first) + length(entries)) / count(*) FROM idsync_index WHERE id < (SELECT max(id) FROM idsync_index)",
    );
    assert!(average > 3_900, "blocks of {average} bytes");
}

#[tokio::test]
async fn entries_that_are_written_over_stay_where_they_are() {
    let (folder, store, lease) = begun().await;
    let put = |number: u32, of: u32| BaseWrite::put(BaseKind::User, key(number), record(of));
    store.write_base(&lease, (0..5_000).map(|number| put(number, number)).collect()).await.unwrap();
    let blocks = || count(&folder, "SELECT sum(id) FROM idsync_index");
    let before = blocks();
    store.write_base(&lease, (0..5_000).step_by(7).map(|number| put(number, number + 1)).collect()).await.unwrap();
    assert_eq!(blocks(), before);
    // By way of the journal they get other records, and the numbers of most are as long as before.
    let staged = |number: u32| StagedRow::new(StagedKey::new(Phase::UpdateUsers, key(number)), Vec::new(), Some(put(number, number + 2)));
    store.stage(&lease, (0..5_000).step_by(11).map(staged).collect()).await.unwrap();
    store.commit(&lease, StoreCommit::new(Revision(0), Vec::new())).await.unwrap();
    assert_eq!(blocks(), before);
    assert_eq!(count(&folder, "SELECT count(*) FROM idsync_records"), 5_000);

    let of = |number| number + if number % 11 == 0 { 2 } else { u32::from(number % 7 == 0) };
    let expected: BTreeMap<_, _> = (0..5_000).map(|number| (key(number), record(of(number)))).collect();
    let index: Vec<IndexRow> = store.index(&lease.directory, BaseKind::User).try_concat().await.unwrap();
    let places: Vec<_> = index.iter().map(|row| row.locator).collect();
    let records = store.records(&lease.directory, BaseKind::User, &places).await.unwrap();
    let found = index.iter().zip(records).map(|(row, record)| (row.key(), row.digest, record));
    assert!(found.eq(expected.iter().map(|(key, record)| (key.as_str(), record.digest, Some(record.clone())))));
}

#[tokio::test]
async fn a_page_of_the_journal_ends_before_it_holds_too_much_and_misses_no_record() {
    let (folder, store, lease) = begun().await;
    let record = |number: u32| BaseRecord::new(Digest([number as u8; 16]), vec![number as u8; 300_000]);
    let put = |number| Some(BaseWrite::put(BaseKind::User, key(number), record(number)));
    let row = |number| StagedRow::new(StagedKey::new(Phase::CreateUsers, key(number)), Vec::new(), put(number));
    store.stage(&lease, (0..20).map(row).collect()).await.unwrap();
    let read = |detail| store.staged(&lease.directory, None, detail).try_collect::<Vec<_>>();
    let pages = read(Detail::Records).await.unwrap();
    assert!(pages.iter().all(|page| page.len() <= 4), "{:?} rows", pages.iter().map(Vec::len).collect::<Vec<_>>());
    let mut rows: Vec<_> = (0..20).map(row).collect();
    rows.sort_by(|one, other| one.position.cmp(&other.position));
    assert_eq!(pages.concat(), rows);
    assert_eq!(read(Detail::Digests).await.unwrap().len(), 1, "digests fit one page");

    let connection = rusqlite::Connection::open(folder.path().join("acme.db")).unwrap();
    connection.execute("DELETE FROM idsync_records WHERE id = 13", []).unwrap();
    let error = read(Detail::Records).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
}

#[tokio::test]
async fn a_reader_goes_on_where_it_was_while_runs_are_merged() {
    let (folder, store, lease) = begun().await;
    let row = |number: u32, phase| StagedRow::new(StagedKey::new(phase, key(number)), vec![1; 40], None);
    let phases = [Phase::Deactivate, Phase::AddMembers];
    let rows: Vec<_> = (0..9_000).map(|number| row(number, phases[(number % 2) as usize])).collect();
    for rows in rows.chunks(300) {
        store.stage(&lease, rows.to_vec()).await.unwrap();
    }
    let (mut pages, mut seen) = (store.staged(&lease.directory, None, Detail::Records), Vec::new());
    let mut more = 100_000..;
    while let Some(page) = pages.try_next().await.unwrap() {
        seen.extend(page.into_iter().map(|row| row.position));
        for number in more.by_ref().take(45) {
            store.stage(&lease, vec![row(number, phases[(number % 2) as usize])]).await.unwrap();
            store.unstage(&lease, vec![StagedKey::new(Phase::AddMembers, key(number - 1))]).await.unwrap();
        }
        let runs = count(&folder, "SELECT count(*) FROM idsync_staged_runs");
        assert!(runs < 64, "{runs} runs");
    }
    assert!(seen.is_sorted_by(|one, other| one < other));
    let mut expected: Vec<_> = rows.into_iter().map(|row| row.position).collect();
    expected.sort_unstable();
    seen.retain(|position| expected.binary_search(position).is_ok());
    assert_eq!(seen, expected);
}
