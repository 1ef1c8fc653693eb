//! The journal of the run under way.

use super::super::Verdict;
use super::super::tools::{ensure_eq, refused};
use super::StoreFixture;
use super::method::{Method, REVISION, acquire_prepared};
use super::picture::{Picture, ensure_header, staged};
use super::samples::{at, bytes, directory, header, position, progress, row};
use crate::{ErrorKind, JournalHeader, Mark, Phase, PlanHash, Revision, Stage, StoreCommit};

const STAGES: [Stage; 4] = [Stage::Reading, Stage::Planned, Stage::Applying, Stage::Folding];

/// “`Conflict` when the directory is not at `header.base`”; the journal that was there stays.
///
/// # Errors
/// The promise is not proven.
pub async fn p13_a_journal_begins_only_at_the_revision_of_the_directory<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = acquire_prepared(store.as_ref(), &directory).await?;
    let before = Picture::take(store.as_ref(), &directory).await?;
    for wrong in [Revision(0), REVISION.next()] {
        let result = store.begin_journal(&lease, header(wrong)).await;
        refused(result, ErrorKind::Conflict, &format!("begin_journal at revision {wrong} of a directory at {REVISION}"))?;
        Picture::take(store.as_ref(), &directory).await?.ensure_same(&before, "after a journal was refused")?;
    }
    Ok(store.begin_journal(&lease, header(REVISION)).await?)
}

/// A header comes back as it was given, field by field, at every stage.
///
/// # Errors
/// The promise is not proven.
pub async fn a_journal_comes_back_as_it_was_begun<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    for (number, stage) in (0_u8..).zip(STAGES) {
        for plan in [None, Some(PlanHash::from_bytes([number ^ 0xA5; 16]))] {
            for (note, through) in [(Vec::new(), None), (bytes(), Some(progress(Phase::AddMembers, "g\0ü\u{1F600}")))] {
                let mut header = JournalHeader::new(Revision(0), at(1_774_609_520_120 + i64::from(number)));
                (header.stage, header.plan, header.note, header.progress) = (stage, plan, note, through);
                store.begin_journal(&lease, header.clone()).await?;
                ensure_header(store.journal(&directory).await?.as_ref(), Some(&header), "that was begun")?;
            }
        }
    }
    Ok(())
}

/// “Starts a journal. One that was there is dropped with its rows.”
///
/// # Errors
/// The promise is not proven.
pub async fn a_new_journal_drops_the_one_before_it<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = acquire_prepared(store.as_ref(), &directory).await?;
    let fresh = JournalHeader::new(REVISION, at(5));
    store.begin_journal(&lease, fresh.clone()).await?;
    ensure_header(store.journal(&directory).await?.as_ref(), Some(&fresh), "that was begun last")?;
    ensure_eq(&staged(store.as_ref(), &directory, None).await?, &Vec::new(), "rows in a new journal")
}

/// “Replaces the journal's stage, plan and note with those of `header`; its base, the time of its read, its progress and its rows stay.”
///
/// # Errors
/// The promise is not proven.
pub async fn an_update_replaces_stage_plan_and_note_and_nothing_else<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = acquire_prepared(store.as_ref(), &directory).await?;
    let mut expected = Picture::take(store.as_ref(), &directory).await?;
    for stage in STAGES {
        for through in [None, Some(progress(Phase::DeleteUsers, "other"))] {
            let mut update = JournalHeader::new(REVISION, at(99));
            (update.stage, update.plan, update.note, update.progress) = (stage, Some(PlanHash::from_bytes([1; 16])), bytes(), through);
            store.update_journal(&lease, update.clone()).await?;
            if let Some(journal) = &mut expected.journal {
                (journal.stage, journal.plan, journal.note) = (update.stage, update.plan, update.note);
            }
            Picture::take(store.as_ref(), &directory).await?.ensure_same(&expected, "after an update")?;
        }
    }
    Ok(())
}

/// “Marks rows, and moves the delivery forward, in one step.” Without progress the delivery stays where it is.
///
/// # Errors
/// The promise is not proven.
pub async fn marks_and_progress_move_in_one_step<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    store.begin_journal(&lease, header(Revision(0))).await?;
    let phases = [Phase::CreateUsers, Phase::PutGroups];
    store.stage(&lease, phases.into_iter().flat_map(|phase| ["a", "b"].map(|key| row(phase, key))).collect()).await?;

    let marks = vec![(position(phases[0], "b"), Mark::Failed), (position(phases[1], "a"), Mark::Held)];
    store.mark(&lease, marks, Some(progress(phases[0], "b"))).await?;
    let expected = Some(progress(phases[0], "b"));
    ensure_eq(&store.journal(&directory).await?.and_then(|journal| journal.progress), &expected, "the progress")?;
    let marked = || async {
        Ok::<_, super::super::Unproven>(staged(store.as_ref(), &directory, None).await?.iter().map(|row| row.mark).collect::<Vec<_>>())
    };
    ensure_eq(&marked().await?, &vec![Mark::Apply, Mark::Failed, Mark::Held, Mark::Apply], "the marks")?;

    store.mark(&lease, vec![(position(phases[1], "a"), Mark::Apply)], None).await?;
    ensure_eq(&marked().await?, &vec![Mark::Apply, Mark::Failed, Mark::Apply, Mark::Apply], "the marks, one of them taken back")?;
    ensure_eq(&store.journal(&directory).await?.and_then(|journal| journal.progress), &expected, "the progress after marks alone")
}

/// “Drops the journal, with nothing applied.”
///
/// # Errors
/// The promise is not proven.
pub async fn discarding_drops_the_journal_and_nothing_else<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = acquire_prepared(store.as_ref(), &directory).await?;
    let mut expected = Picture::take(store.as_ref(), &directory).await?;
    (expected.journal, expected.staged) = (None, Vec::new());
    // Without a journal there is nothing to drop, which is fine.
    for what in ["after the journal was discarded", "after it was discarded again"] {
        store.discard_journal(&lease).await?;
        Picture::take(store.as_ref(), &directory).await?.ensure_same(&expected, what)?;
    }
    Ok(())
}

/// “`Conflict` when … no journal was begun”, of all methods that say so.
///
/// # Errors
/// The promise is not proven.
pub async fn without_a_journal_nothing_is_staged_marked_or_written_ahead<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = acquire_prepared(store.as_ref(), &directory).await?;
    store.commit(&lease, StoreCommit::new(REVISION, Vec::new())).await?;
    let before = Picture::take(store.as_ref(), &directory).await?;
    for method in Method::IN_A_JOURNAL {
        let what = format!("{} without a journal", method.name());
        refused(method.call(store.as_ref(), &lease).await, ErrorKind::Conflict, &what)?;
        Picture::take(store.as_ref(), &directory).await?.ensure_same(&before, &format!("after a refused {what}"))?;
    }
    Ok(())
}
