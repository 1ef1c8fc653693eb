//! Reading apps.

use super::json::{needed, text, texts};
use super::jwk;
use crate::auth::Dpop;
use crate::id::{Id, Kind};
use crate::moment::Moment;
use crate::org::{App, AppKey, AppStatus, Client, Managed, PRIVATE_KEY_JWT};
use crate::server::Failure;
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

const OIDC: &str = "OPENID_CONNECT";
const METHODS: [&str; 5] = ["client_secret_basic", "client_secret_jwt", "client_secret_post", "none", PRIVATE_KEY_JWT];
const GRANT_TYPES: [&str; 7] = [
    "authorization_code",
    "client_credentials",
    "implicit",
    "interaction_code",
    "password",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
];
/// The longest label.
const LONGEST_LABEL: usize = 100;

/// An app as somebody wants it, for which there is no id yet.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) sign_on_mode: String,
    pub(super) shown: Object,
    pub(super) client: Option<DraftClient>,
}

/// The client of such an app.
pub(super) struct DraftClient {
    /// `None` where the id is to be that of the app.
    pub(super) id: Option<String>,
    pub(super) auth_method: String,
    pub(super) is_service: bool,
    pub(super) is_bound: bool,
    pub(super) keys: Vec<AppKey>,
    pub(super) keys_uri: Option<String>,
    credentials: Object,
    settings: Object,
}

/// Reads an app that is to be made, or to take the place of what another one is.
pub(super) fn read(body: &Object, managed: &mut Managed, now: Moment) -> Result<Draft, Failure> {
    let label = needed(body, "label")?.to_owned();
    if label.chars().count() > LONGEST_LABEL {
        return Err(Failure::invalid("label", "label: Label must not be longer than 100 characters"));
    }
    let name = needed(body, "name")?.to_owned();
    let sign_on_mode = needed(body, "signOnMode")?.to_owned();
    let client = match (name.as_str(), sign_on_mode.as_str()) {
        ("oidc_client", OIDC) => Some(client(body, managed, now)?),
        ("bookmark", "BOOKMARK") => None,
        _ => return Err(Failure::invalid("generalSettings", &format!("Cannot create application instance {name}."))),
    };
    Ok(Draft { name, label, sign_on_mode, shown: shown(body), client })
}

/// What is kept and shown as it was sent.
fn shown(body: &Object) -> Object {
    let mut shown = Object::new();
    for name in ["accessibility", "visibility", "settings", "credentials"] {
        if let Some(Value::Object(members)) = body.get(name) {
            let kept = members.iter().filter(|(name, _)| *name != "oauthClient" && *name != "signing");
            shown.insert(name.to_owned(), Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect()));
        }
    }
    shown
}

fn member<'a>(body: &'a Object, name: &str) -> Option<&'a Object> {
    body.get(name)?.get("oauthClient")?.as_object()
}

fn client(body: &Object, managed: &mut Managed, now: Moment) -> Result<DraftClient, Failure> {
    let credentials = member(body, "credentials").ok_or_else(|| Failure::invalid("credentials", "oauthClient must be specified"))?;
    let settings = member(body, "settings").ok_or_else(|| Failure::invalid("settings", "oauthClient must be specified"))?;
    let auth_method = text(credentials, "token_endpoint_auth_method").unwrap_or("client_secret_basic");
    if !METHODS.contains(&auth_method) {
        return Err(Failure::invalid("token_endpoint_auth_method", "'token_endpoint_auth_method' is invalid."));
    }
    let grant_types = texts(settings, "grant_types").filter(|types| !types.is_empty());
    let grant_types = grant_types.ok_or_else(|| Failure::invalid("grant_types", "'grant_types' must be specified."))?;
    if grant_types.iter().any(|kind| !GRANT_TYPES.contains(&kind.as_str())) {
        return Err(Failure::invalid("grant_types", "'grant_types' is invalid."));
    }
    let kind = text(settings, "application_type").unwrap_or("web");
    if !matches!(kind, "browser" | "native" | "service" | "web") {
        return Err(Failure::invalid("application_type", "'application_type' is invalid."));
    }
    let redirects = texts(settings, "redirect_uris").unwrap_or_default();
    if redirects.is_empty() && grant_types.iter().any(|kind| kind == "authorization_code" || kind == "implicit") {
        return Err(Failure::invalid("redirect_uris", "'redirect_uris' must be specified."));
    }
    let keys = keys(settings, managed, now)?;
    let keys_uri = text(settings, "jwks_uri").map(str::to_owned);
    if auth_method == PRIVATE_KEY_JWT && keys.is_empty() && keys_uri.is_none() {
        // What Okta does is not known. An app that nobody can use helps no client, and so it is refused.
        return Err(Failure::invalid("jwks", "'jwks' or 'jwks_uri' must be specified for the 'private_key_jwt' authentication method."));
    }
    Ok(DraftClient {
        id: client_id(credentials)?,
        auth_method: auth_method.to_owned(),
        is_service: kind == "service",
        is_bound: settings.get("dpop_bound_access_tokens").and_then(Value::as_bool).unwrap_or_default(),
        keys,
        keys_uri,
        credentials: without(credentials, &["client_id", "client_secret", "token_endpoint_auth_method"]),
        settings: without(settings, &["dpop_bound_access_tokens", "jwks", "jwks_uri"]),
    })
}

