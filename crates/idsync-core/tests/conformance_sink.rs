//! The suite for sinks: the sinks of this crate pass it, and sinks that are broken on purpose fail the check that is meant for them.

#![cfg(feature = "conformance")]

#[path = "conformance_sink/broken.rs"]
mod broken;
mod common;

use async_trait::async_trait;
use broken::{Broken, Flaw};
use common::assert_caught;
use futures::executor::block_on;
use idsync_core::conformance::sink::{self, Recorded, SinkFixture};
use idsync_core::memory::MemorySink;
use idsync_core::wrap::{DryRun, FanOut};
use idsync_core::{Change, ChangeHandler, Delivery, DirectorySink, IdempotencyKey, PerChange, Result, RunContext, Snapshot, UserId};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};

/// The sink in memory that is observed, and what the sinks of these tests keep beside it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    sink: MemorySink,
    second: MemorySink,
    history: Arc<Mutex<Vec<Recorded>>>,
    contents: Arc<Mutex<HashSet<String>>>,
    keys: Arc<Mutex<HashSet<IdempotencyKey>>>,
    logins: Arc<Mutex<HashMap<String, UserId>>>,
}

impl Place {
    fn record(&self, delivery: &Delivery, forget_before: bool) {
        let mut recorded = recorded(delivery);
        if forget_before {
            recorded.changed.iter_mut().flatten().for_each(|change| change.before = None);
        }
        self.history.lock().unwrap().push(recorded);
    }
}

fn recorded(delivery: &Delivery) -> Recorded {
    match &delivery.change {
        Change::UserUpdated { changed, .. } | Change::GroupUpdated { changed, .. } => {
            Recorded::new(delivery.key).with_changed(changed.clone())
        }
        _ => Recorded::new(delivery.key),
    }
}

/// Sinks in memory, with something in front of each.
struct Memory(fn(Place) -> Arc<dyn DirectorySink>);

#[async_trait]
impl SinkFixture for Memory {
    type Place = Place;

    async fn place(&self) -> Result<Place> {
        Ok(Place::default())
    }

    async fn open(&self, place: &Place) -> Result<Arc<dyn DirectorySink>> {
        Ok((self.0)(place.clone()))
    }

    async fn observe(&self, place: &Place) -> Result<Option<String>> {
        Ok(Some(picture(&place.sink)))
    }

    async fn contents(&self, place: &Place) -> Result<Option<Snapshot>> {
        Ok(Some(place.sink.snapshot()))
    }

    async fn history(&self, place: &Place) -> Result<Option<Vec<Recorded>>> {
        Ok(Some(place.sink.history().iter().map(recorded).collect()))
    }
}

fn picture(sink: &MemorySink) -> String {
    let held = sink.snapshot();
    let (users, groups) = (held.users().collect::<Vec<_>>(), held.groups().collect::<Vec<_>>());
    serde_json::to_string(&(users, groups, held.memberships().collect::<Vec<_>>())).unwrap()
}

#[test]
fn the_sink_in_memory_keeps_every_promise() {
    block_on(sink::all(&Memory(|place| Arc::new(place.sink)))).assert_passed_skipping(&[]);
}

#[test]
fn a_fan_out_keeps_every_promise() {
    block_on(sink::all(&Memory(|place| Arc::new(FanOut::new(place.sink).and(place.second))))).assert_passed_skipping(&[]);
}

#[test]
fn a_dry_run_declines_everything_and_keeps_the_form() {
    let report = block_on(sink::all(&Memory(|place| Arc::new(DryRun::new(place.sink)))));
    let passed: Vec<_> = report.passed().collect();
    assert!(passed.contains(&"every_delivery_has_one_outcome"), "{report}");
    assert_caught(&report, "DryRun", "what_is_delivered_shows", "user.created was refused in CreateUsers: the sink only looks");
}

/// The smallest sink: it keeps logins, and can only say what they are.
#[derive(Debug, Clone, Default)]
struct Logins(Arc<Mutex<HashMap<UserId, Option<String>>>>);

impl fmt::Display for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Logins")
    }
}

#[async_trait]
impl ChangeHandler for Logins {
    async fn handle(&self, _run: &RunContext, delivery: &Delivery) -> Result<()> {
        let mut logins = self.0.lock().unwrap();
        match &delivery.change {
            Change::UserCreated { user } | Change::UserUpdated { user, .. } => _ = logins.insert(user.id.clone(), user.login.clone()),
            Change::UserDeleted { user, .. } => _ = logins.remove(&user.id),
            _ => {}
        }
        Ok(())
    }
}

struct LoginSinks;

#[async_trait]
impl SinkFixture for LoginSinks {
    type Place = Logins;

    async fn place(&self) -> Result<Logins> {
        Ok(Logins::default())
    }

    async fn open(&self, place: &Logins) -> Result<Arc<dyn DirectorySink>> {
        Ok(Arc::new(PerChange::new(place.clone())))
    }

    async fn observe(&self, place: &Logins) -> Result<Option<String>> {
        let mut logins: Vec<_> = place.0.lock().unwrap().clone().into_iter().collect();
        logins.sort();
        Ok(Some(format!("{logins:?}")))
    }
}

