//! Reads what a provider shows, and compares it with what it is meant to show.

use super::super::report::described;
use super::super::tools::{ensure, ensure_same};
use super::super::{Unproven, Verdict};
use super::{Fault, Injected, ProviderFixture};
use crate::{Error, Group, GroupId, HeldRecord, IdentityProvider, MemberListing, Page, ReadOptions, Result, Snapshot, User, UserId};
use futures::StreamExt;
use futures::stream::BoxStream;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A directory that was seeded.
pub(super) struct Seeded {
    pub(super) provider: Arc<dyn IdentityProvider>,
    /// What the provider is meant to show.
    pub(super) shown: Snapshot,
}

impl Seeded {
    pub(super) async fn with(fixture: &dyn ProviderFixture, world: &Snapshot) -> Result<Self, Unproven> {
        let provider = fixture.seed(world).await?;
        Ok(Self { provider, shown: fixture.shown(world) })
    }

    /// With this fault; skips where the fixture does not offer it.
    pub(super) async fn faulty(fixture: &dyn ProviderFixture, world: &Snapshot, fault: Fault) -> Result<Self, Unproven> {
        let seeded = Self::with(fixture, world).await?;
        inject(fixture, fault).await?;
        Ok(seeded)
    }

    /// One of the users that are shown.
    pub(super) fn a_user(&self) -> Result<&User, Unproven> {
        self.shown.users().next().ok_or_else(|| Unproven::skipped("the fixture shows no users"))
    }

    /// One of the groups that are shown.
    pub(super) fn a_group(&self) -> Result<&Group, Unproven> {
        self.shown.groups().next().ok_or_else(|| Unproven::skipped("the fixture shows no groups"))
    }

    /// The groups whose members are in scope.
    pub(super) fn listed_groups(&self) -> impl Iterator<Item = &Group> {
        self.shown.groups().filter(|group| self.provider.member_listing(group) == MemberListing::Listed)
    }

    /// The users that are shown, out of those that are in the group.
    pub(super) fn members_of(&self, group: &GroupId) -> BTreeSet<UserId> {
        self.shown.memberships().filter(|membership| membership.group == *group).map(|membership| membership.user.clone()).collect()
    }

    /// Fails unless all listings show exactly what they are meant to show.
    pub(super) async fn ensure_shown(&self) -> Verdict {
        self.ensure_users(&Listed::read(self.users()).await.complete("users")?)?;
        self.ensure_groups(&Listed::read(self.groups()).await.complete("groups")?)?;
        self.ensure_members().await
    }

    pub(super) fn users(&self) -> BoxStream<'static, Result<Page<User>>> {
        self.provider.users(ReadOptions::default())
    }

    pub(super) fn groups(&self) -> BoxStream<'static, Result<Page<Group>>> {
        self.provider.groups(ReadOptions::default())
    }

    pub(super) fn members(&self, group: &GroupId) -> BoxStream<'static, Result<Page<UserId>>> {
        self.provider.members(group, ReadOptions::default())
    }

    pub(super) fn ensure_users(&self, listed: &Listed<User>) -> Verdict {
        let found = listed.last_readings(|user| user.id.clone());
        let expected: BTreeMap<_, _> = self.shown.users().map(|user| (user.id.clone(), user)).collect();
        ensure_same(&found.keys().collect(), &expected.keys().collect(), "users")?;
        found.iter().try_for_each(|(id, user)| ensure_user(user, expected[id], "in the listing"))
    }

    pub(super) fn ensure_groups(&self, listed: &Listed<Group>) -> Verdict {
        let found = listed.last_readings(|group| group.id.clone());
        let expected: BTreeMap<_, _> = self.shown.groups().map(|group| (group.id.clone(), group)).collect();
        ensure_same(&found.keys().collect(), &expected.keys().collect(), "groups")?;
        found.iter().try_for_each(|(id, group)| ensure_group(group, expected[id], "in the listing"))
    }

    /// Fails unless every group lists the users that are in it. Others than those that are shown do not count, whoever reads drops them.
    pub(super) async fn ensure_members(&self) -> Verdict {
        for group in self.listed_groups() {
            let what = format!("members of {}", group.id);
            let listed = Listed::read(self.members(&group.id)).await.complete(&what)?;
            let found = listed.items.into_iter().filter(|id| self.shown.user(id).is_some()).collect();
            ensure_same(&found, &self.members_of(&group.id), &what)?;
        }
        Ok(())
    }
}

