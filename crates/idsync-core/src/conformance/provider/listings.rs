//! What listings show: everything, and nothing else.

use super::super::tools::ensure;
use super::super::{Unproven, Verdict};
use super::read::{Listed, Seeded};
use super::world::{EVERYONE, NOBODY, company, company_to_change, company_without, group, user};
use super::{Fault, ProviderFixture};
use crate::{Membership, UserStatus};
use std::sync::Arc;

/// “A stream that ends without an `Err` has yielded every entry that existed, and was in scope.”
///
/// # Errors
/// The promise is not proven.
pub async fn p01_the_listing_of_users_shows_everyone(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    seeded.ensure_users(&Listed::read(seeded.users()).await.complete("users")?)
}

/// The same of groups.
///
/// # Errors
/// The promise is not proven.
pub async fn p01_the_listing_of_groups_shows_every_group(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    seeded.ensure_groups(&Listed::read(seeded.groups()).await.complete("groups")?)
}

/// The same of the members of each group.
///
/// # Errors
/// The promise is not proven.
pub async fn p01_the_listing_of_members_shows_everyone_in_the_group(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    if seeded.listed_groups().all(|group| seeded.members_of(&group.id).is_empty()) {
        return Err(Unproven::skipped("the fixture shows no members"));
    }
    seeded.ensure_members().await
}

/// The same of listings that take several pages.
///
/// # Errors
/// The promise is not proven.
pub async fn p01_listings_of_several_pages_are_complete(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let users = Listed::read(seeded.users()).await.complete("users")?;
    if users.pages < 2 {
        return Err(Unproven::skipped("the users came in one page; let the provider read in smaller ones"));
    }
    seeded.ensure_users(&users)?;
    seeded.ensure_groups(&Listed::read(seeded.groups()).await.complete("groups")?)?;
    seeded.ensure_members().await
}

/// A group that nobody is in is not one that is gone.
///
/// # Errors
/// The promise is not proven.
pub async fn a_group_without_members_has_an_empty_listing(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let empty = group(NOBODY)?.id;
    if !seeded.listed_groups().any(|group| group.id == empty) {
        return Err(Unproven::skipped("the fixture does not show the group in which nobody is"));
    }
    let found = Listed::read(seeded.members(&empty)).await.complete("members of an empty group")?;
    ensure(found.items.is_empty(), || format!("the group in which nobody is has members: {:?}", found.items))
}

/// “An entry may come more than once when pages shift; the later reading wins.”
///
/// # Errors
/// The promise is not proven.
pub async fn entries_that_come_again_change_nothing(fixture: &dyn ProviderFixture) -> Verdict {
    Seeded::faulty(fixture, &company()?, Fault::Repeat).await?.ensure_shown().await
}

/// “A page without entries may come anywhere and means nothing.”
///
/// # Errors
/// The promise is not proven.
pub async fn pages_without_entries_mean_nothing(fixture: &dyn ProviderFixture) -> Verdict {
    Seeded::faulty(fixture, &company()?, Fault::EmptyPages).await?.ensure_shown().await
}

/// A listing shows the directory as it is, not as it was: what was created, changed and deleted since the last one.
///
/// # Errors
/// The promise is not proven.
pub async fn the_next_listing_shows_what_changed(fixture: &dyn ProviderFixture) -> Verdict {
    let before = Seeded::with(fixture, &company()?).await?;
    before.ensure_shown().await?;
    let mut world = company_to_change()?;
    world.user(user(90, UserStatus::Active)?).user(user(0, UserStatus::Deprovisioned)?).group(group(90)?);
    world.membership(Membership::new(group(90)?.id, user(90, UserStatus::Active)?.id));
    let grown = world.finish();
    let shrunk = company_without(&user(1, UserStatus::Active)?, &group(EVERYONE)?)?;
    for world in [grown, shrunk] {
        let after = Seeded::with(fixture, &world).await?;
        after.ensure_shown().await?;
        // The provider that was there before reads the same directory.
        let old = Seeded { provider: Arc::clone(&before.provider), shown: after.shown };
        old.ensure_shown().await?;
    }
    Ok(())
}
