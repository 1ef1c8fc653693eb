//! Where a sink keeps its content: for good, and for itself.

use super::super::tools::ensure;
use super::super::{Unproven, Verdict};
use super::SinkFixture;
use super::contents::ensure_contents_if_shown;
use super::script::Story;
use super::shipment::{Shipment, ensure_picture, fill, picture, picture_of, update};
use crate::Revision;

/// A crash at any point loses nothing: the sink goes on from what it acknowledged, with the process that wrote it gone.
///
/// # Errors
/// The promise is not proven.
pub async fn p12_what_was_acknowledged_is_there_after_opening_again<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &story.base).await?;
    drop(sink);
    let sink = fixture.open(&place).await?;
    ensure_contents_if_shown(fixture, &place, &story.base).await?;
    let expected = picture_of(fixture, &story.base).await?;
    ensure_picture(&picture(fixture, &place).await?, &expected, "after opening it again")?;
    update(sink.as_ref(), &story.base, &story.target).await?;
    let expected = picture_of(fixture, &story.target).await?;
    ensure_picture(&picture(fixture, &place).await?, &expected, "after going on where it was")
}

/// “After a crash the same deliveries come again, under the same key”: a sink with a history knows them then, too.
///
/// # Errors
/// The promise is not proven.
pub async fn p12_a_key_is_known_after_opening_again<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), &story.base).await?;
    let shipment = Shipment::between(&story.base, &story.target, Revision(1), sink.as_ref())?;
    shipment.deliver(sink.as_ref()).await?;
    drop(sink);
    let length =
        |history: Option<Vec<_>>| history.map(|history| history.len()).ok_or_else(|| Unproven::skipped("the fixture shows no history"));
    let before = length(fixture.history(&place).await?)?;
    let sink = fixture.open(&place).await?;
    shipment.deliver(sink.as_ref()).await?;
    let after = length(fixture.history(&place).await?)?;
    ensure(before == after, || format!("the history grew from {before} to {after} changes, though none was new"))
}

/// Two sinks at different places hold what was delivered to each of them, and nothing else.
///
/// # Errors
/// The promise is not proven.
pub async fn two_places_share_nothing<F: SinkFixture>(fixture: &F) -> Verdict {
    let story = Story::new()?;
    let (one, other) = (fixture.place().await?, fixture.place().await?);
    let (sink, idle) = (fixture.open(&one).await?, fixture.open(&other).await?);
    let empty = picture(fixture, &other).await?;
    fill(sink.as_ref(), &story.base).await?;
    ensure_picture(&picture(fixture, &other).await?, &empty, "at a place to which nothing was delivered")?;
    // The same keys are as new to this one as they were to the first.
    fill(idle.as_ref(), &story.base).await?;
    ensure_picture(&picture(fixture, &other).await?, &picture(fixture, &one).await?, "at the second of two places")
}
