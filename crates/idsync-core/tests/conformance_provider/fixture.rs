//! A directory in memory in which everything can go wrong that the suite can ask for.

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use idsync_core::conformance::provider::{Fault, Injected, Listing, ProviderFixture};
use idsync_core::memory::MemoryProvider;
use idsync_core::{
    Capabilities, ChangedUsers, Cursor, DirectoryInfo, Error, ErrorKind, Group, GroupId, IdentityProvider, Lookup, Page, ReadOptions,
    Result, Snapshot, User, UserId,
};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Puts another provider in front of the one in memory.
pub(crate) type Wrap = Box<dyn Fn(Server) -> Arc<dyn IdentityProvider> + Send + Sync>;

/// The fixture.
pub(crate) struct Faulty {
    server: Server,
    shown: fn(&Snapshot) -> Snapshot,
    wrap: Wrap,
}

impl Faulty {
    pub(crate) fn new() -> Self {
        const PAGE: NonZeroUsize = NonZeroUsize::new(3).unwrap();
        let server = Server { inner: MemoryProvider::new().page_size(PAGE).with_delta(), fault: Arc::default(), requests: Arc::default() };
        Self { server, shown: Snapshot::clone, wrap: Box::new(|server| Arc::new(server)) }
    }

    pub(crate) fn server(&self) -> Server {
        self.server.clone()
    }

    pub(crate) fn showing(self, shown: fn(&Snapshot) -> Snapshot) -> Self {
        Self { shown, ..self }
    }

    pub(crate) fn wrapping(self, wrap: impl Fn(Server) -> Arc<dyn IdentityProvider> + Send + Sync + 'static) -> Self {
        Self { wrap: Box::new(wrap), ..self }
    }
}

#[async_trait]
impl ProviderFixture for Faulty {
    async fn seed(&self, world: &Snapshot) -> Result<Arc<dyn IdentityProvider>> {
        *self.server.fault.lock().unwrap() = None;
        self.server.inner.replace(world);
        Ok((self.wrap)(self.server.clone()))
    }

    fn shown(&self, world: &Snapshot) -> Snapshot {
        (self.shown)(world)
    }

    async fn inject(&self, fault: &Fault) -> Result<Injected> {
        match fault {
            Fault::Malform(id) => self.server.inner.hold(id.clone()),
            other => *self.server.fault.lock().unwrap() = Some(other.clone()),
        }
        Ok(Injected::Done)
    }

    fn requests(&self) -> Option<u64> {
        Some(self.server.requests.load(Ordering::Relaxed))
    }
}

/// The provider in memory, with the faults of the fixture and a count of requests.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    inner: MemoryProvider,
    fault: Arc<Mutex<Option<Fault>>>,
    requests: Arc<AtomicU64>,
}

impl Server {
    /// Counts a request.
    pub(crate) fn count(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    fn has(&self, fault: &Fault) -> bool {
        self.fault.lock().unwrap().as_ref() == Some(fault)
    }

    fn permit(&self, listing: Listing) -> Result<()> {
        self.count();
        if !self.has(&Fault::Deny(listing)) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::PermissionDenied, format!("{listing:?} may not be read")).with_remedy("grant the permission again"))
    }

    /// Pages as the server answers them: counted, and with the fault that there is when the first is asked for.
    fn answer<T: Clone + Send + 'static>(
        &self,
        listing: Listing,
        pages: BoxStream<'static, Result<Page<T>>>,
    ) -> BoxStream<'static, Result<Page<T>>> {
        let server = self.clone();
        let first = stream::once(async move { server.permit(listing).map(|()| server) });
        first
            .zip(stream::iter([pages]))
            .flat_map(move |(permitted, pages)| {
                let server = match permitted {
                    Ok(server) => server,
                    Err(error) => return stream::iter([Err(error)]).boxed(),
                };
                let pages = pages.inspect({
                    let requests = Arc::clone(&server.requests);
                    move |_| _ = requests.fetch_add(1, Ordering::Relaxed)
                });
                if server.has(&Fault::Break(listing)) {
                    let broken = Error::new(ErrorKind::Unavailable, "the connection broke");
                    return pages.take(1).chain(stream::iter([Err(broken)])).boxed();
                }
                let (empty, twice) = (server.has(&Fault::EmptyPages), server.has(&Fault::Repeat));
                let pages = pages.flat_map(move |page| match page {
                    Ok(page) if twice => stream::iter(vec![Ok(page.clone()), Ok(page)]),
                    Ok(page) if empty => stream::iter(vec![Ok(Page::new(Vec::new())), Ok(page), Ok(Page::new(Vec::new()))]),
                    other => stream::iter(vec![other]),
                });
                pages.boxed()
            })
            .boxed()
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.inner, f)
    }
}

#[async_trait]
impl IdentityProvider for Server {
    async fn identify(&self) -> Result<DirectoryInfo> {
        self.count();
        self.inner.identify().await
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn check(&self) -> Result<()> {
        self.permit(Listing::Users)?;
        self.permit(Listing::Groups)?;
        self.inner.check().await
    }

    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        self.answer(Listing::Users, self.inner.users(options))
    }

    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.answer(Listing::Groups, self.inner.groups(options))
    }

    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        self.answer(Listing::Members, self.inner.members(group, options))
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        self.permit(Listing::Users)?;
        self.inner.user(id).await
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        self.permit(Listing::Groups)?;
        self.inner.group(id).await
    }

    fn changed_users(&self, since: &Cursor, options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        if let Err(error) = self.permit(Listing::Users) {
            return stream::iter([Err(error)]).boxed();
        }
        self.inner.changed_users(since, options)
    }

    fn groups_of(&self, user: &UserId, options: ReadOptions) -> BoxStream<'static, Result<Page<GroupId>>> {
        self.inner.groups_of(user, options)
    }
}
