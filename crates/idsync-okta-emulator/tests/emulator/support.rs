//! A client of the emulator.

use crate::signing::{Key, merged, now, unique};
use idsync_okta_emulator::{OktaEmulator, OktaEmulatorBuilder};
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, redirect};
use serde_json::{Value, json};
use std::ops::Deref;

pub(crate) const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An org and a client of it.
pub(crate) struct Tested {
    pub(crate) emulator: OktaEmulator,
    pub(crate) http: Client,
    pub(crate) key: Key,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Deref for Tested {
    type Target = OktaEmulator;

    fn deref(&self) -> &OktaEmulator {
        &self.emulator
    }
}

impl Tested {
    pub(crate) async fn start() -> Self {
        Self::from(OktaEmulator::builder()).await
    }

    pub(crate) async fn from(builder: OktaEmulatorBuilder) -> Self {
        let emulator = builder.start().await.unwrap();
        let http = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
        let key = Key::from_pem(emulator.private_key_pem());
        Self { emulator, http, key }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url()) }
    }

    /// Reads with the API token.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.http.get(self.at(path)).header("authorization", format!("SSWS {}", self.api_token()))).await
    }

    pub(crate) async fn rows(&self, path: &str) -> Vec<Value> {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json().as_array().unwrap().clone()
    }

    /// The rows of all pages.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let (mut rows, mut next) = (Vec::new(), Some(self.at(path)));
        while let Some(url) = next {
            let answer = self.get(&url).await;
            assert_eq!(answer.status, 200, "{url}: {}", answer.text);
            rows.extend(answer.json().as_array().unwrap().clone());
            next = answer.next();
        }
        rows
    }

    /// Asks with the super admin's API token.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: Value) -> Answer {
        self.ask(&format!("SSWS {}", self.setup_token()), method, path, body).await
    }

    /// Asks with this credential. Null stands for no body.
    pub(crate) async fn ask(&self, authorization: &str, method: &str, path: &str, body: Value) -> Answer {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, self.at(path)).header("authorization", authorization);
        send(match body {
            Value::Null => request.header("content-length", "0"),
            body => request.header("content-type", "application/json").body(body.to_string()),
        })
        .await
    }

    /// Asks with the super admin's API token for something that is done.
    pub(crate) async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.admin(method, path, body).await;
        assert!((200..300).contains(&answer.status), "{method} {path}: {} {}", answer.status, answer.text);
        if answer.text.is_empty() { Value::Null } else { answer.json() }
    }

    /// A service app with this label and this key, as it is sent.
    pub(crate) fn app_body(label: &str, key: &Key) -> Value {
        let mut jwk = key.jwk();
        jwk["kid"] = json!(format!("{label} key"));
        json!({
            "name": "oidc_client", "label": label, "signOnMode": "OPENID_CONNECT",
            "credentials": {"oauthClient": {"token_endpoint_auth_method": "private_key_jwt", "autoKeyRotation": true}},
            "settings": {"oauthClient": {
                "application_type": "service", "grant_types": ["client_credentials"], "response_types": ["token"],
                "dpop_bound_access_tokens": false, "jwks": {"keys": [jwk]},
            }},
        })
    }

    /// Makes a service app; returns its id and its key.
    pub(crate) async fn made_app(&self, label: &str) -> (String, Key) {
        let key = Key::fresh();
        let made = self.done("POST", "/api/v1/apps?activate=true", Self::app_body(label, &key)).await;
        (made["id"].as_str().unwrap().to_owned(), key)
    }

    pub(crate) async fn granted(&self, app: &str, scope: &str) -> Answer {
        self.admin("POST", &format!("/api/v1/apps/{app}/grants"), json!({"scopeId": scope, "issuer": self.url()})).await
    }

    /// Asks for an access token as this client, with the key that [`Self::app_body`] gave it.
    pub(crate) async fn token_of(&self, client: &str, kid: &str, key: &Key, scope: &str) -> Answer {
        self.skewed_token_of(client, kid, key, scope, 0).await
    }

    /// As [`Self::token_of`], with a clock that runs ahead by so many seconds.
    pub(crate) async fn skewed_token_of(&self, client: &str, kid: &str, key: &Key, scope: &str, skew: i64) -> Answer {
        let now = now() + skew;
        let claims = json!({
            "iss": client, "sub": client, "aud": self.at("/oauth2/v1/token"), "iat": now - 2, "exp": now + 300, "jti": unique(),
        });
        let assertion = key.sign(&json!({"alg": key.algorithm(), "kid": kid}), &claims);
        send(self.token_request(&assertion, &json!({"scope": scope}))).await
    }

    /// Reads with an access token.
    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Answer {
        send(self.http.get(self.at(path)).header("authorization", format!("Bearer {token}"))).await
    }

    /// An assertion with these claims besides the usual ones; null takes one away.
    pub(crate) fn assertion(&self, claims: &Value) -> String {
        let usual = json!({
            "iss": self.client_id(), "sub": self.client_id(), "aud": self.at("/oauth2/v1/token"),
            "iat": now() - 2, "exp": now() + 300, "jti": unique(),
        });
        self.key.sign(&json!({"alg": self.key.algorithm(), "kid": self.key_id()}), &merged(&usual, claims))
    }

    /// A token request, with these fields besides the usual ones; null takes one away.
    pub(crate) fn token_request(&self, assertion: &str, fields: &Value) -> RequestBuilder {
        let usual = json!({
            "grant_type": "client_credentials", "scope": "okta.users.read okta.groups.read",
            "client_assertion_type": ASSERTION, "client_assertion": assertion,
        });
        let fields = merged(&usual, fields);
        let pairs: Vec<String> =
            fields.as_object().unwrap().iter().map(|(name, value)| format!("{name}={}", encoded(value.as_str().unwrap()))).collect();
        let request = self.http.post(self.at("/oauth2/v1/token"));
        request.header("content-type", "application/x-www-form-urlencoded").body(pairs.join("&"))
    }

    pub(crate) async fn token_with(&self, claims: &Value, fields: &Value) -> Answer {
        send(self.token_request(&self.assertion(claims), fields)).await
    }

    /// A bearer token with these scopes.
    pub(crate) async fn token(&self, scope: &str) -> String {
        let answer = self.token_with(&json!({}), &json!({"scope": scope})).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }
}

pub(crate) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.json().as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn links(&self) -> Vec<&str> {
        self.headers.get_all("link").iter().map(|value| value.to_str().unwrap()).collect()
    }

    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let end = format!(">; rel=\"{relation}\"");
        self.links().into_iter().find_map(|link| Some(link.strip_prefix('<')?.strip_suffix(&end)?.to_owned()))
    }

    pub(crate) fn next(&self) -> Option<String> {
        self.link("next")
    }

    /// Status, Okta error code, and the cause.
    pub(crate) fn refusal(&self) -> (u16, String, String) {
        let (status, code) = self.error();
        (status, code, self.json()["errorCauses"][0]["errorSummary"].as_str().unwrap_or_default().to_owned())
    }

    /// Status and Okta error code.
    pub(crate) fn error(&self) -> (u16, String) {
        (self.status, self.json()["errorCode"].as_str().unwrap().to_owned())
    }

    /// Status, OAuth error and description.
    pub(crate) fn oauth_error(&self) -> (u16, String, String) {
        let body = self.json();
        (self.status, body["error"].as_str().unwrap().to_owned(), body["error_description"].as_str().unwrap().to_owned())
    }
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() || b"-._*".contains(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            },
        )
        .collect()
}
