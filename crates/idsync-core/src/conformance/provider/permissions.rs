//! Directories that may not be seen.

use super::super::tools::{ensure, refused};
use super::super::{Unproven, Verdict};
use super::read::{Listed, Seeded};
use super::world::{EVERYONE, company, group};
use super::{Fault, Injected, Listing, ProviderFixture};
use crate::{Error, ErrorKind, Lookup, Snapshot};

/// `check` fails unless “at least one user and one group are visible”: no real directory is empty, but many are hidden.
///
/// # Errors
/// The promise is not proven.
pub async fn p02_check_refuses_a_directory_that_shows_nothing(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &Snapshot::default()).await?;
    ensure(seeded.provider.check().await.is_err(), || "check is content with a directory without users and groups")
}

/// “A provider that may see no users, or no groups, reports `PermissionDenied`, not an empty stream.”
///
/// # Errors
/// The promise is not proven.
pub async fn p02_listings_without_permission_are_denied(fixture: &dyn ProviderFixture) -> Verdict {
    let mut tried = Tried::Nothing;
    for listing in [Listing::Users, Listing::Groups, Listing::Members] {
        let Some(seeded) = denied(fixture, listing, &mut tried).await? else { continue };
        let error = match listing {
            Listing::Users => Listed::read(seeded.users()).await.error,
            Listing::Groups => Listed::read(seeded.groups()).await.error,
            Listing::Members => Listed::read(seeded.members(&group(EVERYONE)?.id)).await.error,
        };
        refused(error.map_or(Ok(()), Err), ErrorKind::PermissionDenied, &format!("the listing of {listing:?} without permission"))?;
    }
    tried.verdict()
}

/// `check` fails with “whatever is missing”.
///
/// # Errors
/// The promise is not proven.
pub async fn p02_check_notices_a_permission_that_was_taken_away(fixture: &dyn ProviderFixture) -> Verdict {
    let mut tried = Tried::Nothing;
    for listing in [Listing::Users, Listing::Groups] {
        let Some(seeded) = denied(fixture, listing, &mut tried).await? else { continue };
        refused(seeded.provider.check().await, ErrorKind::PermissionDenied, &format!("check without permission for {listing:?}"))?;
    }
    tried.verdict()
}

/// Only an answer may confirm that an entry is gone; a door that is closed is none.
///
/// # Errors
/// The promise is not proven.
pub async fn p02_a_lookup_without_permission_does_not_answer_not_found(fixture: &dyn ProviderFixture) -> Verdict {
    const CLOSED: &str = "a look-up without permission says that the entry is gone";
    let mut tried = Tried::Nothing;
    if let Some(seeded) = denied(fixture, Listing::Users, &mut tried).await? {
        let found = seeded.provider.user(&seeded.a_user()?.id).await;
        ensure(!matches!(found, Ok(Lookup::NotFound | Lookup::OutOfScope(_))), || CLOSED)?;
    }
    if let Some(seeded) = denied(fixture, Listing::Groups, &mut tried).await? {
        let found = seeded.provider.group(&seeded.a_group()?.id).await;
        ensure(!matches!(found, Ok(Lookup::NotFound | Lookup::OutOfScope(_))), || CLOSED)?;
    }
    tried.verdict()
}

/// “Whatever is missing, with the remedy”: `PermissionDenied` says what to do next.
///
/// # Errors
/// The promise is not proven.
pub async fn p18_a_missing_permission_comes_with_a_remedy(fixture: &dyn ProviderFixture) -> Verdict {
    let mut errors = Vec::new();
    let empty = Seeded::with(fixture, &Snapshot::default()).await?;
    errors.extend(empty.provider.check().await.err());
    for listing in [Listing::Users, Listing::Groups] {
        let Some(seeded) = denied(fixture, listing, &mut Tried::Nothing).await? else { continue };
        errors.extend(Listed::read(seeded.users()).await.error);
        errors.extend(Listed::read(seeded.groups()).await.error);
        errors.extend(seeded.provider.check().await.err());
    }
    errors.retain(|error| error.kind() == ErrorKind::PermissionDenied);
    if errors.is_empty() {
        return Err(Unproven::skipped("no permission was missing anywhere"));
    }
    errors.iter().try_for_each(ensure_actionable)
}

fn ensure_actionable(error: &Error) -> Verdict {
    ensure(!error.message().trim().is_empty(), || "an error says nothing")?;
    let remedy = error.remedy().unwrap_or_default();
    ensure(!remedy.trim().is_empty(), || format!("“{error}” does not say what to do next"))
}

/// Whether the fixture could take any permission away.
enum Tried {
    Nothing,
    Something,
}

impl Tried {
    fn verdict(self) -> Verdict {
        match self {
            Self::Nothing => Err(Unproven::skipped("the fixture cannot take permissions away")),
            Self::Something => Ok(()),
        }
    }
}

/// A directory without one permission, if the fixture offers that.
async fn denied(fixture: &dyn ProviderFixture, listing: Listing, tried: &mut Tried) -> Result<Option<Seeded>, Unproven> {
    let seeded = Seeded::with(fixture, &company()?).await?;
    match fixture.inject(&Fault::Deny(listing)).await? {
        Injected::Done => {
            *tried = Tried::Something;
            Ok(Some(seeded))
        }
        Injected::NotOffered => Ok(None),
    }
}
