//! A small directory whose provider goes wrong as it is told to.

use crate::support::twisted::Twist;
use crate::support::{gid, member, uid};
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use idsync_core::memory::MemoryProvider;
use idsync_core::{
    DeletionReason, Error, ErrorKind, Group, GroupId, HeldRecord, IdentityProvider, Lookup, MemberListing, Page, ReadOptions, Result, User,
    UserId, UserStatus,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What a provider does wrong.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// These users are missing from the listing, but not from look-ups.
    pub(super) unlisted_users: Vec<&'static str>,
    pub(super) unlisted_groups: Vec<&'static str>,
    pub(super) users_end_in: Option<ErrorKind>,
    pub(super) groups_end_in: Option<ErrorKind>,
    /// The members of this group end in this error.
    pub(super) members_end_in: Option<(&'static str, ErrorKind)>,
    pub(super) no_members_may_be_read: bool,
    pub(super) lookups_fail: bool,
    /// Look-ups say that the user is deprovisioned.
    pub(super) deprovisioned: Option<&'static str>,
    pub(super) held_users: Vec<&'static str>,
    pub(super) nothing: bool,
    /// The role goes once this many checks have passed; from then on members and look-ups show nobody.
    pub(super) role_goes_after_checks: Option<usize>,
    pub(super) everything_twice: bool,
    pub(super) members_out_of_scope: Option<&'static str>,
}

#[derive(Debug, Clone)]
pub(super) struct Faulty {
    pub(super) inner: MemoryProvider,
    pub(super) faults: Arc<Mutex<Faults>>,
    pub(super) lookups: Arc<AtomicUsize>,
}

impl Faulty {
    pub(super) fn new() -> Self {
        let inner = MemoryProvider::new();
        for n in 1..=12 {
            inner.put_user(User::new(uid(&format!("u{n:02}")), UserStatus::Active).with_login(format!("user{n}")));
        }
        for n in 1..=3 {
            inner.put_group(Group::new(gid(&format!("g{n}")), format!("Group {n}")));
        }
        for user in ["u01", "u02", "u03"] {
            inner.add_member(member("g1", user));
        }
        inner.add_member(member("g2", "u01"));
        Self { inner, faults: Arc::default(), lookups: Arc::default() }
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.faults.lock().unwrap());
    }

    pub(super) fn heal(&self) {
        *self.faults.lock().unwrap() = Faults::default();
    }

    fn distort<T: Clone + Send + 'static>(
        &self,
        pages: BoxStream<'static, Result<Page<T>>>,
        error: Option<ErrorKind>,
        change: impl Fn(&mut Page<T>) + Send + 'static,
    ) -> BoxStream<'static, Result<Page<T>>> {
        let faults = self.faults.lock().unwrap();
        if faults.nothing {
            return stream::empty().boxed();
        }
        let twice = faults.everything_twice;
        let pages = pages.map(move |page| {
            page.map(|mut page| {
                change(&mut page);
                page
            })
        });
        let pages = pages.flat_map(move |page| match page {
            Ok(page) if twice => stream::iter(vec![Ok(page.clone()), Ok(Page::new(Vec::new())), Ok(page)]),
            other => stream::iter(vec![other]),
        });
        match error {
            Some(kind) => pages.take(1).chain(stream::iter([Err(Error::new(kind, "planted"))])).boxed(),
            None => pages.boxed(),
        }
    }
}

#[async_trait]
impl Twist for Faulty {
    fn inner(&self) -> &MemoryProvider {
        &self.inner
    }
    async fn check(&self) -> Result<()> {
        let mut faults = self.faults.lock().unwrap();
        match &mut faults.role_goes_after_checks {
            Some(0) => Err(Error::new(ErrorKind::PermissionDenied, "no role").with_remedy("assign a role")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        let (hidden, held, error) = {
            let faults = self.faults.lock().unwrap();
            (faults.unlisted_users.clone(), faults.held_users.clone(), faults.users_end_in)
        };
        self.distort(self.inner.users(options), error, move |page| {
            page.items.retain(|user| !hidden.contains(&user.id.as_str()) && !held.contains(&user.id.as_str()));
            page.held = held.iter().map(|id| HeldRecord::new(Some((*id).to_owned()), "profile is a number")).collect();
        })
    }
    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        let (hidden, error) = {
            let faults = self.faults.lock().unwrap();
            (faults.unlisted_groups.clone(), faults.groups_end_in)
        };
        self.distort(self.inner.groups(options), error, move |page| page.items.retain(|group| !hidden.contains(&group.id.as_str())))
    }
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let (error, blind) = {
            let faults = self.faults.lock().unwrap();
            let error = faults.members_end_in.filter(|(of, _)| *of == group.as_str()).map(|(_, kind)| kind);
            let refusal = faults.no_members_may_be_read.then_some(ErrorKind::PermissionDenied);
            (error.or(refusal), faults.role_goes_after_checks == Some(0))
        };
        self.distort(self.inner.members(group, options), error, move |page| page.items.retain(|_| !blind))
    }
    fn member_listing(&self, group: &Group) -> MemberListing {
        match self.faults.lock().unwrap().members_out_of_scope {
            Some(id) if id == group.id.as_str() => MemberListing::OutOfScope,
            _ => MemberListing::Listed,
        }
    }
    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let (fail, deprovisioned) = {
            let faults = self.faults.lock().unwrap();
            (faults.lookups_fail, faults.deprovisioned)
        };
        if fail {
            return Err(Error::new(ErrorKind::Unavailable, "planted"));
        }
        if self.faults.lock().unwrap().role_goes_after_checks == Some(0) {
            return Ok(Lookup::NotFound);
        }
        if deprovisioned == Some(id.as_str()) {
            return Ok(Lookup::OutOfScope(DeletionReason::Deprovisioned));
        }
        self.inner.user(id).await
    }
    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        if self.faults.lock().unwrap().lookups_fail {
            return Err(Error::new(ErrorKind::Unavailable, "planted"));
        }
        self.inner.group(id).await
    }
}
