//! One difference between two states of a directory.

use crate::attributes::{Differing, parsed};
use crate::{Attributes, DirectoryId, EntryId, Group, GroupId, IdempotencyKey, KeyMaker, Lifecycle, Membership, Revision, User, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// One difference, with everything a sink needs to apply it: whole states, and previous values where something was there before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
#[non_exhaustive]
pub enum Change {
    /// A group appeared.
    #[serde(rename = "group.created")]
    GroupCreated {
        /// The group as it is now.
        group: Group,
    },
    /// A group is gone. Its memberships were removed by changes before this one.
    #[serde(rename = "group.deleted")]
    GroupDeleted {
        /// The group as it was last synced.
        group: Group,
        /// Why it is gone.
        reason: DeletionReason,
    },
    /// A group's name, kind or attributes changed.
    #[serde(rename = "group.updated")]
    GroupUpdated {
        /// The group as it is now.
        group: Group,
        /// What changed, by field name.
        changed: Vec<FieldChange>,
    },
    /// A user joined a group.
    #[serde(rename = "group.user_added")]
    GroupUserAdded {
        /// Who joined what.
        membership: Membership,
    },
    /// A user left a group.
    #[serde(rename = "group.user_removed")]
    GroupUserRemoved {
        /// Who left what.
        membership: Membership,
        /// Why.
        reason: RemovalReason,
    },
    /// A user appeared.
    #[serde(rename = "user.created")]
    UserCreated {
        /// The user as it is now.
        user: User,
    },
    /// A user is gone. Its memberships were removed by changes before this one.
    #[serde(rename = "user.deleted")]
    UserDeleted {
        /// The user as it was last synced.
        user: User,
        /// Why it is gone.
        reason: DeletionReason,
    },
    /// A user's login, status or attributes changed.
    #[serde(rename = "user.updated")]
    UserUpdated {
        /// The user as it is now.
        user: User,
        /// What changed, by field name.
        changed: Vec<FieldChange>,
    },
}

impl Change {
    /// The update from one state of a user to another; `None` when they say the same.
    pub fn user_update(before: &User, after: User) -> Option<Self> {
        let changed = FieldChange::between_users(before, &after);
        (!changed.is_empty()).then_some(Self::UserUpdated { user: after, changed })
    }

    /// The update from one state of a group to another; `None` when they say the same.
    pub fn group_update(before: &Group, after: Group) -> Option<Self> {
        let changed = FieldChange::between_groups(before, &after);
        (!changed.is_empty()).then_some(Self::GroupUpdated { group: after, changed })
    }

    /// The kind of the change.
    pub const fn kind(&self) -> ChangeKind {
        match self {
            Self::GroupCreated { .. } => ChangeKind::GroupCreated,
            Self::GroupDeleted { .. } => ChangeKind::GroupDeleted,
            Self::GroupUpdated { .. } => ChangeKind::GroupUpdated,
            Self::GroupUserAdded { .. } => ChangeKind::GroupUserAdded,
            Self::GroupUserRemoved { .. } => ChangeKind::GroupUserRemoved,
            Self::UserCreated { .. } => ChangeKind::UserCreated,
            Self::UserDeleted { .. } => ChangeKind::UserDeleted,
            Self::UserUpdated { .. } => ChangeKind::UserUpdated,
        }
    }

    /// When the change is applied, relative to the others of its change set.
    pub fn phase(&self) -> Phase {
        match self {
            Self::UserUpdated { user, changed } if revokes_access(user, changed) => Phase::Deactivate,
            Self::GroupUserRemoved { .. } => Phase::RemoveMembers,
            Self::UserUpdated { .. } => Phase::UpdateUsers,
            Self::UserCreated { .. } => Phase::CreateUsers,
            Self::GroupUpdated { .. } | Self::GroupCreated { .. } => Phase::PutGroups,
            Self::GroupUserAdded { .. } => Phase::AddMembers,
            Self::GroupDeleted { .. } => Phase::DeleteGroups,
            Self::UserDeleted { .. } => Phase::DeleteUsers,
        }
    }

    /// The user that the change is about, if it is about one.
    pub const fn user(&self) -> Option<&UserId> {
        match self {
            Self::UserCreated { user } | Self::UserUpdated { user, .. } | Self::UserDeleted { user, .. } => Some(&user.id),
            Self::GroupUserAdded { membership } | Self::GroupUserRemoved { membership, .. } => Some(&membership.user),
            Self::GroupCreated { .. } | Self::GroupUpdated { .. } | Self::GroupDeleted { .. } => None,
        }
    }

    /// The group that the change is about, if it is about one.
    pub const fn group(&self) -> Option<&GroupId> {
        match self {
            Self::GroupCreated { group } | Self::GroupUpdated { group, .. } | Self::GroupDeleted { group, .. } => Some(&group.id),
            Self::GroupUserAdded { membership } | Self::GroupUserRemoved { membership, .. } => Some(&membership.group),
            Self::UserCreated { .. } | Self::UserUpdated { .. } | Self::UserDeleted { .. } => None,
        }
    }

    /// About how many bytes the texts of the change are: what it costs to hold it, or to send it somewhere. Cheap, and not exact.
    pub fn size_hint(&self) -> usize {
        let ids = self.user().map_or(0, |user| user.as_str().len()) + self.group().map_or(0, |group| group.as_str().len());
        let contents = match self {
            Self::UserCreated { user } | Self::UserDeleted { user, .. } => user_size(user),
            Self::UserUpdated { user, changed } => user_size(user) + changed.iter().map(FieldChange::size).sum::<usize>(),
            Self::GroupCreated { group } | Self::GroupDeleted { group, .. } => group_size(group),
            Self::GroupUpdated { group, changed } => group_size(group) + changed.iter().map(FieldChange::size).sum::<usize>(),
            Self::GroupUserAdded { .. } | Self::GroupUserRemoved { .. } => 0,
        };
        // Kind, key and times of every change.
        64 + ids + contents
    }

    /// The entries that must be in the sink for this change to make sense there.
    pub fn entries(&self) -> impl Iterator<Item = EntryId> {
        let group = self.group().cloned().map(EntryId::Group);
        let user = self.user().cloned().map(EntryId::User);
        group.into_iter().chain(user)
    }

    /// The key under which this change is delivered: the same for every delivery of this change from revision `from` of `directory`,
    /// and different for every other change.
    pub fn idempotency_key(&self, directory: &DirectoryId, from: Revision) -> IdempotencyKey {
        KeyMaker::new(directory, from).key(self)
    }

    /// Everything that tells this change from any other one of the same directory and revision, field by field.
    pub(crate) fn identify(&self, mut field: impl FnMut(&[u8])) {
        field(self.kind().as_str().as_bytes());
        field(self.group().map_or("", GroupId::as_str).as_bytes());
        field(self.user().map_or("", UserId::as_str).as_bytes());
        match self {
            Self::UserUpdated { changed, .. } | Self::GroupUpdated { changed, .. } => {
                for change in changed {
                    field(change.field.as_bytes());
                    field(change.after.as_ref().map_or_else(String::new, Value::to_string).as_bytes());
                }
            }
            Self::UserCreated { user } => {
                field(user.status.as_str().as_bytes());
                field(&[u8::from(user.login.is_some())]);
                field(user.login.as_deref().unwrap_or_default().as_bytes());
                field(user.attributes.as_json().as_bytes());
                field(user.extra.as_json().as_bytes());
            }
            Self::GroupCreated { group } => {
                field(group.name.as_bytes());
                field(group.kind.as_str().as_bytes());
                field(group.attributes.as_json().as_bytes());
                field(group.extra.as_json().as_bytes());
            }
            _ => {}
        }
    }
}

/// Whether the update takes a user's access away, rather than changing someone who had none before.
fn revokes_access(user: &User, changed: &[FieldChange]) -> bool {
    user.lifecycle().is_blocked()
        && changed.iter().any(|change| {
            change.field == FieldChange::STATUS
                && change.before.as_ref().and_then(Value::as_str).is_none_or(|status| {
                    let before = crate::UserStatus::from(status).lifecycle();
                    before != Lifecycle::Deprovisioned && before != user.lifecycle()
                })
        })
}

/// One field that differs, with its value before and after; `None` means that the field was not there.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldChange {
    /// `login`, `status`, `name`, `kind`, an attribute as `attributes.title`, or another member as `extra.realmId`.
    pub field: String,
    /// The value in the sink so far.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The value from now on.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Tells `null`, which is a value, from an absent member.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl FieldChange {
    /// The field that holds a user's status.
    pub const STATUS: &'static str = "status";
    /// The field that holds a user's login.
    pub const LOGIN: &'static str = "login";

    /// A field that went from `before` to `after`.
    pub fn new(field: impl Into<String>, before: Option<Value>, after: Option<Value>) -> Self {
        Self { field: field.into(), before, after }
    }

    fn size(&self) -> usize {
        self.field.len() + self.before.as_ref().map_or(0, value_size) + self.after.as_ref().map_or(0, value_size)
    }

    /// The fields that differ, by name.
    fn between_users(before: &User, after: &User) -> Vec<Self> {
        let mut changed = Vec::new();
        between_attributes("attributes", &before.attributes, &after.attributes, &mut changed);
        between_attributes("extra", &before.extra, &after.extra, &mut changed);
        changed.extend(Self::between_texts(Self::LOGIN, before.login.as_deref(), after.login.as_deref()));
        changed.extend(Self::between_texts(Self::STATUS, Some(before.status.as_str()), Some(after.status.as_str())));
        changed
    }

    /// The fields that differ, by name.
    fn between_groups(before: &Group, after: &Group) -> Vec<Self> {
        let mut changed = Vec::new();
        between_attributes("attributes", &before.attributes, &after.attributes, &mut changed);
        between_attributes("extra", &before.extra, &after.extra, &mut changed);
        changed.extend(Self::between_texts("kind", Some(before.kind.as_str()), Some(after.kind.as_str())));
        changed.extend(Self::between_texts("name", Some(&before.name), Some(&after.name)));
        changed
    }

    fn between_texts(field: &str, before: Option<&str>, after: Option<&str>) -> Option<Self> {
        (before != after).then(|| Self::new(field, before.map(Value::from), after.map(Value::from)))
    }
}

