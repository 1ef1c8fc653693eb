//! Questions for one entry by its id.

use super::super::tools::{ensure, ensure_eq, group_id, user_id};
use super::super::{Unproven, Verdict};
use super::ProviderFixture;
use super::read::{Seeded, ensure_group, ensure_user};
use super::world::{company, company_to_change, company_without, group, user};
use crate::{Lookup, UserStatus};

/// “Confirms what a listing did not show”: a look-up finds everything that a listing shows, with the same content.
///
/// # Errors
/// The promise is not proven.
pub async fn p03_a_lookup_finds_what_the_listing_shows(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    seeded.ensure_lookups().await
}

/// “It does not exist” is an answer, not an error.
///
/// # Errors
/// The promise is not proven.
pub async fn p03_a_lookup_of_an_unknown_id_answers_not_found(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    ensure_eq(&seeded.provider.user(&user_id("unknown0")?).await?, &Lookup::NotFound, "the look-up of a user who never was")?;
    ensure_eq(&seeded.provider.group(&group_id("unknown0")?).await?, &Lookup::NotFound, "the look-up of a group that never was")?;
    // A group's id is not a user's.
    let (user, group) = (seeded.a_user()?, seeded.a_group()?);
    let (swapped_user, swapped_group) = (user_id(group.id.as_str())?, group_id(user.id.as_str())?);
    ensure_eq(&seeded.provider.user(&swapped_user).await?, &Lookup::NotFound, "the look-up of a user with the id of a group")?;
    ensure_eq(&seeded.provider.group(&swapped_group).await?, &Lookup::NotFound, "the look-up of a group with the id of a user")
}

/// “Asks for one user by id, past any index that may lag behind”: what was deleted is gone at once, and the others are not.
///
/// # Errors
/// The promise is not proven.
pub async fn p03_a_lookup_after_a_deletion_answers_not_found(fixture: &dyn ProviderFixture) -> Verdict {
    let before = Seeded::with(fixture, &company()?).await?;
    before.ensure_lookups().await?;
    let (gone_user, gone_group) = (before.a_user()?, before.a_group()?);
    let after = Seeded::with(fixture, &company_without(gone_user, gone_group)?).await?;
    for provider in [&before.provider, &after.provider] {
        ensure_eq(&provider.user(&gone_user.id).await?, &Lookup::NotFound, "the look-up of a user who was deleted")?;
        ensure_eq(&provider.group(&gone_group.id).await?, &Lookup::NotFound, "the look-up of a group that was deleted")?;
    }
    after.ensure_lookups().await
}

/// “Past any index that may lag behind”: a look-up shows the entry as it is now.
///
/// # Errors
/// The promise is not proven.
pub async fn p03_a_lookup_after_a_change_shows_the_change(fixture: &dyn ProviderFixture) -> Verdict {
    let before = Seeded::with(fixture, &company()?).await?;
    before.ensure_lookups().await?;
    let mut world = company_to_change()?;
    let mut renamed = group(0)?;
    renamed.name = String::from("Renamed");
    world.user(user(0, UserStatus::Deprovisioned)?.with_login("renamed@example.com")).group(renamed);
    Seeded::with(fixture, &world.finish()).await?.ensure_lookups().await
}

impl Seeded {
    async fn ensure_lookups(&self) -> Verdict {
        for user in self.shown.users() {
            match self.provider.user(&user.id).await? {
                Lookup::Found(found) => ensure_user(&found, user, "in a look-up")?,
                other => return Err(Unproven::failed(format!("user {} is listed, but the look-up answers {other:?}", user.id))),
            }
        }
        for group in self.shown.groups() {
            match self.provider.group(&group.id).await? {
                Lookup::Found(found) => ensure_group(&found, group, "in a look-up")?,
                other => return Err(Unproven::failed(format!("group {} is listed, but the look-up answers {other:?}", group.id))),
            }
        }
        ensure(self.shown.users().len() + self.shown.groups().len() > 0, || "the fixture shows nothing")
    }
}
