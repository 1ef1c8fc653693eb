//! The worlds of the suite in Okta's terms: what an org is to hold, and what is to be seen of it.

use idsync::okta::{Deprovisioned, Everyone};
use idsync::{Attributes, EntryId, Group, GroupId, GroupKind, Membership, Snapshot, User, UserStatus};
use idsync_okta_emulator::{GroupType, Status, Truth, TruthGroup, TruthUser};
use serde_json::{Map, Value, json};

/// Comes after the ids of all ordinary groups of the suite, which takes the first group where it needs one that can be deleted.
const EVERYONE: &str = "the built-in group";

/// What the provider is told to read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scope {
    pub(crate) deprovisioned: Deprovisioned,
    pub(crate) everyone: Everyone,
}

/// What the org holds. The group Everyone comes on top, for there is no org without it.
pub(crate) fn truth(world: &Snapshot) -> Truth {
    let mut truth = Truth::default();
    for user in world.users().filter(|user| is_nameable(user.id.as_str())) {
        let login = user.login.iter().map(|login| (String::from("login"), json!(login)));
        let profile = user.attributes.clone().into_iter().chain(login).collect();
        // One that Okta does not know is put in by a fault.
        let status = known(&user.status).unwrap_or(Status::Active);
        truth.users.insert(user.id.to_string(), TruthUser::new(status, profile));
    }
    for group in world.groups().filter(|group| is_nameable(group.id.as_str())) {
        let name = (String::from("name"), json!(group.name));
        let kind = match group.kind {
            GroupKind::BuiltIn => GroupType::BuiltIn,
            GroupKind::Imported => GroupType::App,
            _ => GroupType::Okta,
        };
        truth.groups.insert(group.id.to_string(), TruthGroup::new(kind, group.attributes.clone().into_iter().chain([name]).collect()));
    }
    let everyone = Map::from_iter([(String::from("name"), json!("Everyone"))]);
    truth.groups.insert(String::from(EVERYONE), TruthGroup::new(GroupType::BuiltIn, everyone));
    truth.memberships = world.memberships().map(|membership| (membership.group.to_string(), membership.user.to_string())).collect();
    truth
}

/// The states and types that Okta does not know.
pub(crate) fn unknown_kinds(world: &Snapshot) -> impl Iterator<Item = (EntryId, String)> {
    let users = world.users().filter(|user| known(&user.status).is_none());
    let users = users.map(|user| (EntryId::User(user.id.clone()), user.status.as_str().to_owned()));
    let groups = world.groups().filter_map(|group| match &group.kind {
        GroupKind::Other(text) => Some((EntryId::Group(group.id.clone()), text.clone())),
        _ => None,
    });
    users.chain(groups)
}

/// What the provider is to show of it. `truth` is the org's own, for what only the org knows.
pub(crate) fn shown(world: &Snapshot, scope: Scope, truth: &Truth) -> Snapshot {
    let mut shown = Snapshot::builder();
    let in_scope = |user: &&User| scope.deprovisioned == Deprovisioned::Include || user.status != UserStatus::Deprovisioned;
    let everyone = Group::new(GroupId::new(EVERYONE).unwrap(), "Everyone").with_kind(GroupKind::BuiltIn);
    for user in world.users().filter(in_scope).filter(|user| is_nameable(user.id.as_str())) {
        let held = &truth.users[user.id.as_str()];
        let mut user = user.clone();
        user.attributes = present(user.attributes);
        user.extra.insert("type", json!({"id": held.type_id}));
        held.realm_id.as_ref().map(|realm| user.extra.insert("realmId", realm.clone()));
        if scope.everyone == Everyone::Include {
            shown.membership(Membership::new(everyone.id.clone(), user.id.clone()));
        }
        shown.user(user);
    }
    for group in world.groups().filter(|group| is_nameable(group.id.as_str())).chain([&everyone]) {
        let held = &truth.groups[group.id.as_str()];
        let mut group = group.clone();
        group.attributes = present(group.attributes);
        group.extra.insert("objectClass", json!(["okta:user_group"]));
        held.source.as_ref().map(|app| group.extra.insert("source", json!({"id": app})));
        shown.group(group);
    }
    world.memberships().for_each(|membership| _ = shown.membership(membership.clone()));
    shown.finish()
}

fn known(status: &UserStatus) -> Option<Status> {
    Status::ALL.into_iter().find(|known| known.as_str() == status.as_str())
}

/// Null counts as absent.
fn present(attributes: Attributes) -> Attributes {
    attributes.into_iter().filter(|(_, value)| *value != Value::Null).collect()
}

/// Okta's ids stand in the paths of URLs, where these two mean the place itself and the one above it, however they are encoded (RFC 3986,
/// section 5.2.4, and the URL Standard): no server can be asked for an entry with such an id.
fn is_nameable(id: &str) -> bool {
    !matches!(id, "." | "..")
}
