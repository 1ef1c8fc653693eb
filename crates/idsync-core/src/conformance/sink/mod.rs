//! What every [`DirectorySink`](crate::DirectorySink) promises.

pub mod again;
mod contents;
mod fixture;
pub mod order;
pub mod outcomes;
pub mod places;
mod script;
mod shipment;
pub mod state;

pub use fixture::{Recorded, SinkFixture};

use super::Report;
use super::report::run;

/// Runs every check of this module.
pub async fn all<F: SinkFixture>(fixture: &F) -> Report {
    run!(
        "sink",
        fixture,
        [
            outcomes::every_delivery_has_one_outcome,
            outcomes::an_empty_batch_has_no_outcomes,
            outcomes::limits_stay_the_same,
            outcomes::a_batch_at_the_limit_is_accepted,
            outcomes::a_refused_change_leaves_the_others_applied,
            order::p10_the_canonical_order_is_never_refused,
            order::p10_it_makes_no_difference_how_batches_are_cut,
            order::p10_a_login_passes_from_one_user_to_another,
            order::p10_a_user_and_their_group_go_together,
            state::what_is_delivered_shows,
            state::p06_a_difference_leads_where_a_first_delivery_leads,
            state::p06_the_contents_are_those_of_the_directory,
            state::p08_previous_values_arrive_untouched,
            state::p09_ids_and_values_survive_as_they_came,
            state::creating_what_is_there_replaces_it,
            state::deleting_what_is_gone_changes_nothing,
            again::p11_a_batch_that_comes_again_changes_nothing,
            again::p11_a_change_set_that_comes_again_changes_nothing,
            again::p11_the_history_shows_each_change_once,
            again::p11_a_change_that_returns_under_a_new_key_is_applied,
            again::p12_a_revision_that_comes_again_is_delivered_again,
            again::p12_a_cancelled_batch_comes_again_and_converges,
            places::p12_what_was_acknowledged_is_there_after_opening_again,
            places::p12_a_key_is_known_after_opening_again,
            places::two_places_share_nothing,
        ]
    )
}
