//! Provisioning against an org that answers what each test wants: late, oddly, or not at all.

mod apply;
mod rotate;
mod teardown;
mod token;
mod undo;

use super::connection::Connection;
use super::look::Admin;
use super::provisioner::OktaProvisioner;
use super::spec::{AppRole, AppSpec, KeySource, TokenBinding};
use crate::clock::FakeTimer;
use crate::{ApiToken, KeyKind, NewKey, OktaClient, OrgUrl, RateShare, RetryPolicy};
use idsync_core::Secret;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

const LABEL: &str = "Sync";

/// What is in the org, and what each test needs to remember.
#[derive(Default)]
struct Org {
    apps: Vec<Value>,
    grants: Vec<Value>,
    roles: Vec<Value>,
    custom_role: Option<Value>,
    resource_set: Option<Value>,
    /// Ids of custom roles and resource sets that somebody else made.
    strangers: Vec<String>,
    /// The requests that came, such as `POST /api/v1/apps`.
    log: Vec<String>,
}

struct World {
    server: MockServer,
    timer: Arc<FakeTimer>,
    org: Arc<Mutex<Org>>,
}

/// What is answered in place of what the org would; it has done by then what was asked of it.
type Odd = dyn Fn(&str, &mut Org, &Request) -> Option<ResponseTemplate> + Send + Sync;

impl World {
    async fn new() -> Self {
        Self::of(|_, _, _| None).await
    }

    /// An org of which some answers are replaced. The line is method and path, such as `GET /api/v1/apps`.
    async fn of(odd: impl Fn(&str, &mut Org, &Request) -> Option<ResponseTemplate> + Send + Sync + 'static) -> Self {
        let (server, org) = (MockServer::start().await, Arc::new(Mutex::new(Org::default())));
        let (shared, odd): (_, Box<Odd>) = (Arc::clone(&org), Box::new(odd));
        let respond = move |request: &Request| {
            let line = format!("{} {}", request.method, request.url.path());
            let mut org = shared.lock().unwrap();
            org.log.push(line.clone());
            let usual = org.answer(request);
            odd(&line, &mut org, request).unwrap_or(usual)
        };
        Mock::given(any()).respond_with(respond).mount(&server).await;
        Self { server, timer: FakeTimer::new(), org }
    }

    fn provisioner(&self) -> OktaProvisioner {
        self.provisioner_with(RetryPolicy::default())
    }

    fn provisioner_with(&self, policy: RetryPolicy) -> OktaProvisioner {
        let org = OrgUrl::parse_or_local(&self.server.uri()).unwrap();
        let client = OktaClient::builder(org, ApiToken::new(Secret::new("00t".to_owned()))).retry(policy);
        let client = client.rate_share(RateShare::percent(100).unwrap()).timer(Arc::clone(&self.timer) as _).build().unwrap();
        OktaProvisioner { admin: Admin { client }, grace: Duration::ZERO, listener: None }
    }

    fn org(&self) -> std::sync::MutexGuard<'_, Org> {
        self.org.lock().unwrap()
    }

    fn count(&self, line: &str) -> usize {
        self.org().count(line)
    }
}

impl Org {
    fn count(&self, line: &str) -> usize {
        self.log.iter().filter(|entry| *entry == line).count()
    }

    fn app(&mut self, id: &str) -> Option<&mut Value> {
        self.apps.iter_mut().find(|app| app["id"] == id)
    }

    fn keys(&mut self, id: &str) -> Option<&mut Vec<Value>> {
        self.app(id).and_then(|app| app["settings"]["oauthClient"]["jwks"]["keys"].as_array_mut())
    }

    /// Does what is asked, and answers as Okta would.
    fn answer(&mut self, request: &Request) -> ResponseTemplate {
        let path = request.url.path().to_owned();
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match (request.method.as_str(), &parts[..]) {
            ("GET", [".well-known", _]) => reply(200, json!({"id": "00o1", "_links": {}})),
            ("GET", ["api", "v1", "users", "me"]) => reply(200, json!({"id": "00u1", "profile": {"login": "a"}})),
            ("GET", ["api", "v1", "users", _, "roles"]) => reply(200, json!([{"type": "SUPER_ADMIN", "status": "ACTIVE"}])),
            ("GET", ["api", "v1", "apps"]) => {
                let words = request.url.query_pairs().find(|(name, _)| name == "q").map_or_else(String::new, |(_, q)| q.into_owned());
                let found = self.apps.iter().filter(|app| app["label"].as_str().is_some_and(|label| label.starts_with(&words)));
                reply(200, found.cloned().collect())
            }
            ("POST", ["api", "v1", "apps"]) => {
                let made = created(body, &format!("0oa{}", self.count("POST /api/v1/apps")));
                self.apps.push(made.clone());
                reply(200, made)
            }
            (method, ["api", "v1", "apps", id, rest @ ..]) => self.answer_of_app(method, id, rest, body),
            (method, ["oauth2", "v1", "clients", _, "roles", rest @ ..]) => self.answer_of_roles(method, rest, body),
            (method, ["api", "v1", "iam", rest @ ..]) => self.answer_of_iam(method, rest, body),
            ("GET", _) => gone(),
            _ => reply(200, json!({})),
        }
    }

