//! A directory in memory.

use super::lock;
use crate::{
    DirectoryId, DirectoryInfo, Error, ErrorKind, Group, GroupId, IdentityProvider, Lookup, Membership, Page, ReadOptions, Result,
    Snapshot, User, UserId,
};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

/// An [`IdentityProvider`] whose directory is changed by calling its methods.
#[derive(Debug, Clone)]
pub struct MemoryProvider {
    id: DirectoryId,
    page_size: NonZeroUsize,
    world: Arc<Mutex<World>>,
}

#[derive(Debug, Default)]
struct World {
    users: BTreeMap<UserId, User>,
    groups: BTreeMap<GroupId, Group>,
    members: BTreeMap<GroupId, BTreeSet<UserId>>,
}

impl MemoryProvider {
    /// An empty directory called `memory:directory`, read in pages of 100.
    pub fn new() -> Self {
        Self::with_id(DirectoryId::new("memory:directory").unwrap_or_else(|_| unreachable!("the literal is a valid id")))
    }

    /// An empty directory of this name.
    pub fn with_id(id: DirectoryId) -> Self {
        const PAGE: NonZeroUsize = NonZeroUsize::new(100).unwrap();
        Self { id, page_size: PAGE, world: Arc::default() }
    }

    /// Sets how many entries a page holds.
    #[must_use]
    pub const fn page_size(mut self, entries: NonZeroUsize) -> Self {
        self.page_size = entries;
        self
    }

    /// Makes the directory what `snapshot` shows.
    pub fn replace(&self, snapshot: &Snapshot) {
        let mut world = lock(&self.world);
        *world = World::default();
        world.users.extend(snapshot.users().map(|user| (user.id.clone(), user.clone())));
        world.groups.extend(snapshot.groups().map(|group| (group.id.clone(), group.clone())));
        for membership in snapshot.memberships() {
            world.members.entry(membership.group.clone()).or_default().insert(membership.user.clone());
        }
    }

    /// Adds a user, or changes the one with its id.
    pub fn put_user(&self, user: User) {
        lock(&self.world).users.insert(user.id.clone(), user);
    }

    /// Deletes a user, who leaves all groups.
    pub fn remove_user(&self, id: &UserId) {
        let mut world = lock(&self.world);
        world.users.remove(id);
        world.members.values_mut().for_each(|members| _ = members.remove(id));
    }

    /// Adds a group, or changes the one with its id.
    pub fn put_group(&self, group: Group) {
        lock(&self.world).groups.insert(group.id.clone(), group);
    }

    /// Deletes a group with its memberships.
    pub fn remove_group(&self, id: &GroupId) {
        let mut world = lock(&self.world);
        world.groups.remove(id);
        world.members.remove(id);
    }

    /// Puts a user into a group.
    pub fn add_member(&self, membership: Membership) {
        lock(&self.world).members.entry(membership.group).or_default().insert(membership.user);
    }

    /// Takes a user out of a group.
    pub fn remove_member(&self, membership: &Membership) {
        if let Some(members) = lock(&self.world).members.get_mut(&membership.group) {
            members.remove(&membership.user);
        }
    }

    /// The directory as it is now.
    pub fn snapshot(&self) -> Snapshot {
        let world = lock(&self.world);
        let mut builder = Snapshot::builder();
        world.users.values().for_each(|user| _ = builder.user(user.clone()));
        world.groups.values().for_each(|group| _ = builder.group(group.clone()));
        for (group, members) in &world.members {
            members.iter().for_each(|user| _ = builder.membership(Membership::new(group.clone(), user.clone())));
        }
        builder.finish()
    }

    /// Pages of what `read` copies out of the world at the first poll.
    fn pages<T: Send + 'static>(
        &self,
        read: impl FnOnce(&World) -> Result<Vec<T>> + Send + 'static,
    ) -> BoxStream<'static, Result<Page<T>>> {
        let (world, size) = (Arc::clone(&self.world), self.page_size.get());
        stream::once(async move { read(&lock(&world)) })
            .flat_map(move |read| match read {
                Ok(entries) => {
                    let mut entries = entries.into_iter().peekable();
                    let pages = std::iter::from_fn(move || {
                        entries.peek()?;
                        Some(Ok(Page::new(entries.by_ref().take(size).collect())))
                    });
                    stream::iter(pages).boxed()
                }
                Err(error) => stream::iter([Err(error)]).boxed(),
            })
            .boxed()
    }
}

impl Default for MemoryProvider {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for MemoryProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({})", self.id)
    }
}

fn nothing_visible(what: &'static str) -> Error {
    Error::new(ErrorKind::PermissionDenied, format!("no {what} are visible")).with_remedy("put some into the directory first")
}

#[async_trait]
impl IdentityProvider for MemoryProvider {
    async fn identify(&self) -> Result<DirectoryInfo> {
        Ok(DirectoryInfo::new(self.id.clone(), self.id.to_string()))
    }

    async fn check(&self) -> Result<()> {
        let world = lock(&self.world);
        match (world.users.is_empty(), world.groups.is_empty()) {
            (true, _) => Err(nothing_visible("users")),
            (_, true) => Err(nothing_visible("groups")),
            _ => Ok(()),
        }
    }

    fn users(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        self.pages(|world| if world.users.is_empty() { Err(nothing_visible("users")) } else { Ok(world.users.values().cloned().collect()) })
    }

    fn groups(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.pages(
            |world| if world.groups.is_empty() { Err(nothing_visible("groups")) } else { Ok(world.groups.values().cloned().collect()) },
        )
    }

    fn members(&self, group: &GroupId, _options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let group = group.clone();
        self.pages(move |world| {
            if !world.groups.contains_key(&group) {
                return Err(Error::new(ErrorKind::NotFound, format!("there is no group {group}")));
            }
            Ok(world.members.get(&group).into_iter().flatten().cloned().collect())
        })
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        Ok(lock(&self.world).users.get(id).cloned().map_or(Lookup::NotFound, Lookup::Found))
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        Ok(lock(&self.world).groups.get(id).cloned().map_or(Lookup::NotFound, Lookup::Found))
    }
}
