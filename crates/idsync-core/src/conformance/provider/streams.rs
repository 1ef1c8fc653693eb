//! How streams behave, whatever they show.

use super::super::tools::{ensure, ensure_eq, group_id};
use super::super::{Unproven, Verdict};
use super::read::{Listed, Seeded};
use super::world::{EVERYONE, company, group};
use super::{Fault, Injected, Listing, ProviderFixture};
use crate::{IdentityProvider, Lookup, Page, Result};
use futures::StreamExt;
use futures::stream::BoxStream;
use std::sync::Arc;

/// “An `Err` is the last item of a stream.”
///
/// # Errors
/// The promise is not proven.
pub async fn an_error_is_the_last_item(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    ensure_last(&Listed::read(seeded.members(&group_id("unknown0")?)).await, "members of a group that is not there")?;
    for listing in [Listing::Users, Listing::Groups, Listing::Members] {
        for fault in [Fault::Break(listing), Fault::Deny(listing)] {
            let seeded = Seeded::with(fixture, &company()?).await?;
            if fixture.inject(&fault).await? == Injected::NotOffered {
                continue;
            }
            ensure_last(&Listed::read(seeded.users()).await, "users")?;
            ensure_last(&Listed::read(seeded.groups()).await, "groups")?;
            ensure_last(&Listed::read(seeded.members(&group(EVERYONE)?.id)).await, "members")?;
        }
    }
    Ok(())
}

/// “Nothing is requested before a stream is polled.”
///
/// # Errors
/// The promise is not proven.
pub async fn nothing_is_requested_before_a_stream_is_polled(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let before = requests(fixture)?;
    let streams = (seeded.users(), seeded.groups(), seeded.members(&group(EVERYONE)?.id));
    ensure_eq(&requests(fixture)?, &before, "requests after streams were made and not polled")?;
    Listed::read(streams.0).await.complete("users")?;
    ensure(requests(fixture)? > before, || "reading a listing was not counted as a request; the fixture does not count")
}

/// “A stream that is dropped stops requesting.”
///
/// # Errors
/// The promise is not proven.
pub async fn a_stream_that_is_dropped_stops_requesting(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let usual = cost_of_asking(fixture, &seeded).await?;
    let mut stream = seeded.users();
    first_page(&mut stream).await?;
    drop(stream);
    // Whatever goes on in the background has as much time to show itself as these questions take.
    let found = cost_of_asking(fixture, &seeded).await?;
    ensure(found <= usual, || format!("{} requests were made for a stream that was dropped", found - usual))
}

/// How many requests are made while the provider is asked which directory it is, some times over.
async fn cost_of_asking(fixture: &dyn ProviderFixture, seeded: &Seeded) -> Result<u64, Unproven> {
    seeded.provider.identify().await?;
    let before = requests(fixture)?;
    for _ in 0..8 {
        seeded.provider.identify().await?;
    }
    Ok(requests(fixture)?.saturating_sub(before))
}

/// Streams borrow nothing: they may be spawned, merged and kept when the provider is gone.
///
/// # Errors
/// The promise is not proven.
pub async fn streams_outlive_the_provider(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let streams = (seeded.users(), seeded.groups());
    let shown = seeded.shown;
    drop(seeded.provider);
    let users = Listed::read(streams.0).await.complete("users")?;
    ensure_eq(&users.last_readings(|user| user.id.clone()).len(), &shown.users().len(), "users read after the provider was dropped")?;
    let groups = Listed::read(streams.1).await.complete("groups")?;
    ensure_eq(&groups.last_readings(|group| group.id.clone()).len(), &shown.groups().len(), "groups read after the provider was dropped")
}

/// The engine reads listings side by side; each is complete for itself.
///
/// # Errors
/// The promise is not proven.
pub async fn two_reads_side_by_side_agree(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let everyone = group(EVERYONE)?.id;
    let (one, other, groups, members) =
        futures::join!(turns(seeded.users()), turns(seeded.users()), turns(seeded.groups()), turns(seeded.members(&everyone)),);
    seeded.ensure_users(&one.complete("users")?)?;
    seeded.ensure_users(&other.complete("users")?)?;
    seeded.ensure_groups(&groups.complete("groups")?)?;
    let found = members.complete("members")?.last_readings(Clone::clone).into_keys().filter(|id| seeded.shown.user(id).is_some()).count();
    if seeded.listed_groups().all(|group| group.id != everyone) {
        return Ok(());
    }
    ensure_eq(&found, &seeded.members_of(&everyone).len(), "members read beside other listings")
}

/// A stream may be dropped at any point; the next one starts at the beginning.
///
/// # Errors
/// The promise is not proven.
pub async fn a_stream_dropped_half_way_does_no_harm(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    for pages in 0..3 {
        let (mut users, mut groups) = (seeded.users(), seeded.groups());
        for _ in 0..pages {
            first_page(&mut users).await?;
            first_page(&mut groups).await?;
        }
        drop((users, groups));
        seeded.ensure_shown().await?;
    }
    Ok(())
}

/// “`Arc<P>` and `Box<P>` are providers whenever `P` is”, and say the same.
///
/// # Errors
/// The promise is not proven.
pub async fn a_provider_behind_a_pointer_gives_the_same_answers(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let boxed: Box<dyn IdentityProvider> = Box::new(Arc::clone(&seeded.provider));
    let inner = Arc::clone(&seeded.provider);
    ensure_eq(&boxed.to_string(), &inner.to_string(), "the name behind a pointer")?;
    ensure_eq(&boxed.capabilities(), &inner.capabilities(), "the capabilities behind a pointer")?;
    ensure_eq(&boxed.identify().await?.id, &inner.identify().await?.id, "the directory behind a pointer")?;
    let user = seeded.a_user()?.id.clone();
    ensure(matches!(boxed.user(&user).await?, Lookup::Found(_)), || "a user is not found behind a pointer")?;
    for group in seeded.shown.groups() {
        ensure_eq(&boxed.member_listing(group), &inner.member_listing(group), "whether members are listed behind a pointer")?;
    }
    let outer = Seeded { provider: Arc::new(boxed), shown: seeded.shown };
    outer.provider.check().await?;
    outer.ensure_shown().await
}

fn requests(fixture: &dyn ProviderFixture) -> Result<u64, Unproven> {
    fixture.requests().ok_or_else(|| Unproven::skipped("the fixture does not count requests"))
}

fn ensure_last<T>(listed: &Listed<T>, what: &str) -> Verdict {
    ensure(!listed.after_error, || format!("the listing of {what} goes on after its error"))
}

async fn first_page<T>(stream: &mut BoxStream<'static, Result<Page<T>>>) -> Verdict {
    match stream.next().await {
        Some(page) => page.map(drop).map_err(Unproven::from),
        None => Ok(()),
    }
}

/// Reads a stream, giving way to others after each page, so that pages of several streams come in turns.
async fn turns<T: Send + 'static>(mut stream: BoxStream<'static, Result<Page<T>>>) -> Listed<T> {
    let mut seen = Vec::new();
    while let Some(page) = stream.next().await {
        seen.push(page);
        yield_once().await;
    }
    Listed::read(futures::stream::iter(seen).boxed()).await
}

async fn yield_once() {
    let mut yielded = false;
    futures::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
