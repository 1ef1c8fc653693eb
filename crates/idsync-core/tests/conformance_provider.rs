//! The suite for providers: the providers of this crate pass it, and providers that are broken on purpose fail the check that is meant
//! for them.

#![cfg(feature = "conformance")]

#[path = "conformance_provider/broken.rs"]
mod broken;
mod common;
#[path = "conformance_provider/fixture.rs"]
mod fixture;
#[path = "conformance_provider/whole.rs"]
mod whole;

use async_trait::async_trait;
use broken::{Broken, Flaw};
use common::assert_caught;
use fixture::Faulty;
use futures::executor::block_on;
use idsync_core::conformance::provider::{self, ProviderFixture};
use idsync_core::memory::MemoryProvider;
use idsync_core::wrap::{AllowAttributes, Filtered};
use idsync_core::{Attributes, IdentityProvider, Lifecycle, Result, Snapshot};
use std::sync::Arc;
use whole::Whole;

#[test]
fn the_provider_in_memory_keeps_every_promise() {
    block_on(provider::all(&Faulty::new())).assert_passed_skipping(&[]);
}

/// A fixture that does nothing but seed.
struct Plain(MemoryProvider);

#[async_trait]
impl ProviderFixture for Plain {
    async fn seed(&self, world: &Snapshot) -> Result<Arc<dyn IdentityProvider>> {
        self.0.replace(world);
        Ok(Arc::new(self.0.clone()))
    }
}

#[test]
fn a_fixture_that_only_seeds_is_enough_and_the_report_says_what_it_skipped() {
    block_on(provider::all(&Plain(MemoryProvider::new()))).assert_passed_skipping(&[
        "p01_listings_of_several_pages_are_complete",
        "entries_that_come_again_change_nothing",
        "pages_without_entries_mean_nothing",
        "p01_a_listing_of_users_that_breaks_ends_in_an_error",
        "p01_a_listing_of_groups_that_breaks_ends_in_an_error",
        "p01_a_listing_of_members_that_breaks_ends_in_an_error",
        "p05_a_malformed_user_is_held_and_the_others_come",
        "p05_a_malformed_group_is_held_and_the_others_come",
        "p05_a_malformed_user_is_still_in_its_groups",
        "p05_a_malformed_record_is_not_reported_as_gone",
        "p02_listings_without_permission_are_denied",
        "p02_check_notices_a_permission_that_was_taken_away",
        "p02_a_lookup_without_permission_does_not_answer_not_found",
        "nothing_is_requested_before_a_stream_is_polled",
        "a_stream_that_is_dropped_stops_requesting",
    ]);
}

#[test]
fn a_directory_that_is_read_whole_keeps_every_promise() {
    block_on(provider::all(&Whole::default())).assert_passed_skipping(&[
        "p01_listings_of_several_pages_are_complete",
        "entries_that_come_again_change_nothing",
        "pages_without_entries_mean_nothing",
        "p01_a_listing_of_users_that_breaks_ends_in_an_error",
        "p01_a_listing_of_groups_that_breaks_ends_in_an_error",
        "p01_a_listing_of_members_that_breaks_ends_in_an_error",
        "p02_listings_without_permission_are_denied",
        "p02_check_notices_a_permission_that_was_taken_away",
        "p02_a_lookup_without_permission_does_not_answer_not_found",
        "nothing_is_requested_before_a_stream_is_polled",
        "a_stream_that_is_dropped_stops_requesting",
    ]);
}

