//! Apps, users and groups as searches see them.

use crate::org::{App, Group, User};
use crate::search::{Record, Value};
use serde_json::{Map, Value as Json};
use std::cell::OnceCell;

/// A user; its profile is read only when a condition asks for it.
#[derive(Debug)]
pub(super) struct UserRecord<'a> {
    user: &'a User,
    profile: OnceCell<Map<String, Json>>,
    whole: OnceCell<Json>,
}

impl<'a> UserRecord<'a> {
    pub(super) fn new(user: &'a User) -> Self {
        Self { user, profile: OnceCell::new(), whole: OnceCell::new() }
    }
}

impl Record for UserRecord<'_> {
    fn value(&self, attribute: &str) -> Option<Value<'_>> {
        let core = &self.user.core;
        match attribute {
            "activated" => core.activated.map(Value::Time),
            "created" => Some(Value::Time(core.created)),
            "id" => Some(Value::Text(core.id.as_str())),
            "lastUpdated" => Some(Value::Time(core.updated)),
            "status" => Some(Value::Text(core.status.as_str())),
            "statusChanged" => core.status_changed.map(Value::Time),
            "type.id" => {
                let whole = self.whole.get_or_init(|| serde_json::from_slice(self.user.json()).unwrap_or_default());
                whole.pointer("/type/id").map(Value::Json)
            }
            _ => member(self.profile.get_or_init(|| self.user.attributes()), attribute),
        }
    }
}

/// A group.
#[derive(Debug)]
pub(super) struct GroupRecord<'a> {
    group: &'a Group,
    profile: OnceCell<Map<String, Json>>,
}

impl<'a> GroupRecord<'a> {
    pub(super) fn new(group: &'a Group) -> Self {
        Self { group, profile: OnceCell::new() }
    }
}

impl Record for GroupRecord<'_> {
    fn value(&self, attribute: &str) -> Option<Value<'_>> {
        let core = &self.group.core;
        match attribute {
            "created" => Some(Value::Time(core.created)),
            "id" => Some(Value::Text(core.id.as_str())),
            "lastMembershipUpdated" => Some(Value::Time(core.members_updated)),
            "lastUpdated" => Some(Value::Time(core.updated)),
            "source.id" => core.source.as_ref().map(|source| Value::Text(source.as_str())),
            "type" => Some(Value::Text(core.kind.as_str())),
            _ => member(self.profile.get_or_init(|| self.group.attributes()), attribute),
        }
    }
}

/// An app.
#[derive(Debug)]
pub(super) struct AppRecord<'a>(&'a App);

impl<'a> AppRecord<'a> {
    pub(super) fn new(app: &'a App) -> Self {
        Self(app)
    }
}

impl Record for AppRecord<'_> {
    fn value(&self, attribute: &str) -> Option<Value<'_>> {
        match attribute {
            "id" => Some(Value::Text(self.0.id.as_str())),
            "name" => Some(Value::Text(&self.0.name)),
            "status" => Some(Value::Text(self.0.status.as_str())),
            _ => None,
        }
    }
}

fn member<'a>(profile: &'a Map<String, Json>, attribute: &str) -> Option<Value<'a>> {
    profile.get(attribute.strip_prefix("profile.")?).filter(|value| !value.is_null()).map(Value::Json)
}