    fn answer_of_app(&mut self, method: &str, id: &str, rest: &[&str], body: Value) -> ResponseTemplate {
        if self.app(id).is_none() {
            return gone();
        }
        match (method, rest) {
            ("GET", []) => reply(200, self.app(id).cloned().unwrap_or_default()),
            ("DELETE", []) => {
                self.apps.retain(|app| app["id"] != id);
                ResponseTemplate::new(204)
            }
            ("GET", ["grants"]) => reply(200, json!(self.grants)),
            ("POST", ["grants"]) => {
                let grant = json!({"id": format!("oag{}", self.grants.len()), "status": "ACTIVE", "scopeId": body["scopeId"]});
                self.grants.push(grant.clone());
                reply(200, grant)
            }
            ("DELETE", ["grants", grant]) => {
                self.grants.retain(|other| other["id"] != *grant);
                ResponseTemplate::new(204)
            }
            ("POST", ["credentials", "jwks"]) => {
                let mut key = body;
                key["id"] = json!("pks2");
                if let Some(keys) = self.keys(id) {
                    keys.push(key.clone());
                }
                reply(201, key)
            }
            ("DELETE", ["credentials", "jwks", key]) => {
                if let Some(keys) = self.keys(id) {
                    keys.retain(|other| other["id"] != *key);
                }
                ResponseTemplate::new(204)
            }
            ("POST", ["credentials", "jwks", key, "lifecycle", _]) => {
                if let Some(key) = self.keys(id).and_then(|keys| keys.iter_mut().find(|other| other["id"] == *key)) {
                    key["status"] = json!("INACTIVE");
                }
                reply(200, json!({}))
            }
            _ => reply(200, json!({})),
        }
    }

    fn answer_of_roles(&mut self, method: &str, rest: &[&str], body: Value) -> ResponseTemplate {
        match (method, rest) {
            ("POST", []) => {
                let mut role = body;
                role["id"] = json!("irb1");
                role["status"] = json!("ACTIVE");
                self.roles.push(role.clone());
                reply(201, role)
            }
            ("DELETE", [role]) => {
                self.roles.retain(|other| other["id"] != *role);
                ResponseTemplate::new(204)
            }
            _ => reply(200, json!(self.roles)),
        }
    }

    fn answer_of_iam(&mut self, method: &str, rest: &[&str], body: Value) -> ResponseTemplate {
        if let [_, id] = rest
            && self.strangers.iter().any(|stranger| stranger == id)
        {
            return reply(200, json!({"id": id, "description": "made by hand"}));
        }
        let (place, id) = match rest {
            ["roles", ..] => (&mut self.custom_role, "cr01"),
            _ => (&mut self.resource_set, "iam1"),
        };
        match (method, rest) {
            ("GET", [_, _, "permissions"]) => {
                reply(200, json!({"permissions": [{"label": "okta.users.read"}, {"label": "okta.groups.read"}]}))
            }
            ("GET", [_, _, "resources"]) => {
                reply(200, json!({"resources": [{"orn": "orn:okta:directory:00o1:users"}, {"orn": "orn:okta:directory:00o1:groups"}]}))
            }
            ("POST", [_]) => {
                let mut made = body;
                made["id"] = json!(id);
                reply(200, place.insert(made).clone())
            }
            ("DELETE", [_, _]) => place.take().map_or_else(gone, |_| ResponseTemplate::new(204)),
            ("GET", [_, _]) => place.clone().map_or_else(gone, |made| reply(200, made)),
            _ => reply(200, json!({})),
        }
    }
}

fn reply(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(body)
}

fn fault(status: u16, code: &str) -> ResponseTemplate {
    reply(status, json!({"errorCode": code, "errorSummary": "x", "errorId": "oae1", "errorCauses": []}))
}

fn gone() -> ResponseTemplate {
    fault(404, "E0000007")
}

/// An app of ours with this label.
fn app(id: &str, label: &str) -> Value {
    json!({"id": id, "name": "oidc_client", "label": label, "status": "ACTIVE", "created": "2026",
        "credentials": {"oauthClient": {"client_id": id, "token_endpoint_auth_method": "private_key_jwt"}},
        "settings": {"notes": {"admin": "Made by idsync."}, "oauthClient": {"application_type": "service",
            "grant_types": ["client_credentials"], "dpop_bound_access_tokens": true, "jwks": {"keys": []}}}})
}

/// The app as the request that creates it wants it.
fn created(mut app: Value, id: &str) -> Value {
    app["id"] = json!(id);
    app["status"] = json!("ACTIVE");
    app["created"] = json!("2026-01-01T00:00:00.000Z");
    app["credentials"]["oauthClient"]["client_id"] = json!(id);
    if let Some(keys) = app["settings"]["oauthClient"]["jwks"]["keys"].as_array_mut() {
        keys.iter_mut().for_each(|key| key["id"] = json!("pks1"));
    }
    app
}

/// A connection of this app.
fn connection(app: &str) -> Connection {
    Connection {
        org: "acme.okta.com".to_owned(),
        org_id: "00o1".to_owned(),
        app_id: app.to_owned(),
        client_id: app.to_owned(),
        label: LABEL.to_owned(),
        key_id: Some("k".to_owned()),
        scopes: vec!["okta.users.read".to_owned()],
        role: AppRole::ReadOnlyAdmin,
        binding: TokenBinding::Dpop,
    }
}

/// An app whose key is elsewhere, so that nothing is proven.
fn spec() -> AppSpec {
    let key = NewKey::generate(KeyKind::Es256).unwrap();
    AppSpec::new(LABEL, KeySource::Public(key.signing_key().public_jwk().unwrap())).unwrap()
}
