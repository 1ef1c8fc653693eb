//! The directories that are seeded.

use super::super::Unproven;
use super::super::tools::{group_id, user_id};
use crate::{Group, GroupKind, InvalidId, Membership, Snapshot, SnapshotBuilder, User, UserStatus};
use serde_json::{Value, json};

/// An ordinary directory: more users than a small page holds, groups with everybody, with some, with nobody.
pub(super) fn company() -> Result<Snapshot, Unproven> {
    Ok(company_to_change()?.finish())
}

/// The same, before it is finished: what is added replaces what has its id.
pub(super) fn company_to_change() -> Result<SnapshotBuilder, Unproven> {
    let statuses = [UserStatus::Active, UserStatus::Suspended, UserStatus::Staged, UserStatus::Recovery];
    let mut world = Snapshot::builder();
    for (number, status) in (0..USERS).zip(statuses.into_iter().cycle()) {
        world.user(user(number, status)?);
    }
    for number in 0..GROUPS {
        world.group(group(number)?);
    }
    for number in 0..USERS {
        world.membership(member(EVERYONE, number)?);
        if number % 3 == 0 {
            world.membership(member(SOME, number)?);
        }
    }
    world.membership(member(ONE, 0)?);
    Ok(world)
}

/// [`company`] without one user and one group.
pub(super) fn company_without(gone_user: &User, gone_group: &Group) -> Result<Snapshot, Unproven> {
    let company = company()?;
    let mut world = Snapshot::builder();
    company.users().filter(|user| user.id != gone_user.id).for_each(|user| _ = world.user(user.clone()));
    company.groups().filter(|group| group.id != gone_group.id).for_each(|group| _ = world.group(group.clone()));
    let left = company.memberships().filter(|membership| membership.user != gone_user.id && membership.group != gone_group.id);
    left.for_each(|membership| _ = world.membership(membership.clone()));
    Ok(world.finish())
}

pub(super) const USERS: usize = 23;
const GROUPS: usize = 7;
/// The number of the group in which everybody is.
pub(super) const EVERYONE: usize = 1;
/// The number of a group in which a third is.
pub(super) const SOME: usize = 2;
const ONE: usize = 3;
/// The number of a group in which nobody is.
pub(super) const NOBODY: usize = 4;

pub(super) fn user(number: usize, status: UserStatus) -> Result<User, Unproven> {
    let user = User::new(user_id(format!("user{number:02}"))?, status).with_login(format!("user{number:02}@example.com"));
    Ok(user.with_attribute("firstName", format!("First {number}")))
}

pub(super) fn group(number: usize) -> Result<Group, Unproven> {
    Ok(Group::new(group_id(format!("group{number:02}"))?, format!("Group {number}")).with_attribute("description", "made by a test"))
}

fn member(group_number: usize, user_number: usize) -> Result<Membership, Unproven> {
    Ok(Membership::new(group(group_number)?.id, user(user_number, UserStatus::Active)?.id))
}

/// Values of every JSON type, and text that does not survive careless hands.
pub(super) fn values() -> [(&'static str, Value); 10] {
    [
        ("flag", json!(false)),
        ("number", json!(42)),
        ("negative", json!(-7)),
        ("fraction", json!(1.5)),
        ("digits", json!("0042")),
        ("word", json!("true")),
        ("list", json!(["b", "a", 1, null])),
        ("object", json!({"b": {"c": []}, "a": null})),
        ("displayName", json!("Zoë O’Hara 東京 \u{1F469}\u{200D}\u{1F680} e\u{301}")),
        ("empty", json!("")),
    ]
}

/// A directory whose entries have an attribute of every kind.
pub(super) fn described() -> Result<Snapshot, Unproven> {
    let mut world = company_to_change()?;
    let (mut person, mut crowd) = (user(0, UserStatus::Active)?, group(0)?);
    for (name, value) in values() {
        person.attributes.insert(name, value.clone());
        crowd.attributes.insert(name, value);
    }
    world.user(person).group(crowd);
    Ok(world.finish())
}

/// A directory with statuses and kinds that no version knows.
pub(super) fn unknown() -> Result<Snapshot, Unproven> {
    let mut world = company_to_change()?;
    for (number, text) in ["ON_LEAVE", "active", "Zurückgestellt"].into_iter().enumerate() {
        world.user(user(number, UserStatus::Other(text.to_owned()))?);
        world.group(group(number)?.with_kind(GroupKind::Other(text.to_owned())));
    }
    world.group(group(5)?.with_kind(GroupKind::BuiltIn)).group(group(6)?.with_kind(GroupKind::Imported));
    Ok(world.finish())
}

/// A directory with ids at the edges of what the model allows, and who is in which of them.
pub(super) fn odd_ids() -> Result<Snapshot, Unproven> {
    let mut world = company_to_change()?;
    let long = "x".repeat(InvalidId::MAX_BYTES);
    let ids = ["ü/é? #%&'\"\\", "\u{1F600}", " leading and trailing ", "e\u{301}", "\u{e9}", "..", "CASE", "case", "0", long.as_str()];
    for id in ids {
        world.user(User::new(user_id(id)?, UserStatus::Active).with_login(format!("{}@example.com", id.len())));
        world.group(Group::new(group_id(id)?, "odd"));
        world.membership(Membership::new(group_id(id)?, user_id(id)?));
        world.membership(Membership::new(group_id(id)?, user(0, UserStatus::Active)?.id));
    }
    Ok(world.finish())
}
