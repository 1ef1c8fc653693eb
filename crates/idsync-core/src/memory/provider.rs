//! A directory in memory.

use super::lock;
use super::moves::Moves;
use crate::{
    Capabilities, ChangedUsers, Cursor, DirectoryId, DirectoryInfo, EntryId, Error, ErrorKind, Group, GroupId, HeldRecord,
    IdentityProvider, Lookup, Membership, Page, ReadOptions, Result, Snapshot, User, UserId,
};
use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

/// An [`IdentityProvider`] whose directory is changed by calling its methods.
#[derive(Debug, Clone)]
pub struct MemoryProvider {
    id: DirectoryId,
    scope: String,
    page_size: NonZeroUsize,
    capabilities: Capabilities,
    world: Arc<Mutex<World>>,
}

#[derive(Debug, Default)]
struct World {
    users: BTreeMap<UserId, User>,
    groups: BTreeMap<GroupId, Group>,
    members: BTreeMap<GroupId, BTreeSet<UserId>>,
    held: BTreeSet<EntryId>,
    moves: Moves,
}

/// What a listing shows: entries, and records that it cannot make entries of.
struct Shown<T> {
    items: Vec<T>,
    held: Vec<HeldRecord>,
}

impl<T> Shown<T> {
    /// Whatever is there; nothing at all is a missing permission.
    fn visible(self, what: &'static str) -> Result<Self> {
        if self.items.is_empty() && self.held.is_empty() { Err(nothing_visible(what)) } else { Ok(self) }
    }
}

impl World {
    fn hide(&mut self, id: &EntryId) {
        match id {
            EntryId::Group(id) => _ = self.groups.remove(id),
            EntryId::User(id) => _ = self.users.remove(id),
        }
    }

    fn check_readable(&self, id: EntryId) -> Result<()> {
        if self.held.contains(&id) { Err(Error::new(ErrorKind::InvalidData, format!("{id} {MALFORMED}"))) } else { Ok(()) }
    }

    fn users(&self) -> Shown<User> {
        let held = self.held.iter().filter_map(|id| if let EntryId::User(id) = id { Some(malformed(id.as_str())) } else { None });
        Shown { items: self.users.values().cloned().collect(), held: held.collect() }
    }

    fn groups(&self) -> Shown<Group> {
        let held = self.held.iter().filter_map(|id| if let EntryId::Group(id) = id { Some(malformed(id.as_str())) } else { None });
        Shown { items: self.groups.values().cloned().collect(), held: held.collect() }
    }
}

const MALFORMED: &str = "was made a malformed record";

fn malformed(id: &str) -> HeldRecord {
    HeldRecord::new(Some(id.to_owned()), MALFORMED)
}

impl MemoryProvider {
    /// An empty directory called `memory:directory`, read in pages of 100.
    pub fn new() -> Self {
        Self::with_id(DirectoryId::new("memory:directory").unwrap_or_else(|_| unreachable!("the literal is a valid id")))
    }

    /// An empty directory of this name.
    pub fn with_id(id: DirectoryId) -> Self {
        // Not zero, which is checked when this is compiled.
        const PAGE: NonZeroUsize = NonZeroUsize::new(100).unwrap();
        Self { id, scope: String::from("all"), page_size: PAGE, capabilities: Capabilities::default(), world: Arc::default() }
    }

    /// Sets how many entries a page holds.
    #[must_use]
    pub const fn page_size(mut self, entries: NonZeroUsize) -> Self {
        self.page_size = entries;
        self
    }

    /// Sets what [`DirectoryInfo::scope`] says. The directory shows everything whatever it says.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Makes deltas possible: the directory tells which users changed, and when the members of a group did. Like many a real one it does
    /// not tell who is gone.
    #[must_use]
    pub const fn with_delta(mut self) -> Self {
        self.capabilities = self.capabilities.with_delta();
        self
    }

    /// Makes the directory what `snapshot` shows; entries that it holds become malformed records.
    pub fn replace(&self, snapshot: &Snapshot) {
        let mut world = lock(&self.world);
        *world = World { moves: std::mem::take(&mut world.moves), ..World::default() };
        world.moves.all_change(snapshot);
        world.users.extend(snapshot.users().map(|user| (user.id.clone(), user.clone())));
        world.groups.extend(snapshot.groups().map(|group| (group.id.clone(), group.clone())));
        for membership in snapshot.memberships().chain(snapshot.memberships_of_held()) {
            world.members.entry(membership.group.clone()).or_default().insert(membership.user.clone());
        }
        world.held.extend(snapshot.held().cloned());
        for id in snapshot.held() {
            world.hide(id);
        }
    }

    /// Turns an entry into a record that cannot be understood: listings hold it, look-ups fail, and its memberships stay.
    pub fn hold(&self, id: EntryId) {
        let mut world = lock(&self.world);
        world.hide(&id);
        world.held.insert(id);
    }

    /// Adds a user, or changes the one with its id.
    pub fn put_user(&self, user: User) {
        let mut world = lock(&self.world);
        world.held.remove(&EntryId::User(user.id.clone()));
        world.moves.user_changes(&user.id);
        world.users.insert(user.id.clone(), user);
    }

