//! Listing users along several chains at once.
//!
//! Users are searched by when they were created, which never changes, in ranges that do not overlap, each in the order of time. Nobody
//! knows beforehand where in time the users are, so a chain that is through takes over the later half of what another one still has
//! before it, if that seems worth it; that one then stops in the middle.

use crate::error::Error;
use crate::paginate::{Listing, pages};
use crate::provider::{Deprovisioned, OktaProvider, users_page};
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, BoxStream, FuturesUnordered, StreamExt, TryStreamExt};
use idsync_core::{Page, Timestamp, User};
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::time::Duration;

/// Ranges that are shorter than this are not cut in two.
const SHORTEST: Duration = Duration::from_secs(2);
/// A rest in which fewer users are to be expected than this is not worth a request more.
const WORTHWHILE: f64 = 400.0;

type Pages = BoxStream<'static, Result<Page<User>, Error>>;

/// A chain that waits for its next page.
type Step = BoxFuture<'static, (usize, Option<Result<Page<User>, Error>>, Pages)>;

/// What a chain still has before it.
#[derive(Debug, Clone, Copy)]
struct Range {
    start: Timestamp,
    position: Timestamp,
    end: Timestamp,
    /// Users who came so far.
    seen: usize,
}

impl Range {
    fn rest(self) -> Duration {
        self.end.saturating_since(self.position)
    }

    const fn new(start: Timestamp, end: Timestamp) -> Self {
        Self { start, position: start, end, seen: 0 }
    }

    /// How many users the rest has if they lie as closely there as before.
    fn expected(self) -> f64 {
        let walked = self.position.saturating_since(self.start).as_secs_f64();
        if walked > 0.0 { self.seen as f64 / walked * self.rest().as_secs_f64() } else { 0.0 }
    }

    /// The middle of the rest, on a whole second, for Okta shows no less.
    fn middle(self) -> Option<Timestamp> {
        (self.rest() >= SHORTEST).then(|| {
            let middle = self.position.saturating_add(self.rest() / 2);
            Timestamp::from_unix_millis(middle.unix_seconds() * 1000).unwrap_or(middle)
        })
    }
}

/// A listing along several chains.
struct Partitioned {
    provider: OktaProvider,
    chains: FuturesUnordered<Step>,
    /// By the number of the chain; `None` once it is through.
    ranges: Vec<Option<Range>>,
    /// Users who are older or younger than any of the ranges; these chains are not cut.
    waiting: VecDeque<Listing>,
    /// The last chain: who changed while the others were read, for the index may lag behind.
    last: Option<Listing>,
    /// Records that came so far.
    seen: usize,
}

impl OktaProvider {
    /// Lists users along as many chains as are to be used, or along one where the org does not understand the searches for that, or cannot
    /// carry them out.
    pub(crate) fn partitioned_users(&self, chains: NonZeroUsize) -> Pages {
        let provider = self.clone();
        let begun = async move {
            Ok::<_, Error>(match provider.begin_partitions(chains).await? {
                Some(pages) => provider.or_along_one_chain(pages),
                None => provider.users_along_one_chain(),
            })
        };
        stream::once(begun).try_flatten().boxed()
    }

    /// The same pages as long as the org can carry out the searches, and all users along one chain when it cannot, whatever has come by
    /// then: some searches are refused that are much like those before them, and a user whom no search can show may lie in any range. Who
    /// came before comes again, as where a listing starts over.
    fn or_along_one_chain(self, searched: Pages) -> Pages {
        let state = (searched, Some(self));
        let pages = stream::try_unfold(state, |(mut pages, mut provider)| async move {
            loop {
                match pages.next().await {
                    Some(Ok(page)) => return Ok(Some((page, (pages, provider)))),
                    Some(Err(error)) => match provider.take().filter(|_| is_about_the_search(&error)) {
                        Some(provider) => pages = provider.users_along_one_chain(),
                        None => return Err(error),
                    },
                    None => return Ok(None),
                }
            }
        });
        pages.boxed()
    }

    /// The listing along several chains; `None` where there is nothing to divide, or no search that could do it.
    async fn begin_partitions(&self, chains: NonZeroUsize) -> Result<Option<Pages>, Error> {
        let Some(now) = self.client().identity().await?.1 else { return Ok(None) };
        // Not every org is said to understand ranges, so the search for the oldest user is already one (Okta reference, Filter).
        let ever = format!("{} and {}", self.everybody(), created_between(Timestamp::UNIX_EPOCH, now));
        let oldest = self.user_listing(Some(&ever)).with("sortBy", "created").with("sortOrder", "asc").with_limit(1);
        let first = match pages(self.client().clone(), oldest, users_page).try_next().await {
            Ok(page) => page.and_then(|page| page.items.into_iter().next()).and_then(|user| user.timestamps.created),
            Err(error) if is_about_the_search(&error) => None,
            Err(error) => return Err(error),
        };
        Ok(first.map(|first| Partitioned::new(self.clone(), chains, first, now).pages()))
    }

