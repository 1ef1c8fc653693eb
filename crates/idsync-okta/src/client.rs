//! A client of one org: every request of this crate goes through here.

use crate::PageSizes;
use crate::builder::OktaClientBuilder;
use crate::clock::{ServerClock, Timer};
use crate::credentials::Credentials;
use crate::dpop::Dpop;
use crate::error::{Error, ErrorDetail};
use crate::identity::Identity;
use crate::org_url::OrgUrl;
use crate::page_size::{AdaptedSizes, SMALLEST_PAGE};
use crate::rate::{Blocked, Forecast, Governor, Permit, RateHeaders, Remaining};
use crate::token::TokenCache;
use crate::transport::{Answer, Attempts, Http, Outgoing, RetryBudget, RetryPolicy, Route, Verdict, judge};
use crate::usage::Usage;
use crate::wire::DecodeFault;
use crate::wire::org::Org;
use idsync_core::{RequestUsage, Timestamp};
use reqwest::header::{HeaderMap, HeaderValue};
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tracing::Instrument;
use url::Url;

/// What is answered with a body that cannot be read is asked for again this often.
pub(crate) const REREADS: u32 = 2;
/// A server that keeps asking for new nonces is not obeyed for ever.
const NONCES: u32 = 3;

/// Reads one Okta org, within its rate limits. Clones share the access token and the connections.
///
/// What was used of the rate limits is counted as the org counts it: together for all clients in this process that have the same org and
/// the same credential, whether they are clones or were built apart. How many requests the org bears at once is found out together by all
/// clients of an org. Each client keeps its own [share](crate::OktaClientBuilder::rate_share) of what is counted, its own
/// [most requests at once](crate::OktaClientBuilder::concurrency), and its own [usage](Self::usage). Other processes are noticed by the
/// headers of answers.
///
/// It starts nothing in the background: a future or stream of it that is dropped stops at once, and nothing goes on.
#[derive(Clone)]
pub struct OktaClient {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) org: OrgUrl,
    pub(crate) credentials: Credentials,
    pub(crate) http: Http,
    pub(crate) clock: ServerClock,
    pub(crate) timer: Arc<dyn Timer>,
    pub(crate) governor: Governor,
    pub(crate) usage: Arc<Usage>,
    pub(crate) retry: RetryPolicy,
    pub(crate) retry_budget: RetryBudget,
    pub(crate) page_sizes: PageSizes,
    pub(crate) adapted_sizes: AdaptedSizes,
    pub(crate) tokens: TokenCache,
    pub(crate) dpop: Dpop,
    pub(crate) identity: Identity,
    /// The hosts that the org names as its own.
    pub(crate) hosts: OnceLock<Vec<String>>,
}

/// A GET that is under way: its URL changes when the page is made smaller.
#[derive(Debug, Clone)]
pub(crate) struct Get {
    pub(crate) route: Route,
    pub(crate) url: Url,
    /// The page size, for listings.
    pub(crate) limit: Option<u32>,
}

/// An answer that was read.
pub(crate) struct Fetched<T> {
    pub(crate) value: T,
    pub(crate) headers: HeaderMap,
    pub(crate) date: Option<Timestamp>,
}

impl OktaClient {
    /// Starts building a client of this org with these credentials.
    pub fn builder(org: OrgUrl, credentials: impl Into<Credentials>) -> OktaClientBuilder {
        OktaClientBuilder::new(org, credentials.into())
    }

    /// The org.
    pub fn org(&self) -> &OrgUrl {
        &self.inner.org
    }

    /// How many requests this client and its clones have made.
    pub fn usage(&self) -> RequestUsage {
        self.inner.usage.snapshot(self.inner.governor.max_in_flight())
    }

    /// When these requests will be done, and how much of the rate limits they take. Asks nothing: it goes by what answers have told so far,
    /// and by this client's [share](crate::OktaClientBuilder::rate_share).
    pub fn forecast(&self, remaining: Remaining) -> Forecast {
        Forecast::new(self.inner.clock.now(), self.inner.governor.forecast(remaining))
    }

    /// Asks the org who it is, without credentials.
    pub(crate) async fn discover(&self) -> Result<Fetched<Org>, Error> {
        let inner = &self.inner;
        let mut get = Get::new(Route::Discovery, inner.org.join(Route::Discovery.template()));
        let found = inner.get(&mut get, crate::wire::org::org).await.map_err(|error| match error {
            Error::Api { status: 400..=499, .. }
            | Error::Auth { .. }
            | Error::Decode { .. }
            | Error::NotFound { .. }
            | Error::Role { .. } => Error::NotAnOrg { host: inner.org.host().to_owned() },
            other => other,
        })?;
        // Whoever comes second has read the same.
        _ = inner.hosts.set(found.value.hosts.clone());
        Ok(found)
    }

