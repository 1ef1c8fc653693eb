//! Whatever is called in whatever order, the store shows what the store in memory shows.

use futures::TryStreamExt;
use futures::executor::block_on;
use idsync_core::memory::MemoryStore;
use idsync_core::{
    BaseKind, BaseRecord, BaseWrite, Detail, Digest, DirectoryId, Head, JournalHeader, Lease, Mark, Phase, Progress, Result, Revision,
    StagedKey, StagedRow, StateStore, StoreCommit, Timestamp,
};
use idsync_sqlite::SqliteFile;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use std::path::Path;

/// One call, or what happens between calls.
#[derive(Debug, Clone)]
enum Step {
    Begin,
    Stage(Vec<StagedRow>),
    /// Rows in calls of their own.
    StageOneByOne(Vec<StagedRow>),
    Unstage(Vec<StagedKey>),
    Mark(Vec<(StagedKey, Mark)>, Option<StagedKey>),
    WriteBase(Vec<BaseWrite>),
    Commit,
    Discard,
    Reopen,
}

/// Few enough to meet again, and some that share a beginning.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..24_u8).prop_map(|number| format!("00u{number:02}")),
        2 => (0..6_u8, 0..6_u8).prop_map(|(group, part)| format!("00g{group}\0{part}")),
        1 => select(vec!["", "a", "ä", "00u", "\u{10FFFF}"]).prop_map(str::to_owned),
        1 => (0..400_u16).prop_map(|number| format!("{}{number:03}", "a longer key ".repeat(1 + usize::from(number % 7) * 9))),
    ]
}

fn phase() -> impl Strategy<Value = Phase> {
    select(vec![Phase::Deactivate, Phase::CreateUsers, Phase::AddMembers])
}

fn position() -> impl Strategy<Value = StagedKey> {
    (phase(), key()).prop_map(|(phase, key)| StagedKey::new(phase, key))
}

fn mark() -> impl Strategy<Value = Mark> {
    prop_oneof![3 => Just(Mark::Apply), 1 => select(Mark::ALL.to_vec())]
}

fn record() -> impl Strategy<Value = BaseRecord> {
    let length = prop_oneof![6 => 0..40_usize, 1 => 300..900_usize, 1 => Just(9_000_usize)];
    (any::<u8>(), length).prop_map(|(seed, length)| BaseRecord::new(Digest([seed; 16]), vec![seed; length]))
}

fn write() -> impl Strategy<Value = BaseWrite> {
    let kinds = [BaseKind::ALL.to_vec(), vec![BaseKind::Members; 6]].concat();
    (select(kinds), key(), proptest::option::weighted(0.75, record())).prop_map(|(kind, key, record)| match record {
        Some(record) => BaseWrite::put(kind, key, record),
        None => BaseWrite::delete(kind, key),
    })
}

/// Effects follow from positions, for no two rows of a journal may have one on the same row of the base.
fn row() -> impl Strategy<Value = StagedRow> {
    let payload = prop_oneof![8 => vec(any::<u8>(), 0..30), 1 => Just(vec![7; 5_000]), 1 => Just(vec![8; 20_000])];
    (position(), payload, proptest::option::weighted(0.8, proptest::option::weighted(0.7, record())), mark()).prop_map(
        |(position, payload, effect, mark)| {
            let (kind, key) = match position.phase {
                Phase::Deactivate => (BaseKind::User, position.key.clone()),
                Phase::CreateUsers => (BaseKind::Group, format!("of {}", position.key)),
                _ if position.key.len() % 2 == 0 => (BaseKind::Escrow, position.key.clone()),
                _ => (BaseKind::Members, position.key.clone()),
            };
            let effect = effect.map(|record| match record {
                Some(record) => BaseWrite::put(kind, key, record),
                None => BaseWrite::delete(kind, key),
            });
            StagedRow::new(position, payload, effect).with_mark(mark)
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Begin),
        6 => vec(row(), 0..30).prop_map(Step::Stage),
        1 => vec(row(), 0..80).prop_map(Step::StageOneByOne),
        3 => vec(position(), 0..12).prop_map(Step::Unstage),
        4 => (vec((position(), mark()), 0..12), proptest::option::of(position())).prop_map(|(marks, progress)| Step::Mark(marks, progress)),
        4 => vec(write(), 0..40).prop_map(Step::WriteBase),
        // Few enough that all may be about rows that are there.
        2 => vec(write(), 1..4).prop_map(Step::WriteBase),
        2 => Just(Step::Commit),
        1 => Just(Step::Discard),
        1 => Just(Step::Reopen),
    ]
}

