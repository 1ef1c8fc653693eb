//! The directories that are delivered.

use super::super::Unproven;
use super::super::tools::{group_id, user_id};
use crate::{Group, GroupKind, InvalidId, Membership, Snapshot, User, UserStatus};
use serde_json::{Value, json};

/// Two states of one small company; between them lie changes of all eight kinds.
pub(super) struct Story {
    /// A first day.
    pub(super) base: Snapshot,
    /// A later day: Ana gave her login up and Fay took it, Bo was deactivated, Cy suspended, Dee deleted together with her group.
    pub(super) target: Snapshot,
}

impl Story {
    pub(super) fn new() -> Result<Self, Unproven> {
        Ok(Self { base: base()?, target: target()? })
    }
}

fn base() -> Result<Snapshot, Unproven> {
    let mut world = Snapshot::builder();
    world
        .user(user("ana", UserStatus::Active)?.with_attribute("title", "Engineer").with_attribute("manager", Value::Null))
        .user(user("bo", UserStatus::Active)?.with_attribute("title", "Zoë’s Büro 東京"))
        .user(user("cy", UserStatus::Recovery)?.with_attribute("tags", json!(["a", 1, null])))
        .user(user("dee", UserStatus::Active)?)
        .user(user("eve", UserStatus::Staged)?.with_attribute("old", true))
        .group(Group::new(group_id("staff")?, "Staff").with_attribute("description", "Everyone who works here"))
        .group(Group::new(group_id("ops")?, "Operations"))
        .group(Group::new(group_id("old")?, "Old"));
    for (group, user) in [("staff", "ana"), ("staff", "bo"), ("staff", "dee"), ("ops", "cy"), ("old", "dee"), ("old", "eve")] {
        world.membership(Membership::new(group_id(group)?, user_id(user)?));
    }
    Ok(world.finish())
}

fn target() -> Result<Snapshot, Unproven> {
    let mut world = Snapshot::builder();
    world
        .user(user("ana", UserStatus::Active)?.with_login("ana.new@example.com").with_attribute("title", Value::Null))
        .user(user("bo", UserStatus::Deprovisioned)?.with_attribute("title", "Zoë’s Büro 東京"))
        .user(user("cy", UserStatus::Suspended)?.with_attribute("tags", json!({"a": [1.5, "\u{1F600}"]})))
        .user(user("eve", UserStatus::Other(String::from("ON_LEAVE")))?)
        .user(user("fay", UserStatus::Active)?.with_login("ana@example.com"))
        .group(Group::new(group_id("staff")?, "All staff").with_attribute("description", Value::Null))
        .group(Group::new(group_id("ops")?, "Operations"))
        .group(Group::new(group_id("new")?, "Ops \u{1F6E0}").with_kind(GroupKind::Other(String::from("dynamic"))));
    for (group, user) in [("staff", "ana"), ("staff", "fay"), ("ops", "eve"), ("new", "cy"), ("new", "fay")] {
        world.membership(Membership::new(group_id(group)?, user_id(user)?));
    }
    Ok(world.finish())
}

/// Ids and values at the edges of what the model allows.
pub(super) fn edges() -> Result<Snapshot, Unproven> {
    let mut world = Snapshot::builder();
    let long = "x".repeat(InvalidId::MAX_BYTES);
    let ids = ["ü/é? #%&'\"\\", "\u{1F600}", " leading and trailing ", "e\u{301}", "\u{e9}", "NULL", "0", long.as_str()];
    for id in ids {
        let mut user = User::new(user_id(id)?, UserStatus::Other(String::from("Äctive"))).with_login(format!("{id}@example.com"));
        for (name, value) in values() {
            user = user.with_attribute(name, value.clone());
            user.extra.insert(name, value);
        }
        let mut group = Group::new(group_id(id)?, "the same name for all").with_kind(GroupKind::Other(String::from("Ünknown")));
        for (name, value) in values() {
            group = group.with_attribute(name, value.clone());
            group.extra.insert(name, value);
        }
        world.user(user).group(group).membership(Membership::new(group_id(id)?, user_id(id)?));
    }
    world.user(User::new(user_id("without a login")?, UserStatus::Active));
    world.group(Group::new(group_id("without a name")?, ""));
    Ok(world.finish())
}

fn values() -> [(&'static str, Value); 8] {
    [
        ("null", Value::Null),
        ("no", json!(false)),
        ("largest", json!(u64::MAX)),
        ("smallest", json!(i64::MIN)),
        ("fraction", json!(0.1)),
        ("text", json!("42\u{0} \"quoted\" \u{1F469}\u{200D}\u{1F680} ''; DROP TABLE users; --")),
        ("nested.名前", json!({"": [[], {}, [null, {"a": 1}]]})),
        ("", json!("an attribute without a name")),
    ]
}

/// A user whose login follows from the id.
pub(super) fn user(id: &str, status: UserStatus) -> Result<User, Unproven> {
    Ok(User::new(user_id(id)?, status).with_login(format!("{id}@example.com")))
}

/// A directory with these entries.
pub(super) fn world(users: &[User], groups: &[Group], memberships: &[Membership]) -> Snapshot {
    let mut world = Snapshot::builder();
    users.iter().for_each(|user| _ = world.user(user.clone()));
    groups.iter().for_each(|group| _ = world.group(group.clone()));
    memberships.iter().for_each(|membership| _ = world.membership(membership.clone()));
    world.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChangeKind, ChangeSet};

    #[test]
    fn the_story_has_changes_of_all_kinds() {
        let story = Story::new().unwrap();
        let counts = ChangeSet::between(&story.base, &story.target).counts();
        for kind in ChangeKind::ALL {
            assert!(counts.get(kind) > 0, "{kind}");
        }
        assert_eq!((story.base.dangling().len(), story.target.dangling().len()), (0, 0));
    }
}