#[test]
fn a_filter_keeps_every_promise_for_what_it_shows() {
    let fixture = Faulty::new()
        .showing(|world| {
            let mut shown = Snapshot::builder();
            world.users().filter(|user| user.lifecycle() != Lifecycle::Suspended).for_each(|user| _ = shown.user(user.clone()));
            world.groups().filter(|group| group.id.as_str() != "group05").for_each(|group| _ = shown.group(group.clone()));
            world.memberships().for_each(|membership| _ = shown.membership(membership.clone()));
            shown.finish()
        })
        .wrapping(|inner| {
            let filtered = Filtered::new(inner, "not suspended, not group05");
            let filtered = filtered.keep_users(|user| user.lifecycle() != Lifecycle::Suspended);
            Arc::new(filtered.keep_groups(|group| group.id.as_str() != "group05"))
        });
    block_on(provider::all(&fixture)).assert_passed_skipping(&[]);
}

#[test]
fn an_attribute_list_keeps_every_promise_for_what_it_lets_through() {
    fn allowed(attributes: &Attributes) -> Attributes {
        attributes.clone().into_iter().filter(|(name, _)| name == "displayName" || name == "number").collect()
    }
    let fixture = Faulty::new()
        .showing(|world| {
            let mut shown = Snapshot::builder();
            for mut user in world.users().cloned() {
                user.attributes = allowed(&user.attributes);
                shown.user(user);
            }
            for mut group in world.groups().cloned() {
                group.attributes = Attributes::new();
                shown.group(group);
            }
            world.memberships().for_each(|membership| _ = shown.membership(membership.clone()));
            shown.finish()
        })
        .wrapping(|inner| Arc::new(AllowAttributes::new(inner).for_users(["displayName", "number"])));
    block_on(provider::all(&fixture)).assert_passed_skipping(&[]);
}

