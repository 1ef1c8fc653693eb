//! Users that a listing shows twice, while they change.

use async_trait::async_trait;
use futures::executor::block_on;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{Change, DirectoryInfo, Group, GroupId, IdentityProvider, Lookup, Page, ReadOptions, Result, User, UserId, UserStatus};
use idsync_engine::SyncEngine;
use std::fmt;
use std::sync::Arc;

/// Lists users as it is told.
#[derive(Debug, Clone)]
struct Listing {
    inner: MemoryProvider,
    pages: Vec<Vec<User>>,
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listing")
    }
}

#[async_trait]
impl IdentityProvider for Listing {
    async fn identify(&self) -> Result<DirectoryInfo> {
        self.inner.identify().await
    }
    async fn check(&self) -> Result<()> {
        self.inner.check().await
    }
    fn users(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        stream::iter(self.pages.clone().into_iter().map(|users| Ok(Page::new(users)))).boxed()
    }
    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.inner.groups(options)
    }
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        self.inner.members(group, options)
    }
    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        self.inner.user(id).await
    }
    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        self.inner.group(id).await
    }
}

fn user(status: UserStatus, title: &str) -> User {
    User::new(UserId::new("u").unwrap(), status).with_attribute("title", title)
}

/// What a listing of these changes about a user who was active and a clerk, as the user is in the end.
fn found(pages: Vec<Vec<User>>) -> Option<User> {
    block_on(async {
        let (inner, store, sink) = (MemoryProvider::new(), Arc::new(MemoryStore::new()), MemorySink::new());
        inner.put_user(user(UserStatus::Active, "clerk"));
        inner.put_group(Group::new(GroupId::new("g").unwrap(), "g"));
        SyncEngine::builder(inner.clone(), Arc::clone(&store), sink.clone()).build().sync().await.unwrap();
        let plan = SyncEngine::builder(Listing { inner, pages }, store, sink).build().plan().await.unwrap();
        let mut changes: Vec<_> = plan.changes().try_collect().await.unwrap();
        assert!(changes.len() < 2, "one change at most of one user: {changes:?}");
        changes.pop().map(|planned| match planned.change {
            Change::UserUpdated { user, .. } => user,
            other => panic!("{other:?}"),
        })
    })
}

#[test]
fn the_last_time_counts_on_one_page_and_on_two() {
    let clerk = || user(UserStatus::Active, "clerk");
    let chief = || user(UserStatus::Active, "chief");
    let suspended = || user(UserStatus::from("SUSPENDED"), "clerk");
    let cases = [
        (chief(), clerk(), None),
        (suspended(), clerk(), None),
        (clerk(), chief(), Some(chief())),
        (suspended(), chief(), Some(chief())),
        (chief(), suspended(), Some(suspended())),
    ];
    for (first, second, expected) in cases {
        assert_eq!(found(vec![vec![first.clone(), second.clone()]]), expected, "on one page");
        assert_eq!(found(vec![vec![first], vec![second]]), expected, "on two pages");
    }
}
