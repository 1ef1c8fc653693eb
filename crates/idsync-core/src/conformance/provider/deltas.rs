//! What a provider shows of what changed. One that has no deltas promises nothing here, and passes.

use super::super::report::described;
use super::super::tools::{ensure, refused};
use super::super::{Unproven, Verdict};
use super::read::{Listed, Seeded, ensure_user, inject};
use super::world::{NOBODY, company, company_to_change, company_without, group, user};
use super::{Fault, Listing, ProviderFixture};
use crate::{ChangedUsers, Cursor, ErrorKind, GroupId, Lookup, Membership, ReadOptions, ReadPurpose, Result, Timestamp, UserStatus};
use futures::TryStreamExt;
use std::collections::{BTreeMap, BTreeSet};

const OPTIONS: ReadOptions = ReadOptions::of(ReadPurpose::Delta);

/// The company, and the cursor of that moment; `None` where the provider has no deltas.
async fn company_with_cursor(fixture: &dyn ProviderFixture) -> Result<Option<(Seeded, Cursor)>, Unproven> {
    let seeded = Seeded::with(fixture, &company()?).await?;
    if !seeded.provider.capabilities().has_delta() {
        return Ok(None);
    }
    match seeded.provider.identify().await?.cursor {
        Some(cursor) => Ok(Some((seeded, cursor))),
        None => Err(Unproven::failed("the provider says that it has deltas, and gives no cursor")),
    }
}

async fn changes(seeded: &Seeded, since: &Cursor) -> Result<Vec<ChangedUsers>> {
    seeded.provider.changed_users(since, OPTIONS).try_collect().await
}

async fn whole(seeded: &Seeded, since: &Cursor) -> Result<Vec<ChangedUsers>, Unproven> {
    changes(seeded, since).await.map_err(|error| Unproven::failed(format!("the changes ended in an error: {}", described(&error))))
}

/// “Every user in scope who was made, changed or came back since is among them.”
///
/// # Errors
/// The promise is not proven.
pub async fn p21_changes_show_who_was_made_or_changed(fixture: &dyn ProviderFixture) -> Verdict {
    let Some((_, since)) = company_with_cursor(fixture).await? else { return Ok(()) };
    let mut world = company_to_change()?;
    world.user(user(90, UserStatus::Active)?).user(user(0, UserStatus::Active)?.with_attribute("firstName", "Changed"));
    let seeded = Seeded::with(fixture, &world.finish()).await?;
    let pages = whole(&seeded, &since).await?;
    let found: BTreeMap<_, _> = pages.iter().flat_map(|page| &page.users).map(|user| (user.id.clone(), user)).collect();
    for number in [0, 90] {
        let id = user(number, UserStatus::Active)?.id;
        // Whoever is not in scope need not be shown.
        let Some(expected) = seeded.shown.user(&id) else { continue };
        let shown = found.get(&id).ok_or_else(|| Unproven::failed(format!("{id} changed, and is not among the changes")))?;
        ensure_user(shown, expected, "among the changes")?;
    }
    Ok(())
}

/// “Users that did not change may be among them”, but nobody who is not in scope, and nobody as they never were.
///
/// # Errors
/// The promise is not proven.
pub async fn p21_changes_show_nobody_who_is_not_in_scope(fixture: &dyn ProviderFixture) -> Verdict {
    let Some((seeded, since)) = company_with_cursor(fixture).await? else { return Ok(()) };
    for user in whole(&seeded, &since).await?.iter().flat_map(|page| &page.users) {
        let expected = seeded.shown.user(&user.id);
        let expected = expected.ok_or_else(|| Unproven::failed(format!("{} is among the changes, and not in scope", user.id)))?;
        ensure_user(user, expected, "among the changes")?;
    }
    Ok(())
}

/// Whoever is said to have departed is not found by a look-up.
///
/// # Errors
/// The promise is not proven.
pub async fn p03_whoever_departed_is_not_there(fixture: &dyn ProviderFixture) -> Verdict {
    let Some((_, since)) = company_with_cursor(fixture).await? else { return Ok(()) };
    let gone = user(1, UserStatus::Active)?;
    let seeded = Seeded::with(fixture, &company_without(&gone, &group(6)?)?).await?;
    for id in whole(&seeded, &since).await?.into_iter().flat_map(|page| page.departed) {
        let found = seeded.provider.user(&id).await?;
        ensure(!matches!(found, Lookup::Found(_)), || format!("{id} is said to have departed, and a look-up finds it"))?;
    }
    Ok(())
}

