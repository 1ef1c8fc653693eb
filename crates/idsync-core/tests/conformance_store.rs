//! The suite for stores: the store of this crate passes it, and stores that are broken on purpose fail the check that is meant for them.

#![cfg(feature = "conformance")]

#[path = "conformance_store/broken.rs"]
mod broken;
mod common;
#[path = "conformance_store/flaw.rs"]
mod flaw;

use async_trait::async_trait;
use broken::Broken;
use common::assert_caught;
use flaw::{Flaw, Method};
use futures::executor::block_on;
use idsync_core::conformance::store::{self, DroppedLease, Sharing, StoreFixture, Tenancy};
use idsync_core::memory::MemoryStore;
use idsync_core::{DirectoryId, Lease, Result, StateStore};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The store in memory, and what the stores of these tests keep beside it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    store: MemoryStore,
    fences: Arc<Mutex<HashMap<DirectoryId, u64>>>,
    leases: Arc<Mutex<Vec<Lease>>>,
    opened: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
}

struct Memory;

#[async_trait]
impl StoreFixture for Memory {
    type Place = MemoryStore;

    async fn place(&self) -> Result<MemoryStore> {
        Ok(MemoryStore::new())
    }

    async fn open(&self, place: &MemoryStore) -> Result<Arc<dyn StateStore>> {
        Ok(Arc::new(place.clone()))
    }
}

#[test]
fn the_store_in_memory_keeps_every_promise() {
    block_on(store::all(&Memory)).assert_passed_skipping(&[]);
}

/// The store in memory, of which as little as possible is said.
struct Modest;

#[async_trait]
impl StoreFixture for Modest {
    type Place = MemoryStore;

    async fn place(&self) -> Result<MemoryStore> {
        Ok(MemoryStore::new())
    }

    async fn open(&self, place: &MemoryStore) -> Result<Arc<dyn StateStore>> {
        Ok(Arc::new(place.clone()))
    }

    fn sharing(&self) -> Sharing {
        Sharing::Exclusive
    }

    fn tenancy(&self) -> Tenancy {
        Tenancy::One
    }

    fn dropped_lease(&self) -> DroppedLease {
        DroppedLease::Expires
    }
}

#[test]
fn what_a_store_does_not_offer_is_skipped_and_named() {
    block_on(store::all(&Modest)).assert_passed_skipping(&[
        "p13_another_process_is_refused",
        "p12_dropping_the_last_clone_of_a_lease_frees_the_directory",
        "p13_an_old_lease_is_refused_after_another_process_took_over",
        "directories_never_see_each_others_rows",
        "p12_a_cancelled_acquisition_holds_nothing",
    ]);
}

struct Flawed(Flaw);

#[async_trait]
impl StoreFixture for Flawed {
    type Place = Place;

    async fn place(&self) -> Result<Place> {
        Ok(Place::default())
    }

    async fn open(&self, place: &Place) -> Result<Arc<dyn StateStore>> {
        let inner = if self.0 == Flaw::NotDurable { MemoryStore::new() } else { place.store.clone() };
        let opened = place.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(Broken { inner, place: place.clone(), flaw: self.0, opened }))
    }
}

