//! What every [`StateStore`](crate::StateStore) promises.

pub mod base;
pub mod cancellation;
pub mod commit;
pub mod directories;
mod fixture;
pub mod history;
pub mod journal;
pub mod leases;
pub mod memos;
mod method;
pub mod parts;
mod picture;
mod samples;
pub mod staged;

pub use fixture::{DroppedLease, Sharing, StoreFixture, Tenancy};

use super::Report;
use super::report::run;

/// Runs every check of this module.
pub async fn all<F: StoreFixture>(fixture: &F) -> Report {
    run!(
        "store",
        fixture,
        [
            leases::p13_a_second_holder_is_refused_and_told_who_is_first,
            leases::p13_another_process_is_refused,
            leases::p13_a_directory_that_was_given_back_can_be_taken_again,
            leases::p13_giving_an_old_lease_back_frees_nothing,
            leases::p12_dropping_the_last_clone_of_a_lease_frees_the_directory,
            leases::p13_the_fence_grows_with_every_lease_that_wrote,
            leases::p13_an_old_lease_is_refused_by_every_writing_method,
            leases::p13_an_old_lease_is_refused_once_the_next_has_written,
            leases::p13_an_old_lease_is_refused_after_another_process_took_over,
            leases::p21_taking_reading_and_giving_back_writes_nothing,
            directories::a_directory_that_is_not_known_is_empty,
            directories::a_directory_has_a_head_from_the_first_staged_row_on,
            directories::directories_never_see_each_others_rows,
            directories::the_digest_key_stays_the_same_from_the_first_write_on,
            directories::every_directory_has_a_digest_key_of_its_own,
            journal::p13_a_journal_begins_only_at_the_revision_of_the_directory,
            journal::a_journal_comes_back_as_it_was_begun,
            journal::a_new_journal_drops_the_one_before_it,
            journal::an_update_replaces_stage_plan_and_note_and_nothing_else,
            journal::marks_and_progress_move_in_one_step,
            journal::discarding_drops_the_journal_and_nothing_else,
            journal::without_a_journal_nothing_is_staged_marked_or_written_ahead,
            staged::rows_come_back_as_they_were_staged,
            staged::a_row_at_a_taken_position_replaces_the_one_there,
            staged::rows_come_by_phase_and_bytewise_by_key,
            staged::thousands_of_rows_can_be_read_from_any_position,
            staged::rows_that_are_taken_out_are_gone,
            staged::rows_marked_while_they_are_read_come_once,
            staged::digests_come_without_records,
            staged::rows_of_thousands_of_small_calls_come_once,
            staged::rows_that_stay_come_once_while_others_come_and_go,
            parts::marks_between_rows_come_back_as_parts_of_the_row_before,
            parts::the_later_mark_of_a_part_counts,
            parts::thousands_of_rows_come_with_their_parts,
            base::rows_come_bytewise_by_key_and_each_kind_for_itself,
            base::records_come_in_the_order_asked_with_none_for_what_is_missing,
            base::records_of_any_bytes_come_back_as_they_were,
            base::rows_are_replaced_and_deleted,
            base::rows_beside_the_base_need_no_journal_and_outlive_them,
            base::thousands_of_rows_come_complete,
            base::places_are_good_until_their_row_is_written_again,
            base::a_place_is_of_one_kind_and_directory,
            commit::p13_a_commit_from_another_revision_is_refused,
            commit::a_commit_moves_on_by_one_keeps_the_note_and_empties_the_journal,
            commit::a_commit_applies_only_what_is_marked_to_be_applied,
            commit::thousands_of_effects_are_applied_by_one_commit,
            memos::a_memo_is_kept_until_it_is_replaced_or_forgotten,
            memos::journals_and_commits_leave_memos_alone,
            history::runs_come_newest_first_and_no_more_than_asked,
            history::the_last_hundred_runs_are_kept,
            cancellation::p12_a_cancelled_acquisition_holds_nothing,
            cancellation::p12_a_cancelled_write_has_happened_or_not,
            cancellation::p12_what_was_acknowledged_is_there_after_opening_again,
        ]
    )
}
