//! One writer at a time, and nobody by mistake.

use super::super::report::described;
use super::super::tools::{ensure, refused};
use super::super::{Unproven, Verdict};
use super::method::{Method, REVISION, acquire_prepared};
use super::picture::Picture;
use super::samples::{directory, header, run};
use super::{DroppedLease, Sharing, StoreFixture};
use crate::{BaseKind, DirectoryId, Error, ErrorKind, Lease, Locator, Revision, StateStore};

/// “`Conflict` when another holder has the directory”; “`holder` is shown to whoever is refused”.
///
/// # Errors
/// The promise is not proven.
pub async fn p13_a_second_holder_is_refused_and_told_who_is_first<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "the night shift").await?;
    let error = refused(store.acquire(&directory, "somebody else").await, ErrorKind::Conflict, "a second acquire")?;
    ensure_named(&error, "the night shift")?;
    Ok(store.release(&lease).await?)
}

/// “`acquire` gives one holder at a time a lease”, whichever process asks.
///
/// # Errors
/// The promise is not proven.
pub async fn p13_another_process_is_refused<F: StoreFixture>(fixture: &F) -> Verdict {
    shared(fixture)?;
    let (place, directory) = (fixture.place().await?, directory()?);
    let (store, other) = (fixture.open(&place).await?, fixture.open(&place).await?);
    let lease = store.acquire(&directory, "the night shift").await?;
    let error = refused(other.acquire(&directory, "somebody else").await, ErrorKind::Conflict, "acquire through a second store")?;
    ensure_named(&error, "the night shift")?;
    store.release(&lease).await?;
    other.acquire(&directory, "somebody else").await?;
    Ok(())
}

/// “Gives the directory back. Doing so twice is fine.”
///
/// # Errors
/// The promise is not proven.
pub async fn p13_a_directory_that_was_given_back_can_be_taken_again<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    for holder in ["first", "second", "third"] {
        let lease = store.acquire(&directory, holder).await?;
        store.release(&lease).await?;
        store.release(&lease).await?;
    }
    Ok(())
}

/// Giving back a lease that is not the current one any more leaves the current one as it is.
///
/// # Errors
/// The promise is not proven.
pub async fn p13_giving_an_old_lease_back_frees_nothing<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let old = acquire_prepared(store.as_ref(), &directory).await?;
    store.release(&old).await?;
    let lease = store.acquire(&directory, "second").await?;
    store.release(&old).await?;
    drop(old);
    refused(store.acquire(&directory, "third").await, ErrorKind::Conflict, "acquire after an old lease was given back again")?;
    store.record_run(&lease, run(9)).await?;
    Ok(())
}

/// “The directory is free again when the last clone of the lease is dropped”, and not before.
///
/// # Errors
/// The promise is not proven.
pub async fn p12_dropping_the_last_clone_of_a_lease_frees_the_directory<F: StoreFixture>(fixture: &F) -> Verdict {
    if fixture.dropped_lease() == DroppedLease::Expires {
        return Err(Unproven::skipped("dropped leases expire, which the suite does not wait for"));
    }
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    for round in ["nothing was written", "something was written"] {
        let lease = store.acquire(&directory, "first").await?;
        if round == "something was written" {
            store.begin_journal(&lease, header(Revision(0))).await?;
        }
        let clone = lease.clone();
        drop(lease);
        refused(store.acquire(&directory, "second").await, ErrorKind::Conflict, "acquire while a clone of the lease is left")?;
        drop(clone);
        let next = store.acquire(&directory, "second").await;
        next.map_err(|error| Unproven::failed(format!("the lease was dropped and {round}, but: {}", described(&error))))?;
    }
    Ok(())
}

/// “Grows with every lease of the directory under which something was written.”
///
/// # Errors
/// The promise is not proven.
pub async fn p13_the_fence_grows_with_every_lease_that_wrote<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let mut last = None;
    for _ in 0..3 {
        let store = fixture.open(&place).await?;
        for _ in 0..2 {
            let lease = store.acquire(&directory, "holder").await?;
            store.begin_journal(&lease, header(Revision(0))).await?;
            let (fence, before) = (lease.fence, last.replace(lease.fence));
            ensure(before.is_none_or(|before| before < fence), || format!("the fence went from {before:?} to {fence}"))?;
            store.release(&lease).await?;
        }
    }
    Ok(())
}

