//! What belongs to a directory, and to it alone.

use super::super::tools::{directory_id, ensure, ensure_eq};
use super::super::{Unproven, Verdict};
use super::method::{Method, acquire_prepared};
use super::picture::Picture;
use super::samples::{directory, header, row};
use super::{StoreFixture, Tenancy};
use crate::{BaseKind, DirectoryId, Head, Locator, Phase, Revision};

/// “A directory that the store does not know is at revision 0 with an empty base”, and may be read like any other.
///
/// # Errors
/// The promise is not proven.
pub async fn a_directory_that_is_not_known_is_empty<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let expected = Picture { head: None, journal: None, staged: Vec::new(), base: Vec::new(), runs: Vec::new(), memo: None };
    Picture::take(store.as_ref(), &directory).await?.ensure_same(&expected, "of a directory that is not known")?;
    let asked = [Locator(0), Locator(1)];
    let found = store.records(&directory, BaseKind::User, &asked).await?;
    ensure_eq(&found, &vec![None, None], "records of a directory that is not known")?;
    let lease = store.acquire(&directory, "first").await?;
    store.begin_journal(&lease, header(Revision(0))).await?;
    Ok(())
}

/// “`None` when nothing was ever committed or staged for it”; the note is “empty before the first” commit.
///
/// # Errors
/// The promise is not proven.
pub async fn a_directory_has_a_head_from_the_first_staged_row_on<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    store.begin_journal(&lease, header(Revision(0))).await?;
    store.stage(&lease, vec![row(Phase::CreateUsers, "a")]).await?;
    let expected = Some(Head::new(Revision(0), Vec::new()));
    ensure_eq(&store.head(&directory).await?, &expected, "the head after something was staged")
}

/// “Directories never see each other's rows.”
///
/// # Errors
/// The promise is not proven.
pub async fn directories_never_see_each_others_rows<F: StoreFixture>(fixture: &F) -> Verdict {
    let names = several(fixture)?;
    let place = fixture.place().await?;
    let store = fixture.open(&place).await?;
    let mut leases = Vec::new();
    for name in &names {
        leases.push(acquire_prepared(store.as_ref(), name).await?);
    }
    for (name, lease) in names.iter().zip(&leases) {
        for method in Method::ALL {
            let mut before = Vec::new();
            for other in names.iter().filter(|other| *other != name) {
                before.push((other, Picture::take(store.as_ref(), other).await?));
            }
            // What one write leaves may be what another needs, so some are refused here; none may reach the other directory.
            drop(method.call(store.as_ref(), lease).await);
            for (other, before) in before {
                let what = format!("of {other} after {} in {name}", method.name());
                Picture::take(store.as_ref(), other).await?.ensure_same(&before, &what)?;
            }
        }
    }
    Ok(())
}

/// “The same ever after”: within a lease, after the first write, under later leases and after opening the store again.
///
/// # Errors
/// The promise is not proven.
pub async fn the_digest_key_stays_the_same_from_the_first_write_on<F: StoreFixture>(fixture: &F) -> Verdict {
    let (place, directory) = (fixture.place().await?, directory()?);
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "first").await?;
    let key = store.digest_key(&lease).await?;
    ensure(store.digest_key(&lease).await? == key, || "the key is another one when it is asked for twice under one lease")?;
    store.begin_journal(&lease, header(Revision(0))).await?;
    ensure(store.digest_key(&lease).await? == key, || "the key is another one after the first write")?;
    store.release(&lease).await?;
    let lease = store.acquire(&directory, "second").await?;
    ensure(store.digest_key(&lease).await? == key, || "the key is another one under the next lease")?;
    drop((lease, store));
    let store = fixture.open(&place).await?;
    let lease = store.acquire(&directory, "third").await?;
    ensure(store.digest_key(&lease).await? == key, || "the key is another one after opening the store again")
}

/// “Made at random by the store”: no two directories share a key, and none is all zeros.
///
/// # Errors
/// The promise is not proven.
pub async fn every_directory_has_a_digest_key_of_its_own<F: StoreFixture>(fixture: &F) -> Verdict {
    let directory = directory()?;
    let mut asked = Vec::new();
    for _ in 0..2 {
        let place = fixture.place().await?;
        let store = fixture.open(&place).await?;
        let names = several(fixture).map_or_else(|_| vec![directory.clone()], Vec::from);
        for name in names {
            let lease = store.acquire(&name, "holder").await?;
            asked.push(store.digest_key(&lease).await?);
        }
    }
    let shared = asked.iter().enumerate().any(|(index, key)| asked[..index].contains(key));
    ensure(!shared, || "two directories have the same key")?;
    ensure(asked.iter().all(|key| key.expose() != &[0; 32]), || "a key is all zeros")
}

fn several<F: StoreFixture>(fixture: &F) -> Result<[DirectoryId; 2], Unproven> {
    match fixture.tenancy() {
        // One is the beginning of the other.
        Tenancy::Many => Ok([directory_id("conformance:1")?, directory_id("conformance:10")?]),
        Tenancy::One => Err(Unproven::skipped("a place holds one directory")),
    }
}
