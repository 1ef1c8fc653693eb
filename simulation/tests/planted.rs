//! Broken components, each of which its oracle must notice: an oracle that never fails proves nothing.

#[path = "planted/limits.rs"]
mod limits;
#[path = "planted/provider.rs"]
mod provider;
#[path = "planted/sink.rs"]
mod sink;
#[path = "planted/store.rs"]
mod store;

use idsync_simulation::{Keep, Oracle, Parts, simulate};
use limits::LimitFlaw;
use provider::ProviderFlaw;
use sink::SinkFlaw;
use store::StoreFlaw;

/// One of the first seeds must notice the flaw by this oracle. Others may notice it by another one: most flaws have more than one
/// consequence, and which shows first is a matter of chance.
fn is_noticed<P: Parts>(by: Oracle, within: u64, flawed: impl Fn() -> P) {
    let mut violations = (0..within).filter_map(|seed| simulate(seed, &flawed(), Keep::Hash).violation);
    assert!(violations.any(|violation| violation.oracle == by), "{:?} is not noticed by {by:?} within {within} seeds", flawed());
}

#[test]
fn lost_update_of_a_sink_that_says_applied_and_is_not_is_noticed() {
    is_noticed(Oracle::Convergence, 50, || SinkFlaw::LosesUpdates);
}

#[test]
fn lost_batch_is_noticed() {
    is_noticed(Oracle::Convergence, 50, || StoreFlaw::LosesABatch);
}

#[test]
fn lost_batch_of_a_plan_is_noticed() {
    // A sync does not say beforehand what it will do.
    let mut violations = (0..200).filter_map(|seed| simulate(seed, &StoreFlaw::LosesABatch, Keep::Hash).violation);
    assert!(violations.any(|violation| violation.oracle == Oracle::Plan));
}

#[test]
fn a_store_that_forgets_members_is_noticed() {
    is_noticed(Oracle::Convergence, 50, || StoreFlaw::ForgetsMembers);
}

#[test]
fn delete_without_proof_of_listings_that_end_early_and_look_ups_that_agree_is_noticed() {
    // Whoever is kept back from the start is never in the sink, which is noticed as well, but in another way.
    let violations = (0..50).filter_map(|seed| simulate(seed, &ProviderFlaw::shows_less_and_less(), Keep::Hash).violation);
    let taken_away = violations.filter(|violation| violation.oracle == Oracle::Justification && violation.finding.contains("taken away"));
    assert!(taken_away.count() >= 10);
}

#[test]
fn delete_without_proof_of_an_identity_without_its_role_is_noticed() {
    // The role has to go amid a read for it to matter, which happens once in some forty seeds.
    is_noticed(Oracle::Justification, 400, || ProviderFlaw::HidesThatItsRoleIsGone);
}

#[test]
fn a_listing_that_makes_people_up_is_noticed() {
    is_noticed(Oracle::Justification, 20, || ProviderFlaw::MakesUp);
}

#[test]
fn doubled_batch_is_noticed() {
    is_noticed(Oracle::ExactlyOnce, 20, || StoreFlaw::DoublesABatch);
}

#[test]
fn doubled_batch_of_a_store_that_forgets_progress_is_noticed() {
    is_noticed(Oracle::ExactlyOnce, 100, || StoreFlaw::ForgetsProgress);
}

#[test]
fn a_sink_that_forgets_what_it_has_is_noticed() {
    is_noticed(Oracle::ExactlyOnce, 100, SinkFlaw::forgets_keys);
}

#[test]
fn grant_before_revoke_is_noticed() {
    is_noticed(Oracle::Order, 20, || StoreFlaw::PutsLastFirst);
}

#[test]
fn a_provider_that_asks_for_everything_twice_is_noticed() {
    is_noticed(Oracle::BoundedRequests, 20, || ProviderFlaw::ListsTwice);
}

