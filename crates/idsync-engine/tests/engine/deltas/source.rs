//! A source with deltas that is odd where a test wants it to be.

use crate::support::gid;
use crate::support::twisted::Twist;
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use idsync_core::memory::MemoryProvider;
use idsync_core::{
    Capabilities, ChangedUsers, Cursor, DeletionReason, DirectoryInfo, Error, ErrorKind, Group, GroupId, HeldRecord, IdentityProvider,
    Lookup, MemberListing, Page, ReadOptions, Result, User, UserId,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// What a source does beside what it should.
#[derive(Debug, Default)]
pub(super) struct Oddities {
    /// Shown among the users that changed, whatever is true.
    pub(super) also_changed: Vec<User>,
    /// Shown after that, page by page.
    pub(super) more_changes: Vec<ChangedUsers>,
    pub(super) departed: Vec<UserId>,
    pub(super) look_ups_fail: bool,
    pub(super) groups_of_fails: bool,
    /// Among the groups of any user, the record of this one cannot be understood.
    pub(super) groups_of_held: Option<HeldRecord>,
    pub(super) cursor_expired: bool,
    pub(super) without_cursor: bool,
    /// Deactivated: neither listed nor found, and still a member of its groups.
    pub(super) hidden: Option<UserId>,
    /// From now on no list of members shows anybody, and no check passes.
    pub(super) role_is_gone: bool,
    pub(super) scope: Option<&'static str>,
    pub(super) members_fail: Option<GroupId>,
    /// The members of this group may not be read.
    pub(super) members_hidden: Option<GroupId>,
    pub(super) no_delta: bool,
    /// Groups as they were, shown before or after what they are.
    pub(super) groups_before: Vec<Group>,
    pub(super) groups_after: Vec<Group>,
    /// The members of groups of this name are out of scope.
    pub(super) memberless: Option<&'static str>,
}

/// A source that counts what it is asked.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) inner: MemoryProvider,
    pub(super) oddities: Arc<Mutex<Oddities>>,
    pub(super) asked: Arc<Mutex<BTreeMap<&'static str, u32>>>,
}

impl Source {
    pub(super) fn odd(&self) -> MutexGuard<'_, Oddities> {
        self.oddities.lock().unwrap()
    }

    fn note(&self, what: &'static str) {
        *self.asked.lock().unwrap().entry(what).or_default() += 1;
    }

    pub(super) fn asked(&self) -> BTreeMap<&'static str, u32> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn broken() -> Error {
    Error::new(ErrorKind::Unavailable, "not now")
}

#[async_trait]
impl Twist for Source {
    fn inner(&self) -> &MemoryProvider {
        &self.inner
    }

    async fn identify(&self) -> Result<DirectoryInfo> {
        let info = self.inner.identify().await?;
        let odd = self.odd();
        let info = if odd.without_cursor { info.with_cursor(None) } else { info };
        Ok(match odd.scope {
            Some(scope) => info.with_scope(scope),
            None => info,
        })
    }

    fn capabilities(&self) -> Capabilities {
        if self.odd().no_delta { Capabilities::default() } else { self.inner.capabilities() }
    }

    async fn check(&self) -> Result<()> {
        self.note("check");
        if self.odd().role_is_gone { Err(Error::new(ErrorKind::PermissionDenied, "no role")) } else { Ok(()) }
    }

    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        self.note("users");
        self.inner.users(options)
    }

    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.note("groups");
        let odd = self.odd();
        let [before, after] = [&odd.groups_before, &odd.groups_after].map(|groups| stream::iter([Ok(Page::new(groups.clone()))]));
        before.chain(self.inner.groups(options)).chain(after).boxed()
    }

    fn member_listing(&self, group: &Group) -> MemberListing {
        if self.odd().memberless == Some(group.name.as_str()) { MemberListing::OutOfScope } else { MemberListing::Listed }
    }

    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        self.note("members");
        let odd = self.odd();
        if odd.members_hidden.as_ref() == Some(group) {
            return stream::iter([Err(Error::new(ErrorKind::PermissionDenied, "hidden"))]).boxed();
        }
        if odd.role_is_gone {
            return stream::empty().boxed();
        }
        if odd.members_fail.as_ref() == Some(group) {
            return stream::iter([Err(broken())]).boxed();
        }
        let hidden = odd.hidden.clone();
        let shown = move |mut page: Page<UserId>| {
            page.items.retain(|id| Some(id) != hidden.as_ref());
            page
        };
        self.inner.members(group, options).map_ok(shown).boxed()
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        self.note("user");
        if self.odd().look_ups_fail {
            return Err(broken());
        }
        if self.odd().hidden.as_ref() == Some(id) {
            return Ok(Lookup::OutOfScope(DeletionReason::Deprovisioned));
        }
        self.inner.user(id).await
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        self.note("group");
        self.inner.group(id).await
    }

    fn changed_users(&self, since: &Cursor, options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        self.note("changed");
        let odd = self.odd();
        if odd.cursor_expired {
            return stream::iter([Err(Error::new(ErrorKind::CursorExpired, "too old"))]).boxed();
        }
        let also = ChangedUsers::new(odd.also_changed.clone()).with_departed(odd.departed.clone());
        let more = odd.more_changes.clone().into_iter().map(Ok);
        stream::iter([Ok(also)]).chain(stream::iter(more)).chain(self.inner.changed_users(since, options)).boxed()
    }

    fn groups_of(&self, user: &UserId, options: ReadOptions) -> BoxStream<'static, Result<Page<GroupId>>> {
        self.note("groups of");
        let odd = self.odd();
        if odd.groups_of_fails {
            return stream::iter([Err(broken())]).boxed();
        }
        let held = odd.groups_of_held.clone();
        let garbled = move |mut page: Page<GroupId>| match &held {
            Some(held) => {
                page.items.retain(|id| *id != gid("g1"));
                page.with_held(vec![held.clone()])
            }
            None => page,
        };
        self.inner.groups_of(user, options).map_ok(garbled).boxed()
    }
}
