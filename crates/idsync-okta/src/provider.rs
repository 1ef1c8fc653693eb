//! An Okta org as a directory.

use crate::client::{Get, OktaClient};
use crate::delta;
use crate::error::Error;
use crate::paginate::{Listing, pages};
use crate::scope::{SyncScope, UserSelection};
use crate::transport::Route;
use crate::wire::{self, WireGroup, WireUser};
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use idsync_core::{
    Capabilities, ChangedUsers, Cursor, DeletionReason, DirectoryId, DirectoryInfo, Group, GroupId, GroupKind, HeldRecord,
    IdentityProvider, Lookup, MemberListing, Page, ReadOptions, RequestUsage, Result, User, UserId, UserStatus,
};
use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;
use url::Url;

/// What happens to users whose status is `DEPROVISIONED` ("deactivated" in the Admin Console).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deprovisioned {
    /// They are out of scope, as users and as members.
    #[default]
    Exclude,
    /// They are read, too: with a second listing, and they stay members of their groups as Okta has it.
    Include,
}

/// What happens to the members of the built-in group that holds everyone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Everyone {
    /// They are not listed, for they are simply all users; the group itself is read.
    #[default]
    Exclude,
    /// They are listed like those of any group, at the price of as many requests as the listing of users takes.
    Include,
}

/// Reads the users, groups and memberships of one org.
///
/// Users and groups are listed in one pass from the primary store, not by search, whose index may lag. Where DEPROVISIONED users are
/// included they are listed by a second pass, which does use the index; who is deactivated between the passes may come twice, or be
/// missed by that run and confirmed by id.
///
/// A member that is `null` counts as absent, because Okta sends the one or the other for the same thing. The login is taken out of the
/// profile; links, credentials and the timestamps `activated`, `passwordChanged` and `transitioningToStatus` are left out; everything
/// else is kept as it came.
#[derive(Debug, Clone)]
pub struct OktaProvider {
    client: OktaClient,
    pub(crate) deprovisioned: Deprovisioned,
    everyone: Everyone,
    pub(crate) overlap: Duration,
    pub(crate) scope: SyncScope,
    chains: Option<NonZeroUsize>,
}

impl OktaProvider {
    /// Reads with `client`, without DEPROVISIONED users and without the members of Everyone.
    pub fn new(client: OktaClient) -> Self {
        Self {
            client,
            deprovisioned: Deprovisioned::Exclude,
            everyone: Everyone::Exclude,
            overlap: delta::OVERLAP,
            scope: SyncScope::all(),
            chains: None,
        }
    }

    /// The directory that the org with this id is, without asking the org: what the engine keeps is kept under it. Whoever has the id from a
    /// [`Connection`](crate::Connection) can give it to the engine beforehand. `None` when it is no id.
    ///
    /// ```
    /// let directory = idsync_okta::OktaProvider::directory_id("00o1abcd");
    /// assert_eq!(directory.unwrap().as_str(), "okta:00o1abcd");
    /// ```
    pub fn directory_id(org_id: &str) -> Option<DirectoryId> {
        if org_id.is_empty() { None } else { DirectoryId::new(format!("okta:{org_id}")).ok() }
    }

    /// Lists users along so many chains at once, which shortens a full read of an org with tens of thousands of users: 200 come with a
    /// page, and one page must be there before the next is asked for. Default: one chain, without searching.
    ///
    /// The price is that users are found by `search`, whose index lags behind the org, usually by less than a second. What the index does
    /// not show is asked for by its id before it is deleted, and who changed during the last minutes is listed once more at the end; but
    /// a user who was just deleted may stay until the next full read. It takes three requests more, and one for each range of time that
    /// ends within a page. Where users are chosen by [`SyncScope::with_users`] it changes nothing.
    ///
    /// An org that does not understand the searches, or cannot carry them out, is listed along one chain after all, from the start, also
    /// when that shows only after the first users have come.
    #[must_use]
    pub const fn user_chains(mut self, chains: NonZeroUsize) -> Self {
        self.chains = if chains.get() > 1 { Some(chains) } else { None };
        self
    }

