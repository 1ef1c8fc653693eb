//! Providers that show what one in memory has, but for what a test is about.

use async_trait::async_trait;
use futures::stream::BoxStream;
use idsync_core::memory::MemoryProvider;
use idsync_core::{
    Capabilities, ChangedUsers, Cursor, DirectoryInfo, Group, GroupId, IdentityProvider, Lookup, MemberListing, Page, ReadOptions, Result,
    User, UserId,
};
use std::fmt;

/// What differs from the provider in memory; everything else comes from there.
#[async_trait]
pub(crate) trait Twist: fmt::Debug + Send + Sync + 'static {
    fn inner(&self) -> &MemoryProvider;

    async fn identify(&self) -> Result<DirectoryInfo> {
        self.inner().identify().await
    }
    fn capabilities(&self) -> Capabilities {
        self.inner().capabilities()
    }
    async fn check(&self) -> Result<()> {
        self.inner().check().await
    }
    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        self.inner().users(options)
    }
    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.inner().groups(options)
    }
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        self.inner().members(group, options)
    }
    fn member_listing(&self, group: &Group) -> MemberListing {
        self.inner().member_listing(group)
    }
    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        self.inner().user(id).await
    }
    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        self.inner().group(id).await
    }
    fn changed_users(&self, since: &Cursor, options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        self.inner().changed_users(since, options)
    }
    fn groups_of(&self, user: &UserId, options: ReadOptions) -> BoxStream<'static, Result<Page<GroupId>>> {
        self.inner().groups_of(user, options)
    }
}

/// A provider with a twist.
#[derive(Debug)]
pub(crate) struct Twisted<T>(pub(crate) T);

impl<T> fmt::Display for Twisted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("twisted")
    }
}

#[async_trait]
impl<T: Twist> IdentityProvider for Twisted<T> {
    async fn identify(&self) -> Result<DirectoryInfo> {
        self.0.identify().await
    }
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    async fn check(&self) -> Result<()> {
        self.0.check().await
    }
    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        self.0.users(options)
    }
    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.0.groups(options)
    }
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        self.0.members(group, options)
    }
    fn member_listing(&self, group: &Group) -> MemberListing {
        self.0.member_listing(group)
    }
    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        self.0.user(id).await
    }
    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        self.0.group(id).await
    }
    fn changed_users(&self, since: &Cursor, options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        self.0.changed_users(since, options)
    }
    fn groups_of(&self, user: &UserId, options: ReadOptions) -> BoxStream<'static, Result<Page<GroupId>>> {
        self.0.groups_of(user, options)
    }
}
