//! Setting up a client.

use crate::client::{Inner, OktaClient};
use crate::clock::{ServerClock, Timer, TokioTimer};
use crate::credentials::Credentials;
use crate::dpop::{Dpop, DpopMode};
use crate::error::Error;
use crate::identity::Identity;
use crate::org_url::OrgUrl;
use crate::page_size::AdaptedSizes;
use crate::rate::{self, Governor, RateShare};
use crate::token::TokenCache;
use crate::transport::{Http, Limits, RetryBudget, RetryPolicy};
use crate::usage::{ProgressListener, Usage};
use idsync_core::{Clock, Secret, SystemClock};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const DEFAULT_CONCURRENCY: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// How many entries a page of each listing holds.
///
/// Fewer requests matter most, because Okta limits their number: a group of 1,000 members is one request or five. So the defaults are the
/// largest sizes that Okta takes, except for groups, of which a large page may reach megabytes. For members, too, Okta's documentation now
/// recommends at most 200 and announces that the default will be that. The price of large pages is that each takes the org longer, which in
/// a large org may end in timeouts, and that a page that fails costs more to ask for again.
///
/// Where the org cannot cope, pages become smaller by themselves: the size is halved from the second timeout, 500, 502 or 504 of one
/// request on, and doubled again after some good pages, ever more seldom where that fails. All listings of a kind of one client have the
/// size in common. Setting 200 for members is worth while where timeouts are the rule: it saves the failed attempts.
///
/// ```
/// use idsync_okta::PageSizes;
///
/// let sizes = PageSizes::default().with_members(200);
/// assert_eq!((sizes.users, sizes.members), (200, 200));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageSizes {
    /// Users: 1 to 200.
    pub users: u32,
    /// Groups: 1 to 10,000, of which Okta recommends at most 200.
    pub groups: u32,
    /// Groups when only what changed is read, which lists all groups each time: 1 to 10,000. The default is beyond what Okta recommends,
    /// for a listing that is read every minute should take one request.
    pub groups_in_delta: u32,
    /// Members of a group: 1 to 1,000, of which Okta recommends at most 200.
    pub members: u32,
}

impl PageSizes {
    /// With so many users.
    #[must_use]
    pub const fn with_users(mut self, users: u32) -> Self {
        self.users = users;
        self
    }

    /// With so many groups.
    #[must_use]
    pub const fn with_groups(mut self, groups: u32) -> Self {
        self.groups = groups;
        self
    }

    /// With so many groups when only what changed is read.
    #[must_use]
    pub const fn with_groups_in_delta(mut self, groups: u32) -> Self {
        self.groups_in_delta = groups;
        self
    }

    /// With so many members of a group.
    #[must_use]
    pub const fn with_members(mut self, members: u32) -> Self {
        self.members = members;
        self
    }
}

impl Default for PageSizes {
    fn default() -> Self {
        Self { users: 200, groups: 200, groups_in_delta: 1000, members: 1000 }
    }
}

/// Builds an [`OktaClient`].
#[must_use]
pub struct OktaClientBuilder {
    org: OrgUrl,
    credentials: Credentials,
    rate_share: RateShare,
    concurrency: NonZeroUsize,
    page_sizes: PageSizes,
    limits: Limits,
    retry: RetryPolicy,
    dpop: DpopMode,
    user_agent: String,
    clock: Arc<dyn Clock>,
    /// Real time unless set.
    timer: Option<Arc<dyn Timer>>,
    progress: Option<ProgressListener>,
    proxy: Option<Secret>,
}

impl OktaClientBuilder {
    pub(crate) fn new(org: OrgUrl, credentials: Credentials) -> Self {
        Self {
            org,
            credentials,
            rate_share: RateShare::default(),
            concurrency: DEFAULT_CONCURRENCY,
            page_sizes: PageSizes::default(),
            limits: Limits { request: Duration::from_secs(30), page: Duration::from_secs(60) },
            retry: RetryPolicy::default(),
            dpop: DpopMode::default(),
            user_agent: concat!("idsync-okta/", env!("CARGO_PKG_VERSION")).to_owned(),
            clock: Arc::new(SystemClock::default()),
            timer: None,
            progress: None,
            proxy: None,
        }
    }

    /// The share of each rate-limit window to use; 80 percent unless set. What other clients with the same credential use counts towards
    /// it: at a share of 80 percent this client sends nothing once 80 percent are used, by whomever.
    pub const fn rate_share(mut self, share: RateShare) -> Self {
        self.rate_share = share;
        self
    }

    /// How many requests of this client are under way at once at most; 8 unless set. When the org complains fewer are, of all clients of the
    /// org together, and more again bit by bit. A request that has waited half a minute for others to end is sent nevertheless, lest it
    /// wait for a future that nobody polls.
    pub const fn concurrency(mut self, requests: NonZeroUsize) -> Self {
        self.concurrency = requests;
        self
    }