/// Adds the attributes that differ. Only these become values.
fn between_attributes(of: &str, before: &Attributes, after: &Attributes, changed: &mut Vec<FieldChange>) {
    let differing = Differing::between(before, after);
    changed.extend(differing.map(|(name, old, new)| FieldChange::new(format!("{of}.{name}"), old.map(parsed), new.map(parsed))));
}

/// Values are personal data, so `Debug` names the field only.
impl fmt::Debug for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.field)
    }
}

fn user_size(user: &User) -> usize {
    user.login.as_ref().map_or(0, String::len) + user.attributes.as_json().len() + user.extra.as_json().len()
}

fn group_size(group: &Group) -> usize {
    group.name.len() + group.attributes.as_json().len() + group.extra.as_json().len()
}

/// About the length of the value as JSON.
fn value_size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(values) => 2 + values.iter().map(|value| value_size(value) + 1).sum::<usize>(),
        Value::Object(members) => 2 + members.iter().map(|(name, value)| name.len() + value_size(value) + 4).sum::<usize>(),
    }
}

/// What kind of difference a [`Change`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// `group.created`
    GroupCreated,
    /// `group.deleted`
    GroupDeleted,
    /// `group.updated`
    GroupUpdated,
    /// `group.user_added`
    GroupUserAdded,
    /// `group.user_removed`
    GroupUserRemoved,
    /// `user.created`
    UserCreated,
    /// `user.deleted`
    UserDeleted,
    /// `user.updated`
    UserUpdated,
}