/// “A provider that may see no users reports `PermissionDenied`, not that nothing changed.”
///
/// # Errors
/// The promise is not proven.
pub async fn p02_changes_without_permission_are_denied(fixture: &dyn ProviderFixture) -> Verdict {
    let Some((seeded, since)) = company_with_cursor(fixture).await? else { return Ok(()) };
    inject(fixture, Fault::Deny(Listing::Users)).await?;
    refused(changes(&seeded, &since).await, ErrorKind::PermissionDenied, "the changes without permission").map(|_| ())
}

/// A cursor that means nothing is refused with `CursorExpired`.
///
/// # Errors
/// The promise is not proven.
pub async fn a_cursor_that_cannot_be_read_is_refused(fixture: &dyn ProviderFixture) -> Verdict {
    let Some((seeded, _)) = company_with_cursor(fixture).await? else { return Ok(()) };
    let unreadable = Cursor::new("not one of yours");
    refused(changes(&seeded, &unreadable).await, ErrorKind::CursorExpired, "changes since a cursor of somebody else").map(|_| ())
}

/// The groups of a user are those whose listings show the user.
///
/// # Errors
/// The promise is not proven.
pub async fn the_groups_of_a_user_are_those_that_list_it(fixture: &dyn ProviderFixture) -> Verdict {
    let Some((seeded, _)) = company_with_cursor(fixture).await? else { return Ok(()) };
    for user in seeded.shown.users().take(5) {
        let what = format!("groups of {}", user.id);
        let listed = Listed::read(seeded.provider.groups_of(&user.id, OPTIONS)).await.complete(&what)?;
        let found: BTreeSet<_> = listed.items.into_iter().collect();
        for group in seeded.listed_groups() {
            let is_in = seeded.shown.memberships().any(|membership| *membership == Membership::new(group.id.clone(), user.id.clone()));
            ensure(found.contains(&group.id) == is_in, || {
                format!("{what}: {} is {} them", group.id, if is_in { "not among" } else { "among" })
            })?;
        }
    }
    Ok(())
}

/// Groups say when their members last changed, so that it can be seen whether they have to be read again.
///
/// # Errors
/// The promise is not proven.
pub async fn p21_groups_say_when_their_members_changed(fixture: &dyn ProviderFixture) -> Verdict {
    let Some((seeded, _)) = company_with_cursor(fixture).await? else { return Ok(()) };
    let groups = Listed::read(seeded.provider.groups(OPTIONS)).await.complete("groups")?;
    seeded.ensure_groups(&groups)?;
    let silent = groups.items.iter().find(|group| group.timestamps.members_updated.is_none());
    ensure(silent.is_none(), || format!("{:?} does not say when its members changed", silent.map(|group| &group.id)))
}

/// “Groups whose time did not move are not read again”: it moves whenever somebody joins or leaves.
///
/// # Errors
/// The promise is not proven.
pub async fn p21_the_time_of_a_group_moves_with_its_members(fixture: &dyn ProviderFixture) -> Verdict {
    let Some((mut seeded, _)) = company_with_cursor(fixture).await? else { return Ok(()) };
    let (changing, person) = (group(NOBODY)?.id, user(0, UserStatus::Active)?.id);
    if seeded.shown.user(&person).is_none() || !seeded.listed_groups().any(|group| group.id == changing) {
        return Err(Unproven::skipped(format!("the fixture does not show {changing} with its members")));
    }
    let mut joined = company_to_change()?;
    joined.membership(Membership::new(changing.clone(), person));
    let mut times = vec![time_of_members(&seeded, &changing).await?];
    for (what, world) in [("joined", joined.finish()), ("left", company()?)] {
        fixture.pass_time().await?;
        seeded = Seeded::with(fixture, &world).await?;
        let time = time_of_members(&seeded, &changing).await?;
        ensure(!times.contains(&time), || format!("somebody {what} {changing}, and its time is {time:?} as before"))?;
        times.push(time);
    }
    Ok(())
}

async fn time_of_members(seeded: &Seeded, group: &GroupId) -> Result<Option<Timestamp>, Unproven> {
    let groups = Listed::read(seeded.provider.groups(OPTIONS)).await.complete("groups")?;
    let group = groups.last_readings(|group| group.id.clone()).remove(group);
    Ok(group.and_then(|group| group.timestamps.members_updated))
}