    /// Deletes a user, who leaves all groups.
    pub fn remove_user(&self, id: &UserId) {
        let mut world = lock(&self.world);
        world.users.remove(id);
        world.held.remove(&EntryId::User(id.clone()));
        world.members.values_mut().for_each(|members| _ = members.remove(id));
    }

    /// Adds a group, or changes the one with its id.
    pub fn put_group(&self, group: Group) {
        let mut world = lock(&self.world);
        world.held.remove(&EntryId::Group(group.id.clone()));
        world.groups.insert(group.id.clone(), group);
    }

    /// Deletes a group with its memberships.
    pub fn remove_group(&self, id: &GroupId) {
        let mut world = lock(&self.world);
        world.groups.remove(id);
        world.held.remove(&EntryId::Group(id.clone()));
        world.members.remove(id);
    }

    /// Puts a user into a group.
    pub fn add_member(&self, membership: Membership) {
        let mut world = lock(&self.world);
        world.moves.members_change(&membership.group);
        world.members.entry(membership.group).or_default().insert(membership.user);
    }

    /// Takes a user out of a group.
    pub fn remove_member(&self, membership: &Membership) {
        let mut world = lock(&self.world);
        world.moves.members_change(&membership.group);
        if let Some(members) = world.members.get_mut(&membership.group) {
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
        world.held.iter().for_each(|id| _ = builder.hold(id.clone()));
        builder.finish()
    }

    /// Pages of what `read` copies out of the world at the first poll.
    fn pages<T: Send + 'static>(
        &self,
        read: impl FnOnce(&World) -> Result<Shown<T>> + Send + 'static,
    ) -> BoxStream<'static, Result<Page<T>>> {
        let (world, size) = (Arc::clone(&self.world), self.page_size.get());
        stream::once(async move { read(&lock(&world)) })
            .flat_map(move |read| match read {
                Ok(shown) => {
                    let (mut entries, mut held) = (shown.items.into_iter().peekable(), shown.held);
                    let pages = std::iter::from_fn(move || {
                        let held = std::mem::take(&mut held);
                        (entries.peek().is_some() || !held.is_empty())
                            .then(|| Ok(Page::new(entries.by_ref().take(size).collect()).with_held(held)))
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
        let info = DirectoryInfo::new(self.id.clone(), self.id.to_string()).with_scope(self.scope.clone());
        if !self.capabilities.has_delta() {
            return Ok(info);
        }
        let moves = &lock(&self.world).moves;
        Ok(info.with_cursor(Some(moves.cursor())).with_server_time(moves.now()))
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
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
        self.pages(|world| world.users().visible("users"))
    }

    fn groups(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        let has_delta = self.capabilities.has_delta();
        self.pages(move |world| {
            let mut groups = world.groups();
            if has_delta {
                groups.items.iter_mut().for_each(|group| group.timestamps.members_updated = world.moves.of_members(&group.id));
            }
            groups.visible("groups")
        })
    }

    fn members(&self, group: &GroupId, _options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let group = group.clone();
        self.pages(move |world| {
            if !world.groups.contains_key(&group) && !world.held.contains(&EntryId::Group(group.clone())) {
                return Err(Error::new(ErrorKind::NotFound, format!("there is no group {group}")));
            }
            Ok(Shown { items: world.members.get(&group).into_iter().flatten().cloned().collect(), held: Vec::new() })
        })
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        let world = lock(&self.world);
        world.check_readable(EntryId::User(id.clone()))?;
        Ok(world.users.get(id).cloned().map_or(Lookup::NotFound, Lookup::Found))
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        let world = lock(&self.world);
        world.check_readable(EntryId::Group(id.clone()))?;
        Ok(world.groups.get(id).cloned().map_or(Lookup::NotFound, Lookup::Found))
    }

    fn changed_users(&self, since: &Cursor, _options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        let since = Moves::read(since);
        let pages = self.pages(move |world| {
            let since = since?;
            let mut users = world.users().visible("users")?;
            users.items.retain(|user| world.moves.has_changed(&user.id, since));
            Ok(users)
        });
        pages.map_ok(|page| ChangedUsers::new(page.items).with_held(page.held)).boxed()
    }

    fn groups_of(&self, user: &UserId, _options: ReadOptions) -> BoxStream<'static, Result<Page<GroupId>>> {
        let user = user.clone();
        self.pages(move |world| {
            let groups = world.members.iter().filter(|(_, members)| members.contains(&user)).map(|(group, _)| group.clone());
            Ok(Shown { items: groups.collect(), held: Vec::new() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UserStatus;
    use futures::executor::block_on;

    #[test]
    fn p05_who_is_held_stays_in_its_groups_when_the_directory_is_replaced() {
        let (user, group) = (UserId::new("ana").unwrap(), GroupId::new("staff").unwrap());
        let provider = MemoryProvider::new();
        provider.put_user(User::new(user.clone(), UserStatus::Active));
        provider.put_group(Group::new(group.clone(), "Staff"));
        provider.add_member(Membership::new(group.clone(), user.clone()));
        provider.hold(EntryId::User(user.clone()));
        let copy = MemoryProvider::new();
        copy.replace(&provider.snapshot());
        let members: Vec<Page<UserId>> = block_on(copy.members(&group, ReadOptions::default()).try_collect()).unwrap();
        assert_eq!(members.into_iter().flat_map(|page| page.items).collect::<Vec<_>>(), [user]);
    }
}
