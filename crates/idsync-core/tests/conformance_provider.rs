//! The suite for providers: the providers of this crate pass it, and providers that are broken on purpose fail the check that is meant
//! for them.

#![cfg(feature = "conformance")]

#[path = "conformance_provider/fixture.rs"]
mod fixture;

use async_trait::async_trait;
use fixture::Faulty;
use futures::executor::block_on;
use idsync_core::conformance::provider::{self, ProviderFixture};
use idsync_core::memory::MemoryProvider;
use idsync_core::wrap::{AllowAttributes, Filtered};
use idsync_core::{Attributes, IdentityProvider, Lifecycle, Result, Snapshot};
use std::sync::Arc;

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
        "p05_a_malformed_record_is_not_reported_as_gone",
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