    /// The other hosts under which the org answers, as far as it is willing to say.
    pub(crate) async fn other_hosts(&self) -> &[String] {
        if self.inner.hosts.get().is_none() {
            _ = self.discover().await;
        }
        self.inner.hosts.get().map_or(&[], Vec::as_slice)
    }
}

impl Get {
    pub(crate) const fn new(route: Route, url: Url) -> Self {
        Self { route, url, limit: None }
    }

    /// Asks for half as many entries; false when that is not possible.
    fn shrink(&mut self) -> bool {
        let Some(limit) = self.limit.filter(|limit| *limit > SMALLEST_PAGE && self.route.is_listing()) else { return false };
        let smaller = (limit / 2).max(SMALLEST_PAGE);
        self.limit = Some(smaller);
        set_query(&mut self.url, "limit", &smaller.to_string());
        true
    }
}

/// Sets one query parameter and leaves the others as they are encoded.
pub(crate) fn set_query(url: &mut Url, name: &str, value: &str) {
    let others = url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(name));
    let mut query = others.map(|pair| format!("{pair}&")).collect::<String>();
    query.push_str(&format!("{name}={value}"));
    url.set_query(Some(&query));
}

impl Inner {
    pub(crate) fn client_id(&self) -> Option<&str> {
        self.credentials.client_id()
    }