    /// The search for whoever is in scope by status.
    fn everybody(&self) -> String {
        match self.deprovisioned {
            // There is no "not equal" (Okta reference, Filter).
            Deprovisioned::Exclude => r#"(status lt "DEPROVISIONED" or status gt "DEPROVISIONED")"#.to_owned(),
            Deprovisioned::Include => "status pr".to_owned(),
        }
    }
}

/// Whether the org does not understand a search, or cannot carry it out, so that it says nothing of a plain listing.
fn is_about_the_search(error: &Error) -> bool {
    matches!(error, Error::Api { status: 400, .. }) || error.is_unsearchable()
}

fn created_between(start: Timestamp, end: Timestamp) -> String {
    format!("created ge \"{start}\" and created lt \"{end}\"")
}

impl Partitioned {
    /// Divides the time from the creation of the first user until now.
    fn new(provider: OktaProvider, chains: NonZeroUsize, first: Timestamp, now: Timestamp) -> Self {
        let changed = format!("lastUpdated ge \"{}\"", now.saturating_sub(provider.overlap));
        let last = Some(provider.user_listing(None).with("filter", &changed));
        let mut partitioned =
            Self { provider, chains: FuturesUnordered::new(), ranges: Vec::new(), waiting: VecDeque::new(), last, seen: 0 };
        partitioned.waiting.push_back(partitioned.listing(&format!("created ge \"{now}\"")));
        let chains = u32::try_from(chains.get()).unwrap_or(u32::MAX);
        let part = now.saturating_since(first) / chains;
        let mut start = first;
        for _ in 1..chains {
            let end = start.saturating_add(part);
            partitioned.begin(Range::new(start, end));
            start = end;
        }
        partitioned.begin(Range::new(start, now));
        partitioned
    }

    fn listing(&self, condition: &str) -> Listing {
        let search = format!("{} and {condition}", self.provider.everybody());
        self.provider.user_listing(Some(&search)).with("sortBy", "created").with("sortOrder", "asc")
    }

    fn start(&mut self, listing: Listing, range: Option<Range>) {
        self.ranges.push(range);
        let pages = pages(self.provider.client().clone(), listing, users_page);
        self.chains.push(step(self.ranges.len() - 1, pages));
    }

    fn begin(&mut self, range: Range) {
        self.start(self.listing(&created_between(range.start, range.end)), Some(range));
    }

    /// Finds work for a chain that is free: one of the listings that wait, or the later half of the fullest rest.
    fn take_over(&mut self) {
        if let Some(listing) = self.waiting.pop_front() {
            return self.start(listing, None);
        }
        let fullest = self.ranges.iter_mut().flatten().max_by(|one, other| one.expected().total_cmp(&other.expected()));
        if let Some(range) = fullest.filter(|range| range.expected() >= WORTHWHILE)
            && let Some(middle) = range.middle()
        {
            let later = Range::new(middle, std::mem::replace(&mut range.end, middle));
            self.begin(later);
        }
    }

    /// Takes a page of a chain; goes on with the chain unless it has come to what another one does.
    fn take(&mut self, chain: usize, page: Page<User>, pages: Pages) -> Page<User> {
        self.seen += page.items.len() + page.held.len();
        let newest = page.items.iter().filter_map(|user| user.timestamps.created).max();
        let is_through = match (&mut self.ranges[chain], newest) {
            (Some(range), Some(newest)) => {
                range.position = range.position.max(newest);
                range.seen += page.items.len();
                newest >= range.end
            }
            _ => false,
        };
        if is_through {
            self.end(chain);
        } else {
            self.chains.push(step(chain, pages));
        }
        page
    }

    fn end(&mut self, chain: usize) {
        self.ranges[chain] = None;
        self.take_over();
    }

    fn pages(self) -> Pages {
        let pages = stream::try_unfold(self, |mut listing| async move {
            loop {
                match listing.chains.next().await {
                    Some((chain, Some(page), pages)) => {
                        let page = listing.take(chain, page?, pages);
                        return Ok(Some((page, listing)));
                    }
                    Some((chain, None, _)) => listing.end(chain),
                    None => match listing.last.take() {
                        // There was somebody when it began, so the credential has lost its role.
                        Some(_) if listing.seen == 0 => return Err(listing.provider.nobody("users")),
                        Some(last) => listing.start(last, None),
                        None => return Ok::<_, Error>(None),
                    },
                }
            }
        });
        pages.boxed()
    }
}

fn step(chain: usize, mut pages: Pages) -> Step {
    async move { (chain, pages.next().await, pages) }.boxed()
}
