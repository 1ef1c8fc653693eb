//! Deliveries that come more than once.

use super::super::tools::{CANCELLED_AFTER, ensure, poll_and_drop};
use super::super::{Unproven, Verdict};
use super::SinkFixture;
use super::contents::ensure_contents_if_shown;
use super::script::Story;
use super::shipment::{Shipment, accept, ensure_picture, fill, picture, picture_of, update};
use crate::{ChangeOutcome, IdempotencyKey, Revision, Snapshot};
use std::collections::HashSet;

/// “Applying one again must end in the same state and answers `Unchanged` or `Applied`.”
///
/// # Errors
/// The promise is not proven.
pub async fn p11_a_batch_that_comes_again_changes_nothing<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &story.base).await?;
    let shipment = Shipment::between(&story.base, &story.target, Revision(1), sink.as_ref())?;
    for parcel in &shipment.parcels {
        accept(sink.as_ref(), parcel.batch(&shipment.run)).await?;
        let before = fixture.observe(&place).await?;
        accept(sink.as_ref(), parcel.batch(&shipment.run)).await?;
        if let (Some(before), Some(after)) = (before, fixture.observe(&place).await?) {
            ensure_picture(&after, &before, &format!("after the same batch of {:?} came again", parcel.phase))?;
        }
    }
    ensure_contents_if_shown(fixture, &place, &story.target).await?;
    let Some(found) = fixture.observe(&place).await? else { return Ok(()) };
    ensure_picture(&found, &picture_of(fixture, &story.target).await?, "with every batch delivered twice")
}

/// “After a crash or an `Err` the same deliveries come again, under the same key”, from the first batch of the run where need be.
///
/// # Errors
/// The promise is not proven.
pub async fn p11_a_change_set_that_comes_again_changes_nothing<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &story.base).await?;
    let shipment = Shipment::between(&story.base, &story.target, Revision(1), sink.as_ref())?;
    shipment.deliver(sink.as_ref()).await?;
    shipment.deliver(sink.as_ref()).await?;
    ensure_contents_if_shown(fixture, &place, &story.target).await?;
    let Some(found) = fixture.observe(&place).await? else { return Ok(()) };
    ensure_picture(&found, &picture_of(fixture, &story.target).await?, "with the whole change set delivered twice")
}

/// “A sink that records each key in the transaction in which it applies the change can promise that its history shows every change
/// once”: what was answered with `Applied` is there, nothing twice, in the order in which it came.
///
/// # Errors
/// The promise is not proven.
pub async fn p11_the_history_shows_each_change_once<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    let mut applied = Vec::new();
    let steps = [(&Snapshot::default(), &story.base), (&story.base, &story.target)];
    for ((before, after), revision) in steps.into_iter().zip(0..) {
        let shipment = Shipment::between(before, after, Revision(revision), sink.as_ref())?;
        for parcel in &shipment.parcels {
            let outcomes = accept(sink.as_ref(), parcel.batch(&shipment.run)).await?;
            let changed = outcomes.iter().zip(&parcel.deliveries).filter(|(outcome, _)| matches!(outcome, ChangeOutcome::Applied));
            applied.extend(changed.map(|(_, delivery)| delivery.key));
            accept(sink.as_ref(), parcel.batch(&shipment.run)).await?;
        }
        shipment.deliver(sink.as_ref()).await?;
    }
    let keys = history(fixture, &place).await?;
    ensure_once(&keys)?;
    ensure(keys == applied, || {
        format!("{} changes were applied, but the history shows {} changes, or another order", applied.len(), keys.len())
    })
}

/// “The same change to the same state always has the same key, and no other change ever has it”: a change that is undone and done again
/// is another change, and a sink must not take it for one that it knows.
///
/// # Errors
/// The promise is not proven.
pub async fn p11_a_change_that_returns_under_a_new_key_is_applied<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &story.base).await?;
    update(sink.as_ref(), &story.base, &story.target).await?;
    Shipment::between(&story.target, &story.base, Revision(2), sink.as_ref())?.deliver(sink.as_ref()).await?;
    Shipment::between(&story.base, &story.target, Revision(3), sink.as_ref())?.deliver(sink.as_ref()).await?;
    let expected = picture_of(fixture, &story.target).await?;
    ensure_picture(&picture(fixture, &place).await?, &expected, "after a change set was undone and delivered anew")
}

/// “A state that was restored from a backup gives its revisions again, and with them keys of changes that others were applied after”: such
/// a change is none that the sink knows.
///
/// # Errors
/// The promise is not proven.
pub async fn p12_a_revision_that_comes_again_is_delivered_again<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &story.base).await?;
    update(sink.as_ref(), &story.base, &story.target).await?;
    Shipment::between(&story.target, &story.base, Revision(2), sink.as_ref())?.deliver(sink.as_ref()).await?;
    update(sink.as_ref(), &story.base, &story.target).await?;
    let expected = picture_of(fixture, &story.target).await?;
    ensure_picture(&picture(fixture, &place).await?, &expected, "after the state went back to an earlier revision")
}

/// “A dropped future leaves what an `Err` leaves: nothing is known, the batch comes again.”
///
/// # Errors
/// The promise is not proven.
pub async fn p12_a_cancelled_batch_comes_again_and_converges<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    for polls in CANCELLED_AFTER {
        let place = fixture.place().await?;
        let sink = fixture.open(&place).await?;
        let steps = [(&Snapshot::default(), &story.base), (&story.base, &story.target)];
        for ((before, after), revision) in steps.into_iter().zip(0..) {
            let shipment = Shipment::between(before, after, Revision(revision), sink.as_ref())?;
            for parcel in &shipment.parcels {
                drop(poll_and_drop(sink.apply(parcel.batch(&shipment.run)), polls));
                accept(sink.as_ref(), parcel.batch(&shipment.run)).await?;
            }
        }
        if let Some(found) = fixture.observe(&place).await? {
            let what = format!("with every batch cancelled after {polls} polls and delivered again");
            ensure_picture(&found, &picture_of(fixture, &story.target).await?, &what)?;
        }
        ensure_contents_if_shown(fixture, &place, &story.target).await?;
        if fixture.history(&place).await?.is_some() {
            ensure_once(&history(fixture, &place).await?)?;
        }
    }
    Ok(())
}

async fn history<F: SinkFixture>(fixture: &F, place: &F::Place) -> Result<Vec<IdempotencyKey>, Unproven> {
    let history = fixture.history(place).await?.ok_or_else(|| Unproven::skipped("the fixture shows no history"))?;
    Ok(history.iter().map(|recorded| recorded.key).collect())
}

fn ensure_once(keys: &[IdempotencyKey]) -> Verdict {
    let mut seen = HashSet::new();
    let twice = keys.iter().filter(|key| !seen.insert(**key)).count();
    ensure(twice == 0, || format!("{twice} of {} changes in the history are there twice", keys.len()))
}
