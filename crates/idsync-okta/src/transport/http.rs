//! One exchange over HTTP, with limits on everything that the other side decides.

use super::body::{Bodies, Body};
use super::{Method, Route};
use crate::clock::http_date;
use crate::error::Error;
use crate::org_url::OrgUrl;
use idsync_core::{Secret, Timestamp};
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Client, Response};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

const MAX_BODY: usize = 32 * 1024 * 1024;
const MAX_HEADERS: usize = 64 * 1024;
/// Room that is made for a body because it is announced; usual pages are smaller, and announcing costs nothing.
const AT_ONCE: usize = 2 * 1024 * 1024;
/// Room for a body whose length is not known beforehand, as that of no compressed body is.
const UNANNOUNCED: usize = 1024 * 1024;
/// After this much of the body's time, it must have come at [`SLOWEST`] or faster.
const GRACE: Duration = Duration::from_secs(10);
/// Bytes per second.
const SLOWEST: u64 = 1024;

/// How long one attempt may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Until the headers are there.
    pub(crate) request: Duration,
    /// Until the whole answer is there.
    pub(crate) page: Duration,
}

/// A request, ready to be sent once.
pub(crate) struct Outgoing {
    pub(crate) route: Route,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    /// What is sent along; its type is among the headers.
    pub(crate) body: Option<String>,
}

/// A complete answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) date: Option<Timestamp>,
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    limits: Limits,
    bodies: Bodies,
}

impl Http {
    pub(crate) fn new(org: &OrgUrl, user_agent: &str, limits: Limits, proxy: Option<&Secret>) -> Result<Self, Error> {
        let mut builder = Client::builder()
            .user_agent(user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .https_only(!org.is_plain())
            .gzip(true)
            .http2_max_header_list_size(MAX_HEADERS as u32)
            .connect_timeout(limits.request);
        if let Some(proxy) = proxy {
            // The parser's own error may quote the URL, which may hold a password.
            let proxy = reqwest::Proxy::all(proxy.expose())
                .map_err(|_| Error::config("the proxy is not a URL", "give a URL such as http://proxy.example:3128"))?;
            builder = builder.proxy(proxy);
        }
        let client = builder
            .build()
            .map_err(|error| Error::Transport { operation: "set up the HTTP client", source: error.without_url().into() })?;
        Ok(Self { client, limits, bodies: Bodies::default() })
    }

    /// Sends a request once and reads its whole answer; a part of an answer is never returned.
    pub(crate) async fn send(&self, outgoing: Outgoing) -> Result<Answer, Error> {
        let operation = outgoing.route.operation();
        let start = Instant::now();
        let broken = |error: reqwest::Error| Error::Transport { operation, source: error.without_url().into() };
        let mut request = match outgoing.route.method() {
            Method::Delete => self.client.delete(outgoing.url),
            Method::Get => self.client.get(outgoing.url),
            Method::Patch => self.client.patch(outgoing.url),
            Method::Post => self.client.post(outgoing.url),
            Method::Put => self.client.put(outgoing.url),
        };
        if let Some(body) = outgoing.body {
            request = request.body(body);
        }
        request = request.headers(outgoing.headers);
        let limit = self.limits.request.min(self.limits.page);
        let response = timeout(limit, request.send()).await.map_err(|_| Error::Timeout { operation, limit })?.map_err(broken)?;
        let status = response.status();
        let headers = response.headers().clone();
        if headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() > MAX_HEADERS {
            return Err(Error::TooLarge { operation, part: "headers", limit: MAX_HEADERS });
        }
        if status.is_redirection() {
            return Err(Error::Redirect { operation, status: status.as_u16(), target: target(&headers) });
        }
        let body = self.body(response, operation, start).await?;
        let date = headers.get("date").and_then(|value| value.to_str().ok()).and_then(http_date);
        Ok(Answer { status: status.as_u16(), headers, date, body })
    }

    async fn body(&self, mut response: Response, operation: &'static str, start: Instant) -> Result<Body, Error> {
        let too_large = Error::TooLarge { operation, part: "body", limit: MAX_BODY };
        let announced = response.content_length();
        if announced.is_some_and(|length| length > MAX_BODY as u64) {
            return Err(too_large);
        }
        let (last, began) = (start + self.limits.page, Instant::now());
        let mut body = self.bodies.empty(announced.map_or(UNANNOUNCED, |length| AT_ONCE.min(length as usize)));
        loop {
            let deadline = last.min(began + time_for(body.len()));
            let chunk = timeout_at(deadline, response.chunk()).await;
            match chunk.map_err(|_| Error::Timeout { operation, limit: deadline.saturating_duration_since(start) })? {
                Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY => return Err(too_large),
                Ok(Some(chunk)) => body.extend(&chunk),
                Ok(None) => return Ok(body),
                Err(error) => return Err(Error::Transport { operation, source: error.without_url().into() }),
            }
        }
    }
}

/// How long the first `bytes` and one more may take at the slowest.
fn time_for(bytes: usize) -> Duration {
    GRACE + Duration::from_secs(bytes as u64 / SLOWEST)
}

/// The host that a redirect leads to, for a person to read.
fn target(headers: &HeaderMap) -> String {
    let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
    let host = location.and_then(|text| Url::parse(text).ok()).and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "another path of the org".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row07_a_body_that_trickles_runs_out_of_time() {
        assert_eq!(time_for(0), Duration::from_secs(10));
        assert_eq!(time_for(1023), Duration::from_secs(10));
        assert_eq!(time_for(50 * 1024), Duration::from_secs(60));
    }
}
