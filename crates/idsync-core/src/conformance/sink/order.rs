//! The order in which changes come, and what a sink may rely on.

use super::super::Verdict;
use super::super::tools::group_id;
use super::SinkFixture;
use super::contents::ensure_contents_if_shown;
use super::script::{Story, user, world};
use super::shipment::{Shipment, ensure_picture, fill, picture, picture_of, update};
use crate::{ChangeSet, Group, Membership, Revision, Snapshot, UserStatus};
use std::num::NonZeroUsize;

/// “Batches come in the order in which they must be applied”: a change set in canonical order never meets anything that is not there
/// yet, or not there any more, so nothing of it is refused.
///
/// # Errors
/// The promise is not proven.
pub async fn p10_the_canonical_order_is_never_refused<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &story.base).await?;
    update(sink.as_ref(), &story.base, &story.target).await?;
    let back = Shipment::between(&story.target, &Snapshot::default(), Revision(2), sink.as_ref())?;
    back.deliver(sink.as_ref()).await
}

/// “Within a batch, changes are applied in order, or in any way that ends the same”: batches of one end where the largest end.
///
/// # Errors
/// The promise is not proven.
pub async fn p10_it_makes_no_difference_how_batches_are_cut<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let mut pictures = Vec::new();
    for size in [None, Some(NonZeroUsize::MIN), NonZeroUsize::new(2)] {
        let place = fixture.place().await?;
        let sink = fixture.open(&place).await?;
        let most = sink.limits().max_batch;
        let size = size.map_or(most, |size| size.min(most));
        Shipment::cut(ChangeSet::between(&Snapshot::default(), &story.base), Revision(0), size)?.deliver(sink.as_ref()).await?;
        Shipment::cut(ChangeSet::between(&story.base, &story.target), Revision(1), size)?.deliver(sink.as_ref()).await?;
        pictures.push(picture(fixture, &place).await?);
    }
    pictures.iter().try_for_each(|one| ensure_picture(one, &pictures[0], "with batches cut otherwise"))
}

/// “Other updates of users; before creations, so that a login is given up before somebody else takes it.”
///
/// # Errors
/// The promise is not proven.
pub async fn p10_a_login_passes_from_one_user_to_another<F: SinkFixture>(fixture: &F) -> Verdict {
    const LOGIN: &str = "shared@example.com";
    let owner = user("old owner", UserStatus::Active)?.with_login(LOGIN);
    let renamed = user("old owner", UserStatus::Active)?;
    let heir = user("new owner", UserStatus::Active)?.with_login(LOGIN);
    ends_right(fixture, &world(&[owner], &[], &[]), &world(&[renamed, heir], &[], &[])).await
}

/// “Its memberships were removed by changes before this one”: a user and a group that refer to each other go in one change set.
///
/// # Errors
/// The promise is not proven.
pub async fn p10_a_user_and_their_group_go_together<F: SinkFixture>(fixture: &F) -> Verdict {
    let (ana, bo) = (user("ana", UserStatus::Active)?, user("bo", UserStatus::Active)?);
    let (staff, ops) = (Group::new(group_id("staff")?, "Staff"), Group::new(group_id("ops")?, "Operations"));
    let all = [
        Membership::new(staff.id.clone(), ana.id.clone()),
        Membership::new(staff.id.clone(), bo.id.clone()),
        Membership::new(ops.id.clone(), bo.id.clone()),
    ];
    let base = world(&[ana.clone(), bo], &[staff.clone(), ops], &all);
    ends_right(fixture, &base, &world(&[ana], &[staff], &all[..1])).await
}

/// Delivers one state after the other; the sink must end where the second alone leads.
async fn ends_right<F: SinkFixture>(fixture: &F, base: &Snapshot, target: &Snapshot) -> Verdict {
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), base).await?;
    update(sink.as_ref(), base, target).await?;
    ensure_contents_if_shown(fixture, &place, target).await?;
    let Some(found) = fixture.observe(&place).await? else { return Ok(()) };
    ensure_picture(&found, &picture_of(fixture, target).await?, "after the second delivery")
}
