//! The crate from its public side, against a server on this machine that answers what each test wants.

mod canary;
mod chains;
mod delta;
mod faults;
mod hostile;
mod listing;
mod recorded;
mod token;

use crate::clock::FakeTimer;
use crate::{ApiToken, Credentials, OktaClient, OktaClientBuilder, OktaProvider, OrgUrl, ServiceApp, SigningKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::StreamExt;
use futures::stream::BoxStream;
use idsync_core::{Page, Secret};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// A P-256 key in its SEC 1 structure.
const KEY: [u8; 39] = {
    let mut der = [7; 39];
    let head = [0x30, 37, 2, 1, 1, 4, 32];
    let mut at = 0;
    while at < head.len() {
        der[at] = head[at];
        at += 1;
    }
    der
};

/// An org whose answers are queued per method and path; the last one is repeated.
struct Org {
    server: MockServer,
    timer: Arc<FakeTimer>,
}

impl Org {
    async fn start() -> Self {
        Self { server: MockServer::start().await, timer: FakeTimer::new() }
    }

    fn url(&self) -> OrgUrl {
        OrgUrl::parse_or_local(&self.server.uri()).unwrap()
    }

    /// Answers requests for `route` with these, one after the other, and the last one for ever.
    async fn answers(&self, route: &str, answers: Vec<ResponseTemplate>) {
        let verb = if route.ends_with("/token") { "POST" } else { "GET" };
        let queue = Mutex::new(answers.into_iter().peekable());
        let answer = move |_: &Request| {
            let mut queue = queue.lock().unwrap();
            let next = queue.peek().unwrap().clone();
            if queue.len() > 1 {
                queue.next();
            }
            next
        };
        Mock::given(method(verb)).and(path(route)).respond_with(answer).mount(&self.server).await;
    }

    fn builder(&self, credentials: impl Into<Credentials>) -> OktaClientBuilder {
        OktaClient::builder(self.url(), credentials).timer(self.timer())
    }

    fn timer(&self) -> Arc<FakeTimer> {
        Arc::clone(&self.timer)
    }

    fn provider(&self) -> OktaProvider {
        OktaProvider::new(self.builder(api_token()).build().unwrap())
    }

    fn app_provider(&self) -> OktaProvider {
        OktaProvider::new(self.builder(app()).build().unwrap())
    }

    async fn requests(&self, route: &str) -> Vec<Request> {
        self.server.received_requests().await.unwrap().into_iter().filter(|request| request.url.path() == route).collect()
    }

    /// A `Link` header to the page after `cursor`.
    fn next(&self, route: &str, cursor: &str) -> String {
        format!("<{}{route}?after={cursor}&limit=200>; rel=\"next\"", self.server.uri())
    }
}

fn pem() -> String {
    format!("-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----", STANDARD.encode(KEY))
}

fn app() -> ServiceApp {
    ServiceApp::new("0oa1", SigningKey::from_pem(Secret::new(pem())).unwrap())
}

fn api_token() -> ApiToken {
    ApiToken::new(Secret::new("00token".to_owned()))
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn fault(status: u16, code: &str) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .set_body_json(json!({"errorCode": code, "errorSummary": "secret summary", "errorId": "oae1", "errorCauses": []}))
}

fn oauth_fault(status: u16, error: &str, description: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"error": error, "error_description": description}))
}

fn bearer(token: &str) -> ResponseTemplate {
    ok(&json!({"token_type": "Bearer", "expires_in": 3600, "access_token": token, "scope": "okta.users.read okta.groups.read"}))
}

fn user(id: &str) -> Value {
    json!({"id": id, "status": "ACTIVE", "profile": {"login": format!("{id}@example.com")}})
}

async fn collect<T>(mut pages: BoxStream<'static, idsync_core::Result<Page<T>>>) -> (Vec<T>, Option<idsync_core::Error>) {
    let mut items = Vec::new();
    while let Some(page) = pages.next().await {
        match page {
            Ok(page) => items.extend(page.items),
            Err(error) => {
                assert!(pages.next().await.is_none(), "an error is the last item");
                return (items, Some(error));
            }
        }
    }
    (items, None)
}

/// The claims, or with `part` 0 the header, of a JWT.
fn jwt(text: &str, part: usize) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text.split('.').nth(part).unwrap()).unwrap()).unwrap()
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.get(name).map(|value| value.to_str().unwrap())
}

fn form(request: &Request, name: &str) -> String {
    let pairs = url::form_urlencoded::parse(&request.body);
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}
