//! Users and groups that a listing shows twice, while they change.

use crate::support::twisted::{Twist, Twisted};
use futures::executor::block_on;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{Change, Group, GroupId, Page, ReadOptions, Result, User, UserId, UserStatus};
use idsync_engine::SyncEngine;
use std::sync::Arc;

/// Lists users and groups as it is told.
#[derive(Debug, Clone)]
struct Listing {
    inner: MemoryProvider,
    users: Vec<Vec<User>>,
    groups: Vec<Vec<Group>>,
}

impl Listing {
    /// A directory with one user and one group.
    fn new() -> Self {
        let (inner, user, group) = (MemoryProvider::new(), user(UserStatus::Active, "clerk"), group("Group"));
        inner.put_user(user.clone());
        inner.put_group(group.clone());
        Self { inner, users: vec![vec![user]], groups: vec![vec![group]] }
    }
}

fn pages<T: Send + 'static>(pages: Vec<Vec<T>>) -> BoxStream<'static, Result<Page<T>>> {
    stream::iter(pages.into_iter().map(|page| Ok(Page::new(page)))).boxed()
}

impl Twist for Listing {
    fn inner(&self) -> &MemoryProvider {
        &self.inner
    }
    fn users(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        pages(self.users.clone())
    }
    fn groups(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        pages(self.groups.clone())
    }
}

fn user(status: UserStatus, title: &str) -> User {
    User::new(UserId::new("u").unwrap(), status).with_attribute("title", title)
}

fn group(name: &str) -> Group {
    Group::new(GroupId::new("g").unwrap(), name)
}

/// What a run of this listing changes after one in which nothing was listed twice.
fn found(listing: Listing) -> Option<Change> {
    block_on(async {
        let (store, sink) = (Arc::new(MemoryStore::new()), MemorySink::new());
        SyncEngine::builder(Twisted(Listing::new()), Arc::clone(&store), sink.clone()).build().sync().await.unwrap();
        let plan = SyncEngine::builder(Twisted(listing), store, sink).build().plan().await.unwrap();
        let mut changes: Vec<_> = plan.changes().try_collect().await.unwrap();
        assert!(changes.len() < 2, "one change at most of one entry: {changes:?}");
        changes.pop().map(|planned| planned.change)
    })
}

/// The user in the end, who was active and a clerk.
fn found_user(users: Vec<Vec<User>>) -> Option<User> {
    found(Listing { users, ..Listing::new() }).map(|change| match change {
        Change::UserUpdated { user, .. } => user,
        other => panic!("{other:?}"),
    })
}

/// The name of the group in the end, where it changed.
fn found_name(groups: Vec<Vec<Group>>) -> Option<String> {
    found(Listing { groups, ..Listing::new() }).map(|change| match change {
        Change::GroupUpdated { group, .. } => group.name,
        other => panic!("{other:?}"),
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
        assert_eq!(found_user(vec![vec![first.clone(), second.clone()]]), expected, "on one page");
        assert_eq!(found_user(vec![vec![first], vec![second]]), expected, "on two pages");
    }
}

#[test]
fn the_last_time_counts_for_groups_as_well() {
    let cases = [("Renamed", "Group", None), ("Group", "Renamed", Some("Renamed")), ("Renamed", "Again", Some("Again"))];
    for (first, second, expected) in cases {
        assert_eq!(found_name(vec![vec![group(first), group(second)]]).as_deref(), expected, "on one page");
        assert_eq!(found_name(vec![vec![group(first)], vec![group(second)]]).as_deref(), expected, "on two pages");
    }
}
