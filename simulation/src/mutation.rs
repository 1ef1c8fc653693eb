//! What happens to the source by itself.

use crate::random::Random;
use crate::world::{Scope, World};
use idsync_core::{Group, GroupId, Membership, Timestamp, User, UserId, UserStatus};
use std::collections::BTreeSet;

/// Fills an empty world.
pub(crate) fn populate(world: &mut World, random: &mut Random) {
    world.tells_members_updated = random.once_in(2);
    if random.once_in(40) {
        return populate_with_a_crowd(world, random);
    }
    let users = if random.once_in(2) { random.below(41) } else { random.below(12) };
    let groups = if random.once_in(2) { random.below(13) } else { random.below(5) };
    for _ in 0..users {
        create_user(world, random);
    }
    for _ in 0..groups {
        create_group(world, random);
    }
    let memberships = random.below(users * groups / 2 + 1);
    for _ in 0..memberships {
        add_member(world, random);
    }
}

/// Fills an empty world with a group that is kept in several blocks, or soon will be.
fn populate_with_a_crowd(world: &mut World, random: &mut Random) {
    let users = if random.once_in(8) { random.between(290, 340) } else { random.between(66, 100) };
    for _ in 0..users {
        create_user(world, random);
    }
    for _ in 0..random.between(1, 3) {
        create_group(world, random);
    }
    if random.once_in(2) {
        rush(world, random);
    }
}

/// Most of a crowd joins a group, or leaves it.
pub(crate) fn rush(world: &mut World, random: &mut Random) -> Option<&'static str> {
    let group = random.pick(&world.groups.keys().collect::<Vec<_>>()).copied()?.clone();
    let users: Vec<_> = world.users.keys().cloned().collect();
    let joins = random.once_in(2) || world.members.get(&group).is_none_or(BTreeSet::is_empty);
    for user in users.into_iter().filter(|_| !random.once_in(20)) {
        let membership = Membership::new(group.clone(), user);
        if joins { world.add_member(membership) } else { world.remove_member(membership) }
    }
    Some(if joins { "a crowd joins a group" } else { "a crowd leaves a group" })
}

/// Creates and updates more than tight limits let pass.
pub(crate) fn grow(world: &mut World, random: &mut Random) {
    for _ in 0..random.between(3, 8) {
        match random.below(5) {
            0 => _ = create_group(world, random),
            1 => _ = rename_group(world, random),
            2 => _ = add_member(world, random),
            3 => _ = update_user(world, random),
            _ => _ = create_user(world, random),
        }
    }
}

/// One change of the source, in a few words; `None` when what was drawn needs something that is not there.
pub(crate) fn mutate(world: &mut World, random: &mut Random) -> Option<&'static str> {
    match random.below(20) {
        0..3 => create_user(world, random),
        3..6 => update_user(world, random),
        6..8 => deactivate_user(world, random),
        8..10 => delete_user(world, random),
        10 => create_group(world, random),
        11 => rename_group(world, random),
        12 => delete_group(world, random),
        13..17 => add_member(world, random),
        _ => remove_member(world, random),
    }
}

/// Deletes more than tight limits let go, and leaves something to be seen.
pub(crate) fn mutate_massively(world: &mut World, random: &mut Random) {
    for _ in 0..random.between(4, 16) {
        match random.below(4) {
            0 if world.groups.len() > 1 => _ = delete_group(world, random),
            1 => _ = remove_member(world, random),
            2 => _ = deactivate_user(world, random),
            _ if world.users.len() > 1 => _ = delete_user(world, random),
            _ => {}
        }
    }
}

/// Takes away an entry from the front of a listing, so that those behind it move up.
pub(crate) fn shift(world: &mut World, random: &mut Random) -> Option<&'static str> {
    if random.once_in(2) && world.groups.len() > 1 {
        let id = world.groups.keys().next()?.clone();
        world.remove_group(&id);
        return Some("the first group is deleted");
    }
    let id = world.users.keys().next().filter(|_| world.users.len() > 1)?.clone();
    world.remove_user(&id);
    Some("the first user is deleted")
}

/// A membership that began ends, or one that ended begins again.
pub(crate) fn waver(world: &mut World) -> Option<&'static str> {
    let membership = world.last_moved.clone()?;
    if !(world.users.contains_key(&membership.user) && world.groups.contains_key(&membership.group)) {
        return None;
    }
    if world.members.get(&membership.group).is_some_and(|members| members.contains(&membership.user)) {
        world.remove_member(membership);
    } else {
        world.add_member(membership);
    }
    Some("a user joins and leaves a group")
}

/// Changes one of a few users back and forth, so that two readings of a page differ.
pub(crate) fn flicker(world: &mut World, random: &mut Random) -> Option<&'static str> {
    let mut user = random.pick(&world.users.values().take(3).collect::<Vec<_>>()).copied()?.clone();
    let blocked = user.status == UserStatus::Suspended;
    user.status = if blocked || random.once_in(2) { UserStatus::Active } else { UserStatus::Suspended };
    let user = user.with_attribute("title", random.below(2));
    world.put_user(user);
    Some("a user flickers")
}