/// Each flaw, the check that must catch it, and what the check must say.
const FLAWS: [(Flaw, &str, &str); 53] = [
    (Flaw::AcquiringWrites, "p21_taking_reading_and_giving_back_writes_nothing", "was only looked at has a head"),
    (Flaw::AppliesFailedRows, "a_commit_applies_only_what_is_marked_to_be_applied", "the base after a commit"),
    (Flaw::AppliesHeldRows, "a_commit_applies_only_what_is_marked_to_be_applied", "the base after a commit"),
    (Flaw::BeginsAnywhere, "p13_a_journal_begins_only_at_the_revision_of_the_directory", "but it succeeded"),
    (Flaw::CancelledAcquisitionHolds, "p12_a_cancelled_acquisition_holds_nothing", "is held by cancelled"),
    (Flaw::CommitKeepsTheJournal, "a_commit_moves_on_by_one_keeps_the_note_and_empties_the_journal", "there is a journal after a commit"),
    (Flaw::CommitsFromAnyRevision, "p13_a_commit_from_another_revision_is_refused", "but it succeeded"),
    (Flaw::CommitsTwice, "a_commit_moves_on_by_one_keeps_the_note_and_empties_the_journal", "the revision that commit answers"),
    (Flaw::DiscardingApplies, "discarding_drops_the_journal_and_nothing_else", "the base after the journal was discarded"),
    (
        Flaw::DroppedLeaseHolds,
        "p12_dropping_the_last_clone_of_a_lease_frees_the_directory",
        "the lease was dropped and nothing was written",
    ),
    (Flaw::EmptyRecordIsNone, "records_of_any_bytes_come_back_as_they_were", "the record “nothing”"),
    (Flaw::FenceStandsStill, "p13_the_fence_grows_with_every_lease_that_wrote", "the fence went from Some(1) to 1"),
    (Flaw::FenceStandsStill, "p13_an_old_lease_is_refused_by_every_writing_method", "begin_journal under an old lease"),
    (Flaw::ForgetsMemos, "journals_and_commits_leave_memos_alone", "the memo after commit"),
    (Flaw::ForgetsRowsBesideTheBase, "rows_beside_the_base_need_no_journal_and_outlive_them", "after two journals"),
    (Flaw::MemoStaysTheFirst, "a_memo_is_kept_until_it_is_replaced_or_forgotten", "the memo that was kept last"),
    (Flaw::ForgetsRuns, "the_last_hundred_runs_are_kept", "50 rows where 100 were expected"),
    (Flaw::LeaksJournals, "directories_never_see_each_others_rows", "the journal of conformance:10 after begin_journal"),
    (Flaw::LeavesMissingRecordsOut, "records_come_in_the_order_asked_with_none_for_what_is_missing", "the records of b, nobody"),
    (Flaw::LosesMarks, "marks_and_progress_move_in_one_step", "the marks"),
    (Flaw::LosesProgress, "marks_and_progress_move_in_one_step", "the progress"),
    (Flaw::LosesTheNoteOfACommit, "a_commit_moves_on_by_one_keeps_the_note_and_empties_the_journal", "the note in the head"),
    (Flaw::LosesTheNoteOfAJournal, "a_journal_comes_back_as_it_was_begun", "the note of the journal"),
    (Flaw::NamesNobody, "p13_a_second_holder_is_refused_and_told_who_is_first", "does not name the holder"),
    (Flaw::NewKeyEachTime, "the_digest_key_stays_the_same_from_the_first_write_on", "asked for twice"),
    (Flaw::NotDurable, "p12_what_was_acknowledged_is_there_after_opening_again", "after opening the store again"),
    (Flaw::OldestRunsFirst, "runs_come_newest_first_and_no_more_than_asked", "the last 3 runs"),
    (Flaw::OrdersByLength, "rows_come_by_phase_and_bytewise_by_key", "rows in order"),
    (Flaw::OrdersByLength, "rows_come_bytewise_by_key_and_each_kind_for_itself", "the index of User"),
    (Flaw::OrdersByUtf16, "rows_come_by_phase_and_bytewise_by_key", "rows in order"),
    (Flaw::ReleasesWhateverIsHeld, "p13_giving_an_old_lease_back_frees_nothing", "after an old lease was given back again"),
    (Flaw::RepeatsTheRowAtAfter, "thousands_of_rows_can_be_read_from_any_position", "after row 0"),
    (Flaw::SecondHolderTakesOver, "p13_a_second_holder_is_refused_and_told_who_is_first", "but it succeeded"),
    (Flaw::SharedKey, "every_directory_has_a_digest_key_of_its_own", "the same key"),
    (Flaw::SortsRecords, "records_come_in_the_order_asked_with_none_for_what_is_missing", "the records of b, nobody"),
    (Flaw::StagesInTwoSteps, "p12_a_cancelled_write_has_happened_or_not", "after stage was dropped after 1 polls"),
    (Flaw::StagingKeepsTheFirst, "a_row_at_a_taken_position_replaces_the_one_there", "has another content"),
    (Flaw::TruncatesPages, "thousands_of_rows_come_complete", "1000 rows where 3500 were expected"),
    (Flaw::AppliesDroppedRows, "a_commit_applies_only_what_is_marked_to_be_applied", "the base after a commit"),
    (Flaw::DigestsAreLost, "digests_come_without_records", "the staged rows with digests"),
    (Flaw::DigestsHoldRecords, "digests_come_without_records", "the staged rows with digests"),
    (Flaw::FirstMarkOfAPartStays, "the_later_mark_of_a_part_counts", "after a mark of a part was taken back"),
    (Flaw::ForgetsParts, "marks_between_rows_come_back_as_parts_of_the_row_before", "rows with parts"),
    (Flaw::ForgetsPartsAtPageEnds, "thousands_of_rows_come_with_their_parts", "row 999"),
    (Flaw::LosesTheThousandthCall, "rows_of_thousands_of_small_calls_come_once", "after thousands of small calls"),
    (Flaw::MarksTheRowOfAPart, "marks_between_rows_come_back_as_parts_of_the_row_before", "rows with parts"),
    (Flaw::PartsCrossPhases, "marks_between_rows_come_back_as_parts_of_the_row_before", "row 0"),
    (Flaw::PlacesEndWithTheJournal, "places_are_good_until_their_row_is_written_again", "written and committed"),
    (Flaw::PlacesEndWithTheStore, "places_are_good_until_their_row_is_written_again", "after opening the store again"),
    (Flaw::PlacesOfAnyDirectory, "a_place_is_of_one_kind_and_directory", "of another directory"),
    (Flaw::PlacesOfAnyKind, "a_place_is_of_one_kind_and_directory", "the records of Group at places of User"),
    (Flaw::ReadsByCount, "rows_that_stay_come_once_while_others_come_and_go", "while others came and went"),
    (Flaw::UnstagesNothing, "rows_that_are_taken_out_are_gone", "after two rows were taken out"),
];

#[test]
fn every_flaw_is_caught_by_the_check_that_is_meant_for_it() {
    for (flaw, check, reason) in FLAWS {
        assert_caught(&block_on(store::all(&Flawed(flaw))), &format!("{flaw:?}"), check, reason);
    }
    let flaw = Flaw::WritesAheadWithoutAJournal;
    let check = "without_a_journal_nothing_is_staged_marked_or_written_ahead";
    assert_caught(&block_on(store::all(&Flawed(flaw))), "WritesAheadWithoutAJournal", check, "write_base without a journal");
}

#[test]
fn p13_a_method_that_does_not_look_at_the_fence_is_caught_by_name() {
    for (method, name) in Method::ALL {
        let report = block_on(store::all(&Flawed(Flaw::NoFence(method))));
        let reason = format!("{name} under an old lease");
        assert_caught(&report, name, "p13_an_old_lease_is_refused_by_every_writing_method", &reason);
        assert_caught(&report, name, "p13_an_old_lease_is_refused_once_the_next_has_written", &reason);
        assert_caught(&report, name, "p13_an_old_lease_is_refused_after_another_process_took_over", &reason);
    }
}
