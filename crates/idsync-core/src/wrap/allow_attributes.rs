//! A provider that shows only some attributes.

use crate::{
    Attributes, Capabilities, ChangedUsers, Cursor, DirectoryInfo, Group, GroupId, IdentityProvider, Lookup, MemberListing, Page,
    ReadOptions, RequestUsage, Result, User, UserId,
};
use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Lets only the attributes through that were named: what is not on the list is never compared, stored or delivered.
///
/// A new list is empty and lets nothing through. Names are those of [`User::attributes`] and [`Group::attributes`]; a member of
/// [`User::extra`] or [`Group::extra`] is named with `extra.` in front, such as `extra.realmId`. Ids, logins, statuses, names, kinds and
/// timestamps always pass.
///
/// The lists become part of [`DirectoryInfo::scope`]. With a shorter list the dropped attributes appear as updates, from their last value
/// to none.
///
/// The inner provider judges [`IdentityProvider::member_listing`] by the group as this one shows it.
#[derive(Debug, Clone)]
pub struct AllowAttributes<P> {
    inner: P,
    users: Allowed,
    groups: Allowed,
}

type Allowed = Arc<BTreeSet<String>>;

impl<P> AllowAttributes<P> {
    /// Lets nothing through, until told otherwise.
    pub fn new(inner: P) -> Self {
        Self { inner, users: Allowed::default(), groups: Allowed::default() }
    }

    /// Sets the list for users.
    #[must_use]
    pub fn for_users<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.users = Arc::new(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the list for groups.
    #[must_use]
    pub fn for_groups<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.groups = Arc::new(names.into_iter().map(Into::into).collect());
        self
    }
}

/// What has attributes to choose from.
trait Described: Send + 'static {
    fn parts(&mut self) -> (&mut Attributes, &mut Attributes);
}

impl Described for User {
    fn parts(&mut self) -> (&mut Attributes, &mut Attributes) {
        (&mut self.attributes, &mut self.extra)
    }
}

impl Described for Group {
    fn parts(&mut self) -> (&mut Attributes, &mut Attributes) {
        (&mut self.attributes, &mut self.extra)
    }
}

fn trim<T: Described>(entry: &mut T, allowed: &BTreeSet<String>) {
    let (attributes, extra) = entry.parts();
    attributes.retain(|name| allowed.contains(name));
    extra.retain(|name| allowed.contains(&format!("extra.{name}")));
}

fn trim_pages<T: Described>(pages: BoxStream<'static, Result<Page<T>>>, allowed: &Allowed) -> BoxStream<'static, Result<Page<T>>> {
    let allowed = Arc::clone(allowed);
    pages
        .map_ok(move |mut page| {
            page.items.iter_mut().for_each(|entry| trim(entry, &allowed));
            page
        })
        .boxed()
}

fn trim_found<T: Described>(found: Lookup<T>, allowed: &Allowed) -> Lookup<T> {
    match found {
        Lookup::Found(mut entry) => {
            trim(&mut entry, allowed);
            Lookup::Found(entry)
        }
        other => other,
    }
}

/// The list as it stands in a scope: quoted, so that no two lists read the same.
fn listed(allowed: &Allowed) -> String {
    allowed.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(",")
}

impl<P: fmt::Display> fmt::Display for AllowAttributes<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AllowAttributes({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: IdentityProvider> IdentityProvider for AllowAttributes<P> {
    async fn identify(&self) -> Result<DirectoryInfo> {
        let info = self.inner.identify().await?;
        let scope = format!("{}; user attributes [{}]; group attributes [{}]", info.scope, listed(&self.users), listed(&self.groups));
        Ok(info.with_scope(scope))
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn check(&self) -> Result<()> {
        self.inner.check().await
    }

    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        trim_pages(self.inner.users(options), &self.users)
    }

    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        trim_pages(self.inner.groups(options), &self.groups)
    }

    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        self.inner.members(group, options)
    }

    fn member_listing(&self, group: &Group) -> MemberListing {
        self.inner.member_listing(group)
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        Ok(trim_found(self.inner.user(id).await?, &self.users))
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        Ok(trim_found(self.inner.group(id).await?, &self.groups))
    }

    fn changed_users(&self, since: &Cursor, options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        let allowed = Arc::clone(&self.users);
        self.inner
            .changed_users(since, options)
            .map_ok(move |mut page| {
                page.users.iter_mut().for_each(|user| trim(user, &allowed));
                page
            })
            .boxed()
    }

    fn groups_of(&self, user: &UserId, options: ReadOptions) -> BoxStream<'static, Result<Page<GroupId>>> {
        self.inner.groups_of(user, options)
    }

    fn usage(&self) -> RequestUsage {
        self.inner.usage()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserStatus;
    use crate::memory::MemoryProvider;
    use futures::executor::block_on;

    fn world() -> (MemoryProvider, UserId, GroupId) {
        let (provider, ana, staff) = (MemoryProvider::new(), UserId::new("u1").unwrap(), GroupId::new("g1").unwrap());
        let mut user =
            User::new(ana.clone(), UserStatus::Active).with_login("ana").with_attribute("email", "a@x").with_attribute("salary", 1);
        user.extra.insert("realmId", "r1");
        user.extra.insert("typeId", "t1");
        provider.put_user(user);
        provider.put_group(Group::new(staff.clone(), "Staff").with_attribute("description", "all").with_attribute("budget", 2));
        (provider, ana, staff)
    }

    #[test]
    fn only_what_is_named_passes_in_listings_and_lookups() {
        let (inner, ana, staff) = world();
        let provider = AllowAttributes::new(inner).for_users(["email", "extra.realmId"]).for_groups(["description"]);
        block_on(async {
            let pages: Vec<Page<User>> = provider.users(ReadOptions::default()).try_collect().await.unwrap();
            let user = &pages[0].items[0];
            assert_eq!(user.attributes.names().collect::<Vec<_>>(), ["email"]);
            assert_eq!(user.extra.names().collect::<Vec<_>>(), ["realmId"]);
            assert_eq!(user.login.as_deref(), Some("ana"));
            assert_eq!(provider.user(&ana).await.unwrap(), Lookup::Found(user.clone()));
            let Lookup::Found(group) = provider.group(&staff).await.unwrap() else { panic!("the group is there") };
            assert_eq!(group.attributes.names().collect::<Vec<_>>(), ["description"]);
        });
    }

    #[test]
    fn a_new_list_lets_nothing_through_and_every_list_is_another_scope() {
        let (inner, ana, _) = world();
        let scope = |provider: AllowAttributes<MemoryProvider>| block_on(provider.identify()).unwrap().scope;
        let nothing = AllowAttributes::new(inner.clone());
        let Lookup::Found(user) = block_on(nothing.user(&ana)).unwrap() else { panic!("the user is there") };
        assert!(user.attributes.is_empty() && user.extra.is_empty());
        assert_eq!(scope(nothing), "all; user attributes []; group attributes []");
        let (one, two) = (AllowAttributes::new(inner.clone()).for_users(["a,b"]), AllowAttributes::new(inner).for_users(["a", "b"]));
        assert_ne!(scope(one), scope(two));
    }
}