fn without(object: &Object, names: &[&str]) -> Object {
    object.iter().filter(|(name, _)| !names.contains(&name.as_str())).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn client_id(credentials: &Object) -> Result<Option<String>, Failure> {
    let Some(id) = text(credentials, "client_id").filter(|id| !id.is_empty()) else { return Ok(None) };
    let is_fitting = id.chars().all(|letter| letter.is_ascii_alphanumeric() || "$-_.+!*'(),".contains(letter));
    if !is_fitting || id == "ALL_CLIENTS" || id.len() > 100 {
        return Err(Failure::invalid("client_id", "'client_id' is invalid."));
    }
    Ok(Some(id.to_owned()))
}

fn keys(settings: &Object, managed: &mut Managed, now: Moment) -> Result<Vec<AppKey>, Failure> {
    let Some(set) = settings.get("jwks").filter(|set| !set.is_null()) else { return Ok(Vec::new()) };
    let sent = set.get("keys").and_then(Value::as_array).ok_or_else(|| jwk::refusal("'jwks' must have 'keys'."))?;
    let mut keys = Vec::with_capacity(sent.len());
    for key in sent {
        let key = key.as_object().ok_or_else(|| jwk::refusal("The key is not a valid public key."))?;
        keys.push(jwk::read(key, managed, now)?);
    }
    jwk::check_together(&keys)?;
    Ok(keys)
}

impl Draft {
    /// The app, new in the org.
    pub(super) fn into_app(self, id: Id, status: AppStatus, secret: impl FnOnce() -> String, now: Moment) -> App {
        let client = self.client.map(|client| client.into_client(&id, secret));
        App {
            id,
            name: self.name,
            label: self.label,
            sign_on_mode: self.sign_on_mode,
            status,
            created: now,
            updated: now,
            shown: self.shown,
            client,
            roles: Vec::new(),
            requests: 0,
            epoch: 0,
        }
    }
}

impl DraftClient {
    fn into_client(self, app: &Id, secret: impl FnOnce() -> String) -> Client {
        let has_secret = self.auth_method.starts_with("client_secret");
        Client {
            id: self.id.unwrap_or_else(|| app.to_string()),
            secret: has_secret.then(secret),
            auth_method: self.auth_method,
            is_service: self.is_service,
            dpop: if self.is_bound { Dpop::Required } else { Dpop::NotRequired },
            keys: self.keys,
            keys_uri: self.keys_uri,
            credentials: self.credentials,
            settings: self.settings,
        }
    }

    /// The client that takes the place of this one. Keys that it had keep their ids, and one that could be bound still can.
    pub(super) fn in_place_of(mut self, old: &Client, app: &Id, secret: impl FnOnce() -> String) -> Client {
        for key in &mut self.keys {
            if let Some(known) = old.keys.iter().find(|known| known.key == key.key && known.kid == key.kid) {
                (key.id, key.created) = (known.id.clone(), known.created);
            }
        }
        let dpop = if !self.is_bound && old.dpop == Dpop::Optional { Dpop::Optional } else { Dpop::NotRequired };
        self.id = Some(old.id.clone());
        let kept = old.secret.clone();
        let client = self.into_client(app, || kept.unwrap_or_else(secret));
        if client.dpop == Dpop::Required { client } else { Client { dpop, ..client } }
    }

    /// Whether the keys are others than those of this client, or in another state.
    pub(super) fn changes_keys(&self, old: &Client) -> bool {
        let known = |key: &AppKey| old.keys.iter().any(|known| known.key == key.key && known.kid == key.kid && known.status == key.status);
        self.keys.len() != old.keys.len() || !self.keys.iter().all(known) || self.keys_uri != old.keys_uri
    }
}

/// Whether apps of this name are made by Okta itself.
pub(super) fn is_built_in(name: &str) -> bool {
    name == "saasure" || name == "flow" || name.starts_with("okta_")
}

/// Adds a service app without keys to the org; returns its id.
pub(crate) fn new_service_app(managed: &mut Managed, label: &str, now: Moment) -> String {
    let settings = json!({"grant_types": ["client_credentials"], "response_types": ["token"], "application_type": "service"});
    let Value::Object(settings) = settings else { return String::new() };
    let id = managed.id(Kind::App);
    let client = DraftClient {
        id: None,
        auth_method: PRIVATE_KEY_JWT.to_owned(),
        is_service: true,
        is_bound: false,
        keys: Vec::new(),
        keys_uri: None,
        credentials: Object::new(),
        settings,
    };
    let (name, sign_on_mode) = ("oidc_client".to_owned(), OIDC.to_owned());
    let draft = Draft { name, label: label.to_owned(), sign_on_mode, shown: Object::new(), client: Some(client) };
    let text = id.to_string();
    managed.add_app(draft.into_app(id, AppStatus::Active, String::new, now));
    text
}
