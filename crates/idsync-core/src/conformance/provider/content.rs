//! What entries look like.

use super::super::tools::ensure;
use super::super::{Unproven, Verdict};
use super::ProviderFixture;
use super::read::{Listed, Seeded};
use super::world::{company, company_to_change, described, group, odd_ids, unknown, user};
use crate::{Group, Lookup, Snapshot, UserStatus};

/// “Ids are stable”: who has a new login, and a group with a new name, are who and what they were.
///
/// # Errors
/// The promise is not proven.
pub async fn p07_a_rename_keeps_the_id(fixture: &dyn ProviderFixture) -> Verdict {
    Seeded::with(fixture, &company()?).await?.ensure_shown().await?;
    let mut world = company_to_change()?;
    world.user(user(0, UserStatus::Active)?.with_login("renamed@example.com"));
    let mut renamed = group(0)?;
    renamed.name = String::from("Renamed");
    world.group(renamed);
    Seeded::with(fixture, &world.finish()).await?.ensure_shown().await
}

/// A group's “name is only an attribute”: two groups may share it.
///
/// # Errors
/// The promise is not proven.
pub async fn p07_groups_of_the_same_name_are_two_groups(fixture: &dyn ProviderFixture) -> Verdict {
    let mut world = company_to_change()?;
    let named = |number| Ok::<_, Unproven>(Group { name: String::from("The same name"), ..group(number)? });
    world.group(named(1)?).group(named(2)?);
    let seeded = Seeded::with(fixture, &world.finish()).await?;
    seeded.ensure_groups(&Listed::read(seeded.groups()).await.complete("groups")?)?;
    seeded.ensure_members().await
}

/// “Unknown … attributes and JSON members survive a round trip as they came”: `"42"` is a text, and text is kept to the character.
///
/// # Errors
/// The promise is not proven.
pub async fn p09_attributes_keep_their_types_and_their_text(fixture: &dyn ProviderFixture) -> Verdict {
    let world = described()?;
    let seeded = Seeded::with(fixture, &world).await?;
    let shown = seeded.shown.users().any(|user| !user.attributes.is_empty());
    ensure_offered(shown, "attributes")?;
    seeded.ensure_shown().await
}

/// “Unknown statuses, group types … survive a round trip as they came.”
///
/// # Errors
/// The promise is not proven.
pub async fn p09_unknown_statuses_and_kinds_come_as_they_are(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &unknown()?).await?;
    let shown = seeded.shown.users().any(|user| matches!(user.status, UserStatus::Other(_)));
    ensure_offered(shown, "unknown statuses")?;
    seeded.ensure_shown().await
}

/// “Providers' ids are opaque, so nothing else is assumed, and nothing is normalised”: listings and look-ups take them as they are.
///
/// # Errors
/// The promise is not proven.
pub async fn p09_ids_come_as_they_are(fixture: &dyn ProviderFixture) -> Verdict {
    let plain = |world: &Snapshot| world.users().all(|user| user.id.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let seeded = Seeded::with(fixture, &odd_ids()?).await?;
    ensure_offered(!plain(&seeded.shown), "ids other than letters and digits")?;
    seeded.ensure_shown().await?;
    for user in seeded.shown.users() {
        let found = seeded.provider.user(&user.id).await?;
        ensure(matches!(&found, Lookup::Found(found) if found.id == user.id), || format!("user {} is listed but not found", user.id))?;
    }
    for group in seeded.shown.groups() {
        let found = seeded.provider.group(&group.id).await?;
        ensure(matches!(&found, Lookup::Found(found) if found.id == group.id), || format!("group {} is listed but not found", group.id))?;
    }
    Ok(())
}

fn ensure_offered(shown: bool, what: &str) -> Verdict {
    if shown { Ok(()) } else { Err(Unproven::skipped(format!("the fixture shows no {what}"))) }
}
