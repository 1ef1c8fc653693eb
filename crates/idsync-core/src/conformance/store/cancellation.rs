//! Runs that stop in the middle.

use super::super::report::described;
use super::super::tools::{CANCELLED_AFTER, poll_and_drop};
use super::super::{Unproven, Verdict};
use super::method::{Method, acquire_prepared};
use super::picture::Picture;
use super::samples::{directory, run};
use super::{DroppedLease, StoreFixture};

/// “A dropped future has either happened or not”: a lease that nobody received holds nothing.
///
/// # Errors
/// The promise is not proven.
pub async fn p12_a_cancelled_acquisition_holds_nothing<F: StoreFixture>(fixture: &F) -> Verdict {
    if fixture.dropped_lease() == DroppedLease::Expires {
        return Err(Unproven::skipped("dropped leases expire, which the suite does not wait for"));
    }
    for polls in CANCELLED_AFTER {
        let (place, directory) = (fixture.place().await?, directory()?);
        let store = fixture.open(&place).await?;
        drop(poll_and_drop(store.acquire(&directory, "cancelled"), polls));
        let next = store.acquire(&directory, "next").await;
        next.map_err(|error| Unproven::failed(format!("an acquire that was dropped after {polls} polls holds on: {}", described(&error))))?;
    }
    Ok(())
}

/// “A dropped future has either happened or not; the lease stays valid”, for each writing method.
///
/// # Errors
/// The promise is not proven.
pub async fn p12_a_cancelled_write_has_happened_or_not<F: StoreFixture>(fixture: &F) -> Verdict {
    let directory = directory()?;
    for method in Method::ALL {
        let place = fixture.place().await?;
        let store = fixture.open(&place).await?;
        let lease = acquire_prepared(store.as_ref(), &directory).await?;
        let before = Picture::take(store.as_ref(), &directory).await?;
        method.call(store.as_ref(), &lease).await?;
        let after = Picture::take(store.as_ref(), &directory).await?;
        for polls in CANCELLED_AFTER {
            let place = fixture.place().await?;
            let store = fixture.open(&place).await?;
            let lease = acquire_prepared(store.as_ref(), &directory).await?;
            let answer = poll_and_drop(method.call(store.as_ref(), &lease), polls);
            let found = Picture::take(store.as_ref(), &directory).await?;
            let what = format!("after {} was dropped after {polls} polls", method.name());
            match answer {
                Some(answer) => {
                    answer?;
                    found.ensure_same(&after, &what)?;
                }
                None if found == before => {}
                None => found.ensure_same(&after, &what)?,
            }
            store.record_run(&lease, run(9)).await?;
        }
    }
    Ok(())
}

/// “What it acknowledged survives a crash of the process”: everything is there when the store is opened again, also in the middle of a
/// run whose lease was never given back.
///
/// # Errors
/// The promise is not proven.
pub async fn p12_what_was_acknowledged_is_there_after_opening_again<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = acquire_prepared(store.as_ref(), &directory).await?;
    let before = Picture::take(store.as_ref(), &directory).await?;
    drop((lease, store));
    let store = fixture.open(&place).await?;
    Picture::take(store.as_ref(), &directory).await?.ensure_same(&before, "after opening the store again")?;
    if fixture.dropped_lease() == DroppedLease::Freed {
        let lease = store.acquire(&directory, "next").await?;
        Method::Stage.call(store.as_ref(), &lease).await?;
    }
    Ok(())
}
