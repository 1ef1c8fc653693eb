//! Access tokens: one fetch at a time, renewed early, held in memory only.

use crate::client::{Inner, OktaClient, REREADS, common_headers};
use crate::credentials::{Credentials, ServiceApp};
use crate::dpop::{Audience, DpopMode};
use crate::error::Error;
use crate::jws;
use crate::transport::{Attempts, Outgoing, Route, Verdict, judge};
use crate::wire::token::{Issued, TokenType};
use futures::future::{BoxFuture, FutureExt, Shared, WeakShared};
use idsync_core::Secret;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

const NONCE: &str = "dpop-nonce";
const CHALLENGES: u32 = 3;
/// How often an assertion is made anew after one was refused for its time; the last one goes by the local clock.
const RENEWALS: u32 = 2;

/// An access token that is in use.
#[derive(Debug)]
pub(crate) struct AccessToken {
    text: Secret,
    token_type: TokenType,
    renew_at: Instant,
    /// What was granted; `None` when the org did not say.
    scopes: Option<Vec<String>>,
}

/// The fetch of a token. It is shared, and driven by all who need it: the one who began may be a stream that nobody polls just now.
type Fetch = BoxFuture<'static, Result<Arc<AccessToken>, Failure>>;

/// Why none was fetched. The first to see it takes it, for it cannot be told twice in full; the others try again.
type Failure = Arc<Mutex<Option<Error>>>;

/// The token of a client.
#[derive(Debug)]
pub(crate) struct TokenCache {
    state: Mutex<State>,
    mode: DpopMode,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Arc<AccessToken>>,
    /// The fetch that is under way. Only those who wait for it keep it, so that it ends with them.
    fetch: Option<WeakShared<Fetch>>,
}

/// How to come by a token.
enum Way {
    There(Arc<AccessToken>),
    Fetched(Shared<Fetch>),
}

impl TokenCache {
    pub(crate) fn new(mode: DpopMode) -> Self {
        Self { state: Mutex::default(), mode }
    }

    /// Never held across an `await`.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops a token that was refused, unless it was replaced already. False when there is no token to drop.
    pub(crate) fn forget(&self, refused: Option<&AccessToken>) -> bool {
        let Some(refused) = refused else { return false };
        let current = &mut self.state().current;
        if current.as_ref().is_some_and(|token| std::ptr::eq(Arc::as_ptr(token), refused)) {
            *current = None;
        }
        true
    }
}

impl OktaClient {
    /// The wanted scopes that were not granted to the app. Empty for an API token, and when the org does not say.
    pub(crate) async fn missing_scopes(&self) -> Result<Vec<String>, Error> {
        let Credentials::App(app) = &self.inner.credentials else { return Ok(Vec::new()) };
        let token = self.inner.token(Route::Users).await?;
        let Some(granted) = token.as_ref().and_then(|token| token.scopes.as_ref()) else { return Ok(Vec::new()) };
        let missing: Vec<_> = app.scopes.iter().filter(|scope| !granted.contains(scope)).cloned().collect();
        if !missing.is_empty() {
            // The next check is to see what has been granted since.
            self.inner.tokens.forget(token.as_deref());
        }
        Ok(missing)
    }
}

impl Inner {
    /// A token that is good for a while; `None` where the request needs none.
    pub(crate) async fn token(self: &Arc<Self>, route: Route) -> Result<Option<Arc<AccessToken>>, Error> {
        let Credentials::App(app) = &self.credentials else { return Ok(None) };
        if route == Route::Discovery {
            return Ok(None);
        }
        loop {
            let failure = match self.way(app) {
                Way::There(token) => return Ok(Some(token)),
                Way::Fetched(fetch) => match fetch.await {
                    Ok(token) => return Ok(Some(token)),
                    Err(failure) => failure,
                },
            };
            let error = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(error) = error {
                return Err(error);
            }
        }
    }

    fn way(self: &Arc<Self>, app: &ServiceApp) -> Way {
        let mut state = self.tokens.state();
        if let Some(token) = state.current.as_ref().filter(|token| self.timer.now() < token.renew_at) {
            return Way::There(Arc::clone(token));
        }
        // One that has ended stays as long as somebody has not looked at it yet.
        let under_way = state.fetch.as_ref().and_then(WeakShared::upgrade).filter(|fetch| fetch.peek().is_none());
        Way::Fetched(under_way.unwrap_or_else(|| {
            let fetch = Arc::clone(self).fetch(app.clone()).boxed().shared();
            state.fetch = fetch.downgrade();
            fetch
        }))
    }

    async fn fetch(self: Arc<Self>, app: ServiceApp) -> Result<Arc<AccessToken>, Failure> {
        let start = self.timer.now();
        let issued = self.mint(&app).await.map_err(|error| Arc::new(Mutex::new(Some(error))))?;
        let token = Arc::new(AccessToken {
            text: issued.text,
            token_type: issued.token_type,
            renew_at: start + issued.lifetime * 4 / 5,
            scopes: issued.scopes,
        });
        self.tokens.state().current = Some(Arc::clone(&token));
        Ok(token)
    }