    /// Sends a GET until it is answered, and reads the answer.
    pub(crate) async fn get<T>(
        self: &Arc<Self>,
        get: &mut Get,
        read: impl Fn(&[u8]) -> Result<T, DecodeFault>,
    ) -> Result<Fetched<T>, Error> {
        let route = get.route;
        let (mut attempts, mut rereads, mut nonces, mut renewed, mut burdened) = (Attempts::new(route.retry(self.retry)), 0, 0, false, 0);
        loop {
            let token = self.token(route).await?;
            let mut permit = self.admit(route).await?;
            let headers = self.request_headers(route, &get.url, token.as_deref(), &attempts)?;
            let sent = self.send(&mut permit, Outgoing { route, url: get.url.clone(), headers, body: None }, &mut attempts).await;
            drop(permit);
            let answer = match sent {
                Ok(answer) => answer,
                Err(error @ (Error::Timeout { .. } | Error::Transport { .. })) => {
                    if matches!(error, Error::Timeout { .. }) {
                        burdened += 1;
                        relieve(get, burdened);
                    }
                    self.again(&mut attempts, error, Duration::ZERO).await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            // Good answers, too, may say which nonce is the next one (RFC 9449, section 8.2).
            self.keep_nonce(route, &answer.headers);
            match judge(route, self.client_id(), &answer) {
                Verdict::Accept => match read(&answer.body) {
                    Ok(value) => {
                        self.retry_budget.earn();
                        return Ok(Fetched { value, headers: answer.headers, date: answer.date });
                    }
                    Err(fault) => {
                        let error = Error::Decode { operation: route.operation(), reason: fault.as_str() };
                        rereads += 1;
                        if rereads > REREADS {
                            return Err(error);
                        }
                        self.again(&mut attempts, error, Duration::ZERO).await?;
                    }
                },
                Verdict::Again { error, at_least } => {
                    if matches!(error, Error::Api { status: 500 | 502 | 504, .. }) {
                        burdened += 1;
                        relieve(get, burdened);
                    }
                    self.again(&mut attempts, error, at_least).await?;
                }
                Verdict::Nonce(error) => {
                    nonces += 1;
                    if nonces > NONCES {
                        return Err(error);
                    }
                }
                Verdict::Renew(error) => {
                    // An API token cannot be renewed, and a second refusal of a new token is final.
                    if renewed || !self.tokens.forget(token.as_deref()) {
                        return Err(error);
                    }
                    renewed = true;
                }
                Verdict::Final(error) | Verdict::Prove(error) => {
                    // A token keeps its scopes; who grants the missing one and tries again must not have to wait until it runs out.
                    if matches!(error, Error::Scope { .. }) {
                        self.tokens.forget(token.as_deref());
                    }
                    return Err(self.named(error));
                }
                limited @ (Verdict::Ease(_) | Verdict::Wait { .. }) => self.slow_down(route, limited, &mut attempts).await?,
            }
        }
    }

    /// Waits until a request may be sent, unless the org has asked for a longer wait than the policy has time for: whoever asks next is told
    /// the rest of it as the first one was told the whole.
    pub(crate) async fn admit(&self, route: Route) -> Result<Permit<'_>, Error> {
        let operation = route.operation();
        let limited = |Blocked { rest }| Error::RateLimited { operation, wait: rest, detail: ErrorDetail::default() };
        self.governor.admit(route.bucket(), self.retry.budget).await.map_err(limited)
    }

    /// Sends once, and learns from the answer's headers.
    pub(crate) async fn send(&self, permit: &mut Permit<'_>, outgoing: Outgoing, attempts: &mut Attempts) -> Result<Answer, Error> {
        let route = outgoing.route;
        let span = tracing::debug_span!(
            "okta.request",
            org = self.org.host(),
            method = route.method().as_str(),
            route = route.template(),
            attempt = attempts.made + 1,
            status = tracing::field::Empty
        );
        self.usage.sent(route.bucket());
        permit.send();
        let start = self.timer.now();
        let sent = self.http.send(outgoing).instrument(span.clone()).await;
        attempts.took(self.timer.now().saturating_duration_since(start));
        let answer = sent.inspect_err(|_| tracing::debug!(parent: &span, "no answer"))?;
        span.record("status", answer.status);
        tracing::debug!(parent: &span, "answered");
        if let Some(date) = answer.date {
            self.clock.observe(date);
            if (200..300).contains(&answer.status) {
                // Others may come from something in between.
                self.identity.tell(date, self.timer.now());
            }
        }
        permit.answered(answer.status, RateHeaders::read(&answer.headers, answer.date));
        Ok(answer)
    }

    pub(crate) async fn again(&self, attempts: &mut Attempts, error: Error, at_least: Duration) -> Result<(), Error> {
        let pause = attempts.pause(at_least, &self.retry_budget);
        attempts.again_after(error, pause, &self.retry_budget, &self.usage, &*self.timer).await
    }

    /// Reacts to an answer of "too many requests".
    pub(crate) async fn slow_down(&self, route: Route, verdict: Verdict, attempts: &mut Attempts) -> Result<(), Error> {
        self.usage.rate_limited();
        match verdict {
            Verdict::Wait { error, wait, rest } => {
                // The whole bucket waits, not only this request; the governor holds this one back, too.
                // Mostly the counter of the window has understood; where the same request is refused again, it has not.
                if let Some(rest) = rest.or_else(|| (attempts.made > 2).then_some(wait)) {
                    self.governor.block(route.bucket(), rest);
                }
                attempts.again(error, wait, &self.retry_budget, &self.usage)
            }
            Verdict::Ease(error) => {
                // The governor lets fewer through at once by now, so that this one need not wait long.
                let pause = attempts.short_pause();
                attempts.again_after(error, pause, &self.retry_budget, &self.usage, &*self.timer).await
            }
            Verdict::Accept | Verdict::Again { .. } | Verdict::Final(_) | Verdict::Nonce(_) | Verdict::Prove(_) | Verdict::Renew(_) => {
                Ok(())
            }
        }
    }

    /// Fills in what an answer did not say: which scopes are missing when all are.
    pub(crate) fn named(&self, error: Error) -> Error {
        match (error, &self.credentials) {
            (Error::Scope { operation, missing, client_id }, Credentials::App(app)) if missing.is_empty() => {
                Error::Scope { operation, missing: app.scopes.clone(), client_id }
            }
            (error, _) => error,
        }
    }
}

/// Makes the page smaller from the second sign on that the server cannot cope with it.
fn relieve(get: &mut Get, burdened: u32) {
    if burdened >= 2 && get.shrink() {
        tracing::debug!(org = get.url.host_str(), limit = get.limit, "asking for smaller pages");
    }
}

/// The headers that every request has.
pub(crate) fn common_headers(attempts: &Attempts) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static("application/json"));
    if let Some(first) = attempts.first_request.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert("x-okta-retry-for", first);
        headers.insert("x-okta-retry-count", HeaderValue::from(attempts.made));
    }
    headers
}

impl fmt::Debug for OktaClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OktaClient").field("org", &self.inner.org).field("credentials", &self.inner.credentials).finish_non_exhaustive()
    }
}