#[test]
fn members_that_are_read_again_after_a_checkpoint_are_noticed() {
    is_noticed(Oracle::BoundedRequests, 100, || StoreFlaw::HidesCheckpoints);
}

#[test]
fn off_by_one_guard_of_removals_is_noticed() {
    is_noticed(Oracle::Held, 400, || LimitFlaw::MembershipsAndDeactivations);
}

#[test]
fn off_by_one_guard_of_creations_and_updates_is_noticed() {
    is_noticed(Oracle::Held, 400, || LimitFlaw::Growth);
}

#[test]
fn off_by_one_guard_of_logins_is_noticed() {
    is_noticed(Oracle::Held, 1_000, || LimitFlaw::Logins);
}

#[test]
fn off_by_one_guard_of_one_group_is_noticed() {
    is_noticed(Oracle::Held, 1_000, || LimitFlaw::InOneGroup);
}

#[test]
fn off_by_one_guard_of_look_ups_is_noticed() {
    is_noticed(Oracle::BoundedRequests, 400, || LimitFlaw::LookUps);
}

#[test]
fn limits_that_forget_the_runs_before_are_noticed() {
    is_noticed(Oracle::Held, 400, || LimitFlaw::Window);
}

#[test]
fn a_store_that_forgets_what_is_held_is_noticed() {
    is_noticed(Oracle::Held, 100, || StoreFlaw::ForgetsHolds);
}

#[test]
fn a_store_that_forgets_what_was_rejected_is_noticed() {
    is_noticed(Oracle::Rejected, 400, || StoreFlaw::ForgetsRejections);
}

#[test]
fn a_store_that_prefers_approvals_to_rejections_is_noticed() {
    // Where somebody is looked up who must not be, that is noticed first.
    let mut violations = (0..1_000).filter_map(|seed| simulate(seed, &StoreFlaw::PrefersApprovals, Keep::Hash).violation);
    assert!(violations.any(|violation| violation.oracle == Oracle::Rejected && violation.finding.contains("is to be applied")));
}

#[test]
fn an_engine_that_is_not_told_who_is_protected_is_noticed() {
    is_noticed(Oracle::Protected, 100, || LimitFlaw::Protected);
}

#[test]
fn early_retry_is_noticed() {
    is_noticed(Oracle::EarlyRetry, 400, || StoreFlaw::ForgetsRefusals);
}

#[test]
fn dependants_that_do_not_wait_are_noticed() {
    is_noticed(Oracle::Dependants, 1_000, || StoreFlaw::ForgetsWaits);
}

#[test]
fn a_directory_that_is_not_left_alone_is_noticed() {
    is_noticed(Oracle::Patience, 100, || StoreFlaw::ForgetsFailures);
}

#[test]
fn a_run_without_a_record_is_noticed() {
    is_noticed(Oracle::RunRecords, 20, || StoreFlaw::KeepsEveryOtherRun);
}

#[test]
fn a_checkpoint_that_outlives_its_read_is_noticed() {
    is_noticed(Oracle::RunRecords, 20, || StoreFlaw::KeepsCheckpoints);
}

#[test]
fn a_store_that_mixes_directories_up_is_noticed() {
    is_noticed(Oracle::Isolation, 20, || StoreFlaw::TouchesNeighbours);
}

#[test]
fn an_answer_that_never_comes_is_noticed() {
    is_noticed(Oracle::Progress, 20, || ProviderFlaw::NeverAnswers);
}

#[test]
fn a_listing_that_never_ends_is_noticed() {
    is_noticed(Oracle::Progress, 20, || ProviderFlaw::NeverEnds);
}

#[test]
fn a_panic_is_noticed() {
    is_noticed(Oracle::Progress, 20, || SinkFlaw::Panics);
}

#[test]
fn a_failure_without_a_reason_is_noticed() {
    is_noticed(Oracle::Progress, 20, || StoreFlaw::FailsByItself);
}
