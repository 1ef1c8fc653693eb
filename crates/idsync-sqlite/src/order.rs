//! What a delivery asks of the tables, ready to be bound.

use idsync_core::{Change, Delivery, FieldChange, Group, GroupId, IdempotencyKey, Timestamps, User, UserId};

/// A delivery as the texts that are written; whatever else the change holds stays behind.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) key: IdempotencyKey,
    pub(crate) kind: &'static str,
    pub(crate) user: Option<UserId>,
    pub(crate) group: Option<GroupId>,
    pub(crate) action: Action,
    pub(crate) reason: Option<String>,
    pub(crate) changed: Option<String>,
}

/// What becomes of the entry that the order names.
#[derive(Debug)]
pub(crate) enum Action {
    PutUser(Box<UserRow>),
    PutGroup(Box<GroupRow>),
    DeleteUser,
    DeleteGroup,
    AddMember,
    RemoveMember,
    Unknown,
}

#[derive(Debug)]
pub(crate) struct UserRow {
    pub(crate) login: Option<String>,
    pub(crate) status: String,
    pub(crate) lifecycle: &'static str,
    pub(crate) attributes: String,
    pub(crate) extra: String,
    pub(crate) created: Option<String>,
    pub(crate) updated: Option<String>,
}

#[derive(Debug)]
pub(crate) struct GroupRow {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) attributes: String,
    pub(crate) extra: String,
    pub(crate) created: Option<String>,
    pub(crate) updated: Option<String>,
}

impl From<&Delivery> for Order {
    fn from(delivery: &Delivery) -> Self {
        let change = &delivery.change;
        let (action, reason, changed) = match change {
            Change::UserCreated { user } => (Action::PutUser(Box::new(user.into())), None, None),
            Change::UserUpdated { user, changed } => (Action::PutUser(Box::new(user.into())), None, fields(changed)),
            Change::UserDeleted { reason, .. } => (Action::DeleteUser, word(reason), None),
            Change::GroupCreated { group } => (Action::PutGroup(Box::new(group.into())), None, None),
            Change::GroupUpdated { group, changed } => (Action::PutGroup(Box::new(group.into())), None, fields(changed)),
            Change::GroupDeleted { reason, .. } => (Action::DeleteGroup, word(reason), None),
            Change::GroupUserAdded { .. } => (Action::AddMember, None, None),
            Change::GroupUserRemoved { reason, .. } => (Action::RemoveMember, word(reason), None),
            _ => (Action::Unknown, None, None),
        };
        let (user, group) = (change.user().cloned(), change.group().cloned());
        Self { key: delivery.key, kind: change.kind().as_str(), user, group, action, reason, changed }
    }
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        let (created, updated) = times(&user.timestamps);
        Self {
            login: user.login.clone(),
            status: user.status.as_str().to_owned(),
            lifecycle: user.lifecycle().as_str(),
            attributes: user.attributes.as_json().to_owned(),
            extra: user.extra.as_json().to_owned(),
            created,
            updated,
        }
    }
}

impl From<&Group> for GroupRow {
    fn from(group: &Group) -> Self {
        let (created, updated) = times(&group.timestamps);
        Self {
            name: group.name.clone(),
            kind: group.kind.as_str().to_owned(),
            attributes: group.attributes.as_json().to_owned(),
            extra: group.extra.as_json().to_owned(),
            created,
            updated,
        }
    }
}

fn times(timestamps: &Timestamps) -> (Option<String>, Option<String>) {
    (timestamps.created.map(|at| at.to_string()), timestamps.updated.map(|at| at.to_string()))
}

/// Reasons are kept by the names that they have in JSON. Neither these nor lists of fields can fail to be written as JSON.
fn word(reason: &impl serde::Serialize) -> Option<String> {
    serde_json::to_value(reason).ok().and_then(|word| word.as_str().map(str::to_owned))
}

fn fields(changed: &[FieldChange]) -> Option<String> {
    serde_json::to_string(changed).ok()
}