/// Draws another scope; says whether anything came or went by it.
pub(crate) fn change_scope(world: &mut World, random: &mut Random) -> bool {
    let scope = if world.scope == Scope::Everything || random.once_in(3) { Scope::Part { salt: random.next() } } else { Scope::Everything };
    world.set_scope(scope)
}

/// Makes sure that somebody and some group are in scope, for a directory in which nothing is visible is never believed.
pub(crate) fn make_visible(world: &mut World, random: &mut Random) {
    for _ in 0..200 {
        if world.users.keys().any(|id| world.user_in_scope(id)) {
            break;
        }
        create_user(world, random);
    }
    for _ in 0..200 {
        if world.groups.keys().any(|id| world.group_in_scope(id)) {
            break;
        }
        create_group(world, random);
    }
}

fn create_user(world: &mut World, random: &mut Random) -> Option<&'static str> {
    world.ids_used += 1;
    // Ids come in no order, so that new entries land between old ones.
    let id = UserId::new(format!("u{:02x}{}", random.below(256), world.ids_used)).ok()?;
    let status = random.pick(&[UserStatus::Active, UserStatus::Active, UserStatus::Staged, UserStatus::Suspended])?.clone();
    let mut user = User::new(id, status).with_login(format!("login{}", world.ids_used));
    user.timestamps.last_login = instant(random);
    world.put_user(user);
    Some("a user is created")
}

fn update_user(world: &mut World, random: &mut Random) -> Option<&'static str> {
    let mut user = random.pick(&world.users.values().collect::<Vec<_>>()).copied()?.clone();
    let what = match random.below(4) {
        0 => {
            user.login = Some(format!("renamed{}", random.below(50)));
            "a user is renamed"
        }
        1 => {
            user = user.with_attribute("title", random.below(3));
            "a user gets another title"
        }
        2 => {
            user.status = random.pick(&[UserStatus::Active, UserStatus::LockedOut, UserStatus::Other("ON_LEAVE".to_owned())])?.clone();
            "a user gets another status"
        }
        _ => {
            user.timestamps.last_login = instant(random);
            "a user signs in"
        }
    };
    world.put_user(user);
    Some(what)
}

fn deactivate_user(world: &mut World, random: &mut Random) -> Option<&'static str> {
    let mut user = random.pick(&world.users.values().collect::<Vec<_>>()).copied()?.clone();
    user.status = random.pick(&[UserStatus::Suspended, UserStatus::Deprovisioned])?.clone();
    world.put_user(user);
    Some("a user is deactivated")
}

fn delete_user(world: &mut World, random: &mut Random) -> Option<&'static str> {
    let id = random.pick(&world.users.keys().collect::<Vec<_>>()).copied()?.clone();
    world.remove_user(&id);
    Some("a user is deleted")
}

fn create_group(world: &mut World, random: &mut Random) -> Option<&'static str> {
    world.ids_used += 1;
    let id = GroupId::new(format!("g{:02x}{}", random.below(256), world.ids_used)).ok()?;
    world.put_group(Group::new(id, format!("Group {}", world.ids_used)));
    Some("a group is created")
}

fn rename_group(world: &mut World, random: &mut Random) -> Option<&'static str> {
    let mut group = random.pick(&world.groups.values().collect::<Vec<_>>()).copied()?.clone();
    group.name = format!("Renamed {}", random.below(20));
    world.put_group(group);
    Some("a group is renamed")
}

fn delete_group(world: &mut World, random: &mut Random) -> Option<&'static str> {
    let id = random.pick(&world.groups.keys().collect::<Vec<_>>()).copied()?.clone();
    world.remove_group(&id);
    Some("a group is deleted")
}

fn add_member(world: &mut World, random: &mut Random) -> Option<&'static str> {
    let group = random.pick(&world.groups.keys().collect::<Vec<_>>()).copied()?.clone();
    let user = random.pick(&world.users.keys().collect::<Vec<_>>()).copied()?.clone();
    world.add_member(Membership::new(group, user));
    Some("a user joins a group")
}

fn remove_member(world: &mut World, random: &mut Random) -> Option<&'static str> {
    let group = random.pick(&world.groups.keys().collect::<Vec<_>>()).copied()?.clone();
    let user = random.pick(&world.members.get(&group)?.iter().collect::<Vec<_>>()).copied()?.clone();
    world.remove_member(Membership::new(group, user));
    Some("a user leaves a group")
}

fn instant(random: &mut Random) -> Option<Timestamp> {
    i64::try_from(random.below(1_800_000_000_000)).ok().and_then(Timestamp::from_unix_millis)
}
