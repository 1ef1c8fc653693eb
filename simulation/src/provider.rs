//! The source as an engine sees it: through pages, at its own pace, and with faults.

use crate::faults::Fault;
use crate::lately::Kind;
use crate::listing::Listing;
use crate::random::lot;
use crate::reading::Reading;
use crate::rows::{Groups, MembersOf, Rows, Users};
use crate::universe::{Oracle, Universe, lock};
use crate::watch::Watch;
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use idsync_core::{
    DirectoryId, DirectoryInfo, Error, ErrorKind, Group, GroupId, IdentityProvider, Lookup, MemberListing, Page, ReadOptions, Result, User,
    UserId,
};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// An [`IdentityProvider`] for one run of one engine.
#[derive(Debug, Clone)]
pub(crate) struct SimProvider {
    pub(crate) universe: Arc<Universe>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) directory: DirectoryId,
}

impl fmt::Display for SimProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulated")
    }
}

impl SimProvider {
    /// A request goes out; what is shown from then on depends on whether the role is still there.
    pub(crate) async fn request(&self) -> Sight {
        self.universe.pause().await;
        let number = Watch::count(&self.watch.requests);
        if self.watch.plans(Fault::RoleLost) && number >= self.watch.moments.request {
            self.watch.role_is_lost.store(true, Ordering::Relaxed);
            self.watch.strike(Fault::RoleLost);
        }
        if self.watch.role_is_lost.load(Ordering::Relaxed) { Sight::Blind } else { Sight::Clear }
    }

    /// A directory that is set aside is asked nothing but who it is.
    fn be_patient(&self, what: &str) {
        let times = self.watch.times();
        if let Some(until) = lock(&self.universe.notes.failures).in_force(times.patience.unwrap_or(times.last)) {
            self.universe.violate(Oracle::Patience, format!("the directory is {what}, although it is set aside until {until}"));
        }
    }

    /// No more are looked up than would be let go.
    fn be_modest(&self, reading: &Reading, kind: &Kind) {
        let finding = reading.look_up(kind);
        finding.into_iter().for_each(|finding| self.universe.violate(Oracle::BoundedRequests, finding));
    }

    /// Whether the record of this entry makes no sense during this run.
    pub(crate) fn is_malformed(&self, id: &str) -> bool {
        let planned = self.watch.plans(Fault::Malformed) || self.watch.plans(Fault::MalformedNameless);
        planned && lot(self.watch.salt ^ 1, id).is_multiple_of(5)
    }

    /// Whether the listings do not show this entry during this run.
    pub(crate) fn is_hidden(&self, fault: Fault, id: &str) -> bool {
        self.watch.plans(fault) && lot(self.watch.salt ^ 2, id).is_multiple_of(4)
    }

    /// A fault of a listing or of a look-up.
    pub(crate) fn failure(&self) -> Error {
        const KINDS: [ErrorKind; 6] = [
            ErrorKind::Unavailable,
            ErrorKind::Timeout,
            ErrorKind::RateLimited,
            ErrorKind::InvalidData,
            ErrorKind::Other,
            ErrorKind::PermissionDenied,
        ];
        Error::new(self.universe.random().pick(&KINDS).copied().unwrap_or(ErrorKind::Other), "planted")
    }

    fn listing<R: Rows>(&self, rows: R) -> BoxStream<'static, Result<Page<R::Row>>> {
        let listing = Listing::new(self.clone(), rows);
        stream::unfold(listing, |mut listing| async move { Some((listing.next_page().await?, listing)) }).boxed()
    }

    async fn look_up<T>(&self, id: &str, answer: impl FnOnce(&Universe) -> Lookup<T>) -> Result<Lookup<T>> {
        let sight = self.request().await;
        if sight == Sight::Blind {
            self.universe.note(format_args!("{} looks up {id}: blind", self.watch.name));
            return Ok(Lookup::NotFound);
        }
        if self.watch.plans(Fault::LookupsFail) && self.universe.once_in(2) {
            self.watch.strike(Fault::LookupsFail);
            lock(&self.watch.reading().asked).incomplete = true;
            return Err(self.failure());
        }
        if self.is_malformed(id) {
            lock(&self.watch.reading().asked).incomplete = true;
            return Err(Error::new(ErrorKind::InvalidData, "planted"));
        }
        let answer = answer(&self.universe);
        let word = match &answer {
            Lookup::Found(_) => "found",
            Lookup::NotFound => "not found",
            _ => "out of scope",
        };
        self.universe.note(format_args!("{} looks up {id}: {word}", self.watch.name));
        Ok(answer)
    }
}

/// What a request shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// What is there.
    Clear,
    /// Nothing: the role is gone.
    Blind,
}

#[async_trait]
impl IdentityProvider for SimProvider {
    async fn identify(&self) -> Result<DirectoryInfo> {
        let scope = self.universe.world().scope.line();
        self.watch.next_reading(scope.clone());
        self.universe.pause().await;
        if self.watch.plans(Fault::ProviderDown) && self.universe.once_in(4) {
            self.watch.strike(Fault::ProviderDown);
            return Err(self.failure());
        }
        Ok(DirectoryInfo::new(self.directory.clone(), "simulated").with_scope(scope))
    }

    async fn check(&self) -> Result<()> {
        self.be_patient("checked");
        let reading = self.watch.reading();
        lock(&reading.asked).checks += 1;
        let failure = if self.request().await == Sight::Blind {
            Error::new(ErrorKind::PermissionDenied, "the role is gone")
        } else if self.watch.plans(Fault::ProviderDown) {
            self.watch.strike(Fault::ProviderDown);
            self.failure()
        } else {
            reading.prove();
            return Ok(());
        };
        lock(&reading.asked).checks_failed += 1;
        Err(failure)
    }

    fn users(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        self.be_patient("read");
        lock(&self.watch.reading().asked).users_listings += 1;
        self.listing(Users)
    }

    fn groups(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.be_patient("read");
        lock(&self.watch.reading().asked).groups_listings += 1;
        self.listing(Groups)
    }

    fn members(&self, group: &GroupId, _options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let reading = self.watch.reading();
        *lock(&reading.asked).members_listings.entry(group.clone()).or_default() += 1;
        reading.list_members(group, self.universe.version());
        self.listing(MembersOf(group.clone()))
    }

    fn member_listing(&self, group: &Group) -> MemberListing {
        self.watch.reading().show_group(&group.id, group.timestamps.members_updated);
        if self.universe.world().scope.members(&group.id) { MemberListing::Listed } else { MemberListing::OutOfScope }
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        let reading = self.watch.reading();
        *lock(&reading.asked).user_look_ups.entry(id.clone()).or_default() += 1;
        self.be_modest(&reading, &Kind::Users);
        self.look_up(id.as_str(), |universe| universe.world().look_up_user(id)).await
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        let reading = self.watch.reading();
        *lock(&reading.asked).group_look_ups.entry(id.clone()).or_default() += 1;
        self.be_modest(&reading, &Kind::Groups);
        self.look_up(id.as_str(), |universe| universe.world().look_up_group(id)).await
    }
}
