//! What a safeguard holds back, and what a person decides about it.

use crate::number::number;
use crate::report::Held;
use idsync_core::{Change, ChangeKind, GroupId, PlanHash, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Changes that wait for a person: how many, why, which for example, and whom they reach.
///
/// The set is kept in the state store from the run that first held it, until it is applied or not wanted any more. Its hash covers these
/// changes alone, so that it stays the same while other changes go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeldSet {
    /// How many, why, and the hash to approve or reject them by.
    #[serde(flatten)]
    pub summary: Held,
    /// When a run first held exactly this set.
    pub since: Timestamp,
    /// Some of the changes, by kind.
    pub examples: BTreeMap<String, Vec<String>>,
    /// The groups that would lose the most members, the hardest hit first.
    pub groups: Vec<GroupReach>,
    /// How many groups would lose members.
    pub groups_reached: u64,
    /// How many groups would be empty afterwards.
    pub groups_emptied: u64,
}

/// What is held, since when, and how many groups it reaches; no personal data, which the examples and the names of groups are.
impl fmt::Display for HeldSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, since {}", self.summary, self.since)?;
        if self.groups_reached > 0 {
            write!(f, "\n{} would lose members, {} all of them", number(self.groups_reached, "group"), self.groups_emptied)?;
        }
        Ok(())
    }
}

/// What a held set would do to one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GroupReach {
    /// The group.
    pub id: GroupId,
    /// Its name, as it was last synced.
    pub name: String,
    /// How many members it has, as it was last synced.
    pub members: u64,
    /// How many of them it would lose.
    pub loses: u64,
}

/// Whether a person has decided about a held set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Standing {
    /// Nobody has.
    #[default]
    Open,
    /// It is to be applied: the next sync does that, within 24 hours of the approval and if the directory still wants exactly this. After
    /// that the set is open again.
    Approved,
    /// It is not to be applied; runs go on holding it for as long as it is the same, whatever the limits say, and do not ask again.
    Rejected,
}

/// How long an approval is good for.
pub(crate) const APPROVAL: Duration = Duration::from_secs(24 * 60 * 60);
/// Examples of each kind that are kept.
pub(crate) const EXAMPLES: usize = 10;
/// Groups that are named.
pub(crate) const GROUPS: usize = 50;

/// What a person decided, as the store keeps it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub(crate) approved: Option<Approval>,
    pub(crate) rejected: Option<PlanHash>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Approval {
    pub(crate) hash: PlanHash,
    pub(crate) at: Timestamp,
}

impl Decision {
    /// Whether this set may be applied now.
    pub(crate) fn approves(&self, hash: PlanHash, now: Timestamp) -> bool {
        self.approval(now).is_some_and(|approval| approval.hash == hash)
    }

    /// The approval that is good now. One from the future, made before a clock was set back, is not.
    pub(crate) fn approval(&self, now: Timestamp) -> Option<&Approval> {
        self.approved.as_ref().filter(|approval| approval.at <= now && now.saturating_since(approval.at) < APPROVAL)
    }

    pub(crate) fn standing(&self, hash: PlanHash, now: Timestamp) -> Standing {
        if self.rejected == Some(hash) {
            Standing::Rejected
        } else if self.approves(hash, now) {
            Standing::Approved
        } else {
            Standing::Open
        }
    }
}

/// A change in a few words.
pub(crate) fn describe(change: &Change) -> String {
    let user = |user: &idsync_core::User| match &user.login {
        Some(login) => format!("{login} ({})", user.id),
        None => user.id.to_string(),
    };
    match change {
        Change::UserUpdated { user: of, changed } => {
            let guarded = changed.iter().any(|change| ["login", "status"].contains(&change.field.as_str()));
            let fields = changed.iter().filter(|change| !guarded || ["login", "status"].contains(&change.field.as_str()));
            let show = |value: &Option<serde_json::Value>| value.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
            let fields: Vec<_> =
                fields.map(|change| format!("{} {} → {}", change.field, show(&change.before), show(&change.after))).collect();
            format!("{}: {}", user(of), fields.join(", "))
        }
        Change::UserDeleted { user: of, .. } | Change::UserCreated { user: of } => user(of),
        Change::GroupDeleted { group, .. } | Change::GroupCreated { group } | Change::GroupUpdated { group, .. } => {
            format!("{} ({})", group.name, group.id)
        }
        Change::GroupUserRemoved { membership, .. } => format!("{} from {}", membership.user, membership.group),
        Change::GroupUserAdded { membership } => format!("{} to {}", membership.user, membership.group),
        other => ChangeKind::as_str(other.kind()).to_owned(),
    }
}
