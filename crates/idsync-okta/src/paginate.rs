//! Following `next`: the only place that does.

use crate::client::{Fetched, Get, OktaClient, set_query};
use crate::error::{Error, LinkFault, ListingFault};
use crate::link;
use crate::transport::Route;
use crate::wire::DecodeFault;
use futures::stream::{self, BoxStream, StreamExt};
use idsync_core::Page;
use reqwest::header::HeaderMap;
use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use url::Url;

/// Pages without entries that may come in a row.
const EMPTY_PAGES: u32 = 10_000;
/// How often a listing whose cursor was refused starts over.
const RESTARTS: u32 = 2;

/// Reads one page.
pub(crate) type Reader<T> = fn(&[u8]) -> Result<Page<T>, DecodeFault>;

/// A listing from its first page on.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    route: Route,
    first: Url,
    /// `None` for a listing that takes no page size.
    limit: Option<u32>,
}

impl Listing {
    /// The listing at `path`, which is already encoded, with a page size and at most a search.
    pub(crate) fn new(client: &OktaClient, route: Route, path: &str, limit: u32, search: Option<&str>) -> Self {
        let mut first = client.org().join(path);
        {
            let mut query = first.query_pairs_mut();
            query.append_pair("limit", &limit.to_string());
            search.map(|search| query.append_pair("search", search));
        }
        Self { route, first, limit: Some(limit) }
    }

    /// A listing that takes no page size.
    pub(crate) fn without_limit(client: &OktaClient, route: Route, path: &str) -> Self {
        Self { route, first: client.org().join(path), limit: None }
    }

    /// The same with another page size.
    pub(crate) fn with_limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        set_query(&mut self.first, "limit", &limit.to_string());
        self
    }

    /// The same with another query parameter.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.first.query_pairs_mut().append_pair(name, value);
        self
    }
}

/// All pages of a listing. The end is the absence of `next`, and nothing else.
pub(crate) fn pages<T: Send + 'static>(
    client: OktaClient,
    listing: Listing,
    read: Reader<T>,
) -> BoxStream<'static, Result<Page<T>, Error>> {
    let walk = Walk { client, next: Some(listing.first.clone()), listing, seen: Seen::default(), empty: 0, restarts: 0 };
    stream::try_unfold(walk, move |mut walk| async move {
        let page = walk.step(read).await?;
        Ok(page.map(|page| (page, walk)))
    })
    .boxed()
}

struct Walk {
    client: OktaClient,
    listing: Listing,
    next: Option<Url>,
    seen: Seen,
    empty: u32,
    restarts: u32,
}

/// The cursors that were followed, by their keyed hashes: a few bytes each, however long the listing.
#[derive(Default)]
struct Seen {
    hasher: RandomState,
    hashes: HashSet<u64>,
}

impl Seen {
    /// False when it was seen before.
    fn insert(&mut self, url: &Url) -> bool {
        // The page size may change along the way, so the cursor alone says where a page starts.
        let cursor = url.query_pairs().find(|(name, _)| name == "after").map(|(_, value)| value.into_owned());
        let place = cursor.unwrap_or_else(|| url.as_str().to_owned());
        self.hashes.insert(self.hasher.hash_one(place))
    }
}

impl Walk {
    async fn step<T>(&mut self, read: Reader<T>) -> Result<Option<Page<T>>, Error> {
        loop {
            let Some(mut url) = self.next.take() else { return Ok(None) };
            let is_first = url == self.listing.first;
            let (route, sizes) = (self.listing.route, &self.client.inner.adapted_sizes);
            let limit = self.listing.limit.map(|wanted| sizes.now(route, wanted));
            if let Some(limit) = limit {
                // A link repeats the size of the page that it comes with, which may not be the one that is wanted now.
                if !url.query_pairs().any(|(name, value)| name == "limit" && *value == *limit.to_string()) {
                    set_query(&mut url, "limit", &limit.to_string());
                }
            }
            let mut get = Get { route, url, limit };
            let fetched = self.client.inner.get(&mut get, read).await;
            if let Some(lowered) = get.limit.filter(|_| get.limit < limit) {
                sizes.lowered(route, lowered);
            }
            let fetched = match fetched {
                Ok(fetched) => fetched,
                Err(error) if !is_first && refuses_cursor(&error) => {
                    self.restart()?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if let Some(asked) = get.limit {
                sizes.came(route, asked);
            }
            let Fetched { value: page, headers, .. } = fetched;
            self.next = self.follow(&get.url, &headers).await?;
            self.empty = if page.items.is_empty() && page.held.is_empty() { self.empty + 1 } else { 0 };
            if self.empty > EMPTY_PAGES {
                return Err(self.fault(ListingFault::EmptyPages));
            }
            return Ok(Some(page));
        }
    }

    /// Starts over. Entries then come again, which readers must expect anyway.
    fn restart(&mut self) -> Result<(), Error> {
        if self.restarts >= RESTARTS {
            return Err(self.fault(ListingFault::CursorRefused));
        }
        tracing::debug!(org = self.client.org().host(), route = self.listing.route.template(), "cursor refused, starting over");
        self.restarts += 1;
        self.seen = Seen::default();
        self.next = Some(self.listing.first.clone());
        Ok(())
    }

    /// The URL of the page after the one that was asked for, if there is one.
    async fn follow(&mut self, asked: &Url, headers: &HeaderMap) -> Result<Option<Url>, Error> {
        let Some(target) = link::next_target(headers).map_err(|fault| self.foreign(fault))? else { return Ok(None) };
        let known = self.client.inner.hosts.get().map_or(&[][..], Vec::as_slice);
        let own = match link::own(target, asked, self.client.org(), known) {
            // The host may be another name of the org that the org was not asked for yet.
            Err(LinkFault::Host) if self.client.inner.hosts.get().is_none() => {
                let hosts = self.client.other_hosts().await;
                link::own(target, asked, self.client.org(), hosts)
            }
            decided => decided,
        };
        let mut next = own.map_err(|fault| self.foreign(fault))?;
        self.overlay(&mut next);
        if !self.seen.insert(&next) {
            return Err(self.fault(ListingFault::Loop));
        }
        Ok(Some(next))
    }

    /// Puts back what the link dropped of the original query.
    fn overlay(&self, next: &mut Url) {
        let missing: Vec<_> =
            self.listing.first.query_pairs().filter(|(name, _)| !next.query_pairs().any(|(other, _)| other == *name)).collect();
        if !missing.is_empty() {
            next.query_pairs_mut().extend_pairs(missing);
        }
    }

    fn foreign(&self, reason: LinkFault) -> Error {
        Error::ForeignLink { operation: self.listing.route.operation(), reason }
    }

    fn fault(&self, reason: ListingFault) -> Error {
        Error::Listing { operation: self.listing.route.operation(), reason }
    }
}

fn refuses_cursor(error: &Error) -> bool {
    match error {
        Error::Api { status: 400, detail, .. } => matches!(detail.code.as_deref(), Some("E0000029" | "E0000031" | "E0000054")),
        Error::Api { status: 410, .. } => true,
        _ => false,
    }
}