    /// Fetches a token. Each attempt has its own assertion and its own proof, for Okta takes each only once.
    async fn mint(&self, app: &ServiceApp) -> Result<Issued, Error> {
        let url = self.org.join(Route::Token.template());
        if self.tokens.mode == DpopMode::Always {
            self.dpop.switch_on()?;
        }
        let (mut attempts, mut rereads, mut challenges, mut renewed, mut renewals) = (Attempts::new(self.retry), 0, 0, false, 0);
        loop {
            let mut permit = self.admit(Route::Token).await?;
            // The org's clock is the better one, unless something in between answers with a date of its own.
            let now = if renewals < RENEWALS { self.clock.unix_seconds() } else { self.clock.local_seconds() };
            let assertion = jws::assertion(app, url.as_str(), now).await?;
            let mut headers = common_headers(&attempts);
            headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
            if let Some(proof) = self.dpop.proof("POST", &url, Audience::Token, now)? {
                headers.insert("dpop", secret_value(&proof)?);
            }
            let outgoing = Outgoing { route: Route::Token, url: url.clone(), headers, body: Some(form(app, &assertion)) };
            let sent = self.send(&mut permit, outgoing, &mut attempts).await;
            drop(permit);
            let mut answer = match sent {
                Ok(answer) => answer,
                Err(error @ (Error::Timeout { .. } | Error::Transport { .. })) => {
                    self.again(&mut attempts, error, Duration::ZERO).await?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.keep_nonce(Route::Token, &answer.headers);
            match judge(Route::Token, self.client_id(), &answer) {
                Verdict::Accept => {
                    let decoded = crate::wire::token::token(&answer.body);
                    answer.body.wipe();
                    match decoded {
                        Ok(issued) => {
                            self.retry_budget.earn();
                            return Ok(issued);
                        }
                        Err(fault) => {
                            let error = Error::Decode { operation: Route::Token.operation(), reason: fault.as_str() };
                            rereads += 1;
                            if rereads > REREADS {
                                return Err(error);
                            }
                            self.again(&mut attempts, error, Duration::ZERO).await?;
                        }
                    }
                }
                Verdict::Again { error, at_least } => self.again(&mut attempts, error, at_least).await?,
                Verdict::Nonce(error) => {
                    challenges += 1;
                    if challenges > CHALLENGES || !self.dpop.is_on() && self.tokens.mode == DpopMode::Never {
                        return Err(error);
                    }
                    self.dpop.switch_on()?;
                }
                Verdict::Prove(error) => {
                    challenges += 1;
                    if challenges > CHALLENGES || self.dpop.is_on() && renewed || self.tokens.mode == DpopMode::Never {
                        return Err(error);
                    }
                    renewed = self.dpop.is_on();
                    self.dpop.switch_on()?;
                }
                Verdict::Renew(error) => {
                    // The clock was corrected by the answer's date meanwhile.
                    if renewals >= RENEWALS {
                        return Err(error);
                    }
                    renewals += 1;
                }
                Verdict::Final(error) => return Err(self.named(error)),
                limited @ (Verdict::Ease(_) | Verdict::Wait { .. }) => self.slow_down(Route::Token, limited, &mut attempts).await?,
            }
        }
    }

    /// The headers of one attempt, with the credential.
    pub(crate) fn request_headers(
        &self,
        route: Route,
        url: &Url,
        token: Option<&AccessToken>,
        attempts: &Attempts,
    ) -> Result<HeaderMap, Error> {
        let mut headers = common_headers(attempts);
        match (&self.credentials, token) {
            (Credentials::Token(api), _) if route != Route::Discovery => {
                headers.insert(AUTHORIZATION, secret_value(&zeroize::Zeroizing::new(format!("SSWS {}", api.token.expose())))?);
            }
            (_, Some(token)) => {
                let scheme = match token.token_type {
                    TokenType::Bearer => "Bearer",
                    TokenType::Dpop => "DPoP",
                };
                headers.insert(AUTHORIZATION, secret_value(&zeroize::Zeroizing::new(format!("{scheme} {}", token.text.expose())))?);
                if token.token_type == TokenType::Dpop {
                    let audience = Audience::Resource { access_token: token.text.expose() };
                    if let Some(proof) = self.dpop.proof(route.method().as_str(), url, audience, self.clock.unix_seconds())? {
                        headers.insert(HeaderName::from_static("dpop"), secret_value(&proof)?);
                    }
                }
            }
            _ => {}
        }
        Ok(headers)
    }

    pub(crate) fn keep_nonce(&self, route: Route, headers: &HeaderMap) {
        let Some(nonce) = headers.get(NONCE).and_then(|value| value.to_str().ok()) else { return };
        let audience = if route == Route::Token { Audience::Token } else { Audience::Resource { access_token: "" } };
        self.dpop.remember_nonce(audience, nonce);
    }
}

/// A header value that is not printed, nor kept in the compression tables of HTTP/2.
fn secret_value(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Error::config("the credential holds characters that no token has", "copy the token again, without line ends"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn form(app: &ServiceApp, assertion: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", &app.scopes.join(" "))
        .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
        .append_pair("client_assertion", assertion)
        .finish()
}
