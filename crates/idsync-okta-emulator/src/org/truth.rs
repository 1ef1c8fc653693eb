//! What is in the org, for tests that compare.

use super::{Group, GroupType, Members, Org, Status, User};
use crate::id::Id;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is in the org at one moment, without any lag.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Truth {
    /// The groups by id, the built-in ones among them.
    pub groups: BTreeMap<String, TruthGroup>,
    /// Group id and user id of every membership, those of the group Everyone among them.
    pub memberships: BTreeSet<(String, String)>,
    /// The users by id, deactivated ones among them.
    pub users: BTreeMap<String, TruthUser>,
}

/// A user in the org.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TruthUser {
    /// `lastUpdated`, as Okta writes it.
    pub last_updated: String,
    /// The profile.
    pub profile: Map<String, Value>,
    /// The realm, which follows from the id.
    pub realm_id: Option<String>,
    /// The state.
    pub status: Status,
    /// The user type, which follows from the id.
    pub type_id: String,
}

/// A group in the org.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TruthGroup {
    /// Where the group comes from.
    pub kind: GroupType,
    /// `lastMembershipUpdated`, as Okta writes it.
    pub last_membership_updated: String,
    /// `lastUpdated`, as Okta writes it.
    pub last_updated: String,
    /// The profile: `name`, `description` and whatever else the org added.
    pub profile: Map<String, Value>,
    /// The app from which the group comes, when it is imported.
    pub source: Option<String>,
}

impl TruthUser {
    /// A user for [`Org::replace`], which sees to the rest.
    #[must_use]
    pub fn new(status: Status, profile: Map<String, Value>) -> Self {
        Self { last_updated: String::new(), profile, realm_id: None, status, type_id: String::new() }
    }
}

impl TruthGroup {
    /// A group for [`Org::replace`], which sees to the rest.
    #[must_use]
    pub fn new(kind: GroupType, profile: Map<String, Value>) -> Self {
        Self { kind, last_membership_updated: String::new(), last_updated: String::new(), profile, source: None }
    }

    /// Whether it is the built-in group that holds everyone.
    #[must_use]
    pub fn is_everyone(&self) -> bool {
        self.kind == GroupType::BuiltIn && self.profile.get("name") == Some(&Value::from("Everyone"))
    }
}

/// How much is in the org, for orgs that are too large for a [`Truth`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// The groups, the built-in ones among them.
    pub groups: usize,
    /// The memberships of users in scope, without those of Everyone.
    pub memberships: usize,
    /// The users who are not deactivated.
    pub users: usize,
}

impl Truth {
    /// What a default sync sees: no deactivated users and none of their memberships, no memberships of the built-in group Everyone, and
    /// all groups.
    #[must_use]
    pub fn in_scope(mut self) -> Self {
        self.users.retain(|_, user| user.status != Status::Deprovisioned);
        let (groups, users) = (&self.groups, &self.users);
        let is_everyone = |group: &str| groups.get(group).is_some_and(TruthGroup::is_everyone);
        self.memberships.retain(|(group, user)| users.contains_key(user) && !is_everyone(group));
        self
    }
}

impl Org {
    /// How much of the org is in scope, as counted in [`Truth::in_scope`]; quick also for a million users.
    #[must_use]
    pub fn counts_in_scope(&self) -> Counts {
        let data = self.shared.read();
        let is_in_scope = |user: &User| user.core.status != Status::Deprovisioned;
        let of_group = |group: &Group| match &group.members {
            Members::Everyone => 0,
            Members::Listed(members) => members.iter().filter(|&&member| data.user(member).is_some_and(is_in_scope)).count(),
        };
        Counts {
            groups: data.groups.iter().flatten().count(),
            memberships: data.groups.iter().flatten().map(of_group).sum(),
            users: data.users.iter().flatten().filter(|user| is_in_scope(user)).count(),
        }
    }

    /// How many memberships there are in all groups but Everyone, those of deactivated users among them; quick also for a million users.
    #[must_use]
    pub fn membership_count(&self) -> usize {
        let of_group = |group: &Group| match &group.members {
            Members::Everyone => 0,
            Members::Listed(members) => members.len(),
        };
        self.shared.read().groups.iter().flatten().map(of_group).sum()
    }

    /// What is in the org now. With a million users it takes gigabytes; see [`Org::counts_in_scope`].
    #[must_use]
    pub fn truth(&self) -> Truth {
        let data = self.shared.read();
        let users = data.users.iter().flatten().map(|user| {
            let (type_id, realm_id) = user.core.belongings();
            let truth = TruthUser {
                last_updated: user.core.updated.text(),
                profile: user.attributes(),
                realm_id: realm_id.map(|id| id.to_string()),
                status: user.core.status,
                type_id: type_id.to_string(),
            };
            (user.core.id.to_string(), truth)
        });
        let groups = data.groups.iter().flatten().map(|group| {
            let truth = TruthGroup {
                kind: group.core.kind,
                last_membership_updated: group.core.members_updated.text(),
                last_updated: group.core.updated.text(),
                profile: group.attributes(),
                source: group.core.source.as_ref().map(Id::to_string),
            };
            (group.core.id.to_string(), truth)
        });
        let memberships = data.groups.iter().flatten().flat_map(|group| {
            let members: Vec<String> = match &group.members {
                Members::Everyone => data.users.iter().flatten().map(|user| user.core.id.to_string()).collect(),
                Members::Listed(members) => {
                    members.iter().filter_map(|&member| data.user(member)).map(|user| user.core.id.to_string()).collect()
                }
            };
            members.into_iter().map(|member| (group.core.id.to_string(), member))
        });
        Truth { groups: groups.collect(), memberships: memberships.collect(), users: users.collect() }
    }
}
