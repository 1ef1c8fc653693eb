//! Made-up directories, the same for the same size.

use idsync::memory::MemoryProvider;
use idsync::{Group, GroupId, Membership, Snapshot, User, UserId, UserStatus};
use std::num::NonZeroUsize;

/// How large a directory is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Size {
    /// Users.
    pub users: usize,
    /// Groups.
    pub groups: usize,
    /// Memberships, spread unevenly over the groups.
    pub memberships: usize,
}

impl Size {
    /// A size.
    pub const fn new(users: usize, groups: usize, memberships: usize) -> Self {
        Self { users, groups, memberships }
    }
}

/// A directory in memory, read in pages of 200.
///
/// # Panics
/// Never: the ids that it makes are valid.
pub fn directory(size: Size) -> MemoryProvider {
    let mut builder = Snapshot::builder();
    (0..size.users).for_each(|number| _ = builder.user(user(number)));
    for number in 0..size.groups {
        builder.group(Group::new(group_id(number), format!("Team {number}")).with_attribute("description", "Those who do it"));
    }
    for (group, members) in spread(size).into_iter().enumerate() {
        for place in 0..members {
            // A step that has no factor in common with the number of users visits each of them once.
            let member = (group * 7_919 + place * 611_953) % size.users;
            builder.membership(Membership::new(group_id(group), user_id(member)));
        }
    }
    const PAGE: NonZeroUsize = NonZeroUsize::new(200).unwrap();
    let provider = MemoryProvider::new().page_size(PAGE);
    provider.replace(&builder.finish());
    provider
}

/// Members of each group: a power law, cut off at the number of users.
fn spread(size: Size) -> Vec<usize> {
    let weight: f64 = (1..=size.groups).map(|rank| 1.0 / rank as f64).sum();
    let members = |rank: usize| (size.memberships as f64 / rank as f64 / weight) as usize;
    (1..=size.groups).map(|rank| members(rank).clamp(1, size.users)).collect()
}

/// The ids of a long group, for hashing them alone.
pub fn long_group(size: usize) -> Vec<UserId> {
    (0..size).map(user_id).collect()
}

fn user(number: usize) -> User {
    let status = if number.is_multiple_of(40) { UserStatus::Suspended } else { UserStatus::Active };
    User::new(user_id(number), status)
        .with_login(format!("person{number}@example.com"))
        .with_attribute("email", format!("person{number}@example.com"))
        .with_attribute("firstName", format!("First{number}"))
        .with_attribute("lastName", format!("Last{}", number % 977))
        .with_attribute("department", format!("Department {}", number % 31))
        .with_attribute("title", "Specialist for one thing and another")
        .with_attribute("city", format!("City {}", number % 113))
        .with_attribute("employeeNumber", format!("{number:07}"))
        .with_attribute("floor", number % 12)
        .with_attribute("remote", number.is_multiple_of(3))
}

fn user_id(number: usize) -> UserId {
    UserId::new(format!("00u{number:017}")).unwrap_or_else(|_| unreachable!("the text is a valid id"))
}

fn group_id(number: usize) -> GroupId {
    GroupId::new(format!("00g{number:017}")).unwrap_or_else(|_| unreachable!("the text is a valid id"))
}
