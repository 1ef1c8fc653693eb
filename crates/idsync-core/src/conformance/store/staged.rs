//! The rows of the journal.

use super::super::tools::{ensure, ensure_eq};
use super::super::{Unproven, Verdict};
use super::StoreFixture;
use super::picture::{ensure_rows, staged};
use super::samples::{KEYS, bytes, delete, directory, header, many, position, put, row, rows};
use crate::{BaseKind, Detail, Lease, Mark, Phase, Revision, StagedRow, StateStore};
use futures::TryStreamExt;
use std::collections::{BTreeMap, BTreeSet};

/// Payloads, effects and marks come back as they were given.
///
/// # Errors
/// The promise is not proven.
pub async fn rows_come_back_as_they_were_staged<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    store.stage(&lease, rows()).await?;
    ensure_staged(&staged(store.as_ref(), &directory, None).await?, &rows(), "the staged rows")
}

/// “A row at a position that is taken replaces the one there.”
///
/// # Errors
/// The promise is not proven.
pub async fn a_row_at_a_taken_position_replaces_the_one_there<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    let at = || position(Phase::PutGroups, "g");
    let replacements = [
        StagedRow::new(at(), bytes(), Some(put(BaseKind::Group, "g", 1))).with_mark(Mark::Held),
        StagedRow::new(at(), Vec::new(), Some(delete(BaseKind::Group, "g"))).with_mark(Mark::Failed),
        StagedRow::new(at(), b"last".to_vec(), None),
    ];
    store.stage(&lease, vec![row(Phase::PutGroups, "f"), row(Phase::PutGroups, "g"), row(Phase::AddMembers, "g")]).await?;
    for replacement in replacements {
        store.stage(&lease, vec![replacement.clone()]).await?;
        let expected = [row(Phase::PutGroups, "f"), replacement, row(Phase::AddMembers, "g")];
        ensure_staged(&staged(store.as_ref(), &directory, None).await?, &expected, "after a row was replaced")?;
    }
    Ok(())
}

/// “Rows are kept and read in this order”: by phase, then by key, bytewise.
///
/// # Errors
/// The promise is not proven.
pub async fn rows_come_by_phase_and_bytewise_by_key<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    let mut expected: Vec<_> = Phase::ALL.into_iter().flat_map(|phase| KEYS.map(|key| row(phase, key))).collect();
    // One call per key and the phases backwards, so that the order of arrival is no help.
    for key in KEYS {
        store.stage(&lease, Phase::ALL.into_iter().rev().map(|phase| row(phase, key)).collect()).await?;
    }
    expected.sort_by(|one, other| one.position.cmp(&other.position));
    ensure_staged(&staged(store.as_ref(), &directory, None).await?, &expected, "rows in order")?;
    for (index, row) in expected.iter().enumerate() {
        let rest = staged(store.as_ref(), &directory, Some(row.position.clone())).await?;
        ensure_staged(&rest, &expected[index + 1..], &format!("rows after {:?}", row.position))?;
    }
    Ok(())
}

/// “The rows of the journal after `after` (or from the start), in order”, however many there are, and whether or not there is a row at
/// `after`.
///
/// # Errors
/// The promise is not proven.
pub async fn thousands_of_rows_can_be_read_from_any_position<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    let expected = many(MANY);
    stage(store.as_ref(), &lease, &expected).await?;
    ensure_staged(&staged(store.as_ref(), &directory, None).await?, &expected, "thousands of rows")?;
    for from in [0, 1, 999, 1_000, 1_001, MANY / 2 - 1, MANY / 2, MANY - 2, MANY - 1] {
        let rest = staged(store.as_ref(), &directory, Some(expected[from].position.clone())).await?;
        ensure_staged(&rest, &expected[from + 1..], &format!("thousands of rows after row {from}"))?;
    }
    let (start, next) = (position(Phase::Deactivate, "\u{10FFFF}"), position(Phase::CreateUsers, ""));
    ensure_staged(&staged(store.as_ref(), &directory, Some(start)).await?, &expected, "after a position before all rows")?;
    ensure_staged(&staged(store.as_ref(), &directory, Some(next)).await?, &expected[MANY / 2..], "from the start of a phase")
}

/// “Takes rows out of the journal; rows that are not there are fine.”
///
/// # Errors
/// The promise is not proven.
pub async fn rows_that_are_taken_out_are_gone<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    let mut expected = rows();
    store.stage(&lease, expected.clone()).await?;
    let gone = [expected.remove(9).position, expected.remove(0).position, position(Phase::PutGroups, "never there")];
    store.unstage(&lease, gone.to_vec()).await?;
    ensure_staged(&staged(store.as_ref(), &directory, None).await?, &expected, "after two rows were taken out")?;
    store.unstage(&lease, gone.to_vec()).await?;
    ensure_staged(&staged(store.as_ref(), &directory, None).await?, &expected, "after they were taken out again")
}