async fn take(store: &dyn StateStore, step: &Step, lease: &Lease, revision: &mut Revision) -> Result<()> {
    match step.clone() {
        Step::Begin => store.begin_journal(lease, JournalHeader::new(*revision, Timestamp::UNIX_EPOCH)).await,
        Step::Stage(rows) => store.stage(lease, rows).await,
        Step::StageOneByOne(rows) => {
            for row in rows {
                store.stage(lease, vec![row]).await?;
            }
            Ok(())
        }
        Step::Unstage(rows) => store.unstage(lease, rows).await,
        Step::Mark(marks, progress) => store.mark(lease, marks, progress.map(Progress::through)).await,
        Step::WriteBase(writes) => store.write_base(lease, writes).await,
        Step::Commit => {
            *revision = store.commit(lease, StoreCommit::new(*revision, revision.0.to_le_bytes().to_vec())).await?;
            Ok(())
        }
        Step::Discard => store.discard_journal(lease).await,
        Step::Reopen => Ok(()),
    }
}

/// Everything that can be seen of a store, but for places, which are its own.
#[derive(Debug, PartialEq)]
struct Picture {
    head: Option<Head>,
    journal: Option<JournalHeader>,
    base: Vec<(BaseKind, String, Digest, Option<BaseRecord>)>,
    staged: Vec<StagedRow>,
    digests: Vec<StagedRow>,
    later: Vec<StagedRow>,
}

async fn picture(store: &dyn StateStore, directory: &DirectoryId, after: &StagedKey) -> Result<Picture> {
    let mut base = Vec::new();
    for kind in BaseKind::ALL {
        let index = store.index(directory, kind).try_concat().await?;
        let places: Vec<_> = index.iter().map(|row| row.locator).collect();
        let records = store.records(directory, kind, &places).await?;
        base.extend(index.into_iter().zip(records).map(|(row, record)| (kind, row.key().to_owned(), row.digest, record)));
    }
    Ok(Picture {
        head: store.head(directory).await?,
        journal: store.journal(directory).await?,
        base,
        staged: store.staged(directory, None, Detail::Records).try_concat().await?,
        digests: store.staged(directory, None, Detail::Digests).try_concat().await?,
        later: store.staged(directory, Some(after.clone()), Detail::Records).try_concat().await?,
    })
}

/// The records and blocks that nothing names, of which there must be none.
fn left_over(path: &Path) -> Vec<(String, i64)> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let tables = ["idsync_staged", "idsync_staged_runs", "idsync_marks", "idsync_pending"];
    let mut found: Vec<_> = tables.into_iter().map(|table| (table.to_owned(), count(&format!("SELECT count(*) FROM {table}")))).collect();
    found.push(("idsync_records".to_owned(), count("SELECT count(*) FROM idsync_records")));
    found
}

fn check(steps: &[Step], after: &StagedKey) {
    block_on(async {
        let (folder, directory) = (tempfile::tempdir().unwrap(), DirectoryId::new("okta:1").unwrap());
        let path = folder.path().join("acme.db");
        let memory = MemoryStore::new();
        let of_memory = memory.acquire(&directory, "the test").await.unwrap();
        let mut file = SqliteFile::open(&path).await.unwrap();
        let mut lease = file.store().acquire(&directory, "the test").await.unwrap();
        let (mut one, mut other) = (Revision(0), Revision(0));
        for (number, step) in [&[Step::Begin], steps].concat().iter().enumerate() {
            if matches!(step, Step::Reopen) {
                drop((lease, file));
                file = SqliteFile::open(&path).await.unwrap();
                lease = file.store().acquire(&directory, "the test").await.unwrap();
                continue;
            }
            let expected = take(&memory, step, &of_memory, &mut one).await.map_err(|error| error.kind());
            let found = take(&file.store(), step, &lease, &mut other).await.map_err(|error| error.kind());
            assert_eq!(found, expected, "step {number}, {step:?}");
            let expected = picture(&memory, &directory, after).await.unwrap();
            let found = picture(&file.store(), &directory, after).await.unwrap();
            assert_eq!(found, expected, "after step {number}, {step:?}");
        }
        file.store().discard_journal(&lease).await.unwrap();
        let base = picture(&file.store(), &directory, after).await.unwrap().base;
        let records = base.iter().filter(|(kind, ..)| kind.is_of_the_base()).count();
        let left: Vec<_> = left_over(&path).into_iter().map(|(_, rows)| rows).collect();
        assert_eq!(left, [0, 0, 0, 0, i64::try_from(records).unwrap()], "rows of {:?}", left_over(&path));
        file.integrity_check().await.unwrap();
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_called_both_stores_show_the_same(steps in vec(step(), 1..25), after in position()) {
        check(&steps, &after);
    }
}
