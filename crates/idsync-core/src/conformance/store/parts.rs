//! What is decided about parts of rows.

use super::super::Verdict;
use super::StoreFixture;
use super::picture::{ensure_rows, staged};
use super::samples::{directory, header, many, position, row};
use crate::{Mark, Phase, Revision, StagedKey, StagedRow};

/// “A mark at a position where there is no row is about a part of the row before it”: it comes back with that row, in order, and neither
/// with its own mark nor with a row of the next phase.
///
/// # Errors
/// The promise is not proven.
pub async fn marks_between_rows_come_back_as_parts_of_the_row_before<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    store.begin_journal(&lease, header(Revision(0))).await?;
    let mut expected = vec![
        row(Phase::RemoveMembers, "g1"),
        row(Phase::AddMembers, "g1"),
        row(Phase::AddMembers, "g2"),
        row(Phase::AddMembers, "g3"),
        row(Phase::DeleteGroups, "g9"),
    ];
    store.stage(&lease, expected.clone()).await?;
    let at = |key: &str| position(Phase::AddMembers, key);
    let own = [(at("g2"), Mark::Held), (at("g3"), Mark::Failed)];
    let parts = [
        vec![(position(Phase::RemoveMembers, "g1\0z"), Mark::Failed)],
        vec![(at("g1\0a"), Mark::Held), (at("g1\0b"), Mark::Failed), (at("g1\0ü"), Mark::Dropped)],
        Vec::new(),
        vec![(at("g3\0"), Mark::Dropped), (at("zz"), Mark::Held)],
        Vec::new(),
    ];
    // Neither in order nor in one call.
    let marks: Vec<_> = own.iter().chain(parts.iter().flatten()).rev().cloned().collect();
    for marks in marks.chunks(3) {
        store.mark(&lease, marks.to_vec(), None).await?;
    }
    for (row, parts) in expected.iter_mut().zip(parts) {
        row.mark = own.iter().find(|(position, _)| *position == row.position).map_or(Mark::Apply, |(_, mark)| *mark);
        row.parts = parts;
    }
    ensure_parts(&staged(store.as_ref(), &directory, None).await?, &expected, "rows with parts")?;
    ensure_parts(&staged(store.as_ref(), &directory, Some(at("g1"))).await?, &expected[2..], "rows with parts, from the middle")
}

/// “Of two marks at one position the later one counts”, and what is to be applied after all is not “decided otherwise”.
///
/// # Errors
/// The promise is not proven.
pub async fn the_later_mark_of_a_part_counts<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    store.begin_journal(&lease, header(Revision(0))).await?;
    let mut expected = row(Phase::AddMembers, "g");
    store.stage(&lease, vec![expected.clone()]).await?;
    let at = |key: &str| position(Phase::AddMembers, key);
    let marks = vec![(at("g\0a"), Mark::Held), (at("g\0b"), Mark::Held), (at("g\0a"), Mark::Failed), (at("g\0c"), Mark::Dropped)];
    store.mark(&lease, marks, None).await?;
    expected.parts = vec![(at("g\0a"), Mark::Failed), (at("g\0b"), Mark::Held), (at("g\0c"), Mark::Dropped)];
    ensure_parts(&staged(store.as_ref(), &directory, None).await?, &[expected.clone()], "after a part was marked twice")?;
    store.mark(&lease, vec![(at("g\0b"), Mark::Apply), (at("g\0c"), Mark::Held)], None).await?;
    expected.parts = vec![(at("g\0a"), Mark::Failed), (at("g\0c"), Mark::Held)];
    ensure_parts(&staged(store.as_ref(), &directory, None).await?, &[expected], "after a mark of a part was taken back")
}

/// Every row comes with its own parts, also where a page ends.
///
/// # Errors
/// The promise is not proven.
pub async fn thousands_of_rows_come_with_their_parts<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    store.begin_journal(&lease, header(Revision(0))).await?;
    let mut expected = many(3_500);
    store.stage(&lease, expected.clone()).await?;
    for row in &mut expected {
        let part = |name: &str| StagedKey::new(row.position.phase, format!("{}{name}", row.position.key));
        row.parts = vec![(part("\0a"), Mark::Held), (part("\0b"), Mark::Failed)];
    }
    store.mark(&lease, expected.iter().flat_map(|row| row.parts.clone()).collect(), None).await?;
    ensure_parts(&staged(store.as_ref(), &directory, None).await?, &expected, "thousands of rows with parts")
}

fn ensure_parts(found: &[StagedRow], expected: &[StagedRow], what: &str) -> Verdict {
    ensure_rows(found, expected, |row| format!("{:?}", row.position), what)
}