/// Skips where the fixture does not offer the fault.
pub(super) async fn inject(fixture: &dyn ProviderFixture, fault: Fault) -> Verdict {
    match fixture.inject(&fault).await? {
        Injected::Done => Ok(()),
        Injected::NotOffered => Err(Unproven::skipped(format!("the fixture does not offer the fault {fault:?}"))),
    }
}

pub(super) fn ensure_user(found: &User, expected: &User, place: &str) -> Verdict {
    let id = &expected.id;
    ensure(found.id == *id, || format!("{} {place} where user {id} was expected", found.id))?;
    ensure(found.login == expected.login, || format!("user {id} {place} has another login"))?;
    let (status, right) = (&found.status, &expected.status);
    ensure(status == right, || format!("user {id} {place} has the status {status}, not {right}"))?;
    ensure_attributes(&found.attributes, &expected.attributes, &format!("user {id} {place}"))?;
    ensure_attributes(&found.extra, &expected.extra, &format!("what is beside the profile of user {id} {place}"))
}

pub(super) fn ensure_group(found: &Group, expected: &Group, place: &str) -> Verdict {
    let id = &expected.id;
    ensure(found.id == *id, || format!("{} {place} where group {id} was expected", found.id))?;
    ensure(found.name == expected.name, || format!("group {id} {place} has another name"))?;
    let (kind, right) = (&found.kind, &expected.kind);
    ensure(kind == right, || format!("group {id} {place} is of the kind {kind}, not {right}"))?;
    ensure_attributes(&found.attributes, &expected.attributes, &format!("group {id} {place}"))?;
    ensure_attributes(&found.extra, &expected.extra, &format!("what is beside the profile of group {id} {place}"))
}

/// Names the attributes that differ; the values are the suite's own, so it prints them.
fn ensure_attributes(found: &crate::Attributes, expected: &crate::Attributes, of: &str) -> Verdict {
    for (name, value) in expected.iter_raw() {
        let is = found.raw(&name);
        ensure(is == Some(value), || format!("attribute `{name}` of {of} is {}, not {value}", is.unwrap_or("nothing")))?;
    }
    let surplus: Vec<_> = found.names().filter(|name| !expected.contains(name)).collect();
    ensure(surplus.is_empty(), || format!("{of} has attributes that are not expected: {surplus:?}"))
}

/// What came out of a stream.
pub(super) struct Listed<T> {
    pub(super) items: Vec<T>,
    pub(super) held: Vec<HeldRecord>,
    pub(super) pages: usize,
    pub(super) error: Option<Error>,
    /// Whether anything came after the error.
    pub(super) after_error: bool,
}

impl<T> Listed<T> {
    /// Reads a stream to its end.
    pub(super) async fn read(mut stream: BoxStream<'static, Result<Page<T>>>) -> Self {
        let mut listed = Self { items: Vec::new(), held: Vec::new(), pages: 0, error: None, after_error: false };
        while let Some(page) = stream.next().await {
            match page {
                Ok(page) => listed.add(page),
                Err(error) => {
                    listed.error = Some(error);
                    listed.after_error = stream.next().await.is_some();
                    break;
                }
            }
        }
        listed
    }

    pub(super) fn add(&mut self, page: Page<T>) {
        self.items.extend(page.items);
        self.held.extend(page.held);
        self.pages += usize::from(!self.items.is_empty());
    }

    /// Fails if the stream ended in an error, or held something back.
    pub(super) fn complete(self, what: &str) -> Result<Self, Unproven> {
        if let Some(error) = &self.error {
            return Err(Unproven::failed(format!("the listing of {what} ended in an error: {}", described(error))));
        }
        match self.held.first() {
            None => Ok(self),
            Some(held) => Err(Unproven::failed(format!("the listing of {what} holds {held:?}, which is in order"))),
        }
    }

    /// “An entry may come more than once; the later reading wins.”
    pub(super) fn last_readings<K: Ord>(&self, key: impl Fn(&T) -> K) -> BTreeMap<K, &T> {
        self.items.iter().map(|item| (key(item), item)).collect()
    }
}