/// Each flaw, the check that must catch it, and what the check must say.
const FLAWS: [(Flaw, &str, &str); 43] = [
    (Flaw::ChangesMiss, "p21_changes_show_who_was_made_or_changed", "user90 changed, and is not among the changes"),
    (Flaw::ChangesRemember, "p21_changes_show_who_was_made_or_changed", "attribute `firstName` of user user00 among the changes"),
    (Flaw::ChangesSayGone, "p03_whoever_departed_is_not_there", "user02 is said to have departed, and a look-up finds it"),
    (Flaw::ChangesTakeAnyCursor, "a_cursor_that_cannot_be_read_is_refused", "but it succeeded"),
    (Flaw::EmptyWithoutPermission, "p02_changes_without_permission_are_denied", "but it succeeded"),
    (Flaw::MemberTimesMissing, "p21_groups_say_when_their_members_changed", "does not say when its members changed"),
    (Flaw::MemberTimesMissing, "p21_the_time_of_a_group_moves_with_its_members", "its time is None as before"),
    (Flaw::MemberTimesStandStill, "p21_the_time_of_a_group_moves_with_its_members", "somebody joined group04, and its time is Some"),
    (Flaw::NoGroupsOfUsers, "the_groups_of_a_user_are_those_that_list_it", "is not among them"),
    (Flaw::ChangesIdsOnRename, "p07_a_rename_keeps_the_id", "missing: [UserId(user00)]; not expected: [UserId(renamed)]"),
    (Flaw::ChecksNothing, "p02_check_refuses_a_directory_that_shows_nothing", "check is content"),
    (Flaw::ChecksNothing, "p02_check_notices_a_permission_that_was_taken_away", "check without permission for Users"),
    (
        Flaw::CoercesTypes,
        "p09_attributes_keep_their_types_and_their_text",
        "attribute `flag` of user user00 in the listing is \"false\", not false",
    ),
    (Flaw::DropsMalformedRecords, "p05_a_malformed_user_is_held_and_the_others_come", "user00 is malformed, but"),
    (Flaw::DropsMalformedRecords, "p05_a_malformed_group_is_held_and_the_others_come", "group00 is malformed, but"),
    (Flaw::Eager, "nothing_is_requested_before_a_stream_is_polled", "requests after streams were made"),
    (Flaw::EmptyForVanishedGroups, "p07_the_members_of_a_vanished_group_are_not_found", "but it succeeded"),
    (Flaw::EmptyGroupIsAnError, "a_group_without_members_has_an_empty_listing", "ended in an error"),
    (Flaw::EmptyWithoutPermission, "p02_listings_without_permission_are_denied", "the listing of Users without permission"),
    (Flaw::EndsEarly, "p01_a_listing_of_users_that_breaks_ends_in_an_error", "ended without an error after 3 of 23"),
    (Flaw::EndsEarly, "p01_a_listing_of_groups_that_breaks_ends_in_an_error", "ended without an error after 3 of 7"),
    (Flaw::EndsEarly, "p01_a_listing_of_members_that_breaks_ends_in_an_error", "ended without an error after 3 of 23"),
    (Flaw::GoesOnAfterAnError, "an_error_is_the_last_item", "goes on after its error"),
    (Flaw::IdentityWanders, "a_provider_says_the_same_of_its_directory_every_time", "the id of the directory"),
    (Flaw::KeepsRequesting, "a_stream_that_is_dropped_stops_requesting", "requests were made for a stream that was dropped"),
    (Flaw::LookupsDenyWhatIsHidden, "p02_a_lookup_without_permission_does_not_answer_not_found", "says that the entry is gone"),
    (Flaw::LookupsFailOnUnknownIds, "p03_a_lookup_of_an_unknown_id_answers_not_found", "no such user (not_found)"),
    (Flaw::LookupsMiss, "p03_a_lookup_finds_what_the_listing_shows", "user user13 is listed, but the look-up answers NotFound"),
    (Flaw::LookupsRemember, "p03_a_lookup_after_a_deletion_answers_not_found", "the look-up of a user who was deleted"),
    (Flaw::LosesUnicode, "p09_attributes_keep_their_types_and_their_text", "attribute `displayName` of user user00"),
    (Flaw::LosesUnicode, "p09_ids_come_as_they_are", "not expected"),
    (
        Flaw::MalformedRecordsEndListings,
        "p05_a_malformed_user_is_held_and_the_others_come",
        "a malformed record ended the listing of users",
    ),
    (
        Flaw::MalformedUsersLeaveTheirGroups,
        "p05_a_malformed_user_is_still_in_its_groups",
        "user00 is malformed, and not among the members of group01",
    ),
    (Flaw::MalformedRecordsLookGone, "p05_a_malformed_record_is_not_reported_as_gone", "the look-up of a malformed user"),
    (Flaw::MergesGroupsOfOneName, "p07_groups_of_the_same_name_are_two_groups", "missing: [GroupId(group02)]"),
    (Flaw::NoRemedies, "p18_a_missing_permission_comes_with_a_remedy", "does not say what to do next"),
    (Flaw::OnePageShort, "p01_listings_of_several_pages_are_complete", "21 of 23 are there"),
    (Flaw::SharesItsCursor, "a_stream_dropped_half_way_does_no_harm", "of 23 are there"),
    (Flaw::SharesItsCursor, "two_reads_side_by_side_agree", "of 23 are there"),
    (Flaw::ShowsTheFirstListing, "the_next_listing_shows_what_changed", "missing: [UserId(user90)]"),
    (Flaw::StopsAtAnEmptyPage, "pages_without_entries_mean_nothing", "0 of 23 are there"),
    (Flaw::UnknownStatusesAreActive, "p09_unknown_statuses_and_kinds_come_as_they_are", "has the status ACTIVE, not ON_LEAVE"),
    (Flaw::UsageStartsAgain, "usage_only_grows", "the usage went from"),
];

#[test]
fn every_flaw_is_caught_by_the_check_that_is_meant_for_it() {
    for (flaw, check, reason) in FLAWS {
        // One for all that are handed out, as a connection of its own would be.
        let fixture = Faulty::new();
        let broken = Broken::new(fixture.server(), flaw);
        let report = block_on(provider::all(&fixture.wrapping(move |_| Arc::new(broken.clone()))));
        assert_caught(&report, &format!("{flaw:?}"), check, reason);
    }
}
