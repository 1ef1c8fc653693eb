//! A provider with some users and groups taken out of scope.

use crate::{
    Capabilities, ChangedUsers, Cursor, DeletionReason, DirectoryInfo, Group, GroupId, IdentityProvider, Lookup, MemberListing, Page,
    ReadOptions, RequestUsage, Result, User, UserId,
};
use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use std::fmt;
use std::sync::Arc;

/// Shows the users and groups of another provider that a predicate keeps.
///
/// What is not kept is out of scope: listings do not show it, and a look-up answers [`Lookup::OutOfScope`], so that an entry that was
/// synced before and is not kept any more is deleted with the reason [`DeletionReason::OutOfScope`]. Records that could not be
/// understood pass, because nothing can be said about them.
///
/// **Members.** A membership is a pair of ids, and no predicate on users can judge an id, so [`IdentityProvider::members`] passes
/// through and still names users that are filtered out. The engine drops memberships of users that the same read did not show. The
/// members of a group that is filtered out are never asked for.
///
/// **Changing a predicate** changes what is in scope, and predicates cannot be compared. Therefore the filter has a description, which
/// becomes part of [`DirectoryInfo::scope`]: change it whenever a predicate changes what it keeps.
#[derive(Clone)]
pub struct Filtered<P> {
    inner: P,
    description: String,
    users: Predicate<User>,
    groups: Predicate<Group>,
}

type Predicate<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

impl<P> Filtered<P> {
    /// Keeps everything, until told otherwise. `description` tells this filter from every other, such as `"users in Berlin"`.
    pub fn new(inner: P, description: impl Into<String>) -> Self {
        Self { inner, description: description.into(), users: Arc::new(|_| true), groups: Arc::new(|_| true) }
    }

    /// Keeps the users that `keep` accepts. It is called for every user of every read, so it should be quick; it replaces the one that
    /// was set before.
    #[must_use]
    pub fn keep_users(mut self, keep: impl Fn(&User) -> bool + Send + Sync + 'static) -> Self {
        self.users = Arc::new(keep);
        self
    }

    /// Keeps the groups that `keep` accepts; it replaces the predicate that was set before.
    #[must_use]
    pub fn keep_groups(mut self, keep: impl Fn(&Group) -> bool + Send + Sync + 'static) -> Self {
        self.groups = Arc::new(keep);
        self
    }
}

fn keep<T: 'static>(pages: BoxStream<'static, Result<Page<T>>>, predicate: &Predicate<T>) -> BoxStream<'static, Result<Page<T>>> {
    let predicate = Arc::clone(predicate);
    pages
        .map_ok(move |mut page| {
            page.items.retain(|entry| predicate(entry));
            page
        })
        .boxed()
}

fn judge<T>(found: Lookup<T>, predicate: &Predicate<T>) -> Lookup<T> {
    match found {
        Lookup::Found(entry) if !predicate(&entry) => Lookup::OutOfScope(DeletionReason::OutOfScope),
        other => other,
    }
}

impl<P: fmt::Display> fmt::Display for Filtered<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Filtered({})", self.inner)
    }
}

impl<P: fmt::Debug> fmt::Debug for Filtered<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filtered").field("inner", &self.inner).field("description", &self.description).finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: IdentityProvider> IdentityProvider for Filtered<P> {
    async fn identify(&self) -> Result<DirectoryInfo> {
        let info = self.inner.identify().await?;
        let scope = format!("{}; {}", info.scope, self.description);
        Ok(info.with_scope(scope))
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn check(&self) -> Result<()> {
        self.inner.check().await
    }

    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        keep(self.inner.users(options), &self.users)
    }

    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        keep(self.inner.groups(options), &self.groups)
    }

    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        self.inner.members(group, options)
    }

    fn member_listing(&self, group: &Group) -> MemberListing {
        self.inner.member_listing(group)
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        Ok(judge(self.inner.user(id).await?, &self.users))
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        Ok(judge(self.inner.group(id).await?, &self.groups))
    }

    fn changed_users(&self, since: &Cursor, options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        let keep = Arc::clone(&self.users);
        self.inner
            .changed_users(since, options)
            .map_ok(move |mut page| {
                // Somebody who is not kept any more may have been kept before.
                let dropped = page.users.extract_if(.., |user| !keep(user)).map(|user| user.id);
                page.departed.extend(dropped);
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
    use crate::memory::MemoryProvider;
    use crate::{Lifecycle, UserStatus};
    use futures::executor::block_on;

    fn filtered() -> (Filtered<MemoryProvider>, [UserId; 2], [GroupId; 2]) {
        let users = [UserId::new("u1").unwrap(), UserId::new("u2").unwrap()];
        let groups = [GroupId::new("g1").unwrap(), GroupId::new("g2").unwrap()];
        let provider = MemoryProvider::new();
        provider.put_user(User::new(users[0].clone(), UserStatus::Active));
        provider.put_user(User::new(users[1].clone(), UserStatus::Suspended));
        provider.put_group(Group::new(groups[0].clone(), "keep"));
        provider.put_group(Group::new(groups[1].clone(), "drop"));
        let filtered = Filtered::new(provider, "active users, groups to keep")
            .keep_users(|user| user.lifecycle() == Lifecycle::Active)
            .keep_groups(|group| group.name == "keep");
        (filtered, users, groups)
    }

    #[test]
    fn what_is_not_kept_is_neither_listed_nor_found_but_out_of_scope() {
        let (provider, users, groups) = filtered();
        block_on(async {
            let listed: Vec<_> = provider.users(ReadOptions::default()).try_collect().await.unwrap();
            let ids: Vec<_> = listed.iter().flat_map(|page: &Page<User>| &page.items).map(|user| &user.id).collect();
            assert_eq!(ids, [&users[0]]);
            let listed: Vec<_> = provider.groups(ReadOptions::default()).try_collect().await.unwrap();
            let ids: Vec<_> = listed.iter().flat_map(|page: &Page<Group>| &page.items).map(|group| &group.id).collect();
            assert_eq!(ids, [&groups[0]]);
            assert!(matches!(provider.user(&users[0]).await.unwrap(), Lookup::Found(_)));
            assert_eq!(provider.user(&users[1]).await.unwrap(), Lookup::OutOfScope(DeletionReason::OutOfScope));
            assert_eq!(provider.group(&groups[1]).await.unwrap(), Lookup::OutOfScope(DeletionReason::OutOfScope));
            assert_eq!(provider.user(&UserId::new("nobody").unwrap()).await.unwrap(), Lookup::NotFound);
        });
    }

    #[test]
    fn the_description_becomes_part_of_the_scope() {
        let (provider, ..) = filtered();
        assert_eq!(block_on(provider.identify()).unwrap().scope, "all; active users, groups to keep");
        assert_eq!(provider.to_string(), "Filtered(Memory(memory:directory))");
    }
}
