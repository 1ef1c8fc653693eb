//! What a sink answers to a batch.

use super::super::tools::{ensure, ensure_eq, group_id, user_id};
use super::super::{Unproven, Verdict};
use super::SinkFixture;
use super::script::{Story, user, world};
use super::shipment::{Parcel, Shipment, apply, ensure_picture, fill, picture, picture_of};
use crate::{Change, ChangeOutcome, ChangeSet, Group, Membership, Phase, Revision, Snapshot, UserStatus};

/// “`Ok` holds one outcome per delivery, in order.”
///
/// # Errors
/// The promise is not proven.
pub async fn every_delivery_has_one_outcome<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    let first = Shipment::between(&Snapshot::default(), &story.base, Revision(0), sink.as_ref())?;
    let second = Shipment::between(&story.base, &story.target, Revision(1), sink.as_ref())?;
    for shipment in [first, second] {
        for parcel in &shipment.parcels {
            apply(sink.as_ref(), parcel.batch(&shipment.run)).await?;
        }
    }
    Ok(())
}

/// “`Ok` holds one outcome per delivery”: none for none.
///
/// # Errors
/// The promise is not proven.
pub async fn an_empty_batch_has_no_outcomes<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    let shipment = Shipment::between(&Snapshot::default(), &story.base, Revision(0), sink.as_ref())?;
    for phase in Phase::ALL {
        apply(sink.as_ref(), Parcel { phase, deliveries: Vec::new() }.batch(&shipment.run)).await?;
    }
    Ok(())
}

/// What the engine must respect when it cuts batches does not move under it.
///
/// # Errors
/// The promise is not proven.
pub async fn limits_stay_the_same<F: SinkFixture>(fixture: &F) -> Verdict {
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    let before = sink.limits();
    fill(sink.as_ref(), &Story::new()?.base).await?;
    ensure_eq(&sink.limits(), &before, "the limits after a delivery")
}

/// “The most deliveries in one batch”: a batch of that many is accepted, whole.
///
/// # Errors
/// The promise is not proven.
pub async fn a_batch_at_the_limit_is_accepted<F: SinkFixture>(fixture: &F) -> Verdict {
    /// A sink may allow more than a test wants to wait for.
    const ENOUGH: usize = 20_000;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    let size = sink.limits().max_batch.get().min(ENOUGH);
    let users = (0..size).map(|number| user(&format!("u{number:05}"), UserStatus::Active)).collect::<Result<Vec<_>, _>>()?;
    let shipment = Shipment::between(&Snapshot::default(), &world(&users, &[], &[]), Revision(0), sink.as_ref())?;
    shipment.deliver(sink.as_ref()).await?;
    if let Some(contents) = fixture.contents(&place).await? {
        ensure_eq(&contents.users().len(), &size, "users in the sink after a batch at its limit")?;
    }
    Ok(())
}

/// “The sink refuses this change; others go on”, and “`Err` never stands for "some failed"”.
///
/// The suite tries a membership of a user who is not there, ahead of two that fit. A sink that accepts it has nothing to show here.
///
/// # Errors
/// The promise is not proven.
pub async fn a_refused_change_leaves_the_others_applied<F: SinkFixture>(fixture: &F) -> Verdict {
    let (ana, bo) = (user("ana", UserStatus::Active)?, user("bo", UserStatus::Active)?);
    let staff = Group::new(group_id("staff")?, "Staff");
    let member = |user: &str| Ok::<_, Unproven>(Membership::new(staff.id.clone(), user_id(user)?));
    let before = world(&[ana, bo], std::slice::from_ref(&staff), &[]);
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &before).await?;

    let joined = [member("absent")?, member("ana")?, member("bo")?];
    let changes = joined.iter().map(|membership| Change::GroupUserAdded { membership: membership.clone() });
    let shipment = Shipment::cut(ChangeSet::from_changes(changes.collect()), Revision(1), sink.limits().max_batch)?;
    let mut outcomes = Vec::new();
    for parcel in &shipment.parcels {
        outcomes.extend(apply(sink.as_ref(), parcel.batch(&shipment.run)).await?);
    }
    let mut accepted = false;
    for (outcome, delivery) in outcomes.iter().zip(shipment.deliveries()) {
        let fits = delivery.change.user().is_some_and(|user| user.as_str() != "absent");
        match outcome {
            ChangeOutcome::Failed(_) | ChangeOutcome::Declined => {
                ensure(!fits, || "a change that fits was refused beside one that does not")?
            }
            ChangeOutcome::Applied | ChangeOutcome::Unchanged => accepted |= !fits,
        }
    }
    if accepted {
        return Err(Unproven::skipped("the sink accepts a membership of a user who is not there"));
    }
    let after = world(&before.users().cloned().collect::<Vec<_>>(), std::slice::from_ref(&staff), &[member("ana")?, member("bo")?]);
    let expected = picture_of(fixture, &after).await?;
    ensure_picture(&picture(fixture, &place).await?, &expected, "beside a refused change")
}