/// “Rows may be marked while a stream is read; each still comes once.” The engine marks page by page.
///
/// # Errors
/// The promise is not proven.
pub async fn rows_marked_while_they_are_read_come_once<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    let mut expected = many(MANY);
    stage(store.as_ref(), &lease, &expected).await?;
    let (mut pages, mut seen) = (store.staged(&directory, None, Detail::Records), Vec::new());
    while let Some(page) = pages.try_next().await? {
        let marks = page.iter().map(|row| (row.position.clone(), Mark::Held)).collect();
        store.mark(&lease, marks, None).await?;
        seen.extend(page.into_iter().map(|row| row.position));
    }
    let count = seen.len();
    ensure(seen.iter().eq(expected.iter().map(|row| &row.position)), || {
        format!("{count} of {MANY} rows came, or another order, while they were marked")
    })?;
    expected.iter_mut().for_each(|row| row.mark = Mark::Held);
    ensure_staged(&staged(store.as_ref(), &directory, None).await?, &expected, "after all were marked")
}

/// “Rows without the records of their effects: these come with their digest, and empty.” Everything else is the same.
///
/// # Errors
/// The promise is not proven.
pub async fn digests_come_without_records<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    let mut expected = rows();
    store.stage(&lease, expected.clone()).await?;
    let records = expected.iter_mut().filter_map(|row| row.effect.as_mut()?.record.as_mut());
    records.for_each(|record| record.record.clear());
    let found: Vec<_> = store.staged(&directory, None, Detail::Digests).try_concat().await?;
    ensure_staged(&found, &expected, "the staged rows with digests")
}

/// Rows that are staged again and taken out, one by one in thousands of calls, come once and in order, as the last call left them.
///
/// # Errors
/// The promise is not proven.
pub async fn rows_of_thousands_of_small_calls_come_once<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    let mut expected = BTreeMap::new();
    for call in 0..2_200_usize {
        // Every position is visited some times, far from the one before it.
        let (number, phase) = (call * 331 % 500, if call % 2 == 0 { Phase::UpdateUsers } else { Phase::PutGroups });
        let mut row = row(phase, &format!("{number:04}"));
        row.payload = call.to_le_bytes().to_vec();
        if call % 7 == 6 {
            store.unstage(&lease, vec![row.position.clone()]).await?;
            expected.remove(&row.position);
        } else {
            store.stage(&lease, vec![row.clone()]).await?;
            expected.insert(row.position.clone(), row);
        }
    }
    let expected: Vec<_> = expected.into_values().collect();
    ensure_staged(&staged(store.as_ref(), &directory, None).await?, &expected, "after thousands of small calls")
}

/// “Rows may be marked, staged and taken out while a stream is read: each row that was there before and after still comes once.”
///
/// # Errors
/// The promise is not proven.
pub async fn rows_that_stay_come_once_while_others_come_and_go<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = begin(store.as_ref()).await?;
    let rows = many(MANY);
    stage(store.as_ref(), &lease, &rows).await?;
    let (mut pages, mut seen, mut gone) = (store.staged(&directory, None, Detail::Records), Vec::new(), BTreeSet::new());
    while let Some(page) = pages.try_next().await? {
        let number = seen.len();
        seen.extend(page.iter().map(|row| row.position.clone()));
        // Behind the reader, at the place where it stands, and before it.
        let taken = [page.first(), page.get(1), page.get(page.len() / 2), rows.get(MANY - 1 - number / 100)];
        let taken: Vec<_> = taken.into_iter().flatten().collect();
        gone.extend(taken.iter().map(|row| row.position.clone()));
        store.unstage(&lease, taken.into_iter().map(|row| row.position.clone()).collect()).await?;
        let added = [(Phase::UpdateUsers, "a"), (Phase::UpdateUsers, "user\x00000001-"), (Phase::CreateUsers, "user\x00003400-")];
        store.stage(&lease, added.map(|(phase, key)| row(phase, &format!("{key}{number}"))).to_vec()).await?;
    }
    ensure(seen.is_sorted_by(|one, other| one < other), || "rows came twice, or out of order, while others came and went")?;
    let came: BTreeSet<_> = seen.into_iter().collect();
    let missing = rows.iter().filter(|row| !gone.contains(&row.position) && !came.contains(&row.position)).count();
    ensure(missing == 0, || format!("{missing} of {MANY} rows did not come while others came and went"))
}

/// More rows than any sensible page holds.
const MANY: usize = 3_500;

async fn begin(store: &dyn StateStore) -> Result<Lease, Unproven> {
    let lease = store.acquire(&directory()?, "first").await?;
    store.begin_journal(&lease, header(Revision(0))).await?;
    ensure_eq(&staged(store, &lease.directory, None).await?, &Vec::new(), "rows in a journal that was just begun")?;
    Ok(lease)
}

/// Stages rows in several calls, the later ones first.
async fn stage(store: &dyn StateStore, lease: &Lease, rows: &[StagedRow]) -> Verdict {
    for part in rows.rchunks(1_500) {
        store.stage(lease, part.to_vec()).await?;
    }
    Ok(())
}

fn ensure_staged(found: &[StagedRow], expected: &[StagedRow], what: &str) -> Verdict {
    ensure_rows(found, expected, |row| format!("{:?}", row.position), what)
}
