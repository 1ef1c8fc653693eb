//! Listings that break, records that cannot be read, groups that vanish.

use super::super::report::described;
use super::super::tools::{ensure, ensure_same, group_id, refused};
use super::super::{Unproven, Verdict};
use super::read::{Listed, Seeded, inject};
use super::world::{EVERYONE, company, company_without, group, user};
use super::{Fault, Listing, ProviderFixture};
use crate::{EntryId, ErrorKind, Lookup, UserId, UserStatus};
use std::collections::BTreeSet;

/// “A provider that cannot tell whether it saw everything yields an `Err`.”
///
/// # Errors
/// The promise is not proven.
pub async fn p01_a_listing_of_users_that_breaks_ends_in_an_error(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::faulty(fixture, &company()?, Fault::Break(Listing::Users)).await?;
    ensure_broken(&Listed::read(seeded.users()).await, seeded.shown.users().len(), "users")
}

/// The same of groups.
///
/// # Errors
/// The promise is not proven.
pub async fn p01_a_listing_of_groups_that_breaks_ends_in_an_error(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::faulty(fixture, &company()?, Fault::Break(Listing::Groups)).await?;
    ensure_broken(&Listed::read(seeded.groups()).await, seeded.shown.groups().len(), "groups")
}

/// The same of the members of a group.
///
/// # Errors
/// The promise is not proven.
pub async fn p01_a_listing_of_members_that_breaks_ends_in_an_error(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::faulty(fixture, &company()?, Fault::Break(Listing::Members)).await?;
    let everyone = group(EVERYONE)?.id;
    ensure_broken(&Listed::read(seeded.members(&everyone)).await, seeded.members_of(&everyone).len(), "members")
}

/// “Records that cannot be understood are reported as `Page::held`, with their id wherever it can be read; they do not end the stream,
/// and they do not vanish from it silently.”
///
/// # Errors
/// The promise is not proven.
pub async fn p05_a_malformed_user_is_held_and_the_others_come(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let id = seeded.a_user()?.id.clone();
    inject(fixture, Fault::Malform(EntryId::User(id.clone()))).await?;
    let listed = Listed::read(seeded.users()).await;
    ensure_held(&listed, id.as_str(), "users")?;
    let others = seeded.shown.users().map(|user| &user.id).filter(|other| **other != id).collect::<BTreeSet<_>>();
    ensure_same(&listed.items.iter().map(|user| &user.id).collect(), &others, "users beside the malformed one")
}

/// The same of groups.
///
/// # Errors
/// The promise is not proven.
pub async fn p05_a_malformed_group_is_held_and_the_others_come(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let id = seeded.a_group()?.id.clone();
    inject(fixture, Fault::Malform(EntryId::Group(id.clone()))).await?;
    let listed = Listed::read(seeded.groups()).await;
    ensure_held(&listed, id.as_str(), "groups")?;
    let others = seeded.shown.groups().map(|group| &group.id).filter(|other| **other != id).collect::<BTreeSet<_>>();
    ensure_same(&listed.items.iter().map(|group| &group.id).collect(), &others, "groups beside the malformed one")
}

/// “`IdentityProvider::members` names members whether or not their own records can be understood: whoever is not named has left.”
///
/// # Errors
/// The promise is not proven.
pub async fn p05_a_malformed_user_is_still_in_its_groups(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let id = seeded.a_user()?.id.clone();
    inject(fixture, Fault::Malform(EntryId::User(id.clone()))).await?;
    for group in seeded.listed_groups() {
        let members = seeded.members_of(&group.id);
        if !members.contains(&id) {
            continue;
        }
        let what = format!("members of {}", group.id);
        let listed = Listed::read(seeded.members(&group.id)).await;
        if let Some(error) = &listed.error {
            return Err(Unproven::failed(format!("a malformed user ended the listing of {what}: {}", described(error))));
        }
        // A listing that shows whole records may hold the malformed one instead.
        let named = listed.items.iter().map(UserId::as_str).chain(listed.held.iter().filter_map(|held| held.id.as_deref()));
        let named: BTreeSet<_> = named.collect();
        ensure(named.contains(id.as_str()), || format!("{id} is malformed, and not among the {what} any more"))?;
        ensure(members.iter().all(|member| named.contains(member.as_str())), || {
            format!("{id} is malformed, and others are missing among the {what}")
        })?;
    }
    Ok(())
}

/// “It is reported and retried, and never deleted”: no look-up may say that it does not exist.
///
/// # Errors
/// The promise is not proven.
pub async fn p05_a_malformed_record_is_not_reported_as_gone(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let (user, group) = (seeded.a_user()?.id.clone(), seeded.a_group()?.id.clone());
    inject(fixture, Fault::Malform(EntryId::User(user.clone()))).await?;
    let found = seeded.provider.user(&user).await;
    ensure(!matches!(found, Ok(Lookup::NotFound | Lookup::OutOfScope(_))), || "the look-up of a malformed user says that it is gone")?;
    inject(fixture, Fault::Malform(EntryId::Group(group.clone()))).await?;
    let found = seeded.provider.group(&group).await;
    ensure(!matches!(found, Ok(Lookup::NotFound | Lookup::OutOfScope(_))), || "the look-up of a malformed group says that it is gone")
}

/// “A group that is gone between the listing of groups and that of its members ends the latter with `NotFound`, never with an empty
/// stream.”
///
/// # Errors
/// The promise is not proven.
pub async fn p07_the_members_of_a_vanished_group_are_not_found(fixture: &dyn ProviderFixture) -> Verdict {
    let seeded = Seeded::with(fixture, &company()?).await?;
    let Some(vanished) = seeded.listed_groups().find(|group| !seeded.members_of(&group.id).is_empty()).cloned() else {
        return Err(Unproven::skipped("the fixture shows no group with members"));
    };
    Listed::read(seeded.groups()).await.complete("groups")?;
    let stranger = user(99, UserStatus::Active)?;
    fixture.seed(&company_without(&stranger, &vanished)?).await?;
    for id in [vanished.id, group_id("unknown0")?] {
        let listed = Listed::read(seeded.members(&id)).await;
        let outcome = listed.error.map_or(Ok(()), Err);
        refused(outcome, ErrorKind::NotFound, &format!("the members of {id}, which is not there"))?;
    }
    Ok(())
}

fn ensure_broken<T>(listed: &Listed<T>, all: usize, what: &str) -> Verdict {
    match &listed.error {
        Some(_) => ensure(!listed.after_error, || format!("the listing of {what} goes on after its error")),
        None if listed.items.len() >= all => Err(Unproven::skipped(format!("the listing of {what} showed everything; it was not broken"))),
        None => {
            Err(Unproven::failed(format!("the listing of {what} broke, but ended without an error after {} of {all}", listed.items.len())))
        }
    }
}

fn ensure_held<T>(listed: &Listed<T>, id: &str, what: &str) -> Verdict {
    if let Some(error) = &listed.error {
        return Err(Unproven::failed(format!("a malformed record ended the listing of {what}: {}", described(error))));
    }
    let held: Vec<_> = listed.held.iter().map(|held| held.id.as_deref()).collect();
    ensure(held == [Some(id)], || format!("{id} is malformed, but the listing of {what} holds {held:?}"))?;
    ensure(listed.held.iter().all(|held| !held.reason.is_empty()), || "a held record does not say what is wrong with it")
}