    /// Sets which users, groups and attributes are in scope. Default: all.
    #[must_use]
    pub fn with_scope(mut self, scope: SyncScope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets how far a delta looks back behind the time at which the one before began. Default: ten minutes. Okta's indexes are usually up
    /// to date within a second, but nothing is promised; what is shown twice costs no request as long as it fits a page.
    #[must_use]
    pub const fn delta_overlap(mut self, overlap: Duration) -> Self {
        self.overlap = overlap;
        self
    }

    /// Sets whether DEPROVISIONED users are in scope.
    #[must_use]
    pub const fn include_deprovisioned(mut self, choice: Deprovisioned) -> Self {
        self.deprovisioned = choice;
        self
    }

    /// Sets whether the members of Everyone are in scope.
    #[must_use]
    pub const fn include_everyone(mut self, choice: Everyone) -> Self {
        self.everyone = choice;
        self
    }

    /// The client that it reads with.
    pub const fn client(&self) -> &OktaClient {
        &self.client
    }

    /// The users in scope, one page after the other.
    pub(crate) fn users_along_one_chain(&self) -> BoxStream<'static, Result<Page<User>, Error>> {
        let listed = self.scoped_users();
        match (self.deprovisioned, &self.scope.users) {
            // The plain listing leaves out who is deactivated.
            (Deprovisioned::Include, UserSelection::All) => {
                let rest = pages(self.client.clone(), self.user_listing(Some(r#"status eq "DEPROVISIONED""#)), users_page);
                chain(listed, rest)
            }
            _ => listed,
        }
    }

    fn describe_scope(&self) -> String {
        let whom = match (self.deprovisioned, self.everyone) {
            (Deprovisioned::Exclude, Everyone::Exclude) => "deprovisioned=excluded everyone=excluded",
            (Deprovisioned::Exclude, Everyone::Include) => "deprovisioned=excluded everyone=included",
            (Deprovisioned::Include, Everyone::Exclude) => "deprovisioned=included everyone=excluded",
            (Deprovisioned::Include, Everyone::Include) => "deprovisioned=included everyone=included",
        };
        format!("{whom}{}", self.scope.describe())
    }

    /// The URL below `/api/v1`, of which one segment is an id.
    pub(crate) fn path(&self, segments: &[&str]) -> Result<Url, Error> {
        // However they are encoded these mean other places, so that the question would be another one, and so would be the answer.
        if segments.iter().any(|segment| matches!(*segment, "." | "..")) {
            return Err(Error::config("an id that is `.` or `..` cannot be asked for", "give the id as Okta lists it"));
        }
        let mut url = self.client.org().origin().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(["api", "v1"]).extend(segments);
        }
        Ok(url)
    }

    /// Asks for one entry; `None` when Okta says that there is none.
    pub(crate) async fn look_up<T>(&self, route: Route, url: Url, read: OneReader<T>) -> Result<Option<T>, Error> {
        let operation = route.operation();
        match self.client.inner.get(&mut Get::new(route, url), read).await {
            Ok(fetched) => fetched.value.map(Some).map_err(|_| Error::Decode { operation, reason: "a record that cannot be understood" }),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Reads an answer that is one record.
pub(crate) type OneReader<T> = fn(&[u8]) -> Result<Result<T, HeldRecord>, wire::DecodeFault>;

pub(crate) fn users_page(body: &[u8]) -> Result<Page<User>, wire::DecodeFault> {
    wire::page::<WireUser<'_>>(body)
}

pub(crate) fn groups_page(body: &[u8]) -> Result<Page<Group>, wire::DecodeFault> {
    wire::page::<WireGroup<'_>>(body)
}

pub(crate) fn all_members(body: &[u8]) -> Result<Page<UserId>, wire::DecodeFault> {
    wire::members(body).map(|page| Page::new(page.items.into_iter().map(|member| member.id).collect()).with_held(page.held))
}

fn live_members(body: &[u8]) -> Result<Page<UserId>, wire::DecodeFault> {
    wire::members(body).map(|page| {
        let live = page.items.into_iter().filter(|member| !member.is_deprovisioned).map(|member| member.id);
        Page::new(live.collect()).with_held(page.held)
    })
}

fn one_user(body: &[u8]) -> Result<Result<User, HeldRecord>, wire::DecodeFault> {
    wire::single::<WireUser<'_>>(body)
}

pub(crate) fn one_group(body: &[u8]) -> Result<Result<Group, HeldRecord>, wire::DecodeFault> {
    wire::single::<WireGroup<'_>>(body)
}

/// That an answer is about something else, which says nothing of what was asked for.
pub(crate) fn another_record(route: Route) -> Error {
    Error::Decode { operation: route.operation(), reason: "another record than the one that was asked for" }
}

pub(crate) fn is_deprovisioned(user: &User) -> bool {
    user.status == UserStatus::Deprovisioned
}

#[async_trait]
impl IdentityProvider for OktaProvider {
    async fn identify(&self) -> Result<DirectoryInfo> {
        let (org, time) = self.client.identity().await?;
        let id = Self::directory_id(&org).ok_or_else(|| Error::NotAnOrg { host: self.client.org().host().to_owned() })?;
        let info = DirectoryInfo::new(id, self.client.org().host()).with_scope(self.describe_scope()).with_server_time(time);
        Ok(info.with_cursor(time.map(delta::cursor)))
    }

    fn capabilities(&self) -> Capabilities {
        // Whether a user has come into scope who did not change can only be seen in a listing.
        if self.scope.users == UserSelection::All { Capabilities::default().with_delta() } else { Capabilities::default() }
    }

    async fn check(&self) -> Result<()> {
        Ok(self.check_access().await?)
    }

    fn users(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        if let Some(chains) = self.chains.filter(|_| self.scope.users == UserSelection::All) {
            return self.trimmed(self.partitioned_users(chains)).map_err(Into::into).boxed();
        }
        self.trimmed(self.users_along_one_chain()).map_err(Into::into).boxed()
    }

    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.scoped_groups(options.purpose).map_err(Into::into).boxed()
    }

    fn members(&self, group: &GroupId, _options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let path = match self.path(&["groups", group.as_str(), "users"]) {
            Ok(path) => path,
            Err(error) => return stream::iter([Err(error.into())]).boxed(),
        };
        let listing = Listing::new(&self.client, Route::Members, path.path(), self.client.inner.page_sizes.members, None);
        let read = match self.deprovisioned {
            Deprovisioned::Exclude => live_members,
            Deprovisioned::Include => all_members,
        };
        pages(self.client.clone(), listing, read).map_err(Into::into).boxed()
    }

    fn member_listing(&self, group: &Group) -> MemberListing {
        if self.everyone == Everyone::Exclude && group.kind == GroupKind::BuiltIn && group.name == "Everyone" {
            return MemberListing::OutOfScope;
        }
        MemberListing::Listed
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        let found = self.look_up(Route::User, self.path(&["users", id.as_str()])?, one_user).await?;
        let Some(mut user) = found else { return Ok(Lookup::NotFound) };
        if user.id != *id {
            // Okta also finds users by login, and looks for an id first: where somebody has this login, nobody has this id.
            let is_login = user.login.as_deref().is_some_and(|login| login.eq_ignore_ascii_case(id.as_str()));
            return if is_login { Ok(Lookup::NotFound) } else { Err(another_record(Route::User).into()) };
        }
        if self.deprovisioned == Deprovisioned::Exclude && is_deprovisioned(&user) {
            return Ok(Lookup::OutOfScope(DeletionReason::Deprovisioned));
        }
        if !self.has_user(&user).await? {
            return Ok(Lookup::OutOfScope(DeletionReason::OutOfScope));
        }
        self.scope.trim(&mut user);
        Ok(Lookup::Found(user))
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        let Some(group) = self.group_by_id(id).await? else { return Ok(Lookup::NotFound) };
        let is_in = self.has_group(&group).await?;
        Ok(if is_in { Lookup::Found(group) } else { Lookup::OutOfScope(DeletionReason::OutOfScope) })
    }

    fn changed_users(&self, since: &Cursor, _options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        self.changed_since(since)
    }

    fn groups_of(&self, user: &UserId, _options: ReadOptions) -> BoxStream<'static, Result<Page<GroupId>>> {
        self.groups_of_user(user)
    }

    fn usage(&self) -> RequestUsage {
        self.client.usage()
    }
}

/// One stream after the other; the second one is not begun when the first one fails.
fn chain<T: Send + 'static>(
    first: BoxStream<'static, Result<Page<T>, Error>>,
    second: BoxStream<'static, Result<Page<T>, Error>>,
) -> BoxStream<'static, Result<Page<T>, Error>> {
    stream::try_unfold((Some(first), second), |(mut first, mut second)| async move {
        if let Some(pages) = &mut first
            && let Some(page) = pages.try_next().await?
        {
            return Ok(Some((page, (first, second))));
        }
        Ok(second.try_next().await?.map(|page| (page, (None, second))))
    })
    .boxed()
}

impl fmt::Display for OktaProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Okta org {}", self.client.org().host())
    }
}