/// “Every writing method takes the lease and checks its fencing number in the same transaction in which it writes”, from the moment
/// another lease was given out.
///
/// # Errors
/// The promise is not proven.
pub async fn p13_an_old_lease_is_refused_by_every_writing_method<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let old = acquire_prepared(store.as_ref(), &directory).await?;
    store.release(&old).await?;
    let lease = store.acquire(&directory, "second").await?;
    ensure_powerless(store.as_ref(), &old, &directory).await?;
    store.record_run(&lease, run(9)).await?;
    Ok(())
}

/// “A writer with an older one is refused”: also once the newer one has written.
///
/// # Errors
/// The promise is not proven.
pub async fn p13_an_old_lease_is_refused_once_the_next_has_written<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let old = acquire_prepared(store.as_ref(), &directory).await?;
    store.release(&old).await?;
    let lease = store.acquire(&directory, "second").await?;
    store.record_run(&lease, run(8)).await?;
    ensure_powerless(store.as_ref(), &old, &directory).await?;
    store.record_run(&lease, run(9)).await?;
    Ok(())
}

/// The same with the newer lease in another process.
///
/// # Errors
/// The promise is not proven.
pub async fn p13_an_old_lease_is_refused_after_another_process_took_over<F: StoreFixture>(fixture: &F) -> Verdict {
    shared(fixture)?;
    let (place, directory) = (fixture.place().await?, directory()?);
    let (store, other) = (fixture.open(&place).await?, fixture.open(&place).await?);
    let old = acquire_prepared(store.as_ref(), &directory).await?;
    store.release(&old).await?;
    let lease = other.acquire(&directory, "second").await?;
    ensure_powerless(store.as_ref(), &old, &directory).await?;
    other.record_run(&lease, run(9)).await?;
    ensure_powerless(store.as_ref(), &old, &directory).await
}

/// “Acquiring a lease, reading and releasing write nothing that is kept.”
///
/// # Errors
/// The promise is not proven.
pub async fn p21_taking_reading_and_giving_back_writes_nothing<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    look(store.as_ref(), &directory).await?;
    let found = store.head(&directory).await?;
    ensure(found.is_none(), || format!("a directory that was only looked at has a head: {found:?}"))?;
    let lease = acquire_prepared(store.as_ref(), &directory).await?;
    store.release(&lease).await?;
    let before = Picture::take(store.as_ref(), &directory).await?;
    look(store.as_ref(), &directory).await?;
    Picture::take(store.as_ref(), &directory).await?.ensure_same(&before, "after the directory was only looked at")
}

async fn look(store: &dyn StateStore, directory: &DirectoryId) -> Verdict {
    let lease = store.acquire(directory, "a reader").await?;
    store.digest_key(&lease).await?;
    Picture::take(store, directory).await?;
    store.records(directory, BaseKind::User, &[Locator(1)]).await?;
    Ok(store.release(&lease).await?)
}

/// Fails if any method writes under `old`.
async fn ensure_powerless(store: &dyn StateStore, old: &Lease, directory: &DirectoryId) -> Verdict {
    let before = Picture::take(store, directory).await?;
    ensure(before.head.as_ref().is_some_and(|head| head.revision == REVISION), || "the directory lost what was written before")?;
    for method in Method::ALL {
        let what = format!("{} under an old lease", method.name());
        refused(method.call(store, old).await, ErrorKind::Conflict, &what)?;
        Picture::take(store, directory).await?.ensure_same(&before, &format!("after a refused {what}"))?;
    }
    Ok(())
}

fn ensure_named(error: &Error, holder: &str) -> Verdict {
    let named = error.to_string().contains(holder) || error.remedy().is_some_and(|remedy| remedy.contains(holder));
    ensure(named, || format!("the refusal does not name the holder “{holder}”: {}", described(error)))
}

fn shared<F: StoreFixture>(fixture: &F) -> Verdict {
    match fixture.sharing() {
        Sharing::Shared => Ok(()),
        Sharing::Exclusive => Err(Unproven::skipped("a place is open in one store at a time")),
    }
}
