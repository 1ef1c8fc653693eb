//! Custom roles, resource sets, and who has which role over which set.

use super::resource::Resource;
use super::span::Span;
use crate::id::Id;
use crate::moment::Moment;

/// What custom roles consist of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Iam {
    pub(crate) roles: Vec<CustomRole>,
    pub(crate) sets: Vec<ResourceSet>,
    pub(crate) bindings: Vec<Binding>,
}

/// A role that an admin made of permissions.
#[derive(Debug, Clone)]
pub(crate) struct CustomRole {
    pub(crate) id: Id,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) permissions: Vec<Permission>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// A permission of a custom role.
#[derive(Debug, Clone)]
pub(crate) struct Permission {
    /// Such as `okta.users.read`.
    pub(crate) label: String,
    pub(crate) created: Moment,
}

/// The things that a custom role is about.
#[derive(Debug, Clone)]
pub(crate) struct ResourceSet {
    pub(crate) id: Id,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) resources: Vec<SetResource>,
    pub(crate) created: Moment,
    pub(crate) updated: Moment,
}

/// A thing, or a kind of things, in a resource set.
#[derive(Debug, Clone)]
pub(crate) struct SetResource {
    pub(crate) id: Id,
    pub(crate) resource: Resource,
    pub(crate) created: Moment,
}

/// Somebody who has a custom role over a resource set.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) id: Id,
    pub(crate) set: Id,
    pub(crate) role: Id,
    pub(crate) member: Member,
    pub(crate) created: Moment,
    pub(crate) span: Span,
}

/// Who has a custom role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Member {
    /// A client, by its id.
    Client(String),
    /// A group, by its id.
    Group(String),
    /// A user, by its id.
    User(String),
}

impl Iam {
    /// Finds a custom role by its id or its label.
    pub(crate) fn role(&self, id_or_label: &str) -> Option<&CustomRole> {
        self.roles.iter().find(|role| role.id.as_str() == id_or_label || role.label == id_or_label)
    }

    pub(crate) fn role_mut(&mut self, id_or_label: &str) -> Option<&mut CustomRole> {
        self.roles.iter_mut().find(|role| role.id.as_str() == id_or_label || role.label == id_or_label)
    }

    /// Finds a resource set by its id or its label.
    pub(crate) fn set(&self, id_or_label: &str) -> Option<&ResourceSet> {
        self.sets.iter().find(|set| set.id.as_str() == id_or_label || set.label == id_or_label)
    }

    pub(crate) fn set_mut(&mut self, id_or_label: &str) -> Option<&mut ResourceSet> {
        self.sets.iter_mut().find(|set| set.id.as_str() == id_or_label || set.label == id_or_label)
    }

    /// The bindings that were not taken away.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(|binding| binding.span.is_listed())
    }

    /// The bindings of a client that were not taken away.
    pub(crate) fn listed_of(&self, client_id: &str) -> impl Iterator<Item = &Binding> {
        self.listed().filter(move |binding| matches!(&binding.member, Member::Client(id) if id == client_id))
    }
}
