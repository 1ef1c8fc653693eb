//! The end of a journal.

use super::super::Verdict;
use super::super::tools::{ensure_eq, refused};
use super::StoreFixture;
use super::method::{REVISION, acquire_prepared};
use super::picture::{BaseRow, Picture, base, ensure_rows};
use super::samples::{bytes, delete, directory, header, many, position, progress, put, record, run};
use crate::{BaseKind, ErrorKind, Head, Mark, Phase, Revision, StagedRow, StoreCommit};

/// “`commit` refuses with `Conflict` when the directory is not at the expected revision”, and then nothing has changed.
///
/// # Errors
/// The promise is not proven.
pub async fn p13_a_commit_from_another_revision_is_refused<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = acquire_prepared(store.as_ref(), &directory).await?;
    let before = Picture::take(store.as_ref(), &directory).await?;
    for wrong in [Revision(0), REVISION.next(), Revision(1_000)] {
        let result = store.commit(&lease, StoreCommit::new(wrong, b"wrong".to_vec())).await;
        refused(result, ErrorKind::Conflict, &format!("commit from revision {wrong} of a directory at {REVISION}"))?;
        Picture::take(store.as_ref(), &directory).await?.ensure_same(&before, "after a refused commit")?;
    }
    ensure_eq(&store.commit(&lease, StoreCommit::new(REVISION, Vec::new())).await?, &REVISION.next(), "the revision of a good commit")
}

/// “The directory moves to the next revision with the new header, the journal is emptied.”
///
/// # Errors
/// The promise is not proven.
pub async fn a_commit_moves_on_by_one_keeps_the_note_and_empties_the_journal<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    store.record_run(&lease, run(1)).await?;
    for (number, note) in (0..).zip([bytes(), Vec::new(), b"short".to_vec()]) {
        let revision = Revision(number);
        store.begin_journal(&lease, header(revision)).await?;
        store.stage(&lease, vec![StagedRow::new(position(Phase::AddMembers, "g\0u"), bytes(), None)]).await?;
        store.mark(&lease, Vec::new(), Some(progress(Phase::AddMembers, "g\0u"))).await?;
        let next = store.commit(&lease, StoreCommit::new(revision, note.clone())).await?;
        ensure_eq(&next, &revision.next(), "the revision that commit answers")?;
        let found = Picture::take(store.as_ref(), &directory).await?;
        let expected = Picture {
            head: Some(Head::new(next, note)),
            journal: None,
            staged: Vec::new(),
            base: Vec::new(),
            runs: vec![run(1)],
            memo: None,
        };
        found.ensure_same(&expected, "after a commit")?;
    }
    Ok(())
}

/// “The effects of all rows marked `Apply` are written to the base”, and no others.
///
/// # Errors
/// The promise is not proven.
pub async fn a_commit_applies_only_what_is_marked_to_be_applied<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    store.begin_journal(&lease, header(Revision(0))).await?;
    let marks = [("applied", Mark::Apply), ("held", Mark::Held), ("failed", Mark::Failed), ("dropped", Mark::Dropped)];
    let kinds = [BaseKind::User, BaseKind::Group, BaseKind::Members];
    store.write_base(&lease, kinds.into_iter().flat_map(|kind| marks.map(|(key, _)| put(kind, key, 1))).collect()).await?;
    let mut rows = Vec::new();
    for (key, mark) in marks {
        let updated = put(BaseKind::User, key, 2);
        rows.push(StagedRow::new(position(Phase::UpdateUsers, key), bytes(), Some(updated)).with_mark(mark));
        rows.push(StagedRow::new(position(Phase::DeleteGroups, key), bytes(), Some(delete(BaseKind::Group, key))).with_mark(mark));
        rows.push(StagedRow::new(position(Phase::AddMembers, key), bytes(), None).with_mark(mark));
    }
    // Marks that are set later count like those that were staged.
    let late = [("held later", Mark::Held), ("applied later", Mark::Apply)];
    for (key, mark) in late {
        let opposite = if mark == Mark::Apply { Mark::Held } else { Mark::Apply };
        rows.push(StagedRow::new(position(Phase::CreateUsers, key), bytes(), Some(put(BaseKind::User, key, 2))).with_mark(opposite));
    }
    store.stage(&lease, rows).await?;
    store.mark(&lease, late.map(|(key, mark)| (position(Phase::CreateUsers, key), mark)).to_vec(), None).await?;
    store.commit(&lease, StoreCommit::new(Revision(0), Vec::new())).await?;

    let row = |kind, key: &str, seed| BaseRow { kind, key: key.to_owned(), record: record(seed) };
    let expected = [
        row(BaseKind::User, "applied", 2),
        row(BaseKind::User, "applied later", 2),
        row(BaseKind::User, "dropped", 1),
        row(BaseKind::User, "failed", 1),
        row(BaseKind::User, "held", 1),
        row(BaseKind::Group, "dropped", 1),
        row(BaseKind::Group, "failed", 1),
        row(BaseKind::Group, "held", 1),
        row(BaseKind::Members, "applied", 1),
        row(BaseKind::Members, "dropped", 1),
        row(BaseKind::Members, "failed", 1),
        row(BaseKind::Members, "held", 1),
    ];
    ensure_base(&base(store.as_ref(), &directory).await?, &expected, "the base after a commit")
}

/// A first sync commits a whole directory at once.
///
/// # Errors
/// The promise is not proven.
pub async fn thousands_of_effects_are_applied_by_one_commit<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    store.begin_journal(&lease, header(Revision(0))).await?;
    let rows = many(3_500);
    for part in rows.chunks(1_000) {
        store.stage(&lease, part.to_vec()).await?;
    }
    store.commit(&lease, StoreCommit::new(Revision(0), Vec::new())).await?;
    let expected: Vec<_> = rows.into_iter().map(|row| BaseRow { kind: BaseKind::User, key: row.position.key, record: record(7) }).collect();
    ensure_base(&base(store.as_ref(), &directory).await?, &expected, "the base after a large commit")
}

fn ensure_base(found: &[BaseRow], expected: &[BaseRow], what: &str) -> Verdict {
    ensure_rows(found, expected, |row| format!("{:?} {:?}", row.kind, row.key), what)
}
