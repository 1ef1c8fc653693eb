//! Entries that are never removed.

use idsync_core::{Group, GroupId, User, UserId};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Users and groups that are never removed, whatever the directory says: the last administrators, break-glass accounts.
///
/// A user is protected from deletion and from being suspended or deprovisioned, a group from deletion. They stay in the sink as they are,
/// and each run counts them ([`Evidence::protected`](crate::Evidence::protected)); limits do not. What was synced last is what is judged.
/// Memberships are not protected: they end as the directory says.
///
/// ```
/// use idsync_engine::Protected;
///
/// let protected = Protected::nobody().logins(["break.glass@example.com"]).groups(|group| group.name == "Owners");
/// ```
#[derive(Clone, Default)]
pub struct Protected {
    users: Vec<Predicate<User>>,
    groups: Vec<Predicate<Group>>,
    /// Of the ids and logins that were named, in the order in which they were.
    named: Vec<blake3::Hash>,
}

type Predicate<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

impl Protected {
    /// Nobody is protected.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Protects the users that `is_protected` accepts.
    #[must_use]
    pub fn users(mut self, is_protected: impl Fn(&User) -> bool + Send + Sync + 'static) -> Self {
        self.users.push(Arc::new(is_protected));
        self
    }

    /// Protects the users with these ids.
    #[must_use]
    pub fn user_ids(self, ids: impl IntoIterator<Item = UserId>) -> Self {
        let ids: BTreeSet<_> = ids.into_iter().collect();
        self.naming("user ids", ids.iter().map(UserId::as_str)).users(move |user| ids.contains(&user.id))
    }

    /// Protects the users with these logins, upper and lower case alike.
    #[must_use]
    pub fn logins(self, logins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let logins: BTreeSet<_> = logins.into_iter().map(|login| login.into().to_lowercase()).collect();
        self.naming("logins", logins.iter().map(String::as_str))
            .users(move |user| user.login.as_ref().is_some_and(|login| logins.contains(&login.to_lowercase())))
    }

    /// Protects the groups that `is_protected` accepts.
    #[must_use]
    pub fn groups(mut self, is_protected: impl Fn(&Group) -> bool + Send + Sync + 'static) -> Self {
        self.groups.push(Arc::new(is_protected));
        self
    }

    /// Protects the groups with these ids.
    #[must_use]
    pub fn group_ids(self, ids: impl IntoIterator<Item = GroupId>) -> Self {
        let ids: BTreeSet<_> = ids.into_iter().collect();
        self.naming("group ids", ids.iter().map(GroupId::as_str)).groups(move |group| ids.contains(&group.id))
    }

    fn naming<'a>(mut self, what: &'a str, names: impl Iterator<Item = &'a str>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for text in std::iter::once(what).chain(names) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        self.named.push(hasher.finalize());
        self
    }

    /// What tells these rules from others, as far as can be told: what a predicate accepts cannot.
    pub(crate) fn fingerprint(&self) -> String {
        format!("{} {} {:?}", self.users.len(), self.groups.len(), self.named)
    }

    pub(crate) fn guards_users(&self) -> bool {
        !self.users.is_empty()
    }

    pub(crate) fn guards_groups(&self) -> bool {
        !self.groups.is_empty()
    }

    pub(crate) fn has_user(&self, user: &User) -> bool {
        self.users.iter().any(|is_protected| is_protected(user))
    }

    pub(crate) fn has_group(&self, group: &Group) -> bool {
        self.groups.iter().any(|is_protected| is_protected(group))
    }
}

impl fmt::Debug for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protected").field("user_rules", &self.users.len()).field("group_rules", &self.groups.len()).finish()
    }
}
