//! What a sink holds after it answered.

use super::super::tools::{ensure, group_id};
use super::super::{Unproven, Verdict};
use super::SinkFixture;
use super::contents::ensure_contents;
use super::script::{Story, edges, user, world};
use super::shipment::{Shipment, accept, ensure_picture, fill, picture, picture_of, update};
use crate::{Change, ChangeSet, DeletionReason, Group, Membership, RemovalReason, Revision, Snapshot, User, UserStatus};
use serde_json::json;

/// A sink that answers `Applied` is changed. (Without this check, a sink that ignores everything would pass the others.)
///
/// # Errors
/// The promise is not proven.
pub async fn what_is_delivered_shows<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    let empty = picture(fixture, &place).await?;
    fill(sink.as_ref(), &story.base).await?;
    let base = picture(fixture, &place).await?;
    ensure(base != empty, || "the sink looks the same after a first delivery as before it")?;
    update(sink.as_ref(), &story.base, &story.target).await?;
    ensure(picture(fixture, &place).await? != base, || "the sink looks the same after a second delivery as before it")
}

/// “`apply(base, diff(base, target)) == target`”: what leads from one state to another ends where delivering the other alone ends.
///
/// # Errors
/// The promise is not proven.
pub async fn p06_a_difference_leads_where_a_first_delivery_leads<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &story.base).await?;
    update(sink.as_ref(), &story.base, &story.target).await?;
    let expected = picture_of(fixture, &story.target).await?;
    ensure_picture(&picture(fixture, &place).await?, &expected, "after the difference")?;
    let back = Shipment::between(&story.target, &Snapshot::default(), Revision(2), sink.as_ref())?;
    back.deliver(sink.as_ref()).await?;
    let expected = picture_of(fixture, &Snapshot::default()).await?;
    ensure_picture(&picture(fixture, &place).await?, &expected, "after everything was deleted")
}

/// A sink that keeps everything holds exactly what was delivered.
///
/// # Errors
/// The promise is not proven.
pub async fn p06_the_contents_are_those_of_the_directory<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &story.base).await?;
    ensure_contents(fixture, &place, &story.base).await?;
    update(sink.as_ref(), &story.base, &story.target).await?;
    ensure_contents(fixture, &place, &story.target).await
}

/// “Updates carry the previous values of the changed attributes, and their names”, and a sink that records them alters none.
///
/// # Errors
/// The promise is not proven.
pub async fn p08_previous_values_arrive_untouched<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &story.base).await?;
    let shipment = Shipment::between(&story.base, &story.target, Revision(1), sink.as_ref())?;
    shipment.deliver(sink.as_ref()).await?;
    let history = fixture.history(&place).await?.ok_or_else(|| Unproven::skipped("the fixture shows no history"))?;
    for delivery in shipment.deliveries() {
        let (Change::UserUpdated { changed, .. } | Change::GroupUpdated { changed, .. }) = &delivery.change else { continue };
        let Some(recorded) = history.iter().find(|recorded| recorded.key == delivery.key) else {
            return Err(Unproven::failed(format!("{} is not in the history", delivery.change.kind())));
        };
        let Some(found) = &recorded.changed else { return Err(Unproven::skipped("the history does not keep the fields that changed")) };
        // Their `Debug` names the fields and hides the values, which may be personal.
        let kind = delivery.change.kind();
        ensure(found == changed, || format!("{kind}: the history says {found:?} of {changed:?}, or other values of them"))?;
    }
    Ok(())
}

/// “Unknown statuses, group types, attributes and JSON members survive as they came”, and so do ids of any form and length.
///
/// # Errors
/// The promise is not proven.
pub async fn p09_ids_and_values_survive_as_they_came<F: SinkFixture>(fixture: &F) -> Verdict {
    let edges = edges()?;
    let place = fixture.place().await?;
    if fixture.contents(&place).await?.is_none() {
        return Err(Unproven::skipped("the fixture does not show the contents"));
    }
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &edges).await?;
    ensure_contents(fixture, &place, &edges).await?;
    update(sink.as_ref(), &edges, &Snapshot::default()).await?;
    ensure_contents(fixture, &place, &Snapshot::default()).await
}

/// “Creating what is there replaces it.”
///
/// # Errors
/// The promise is not proven.
pub async fn creating_what_is_there_replaces_it<F: SinkFixture>(fixture: &F) -> Verdict {
    let before = user("ana", UserStatus::Active)?.with_attribute("title", "Engineer").with_attribute("gone", 1);
    let after = user("ana", UserStatus::Active)?.with_login("ana.new@example.com").with_attribute("title", json!(["Director"]));
    let staff = Group::new(group_id("staff")?, "Staff").with_attribute("gone", 1);
    let renamed = Group::new(staff.id.clone(), "All staff");
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &world(&[before], &[staff], &[])).await?;
    let changes = vec![Change::UserCreated { user: after.clone() }, Change::GroupCreated { group: renamed.clone() }];
    let shipment = Shipment::cut(ChangeSet::from_changes(changes), Revision(1), sink.limits().max_batch)?;
    shipment.deliver(sink.as_ref()).await?;
    let expected = picture_of(fixture, &world(&[after], &[renamed], &[])).await?;
    ensure_picture(&picture(fixture, &place).await?, &expected, "after a second creation")
}

/// “Deleting or removing what is gone is `Unchanged`.” (`Applied` is accepted too: not every sink can tell.)
///
/// # Errors
/// The promise is not proven.
pub async fn deleting_what_is_gone_changes_nothing<F: SinkFixture>(fixture: &F) -> Verdict {
    let (ana, staff) = (user("ana", UserStatus::Active)?, Group::new(group_id("staff")?, "Staff"));
    let (gone, gone_group) = (user("gone", UserStatus::Active)?, Group::new(group_id("gone")?, "Gone"));
    let kept = world(std::slice::from_ref(&ana), std::slice::from_ref(&staff), &[]);
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &kept).await?;
    let left = |group: &Group, user: &User, reason| Change::GroupUserRemoved {
        membership: Membership::new(group.id.clone(), user.id.clone()),
        reason,
    };
    let changes = vec![
        left(&staff, &ana, RemovalReason::Left),
        left(&gone_group, &gone, RemovalReason::GroupDeleted),
        Change::GroupDeleted { group: gone_group, reason: DeletionReason::Deleted },
        Change::UserDeleted { user: gone, reason: DeletionReason::Deleted },
    ];
    let shipment = Shipment::cut(ChangeSet::from_changes(changes), Revision(1), sink.limits().max_batch)?;
    for parcel in &shipment.parcels {
        accept(sink.as_ref(), parcel.batch(&shipment.run)).await?;
    }
    let Some(found) = fixture.observe(&place).await? else { return Ok(()) };
    ensure_picture(&found, &picture_of(fixture, &kept).await?, "after deletions of what was not there")
}
