//! A group, and who is in it.

use crate::{Attributes, GroupId, Timestamps, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a group comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum GroupKind {
    /// Made by the provider itself, such as Okta's `Everyone`.
    BuiltIn,
    /// Imported into the provider from another system and read-only there.
    Imported,
    /// Managed in the provider.
    Native,
    /// A kind that this version does not know, as it was sent.
    Other(String),
}

impl GroupKind {
    /// The kind as one word; for [`GroupKind::Other`] as the provider sent it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::BuiltIn => "built_in",
            Self::Imported => "imported",
            Self::Native => "native",
            Self::Other(text) => text,
        }
    }
}

impl From<String> for GroupKind {
    fn from(text: String) -> Self {
        match text.as_str() {
            "built_in" => Self::BuiltIn,
            "imported" => Self::Imported,
            "native" => Self::Native,
            _ => Self::Other(text),
        }
    }
}

impl From<GroupKind> for String {
    fn from(kind: GroupKind) -> Self {
        match kind {
            GroupKind::Other(text) => text,
            known => known.as_str().to_owned(),
        }
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A group as the provider shows it, without its members.
///
/// As with users, timestamps are not part of the content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Group {
    /// The provider's id, the identity of the group.
    pub id: GroupId,
    /// The name people see. It is not a key: two groups may share it.
    pub name: String,
    /// Where the group comes from.
    pub kind: GroupKind,
    /// The profile, without the name.
    #[serde(default)]
    pub attributes: Attributes,
    /// What the provider says beside the profile; kept as it came.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub extra: Attributes,
    /// When things happened to the group; not part of the content.
    #[serde(default)]
    pub timestamps: Timestamps,
}

impl Group {
    /// A native group with nothing but an id and a name.
    pub fn new(id: GroupId, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            kind: GroupKind::Native,
            attributes: Attributes::new(),
            extra: Attributes::new(),
            timestamps: Timestamps::NONE,
        }
    }

    /// Sets the kind.
    #[must_use]
    pub fn with_kind(mut self, kind: GroupKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets one attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: impl AsRef<str>, value: impl Into<serde_json::Value>) -> Self {
        self.attributes.insert(name, value);
        self
    }

    /// Whether `other` says the same of the group, timestamps apart.
    pub fn same_content(&self, other: &Self) -> bool {
        self.id == other.id
            && self.name == other.name
            && self.kind == other.kind
            && self.attributes == other.attributes
            && self.extra == other.extra
    }
}

/// One user in one group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Membership {
    /// The group.
    pub group: GroupId,
    /// The member.
    pub user: UserId,
}

impl Membership {
    /// `user` is in `group`.
    pub const fn new(group: GroupId, user: UserId) -> Self {
        Self { group, user }
    }
}