#[test]
fn a_sink_that_keeps_only_logins_passes_and_the_report_says_what_it_does_not_show() {
    block_on(sink::all(&LoginSinks)).assert_passed_skipping(&[
        "a_refused_change_leaves_the_others_applied",
        "p06_the_contents_are_those_of_the_directory",
        "p08_previous_values_arrive_untouched",
        "p09_ids_and_values_survive_as_they_came",
        "p11_the_history_shows_each_change_once",
        "p12_a_key_is_known_after_opening_again",
    ]);
}

/// Sinks that are all at one place.
struct OnePlace(Place);

#[async_trait]
impl SinkFixture for OnePlace {
    type Place = Place;

    async fn place(&self) -> Result<Place> {
        Ok(self.0.clone())
    }

    async fn open(&self, place: &Place) -> Result<Arc<dyn DirectorySink>> {
        Ok(Arc::new(place.sink.clone()))
    }

    async fn observe(&self, place: &Place) -> Result<Option<String>> {
        Ok(Some(picture(&place.sink)))
    }
}

#[test]
fn sinks_that_share_their_state_are_caught() {
    let verdict = block_on(sink::places::two_places_share_nothing(&OnePlace(Place::default())));
    assert!(verdict.unwrap_err().to_string().contains("at a place to which nothing was delivered"));
}

/// A sink with a flaw, whose history is what the flaw makes of it.
struct Flawed(Flaw);

#[async_trait]
impl SinkFixture for Flawed {
    type Place = Place;

    async fn place(&self) -> Result<Place> {
        Ok(Place::default())
    }

    async fn open(&self, place: &Place) -> Result<Arc<dyn DirectorySink>> {
        Ok(Arc::new(Broken::new(place.clone(), self.0)))
    }

    async fn observe(&self, place: &Place) -> Result<Option<String>> {
        Ok(Some(picture(&place.sink)))
    }

    async fn contents(&self, place: &Place) -> Result<Option<Snapshot>> {
        Ok(Some(place.sink.snapshot()))
    }

    async fn history(&self, place: &Place) -> Result<Option<Vec<Recorded>>> {
        Ok(Some(place.history.lock().unwrap().clone()))
    }
}

/// Each flaw, the check that must catch it, and what the check must say.
const FLAWS: [(Flaw, &str, &str); 21] = [
    (Flaw::AcknowledgesBeforeApplying, "p12_a_cancelled_batch_comes_again_and_converges", "cancelled after"),
    (Flaw::AcknowledgesBeforeWriting, "p12_what_was_acknowledged_is_there_after_opening_again", "memberships in the sink"),
    (Flaw::AnswersNothing, "an_empty_batch_has_no_outcomes", "1 outcomes to 0 deliveries"),
    (Flaw::DropsLast, "p10_it_makes_no_difference_how_batches_are_cut", "was refused"),
    (Flaw::DropsNulls, "p09_ids_and_values_survive_as_they_came", "has other values"),
    (Flaw::ErrorForOneRefusal, "a_refused_change_leaves_the_others_applied", "an error where there should be none"),
    (Flaw::FailsOnGone, "deleting_what_is_gone_changes_nothing", "user.deleted was refused in DeleteUsers"),
    (Flaw::ForgetsKeysOnOpening, "p12_a_key_is_known_after_opening_again", "the history grew"),
    (Flaw::IgnoresEverything, "what_is_delivered_shows", "looks the same after a first delivery"),
    (Flaw::IgnoresItsLimit, "a_batch_at_the_limit_is_accepted", "too many"),
    (Flaw::KeepsWhatIsThere, "creating_what_is_there_replaces_it", "after a second creation"),
    (Flaw::KnowsByContent, "p11_a_change_that_returns_under_a_new_key_is_applied", "undone and delivered anew"),
    (Flaw::KnowsKeysForEver, "p12_a_revision_that_comes_again_is_delivered_again", "went back to an earlier revision"),
    (Flaw::MovesItsLimits, "limits_stay_the_same", "the limits after a delivery"),
    (Flaw::OneOutcomeShort, "every_delivery_has_one_outcome", "outcomes to"),
    (Flaw::RecordsEveryDelivery, "p11_the_history_shows_each_change_once", "are there twice"),
    (Flaw::RecordsNoPreviousValues, "p08_previous_values_arrive_untouched", "or other values of them"),
    (Flaw::ReservesLogins, "p10_a_login_passes_from_one_user_to_another", "user.created was refused in CreateUsers"),
    (Flaw::ReversesOutcomes, "a_refused_change_leaves_the_others_applied", "a change that fits was refused"),
    (Flaw::StopsAtARefusal, "a_refused_change_leaves_the_others_applied", "beside a refused change"),
    (Flaw::TakesGroupsForGood, "p10_a_user_and_their_group_go_together", "group.deleted was refused in DeleteGroups"),
];

#[test]
fn every_flaw_is_caught_by_the_check_that_is_meant_for_it() {
    for (flaw, check, reason) in FLAWS {
        assert_caught(&block_on(sink::all(&Flawed(flaw))), &format!("{flaw:?}"), check, reason);
    }
}
