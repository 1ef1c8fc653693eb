//! What of an org is synced.

use idsync_core::{Group, GroupId, GroupKind, User};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What of an org is synced; everything, unless something else is said.
///
/// It is asked for at the source: what is out of scope is not sent. A changed scope makes the next sync read everything, and what has
/// left the scope is deleted with the reason [`DeletionReason::OutOfScope`](idsync_core::DeletionReason::OutOfScope), within the same
/// safeguards as whatever was deleted.
///
/// Groups chosen by [`GroupSelection::Matching`] or [`GroupSelection::Expression`], and users chosen by
/// [`UserSelection::Expression`], are found by `search`, whose index lags behind the org, usually by less than a second: what is new
/// comes with a later run, and what vanished is asked for by its id.
///
/// ```
/// use idsync_core::GroupKind;
/// use idsync_okta::{GroupSelection, SyncScope, UserSelection};
///
/// let engineering = GroupSelection::Matching { prefixes: vec!["eng-".to_owned()], kinds: vec![GroupKind::Native] };
/// let scope = SyncScope::all()
///     .with_groups(engineering)
///     .with_users(UserSelection::InGroups)
///     .with_attributes(["firstName", "lastName", "email", "department"]);
/// # drop(scope);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncScope {
    pub(crate) groups: GroupSelection,
    pub(crate) users: UserSelection,
    pub(crate) attributes: Option<BTreeSet<String>>,
}

/// Which groups are in scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupSelection {
    /// All that the credential may see.
    #[default]
    All,
    /// Those for which this holds: a SCIM expression as `search` of List all groups takes it, such as
    /// `profile.department eq "Sales"`.
    Expression(String),
    /// These. Each is looked up by its id.
    Ids(BTreeSet<GroupId>),
    /// Those whose name begins with one of the prefixes, whatever the case, and that are of one of the kinds. An empty list chooses all.
    Matching {
        /// How names begin.
        prefixes: Vec<String>,
        /// Where groups come from.
        kinds: Vec<GroupKind>,
    },
}

/// Which users are in scope. Users who are deactivated are a question of their own
/// ([`OktaProvider::include_deprovisioned`](crate::OktaProvider::include_deprovisioned)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserSelection {
    /// All that the credential may see.
    #[default]
    All,
    /// Those for whom this holds: a SCIM expression as `search` of List all users takes it, such as `profile.department eq "Sales"`.
    /// With it each run reads everything.
    Expression(String),
    /// The members of the groups that are in scope. Their lists are read twice, and each run reads everything.
    InGroups,
}

impl SyncScope {
    /// Everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// Chooses groups.
    #[must_use]
    pub fn with_groups(mut self, groups: GroupSelection) -> Self {
        self.groups = groups;
        self
    }

    /// Chooses users.
    #[must_use]
    pub fn with_users(mut self, users: UserSelection) -> Self {
        self.users = users;
        self
    }

    /// Lets only these attributes of users through: names of the profile, and `extra.typeId` and `extra.realmId`. Okta is asked for no
    /// others, with `fields`. Id, login, status and timestamps always come.
    #[must_use]
    pub fn with_attributes<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.attributes = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// What the scope is, in one canonical line; empty for everything.
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        match &self.groups {
            GroupSelection::All => {}
            GroupSelection::Expression(expression) => _ = write!(text, " groups={expression:?}"),
            GroupSelection::Ids(ids) => _ = write!(text, " groups={:?}", ids.iter().map(GroupId::as_str).collect::<Vec<_>>()),
            GroupSelection::Matching { prefixes, kinds } => {
                let (prefixes, kinds): (BTreeSet<_>, BTreeSet<_>) = (prefixes.iter().collect(), kinds.iter().map(okta_type).collect());
                _ = write!(text, " groups={prefixes:?} of {kinds:?}");
            }
        }
        match &self.users {
            UserSelection::All => {}
            UserSelection::Expression(expression) => _ = write!(text, " users={expression:?}"),
            UserSelection::InGroups => text += " users=in groups",
        }
        if let Some(attributes) = &self.attributes {
            _ = write!(text, " attributes={attributes:?}");
        }
        text
    }

    /// The value of `fields` that asks for what is let through.
    pub(crate) fn fields(&self) -> Option<String> {
        let attributes = self.attributes.as_ref()?;
        let mut profile: BTreeSet<_> = attributes.iter().filter(|name| !name.starts_with(EXTRA)).map(String::as_str).collect();
        profile.insert("login");
        let mut fields = "id,status,created,lastUpdated,statusChanged,lastLogin".to_owned();
        for (name, field) in [("extra.realmId", ",realmId"), ("extra.typeId", ",type")] {
            if attributes.contains(name) {
                fields += field;
            }
        }
        _ = write!(fields, ",profile:({})", profile.into_iter().collect::<Vec<_>>().join(","));
        Some(fields)
    }

    /// Takes away what is not let through.
    pub(crate) fn trim(&self, user: &mut User) {
        let Some(allowed) = &self.attributes else { return };
        user.attributes.retain(|name| allowed.contains(name));
        user.extra.retain(|name| allowed.contains(&format!("{EXTRA}{name}")));
    }
}

const EXTRA: &str = "extra.";