    /// How many entries a page holds.
    pub const fn page_sizes(mut self, sizes: PageSizes) -> Self {
        self.page_sizes = sizes;
        self
    }

    /// How long one attempt waits for the answer to begin; 30 seconds unless set.
    pub const fn request_timeout(mut self, timeout: Duration) -> Self {
        self.limits.request = timeout;
        self
    }

    /// How long one attempt waits for the whole answer; 60 seconds unless set.
    pub const fn page_deadline(mut self, deadline: Duration) -> Self {
        self.limits.page = deadline;
        self
    }

    /// How often and how long requests are repeated after passing faults.
    pub const fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Whether access tokens are bound to a key (RFC 9449); found out by itself unless set.
    pub const fn dpop(mut self, mode: DpopMode) -> Self {
        self.dpop = mode;
        self
    }

    /// The `User-Agent` of all requests.
    pub fn user_agent(mut self, text: impl Into<String>) -> Self {
        self.user_agent = text.into();
        self
    }

    /// The local clock, which the org's own `Date` then corrects; the machine's unless set.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Is told about waits and repetitions. It is called in line, so it must not block.
    pub fn progress(mut self, listener: ProgressListener) -> Self {
        self.progress = Some(listener);
        self
    }

    /// Sends everything through this HTTP proxy, given as a URL, which may hold a user name and a password. The environment's proxy
    /// settings are not looked at.
    pub fn proxy(mut self, url: Secret) -> Self {
        self.proxy = Some(url);
        self
    }

    #[cfg(test)]
    pub(crate) fn timer(mut self, timer: Arc<dyn Timer>) -> Self {
        self.timer = Some(timer);
        self
    }

    /// Builds the client. Sends nothing, but signs once, so that a key that cannot sign fails here.
    ///
    /// # Errors
    /// [`Error::Config`] for settings out of range, [`Error::Key`] for a key that cannot sign, [`Error::Transport`] when TLS cannot be set
    /// up, for instance because the machine has no CA certificates.
    pub fn build(self) -> Result<OktaClient, Error> {
        self.check()?;
        let usage = Arc::new(Usage::new(self.progress));
        // Whoever has a time of his own counts alone.
        let (timer, counted) = match self.timer {
            Some(timer) => (timer, <_>::default()),
            None => (Arc::new(TokioTimer) as Arc<dyn Timer>, rate::shared(&self.org, &self.credentials)),
        };
        let governor = Governor::new(counted, self.rate_share, self.concurrency, Arc::clone(&timer), Arc::clone(&usage));
        let inner = Inner {
            http: Http::new(&self.org, &self.user_agent, self.limits, self.proxy.as_ref())?,
            org: self.org,
            credentials: self.credentials,
            clock: ServerClock::new(self.clock),
            timer,
            governor,
            usage,
            retry: self.retry,
            retry_budget: RetryBudget::new(),
            page_sizes: self.page_sizes,
            adapted_sizes: AdaptedSizes::new(self.page_sizes),
            tokens: TokenCache::new(self.dpop),
            dpop: Dpop::default(),
            identity: Identity::default(),
            hosts: OnceLock::new(),
        };
        Ok(OktaClient { inner: Arc::new(inner) })
    }

    fn check(&self) -> Result<(), Error> {
        let sizes = self.page_sizes;
        let checked = [
            ("users", sizes.users, 200),
            ("groups", sizes.groups, 10_000),
            ("groups in a delta", sizes.groups_in_delta, 10_000),
            ("members", sizes.members, 1000),
        ];
        for (name, size, most) in checked {
            if !(1..=most).contains(&size) {
                return Err(Error::config(format!("the page size of {name} is not between 1 and {most}"), "leave it at its default"));
            }
        }
        if self.retry.max_attempts == 0 {
            return Err(Error::config("the retry policy allows no attempt", "allow at least one"));
        }
        match &self.credentials {
            Credentials::App(app) if app.client_id.is_empty() => {
                Err(Error::config("the client id is empty", "give the id of the service app"))
            }
            Credentials::App(app) if app.scopes.is_empty() => Err(Error::config("no scopes are asked for", "leave them at their default")),
            Credentials::App(app) => app.key.probe(),
            Credentials::Token(api) if api.token.expose().trim().is_empty() => {
                Err(Error::config("the API token is empty", "give the token"))
            }
            Credentials::Token(_) => Ok(()),
        }
    }
}

impl fmt::Debug for OktaClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaClientBuilder").field("org", &self.org).field("credentials", &self.credentials).finish_non_exhaustive()
    }
}