impl ChangeKind {
    /// All kinds, users first, in the order in which reports print them.
    pub const ALL: [Self; 8] = [
        Self::UserCreated,
        Self::UserUpdated,
        Self::UserDeleted,
        Self::GroupCreated,
        Self::GroupUpdated,
        Self::GroupDeleted,
        Self::GroupUserAdded,
        Self::GroupUserRemoved,
    ];

    /// The name of the kind, such as `user.created`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GroupCreated => "group.created",
            Self::GroupDeleted => "group.deleted",
            Self::GroupUpdated => "group.updated",
            Self::GroupUserAdded => "group.user_added",
            Self::GroupUserRemoved => "group.user_removed",
            Self::UserCreated => "user.created",
            Self::UserDeleted => "user.deleted",
            Self::UserUpdated => "user.updated",
        }
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The order in which the changes of a set are applied: what takes access away comes before what gives it, and nothing refers to an
/// entry that is not there yet or not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
#[non_exhaustive]
pub enum Phase {
    /// Users that become suspended or deprovisioned.
    Deactivate = 1,
    /// Memberships that end.
    RemoveMembers = 2,
    /// Other updates of users; before creations, so that a login is given up before somebody else takes it.
    UpdateUsers = 3,
    /// New users.
    CreateUsers = 4,
    /// New and updated groups.
    PutGroups = 5,
    /// Memberships that begin.
    AddMembers = 6,
    /// Groups that are gone.
    DeleteGroups = 7,
    /// Users that are gone.
    DeleteUsers = 8,
}

impl Phase {
    /// All phases in their order.
    pub const ALL: [Self; 8] = [
        Self::Deactivate,
        Self::RemoveMembers,
        Self::UpdateUsers,
        Self::CreateUsers,
        Self::PutGroups,
        Self::AddMembers,
        Self::DeleteGroups,
        Self::DeleteUsers,
    ];

    /// The phase with this number, as `phase as u8` gives it.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| *phase as u8 == number)
    }
}

/// Why a user or a group is gone from the sink's point of view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeletionReason {
    /// The provider says that it does not exist any more.
    Deleted,
    /// The provider deactivated it, and deactivated entries are not in scope.
    Deprovisioned,
    /// It exists, but the scope of the sync does not cover it any more.
    OutOfScope,
}

/// Why a membership ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RemovalReason {
    /// The group is gone.
    GroupDeleted,
    /// The user is not in the group any more.
    Left,
    /// The members of the group are not in scope any more.
    OutOfScope,
    /// The user is gone.
    UserDeleted,
}

#[cfg(test)]
mod tests;