impl GroupSelection {
    /// The search that finds these groups; `None` where none is needed.
    pub(crate) fn search(&self) -> Option<String> {
        match self {
            Self::All | Self::Ids(_) => None,
            Self::Expression(expression) => Some(expression.clone()),
            Self::Matching { prefixes, kinds } => {
                let names = either(prefixes.iter().map(|prefix| format!("profile.name sw {}", literal(prefix))));
                let kinds = either(kinds.iter().map(|kind| format!("type eq {}", literal(okta_type(kind)))));
                match (names, kinds) {
                    (Some(names), Some(kinds)) => Some(format!("{names} and {kinds}")),
                    (one, other) => one.or(other),
                }
            }
        }
    }

    /// Whether a group is among these; `None` when only the org can tell.
    pub(crate) fn has(&self, group: &Group) -> Option<bool> {
        match self {
            Self::All => Some(true),
            Self::Expression(_) => None,
            Self::Ids(ids) => Some(ids.contains(&group.id)),
            Self::Matching { prefixes, kinds } => {
                let name = group.name.to_lowercase();
                let is_named = prefixes.is_empty() || prefixes.iter().any(|prefix| name.starts_with(&prefix.to_lowercase()));
                Some(is_named && (kinds.is_empty() || kinds.contains(&group.kind)))
            }
        }
    }
}

/// `(one or other)`; `None` of nothing.
fn either(terms: impl Iterator<Item = String>) -> Option<String> {
    let terms: Vec<_> = terms.collect();
    match terms.len() {
        0 => None,
        1 => terms.into_iter().next(),
        _ => Some(format!("({})", terms.join(" or "))),
    }
}

/// A search that also asks for one of these ids.
pub(crate) fn among_ids<'a>(expression: &str, ids: impl Iterator<Item = &'a str>) -> Option<String> {
    either(ids.map(|id| format!("id eq {}", literal(id)))).map(|ids| format!("({expression}) and {ids}"))
}

/// A text as expressions write it: a JSON string (Okta reference, Filter).
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What Okta calls a kind of group.
fn okta_type(kind: &GroupKind) -> &str {
    match kind {
        GroupKind::BuiltIn => "BUILT_IN",
        GroupKind::Imported => "APP_GROUP",
        GroupKind::Native => "OKTA_GROUP",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matching(prefixes: &[&str], kinds: &[GroupKind]) -> GroupSelection {
        GroupSelection::Matching { prefixes: prefixes.iter().map(|&prefix| prefix.to_owned()).collect(), kinds: kinds.to_vec() }
    }

    #[test]
    fn selections_become_searches() {
        let search = |selection: GroupSelection| selection.search();
        assert_eq!(search(matching(&[], &[])), None);
        assert_eq!(search(matching(&["eng-"], &[])).unwrap(), r#"profile.name sw "eng-""#);
        assert_eq!(
            search(matching(&["a\"b", "c"], &[GroupKind::Native, GroupKind::Imported])).unwrap(),
            r#"(profile.name sw "a\"b" or profile.name sw "c") and (type eq "OKTA_GROUP" or type eq "APP_GROUP")"#
        );
        assert_eq!(among_ids("x pr", ["1", "2"].into_iter()).unwrap(), r#"(x pr) and (id eq "1" or id eq "2")"#);
        assert_eq!(among_ids("x pr", std::iter::empty()), None);
    }

    #[test]
    fn names_are_compared_as_the_org_does() {
        let group = |name: &str| Group::new(GroupId::new("g").unwrap(), name).with_kind(GroupKind::Native);
        let selection = matching(&["Eng-"], &[GroupKind::Native]);
        assert_eq!(selection.has(&group("ENG-Backend")), Some(true));
        assert_eq!(selection.has(&group("Sales eng-")), Some(false));
        assert_eq!(selection.has(&group("eng-x").with_kind(GroupKind::Imported)), Some(false));
        assert_eq!(GroupSelection::Expression("x pr".to_owned()).has(&group("a")), None);
    }

    #[test]
    fn every_scope_has_a_line_of_its_own_and_everything_has_none() {
        assert_eq!(SyncScope::all().describe(), "");
        let scopes = [
            SyncScope::all().with_groups(matching(&["a", "b"], &[])),
            SyncScope::all().with_groups(matching(&["a\", \"b"], &[])),
            SyncScope::all().with_groups(matching(&["a"], &[GroupKind::Native])),
            SyncScope::all().with_groups(GroupSelection::Ids([GroupId::new("a").unwrap()].into())),
            SyncScope::all().with_groups(GroupSelection::Expression("a".to_owned())),
            SyncScope::all().with_users(UserSelection::Expression("a".to_owned())),
            SyncScope::all().with_users(UserSelection::InGroups),
            SyncScope::all().with_attributes(["a"]),
            SyncScope::all().with_attributes([""; 0]),
        ];
        let lines: BTreeSet<_> = scopes.iter().map(SyncScope::describe).collect();
        assert_eq!(lines.len(), scopes.len(), "{lines:?}");
        assert_eq!(SyncScope::all().with_groups(matching(&["b", "a"], &[])).describe(), scopes[0].describe(), "the order says nothing");
    }

    #[test]
    fn fields_name_what_is_let_through_and_what_always_comes() {
        assert_eq!(SyncScope::all().fields(), None);
        let scope = SyncScope::all().with_attributes(["email", "extra.realmId"]);
        assert_eq!(scope.fields().unwrap(), "id,status,created,lastUpdated,statusChanged,lastLogin,realmId,profile:(email,login)");
    }
}
