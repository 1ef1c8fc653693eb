//! What every [`IdentityProvider`](crate::IdentityProvider) promises.

pub mod content;
pub mod deltas;
pub mod faults;
mod fixture;
pub mod identity;
pub mod listings;
pub mod lookups;
pub mod permissions;
mod read;
pub mod streams;
mod world;

pub use fixture::{Fault, Injected, Listing, ProviderFixture};

use super::Report;
use super::report::run;

/// Runs every check of this module.
pub async fn all(fixture: &dyn ProviderFixture) -> Report {
    run!(
        "provider",
        fixture,
        [
            identity::a_provider_says_the_same_of_its_directory_every_time,
            identity::check_accepts_a_directory_that_can_be_read,
            identity::usage_only_grows,
            listings::p01_the_listing_of_users_shows_everyone,
            listings::p01_the_listing_of_groups_shows_every_group,
            listings::p01_the_listing_of_members_shows_everyone_in_the_group,
            listings::p01_listings_of_several_pages_are_complete,
            listings::a_group_without_members_has_an_empty_listing,
            listings::entries_that_come_again_change_nothing,
            listings::pages_without_entries_mean_nothing,
            listings::the_next_listing_shows_what_changed,
            content::p07_a_rename_keeps_the_id,
            content::p07_groups_of_the_same_name_are_two_groups,
            content::p09_attributes_keep_their_types_and_their_text,
            content::p09_unknown_statuses_and_kinds_come_as_they_are,
            content::p09_ids_come_as_they_are,
            lookups::p03_a_lookup_finds_what_the_listing_shows,
            lookups::p03_a_lookup_of_an_unknown_id_answers_not_found,
            lookups::p03_a_lookup_after_a_deletion_answers_not_found,
            lookups::p03_a_lookup_after_a_change_shows_the_change,
            faults::p01_a_listing_of_users_that_breaks_ends_in_an_error,
            faults::p01_a_listing_of_groups_that_breaks_ends_in_an_error,
            faults::p01_a_listing_of_members_that_breaks_ends_in_an_error,
            faults::p05_a_malformed_user_is_held_and_the_others_come,
            faults::p05_a_malformed_group_is_held_and_the_others_come,
            faults::p05_a_malformed_user_is_still_in_its_groups,
            faults::p05_a_malformed_record_is_not_reported_as_gone,
            faults::p07_the_members_of_a_vanished_group_are_not_found,
            permissions::p02_check_refuses_a_directory_that_shows_nothing,
            permissions::p02_listings_without_permission_are_denied,
            permissions::p02_check_notices_a_permission_that_was_taken_away,
            permissions::p02_a_lookup_without_permission_does_not_answer_not_found,
            permissions::p18_a_missing_permission_comes_with_a_remedy,
            deltas::p21_changes_show_who_was_made_or_changed,
            deltas::p21_changes_show_nobody_who_is_not_in_scope,
            deltas::p03_whoever_departed_is_not_there,
            deltas::p02_changes_without_permission_are_denied,
            deltas::a_cursor_that_cannot_be_read_is_refused,
            deltas::the_groups_of_a_user_are_those_that_list_it,
            deltas::p21_groups_say_when_their_members_changed,
            deltas::p21_the_time_of_a_group_moves_with_its_members,
            streams::an_error_is_the_last_item,
            streams::nothing_is_requested_before_a_stream_is_polled,
            streams::a_stream_that_is_dropped_stops_requesting,
            streams::streams_outlive_the_provider,
            streams::two_reads_side_by_side_agree,
            streams::a_stream_dropped_half_way_does_no_harm,
            streams::a_provider_behind_a_pointer_gives_the_same_answers,
        ]
    )
}
