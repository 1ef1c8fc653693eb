//! Doing one step.

use super::MARKER;
use super::journal::Made;
use super::look::Admin;
use super::settle::not_done;
use super::spec::{AppSpec, KeySource, TokenBinding};
use super::state::{App, CUSTOM, READ_ONLY_ADMIN, text};
use super::steps::{Found, PERMISSIONS, RESOURCES, Step};
use super::write::WriteFault;
use crate::error::{Error, SetupFault};
use crate::key::PublicJwk;
use crate::transport::Route;
use serde_json::{Map, Value, json};
use url::Url;

impl Admin {
    pub(super) async fn write(&self, route: Route, url: &Url, body: Option<&Value>) -> Result<Value, WriteFault> {
        self.client.inner.write(route, url, body).await
    }

    /// Does a step; `found` learns what it made.
    pub(super) async fn execute(&self, step: &Step, spec: &AppSpec, issuer: &str, found: &mut Found) -> Result<Option<Made>, WriteFault> {
        match step {
            Step::CreateApp => self.create_app(spec, found).await,
            Step::CreateRole => self.create_role(spec, found).await,
            Step::CreateResourceSet => self.create_resource_set(spec, found).await,
            Step::AddPermission { permission } => {
                let role = id_of(found.custom_role.as_ref().map(|role| &role.id), Route::AddPermission)?;
                let url = self.url(&["api", "v1", "iam", "roles", role, "permissions", permission]);
                self.write(Route::AddPermission, &url, None).await?;
                Ok(Some(Made::Repaired { what: format!("permission {permission} of role {role}") }))
            }
            Step::AddResources => {
                let set = id_of(found.resource_set.as_ref().map(|set| &set.id), Route::AddResources)?;
                let url = self.url(&["api", "v1", "iam", "resource-sets", set, "resources"]);
                self.write(Route::AddResources, &url, Some(&json!({"additions": self.resources()}))).await?;
                Ok(Some(Made::Repaired { what: format!("users and groups in resource set {set}") }))
            }
            _ => {
                let app = found.app.as_ref().ok_or_else(|| unknown(Route::Apps))?;
                self.execute_on_app(step, spec, issuer, app, found).await
            }
        }
    }

    async fn execute_on_app(
        &self,
        step: &Step,
        spec: &AppSpec,
        issuer: &str,
        app: &App,
        found: &Found,
    ) -> Result<Option<Made>, WriteFault> {
        let below = |rest: &[&str]| self.url(&[&["api", "v1", "apps", app.id.as_str()], rest].concat());
        let repaired = |what: String| Ok(Some(Made::Repaired { what }));
        match step {
            Step::UpdateApp { what } => {
                self.write(Route::UpdateApp, &below(&[]), Some(&updated(app, spec))).await?;
                repaired(format!("app {}: {what}", app.id))
            }
            Step::ActivateApp => {
                self.write(Route::ActivateApp, &below(&["lifecycle", "activate"]), None).await?;
                repaired(format!("app {} is active", app.id))
            }
            Step::AddKey => {
                let Some(jwk) = spec.public_jwk() else { return Ok(None) };
                self.add_key(&app.id, &jwk).await?;
                Ok(Some(Made::Key { app_id: app.id.clone(), key_id: jwk.kid }))
            }
            Step::ActivateKey { id } => {
                let url = below(&["credentials", "jwks", id, "lifecycle", "activate"]);
                self.write(Route::ActivateKey, &url, None).await?;
                repaired(format!("key {id} of app {} is active", app.id))
            }
            Step::GrantScope { scope } => {
                self.write(Route::GrantScope, &below(&["grants"]), Some(&json!({"scopeId": scope, "issuer": issuer})))
                    .await
                    .map_err(|fault| scope_fault(fault, scope))?;
                Ok(Some(Made::Scope { app_id: app.id.clone(), scope: scope.clone() }))
            }
            Step::RevokeScope { id, scope } => {
                self.write(Route::RevokeScope, &below(&["grants", id]), None).await?;
                repaired(format!("scope {scope} of app {} is revoked", app.id))
            }
            Step::UnassignRole { id, role } => {
                self.unassign(&app.client_id, id).await?;
                repaired(format!("role {role} of app {} is taken away", app.client_id))
            }
            Step::AssignReadOnlyAdmin => self.assign(app, json!({"type": READ_ONLY_ADMIN}), READ_ONLY_ADMIN).await,
            Step::AssignCustomRole => {
                let role = id_of(found.custom_role.as_ref().map(|role| &role.id), Route::AssignRole)?;
                let set = id_of(found.resource_set.as_ref().map(|set| &set.id), Route::AssignRole)?;
                self.assign(app, json!({"type": CUSTOM, "role": role, "resource-set": set}), CUSTOM).await
            }
            Step::SetRateShare { percent } => self.set_rate_share(app, *percent, found).await,
            _ => Ok(None),
        }
    }

    async fn create_app(&self, spec: &AppSpec, found: &mut Found) -> Result<Option<Made>, WriteFault> {
        let mut url = self.url(&["api", "v1", "apps"]);
        url.query_pairs_mut().append_pair("activate", "true");
        let answer = self.write(Route::CreateApp, &url, Some(&new_app(spec))).await?;
        // An answer that names no id says no more than that there is an app now; one that names it may be of another shape than is expected.
        let Some(app_id) = text(&answer["id"]) else { return Ok(None) };
        found.app = App::read(&answer);
        let client_id = found.app.as_ref().map_or_else(|| app_id.clone(), |app| app.client_id.clone());
        Ok(Some(Made::App { app_id, client_id }))
    }

    pub(super) async fn add_key(&self, app: &str, jwk: &PublicJwk) -> Result<(), WriteFault> {
        let url = self.url(&["api", "v1", "apps", app, "credentials", "jwks"]);
        self.write(Route::AddKey, &url, Some(&registered(jwk))).await.map(drop)
    }

    pub(super) async fn unassign(&self, client: &str, id: &str) -> Result<(), WriteFault> {
        let url = self.url(&["oauth2", "v1", "clients", client, "roles", id]);
        self.write(Route::UnassignRole, &url, None).await.map(drop)
    }

    async fn assign(&self, app: &App, body: Value, role: &str) -> Result<Option<Made>, WriteFault> {
        let url = self.url(&["oauth2", "v1", "clients", &app.client_id, "roles"]);
        self.write(Route::AssignRole, &url, Some(&body)).await?;
        Ok(Some(Made::Assignment { client_id: app.client_id.clone(), role: role.to_owned() }))
    }

    async fn create_role(&self, spec: &AppSpec, found: &mut Found) -> Result<Option<Made>, WriteFault> {
        let body = json!({
            "label": spec.role_label(),
            "description": format!("{MARKER} for the app {}: may read users and groups", spec.label()),
            "permissions": PERMISSIONS,
        });
        let answer = self.write(Route::CreateRole, &self.url(&["api", "v1", "iam", "roles"]), Some(&body)).await?;
        let role_id = text(&answer["id"]).ok_or_else(|| unknown(Route::CreateRole))?;
        found.custom_role = super::state::Named::read(&answer);
        Ok(Some(Made::Role { role_id }))
    }

    async fn create_resource_set(&self, spec: &AppSpec, found: &mut Found) -> Result<Option<Made>, WriteFault> {
        let body = json!({
            "label": spec.resource_set_label(),
            "description": format!("{MARKER} for the app {}: all users and groups", spec.label()),
            "resources": self.resources(),
        });
        let answer = self.write(Route::CreateResourceSet, &self.url(&["api", "v1", "iam", "resource-sets"]), Some(&body)).await?;
        let resource_set_id = text(&answer["id"]).ok_or_else(|| unknown(Route::CreateResourceSet))?;
        found.resource_set = super::state::Named::read(&answer);
        Ok(Some(Made::ResourceSet { resource_set_id }))
    }

    fn resources(&self) -> Vec<String> {
        RESOURCES.iter().map(|resource| self.url(&["api", "v1", resource]).to_string()).collect()
    }

    async fn set_rate_share(&self, app: &App, percent: u8, found: &Found) -> Result<Option<Made>, WriteFault> {
        let body = json!({
            "principalId": app.id,
            "principalType": "OAUTH_CLIENT",
            "defaultPercentage": percent,
            "defaultConcurrencyPercentage": percent,
        });
        match &found.rate_limit {
            Some(limit) => {
                let url = self.url(&["api", "v1", "principal-rate-limits", &limit.id]);
                self.write(Route::UpdateRateLimit, &url, Some(&body)).await?;
            }
            None => {
                self.write(Route::CreateRateLimit, &self.url(&["api", "v1", "principal-rate-limits"]), Some(&body)).await?;
            }
        }
        Ok(Some(Made::Repaired { what: format!("app {} may use {percent} % of the rate limits", app.id) }))
    }
}

/// The body that creates an app.
fn new_app(spec: &AppSpec) -> Value {
    let mut oauth = json!({
        "application_type": "service",
        "consent_method": "TRUSTED",
        "issuer_mode": "ORG_URL",
        "grant_types": ["client_credentials"],
        "response_types": ["token"],
        "dpop_bound_access_tokens": spec.binding == TokenBinding::Dpop,
    });
    if let KeySource::JwksUri(uri) = &spec.key {
        oauth["jwks_uri"] = json!(uri.as_str());
    }
    if let Some(jwk) = spec.public_jwk() {
        oauth["jwks"] = json!({"keys": [registered(&jwk)]});
    }
    json!({
        "name": "oidc_client",
        "label": spec.label(),
        "signOnMode": "OPENID_CONNECT",
        "credentials": {"oauthClient": {"token_endpoint_auth_method": "private_key_jwt", "autoKeyRotation": true, "pkce_required": false}},
        "settings": {"notes": {"admin": notes(spec)}, "oauthClient": oauth},
        "visibility": {"hide": {"iOS": true, "web": true}},
    })
}

/// The body that updates an app: all of it, with what is wanted put in place.
fn updated(app: &App, spec: &AppSpec) -> Value {
    let mut whole = app.whole.clone();
    if let Some(members) = whole.as_object_mut() {
        for read_only in ["_links", "_embedded", "created", "lastUpdated", "orn"] {
            members.remove(read_only);
        }
    }
    change(&mut whole, &["settings", "notes"], |notes_of| {
        notes_of.insert("admin".to_owned(), json!(notes(spec)));
    });
    change(&mut whole, &["credentials", "oauthClient"], |client| {
        client.insert("token_endpoint_auth_method".to_owned(), json!("private_key_jwt"));
    });
    change(&mut whole, &["settings", "oauthClient"], |oauth| {
        oauth.insert("dpop_bound_access_tokens".to_owned(), json!(spec.binding == TokenBinding::Dpop));
        oauth.insert("grant_types".to_owned(), json!(["client_credentials"]));
        oauth.insert("response_types".to_owned(), json!(["token"]));
        if let KeySource::JwksUri(uri) = &spec.key {
            oauth.insert("jwks_uri".to_owned(), json!(uri.as_str()));
            oauth.remove("jwks");
        }
    });
    whole
}

/// Changes the object at this place. Whatever else is there gives way to an object, for an answer may be of any shape.
fn change(value: &mut Value, path: &[&str], how: impl FnOnce(&mut Map<String, Value>)) {
    let mut members = match value.take() {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    match path {
        [] => how(&mut members),
        [first, rest @ ..] => change(members.entry(*first).or_insert(Value::Null), rest, how),
    }
    *value = Value::Object(members);
}

fn notes(spec: &AppSpec) -> String {
    format!("{MARKER}. It reads users and groups with the scopes {}. Change it by running provision again.", spec.scopes().join(" "))
}

/// A public key as it is registered.
fn registered(jwk: &PublicJwk) -> Value {
    let mut value = serde_json::to_value(jwk).unwrap_or_default();
    value["status"] = json!("ACTIVE");
    value
}

fn id_of(id: Option<&String>, route: Route) -> Result<&str, WriteFault> {
    id.map(String::as_str).ok_or_else(|| unknown(route))
}

/// Something that should be there by now is not; looking again will tell.
fn unknown(route: Route) -> WriteFault {
    WriteFault::Unknown(not_done(route).into())
}

/// Says which scope was refused, and that only a super administrator may grant one.
fn scope_fault(fault: WriteFault, scope: &str) -> WriteFault {
    let WriteFault::Refused(error) = fault else { return fault };
    let error = match *error {
        Error::Setup { operation, fault: SetupFault::NotAllowed, detail } => {
            Error::Setup { operation, fault: SetupFault::NotSuperAdmin, detail }
        }
        Error::Api { operation, status: 400..=499, detail } => {
            Error::Setup { operation, fault: SetupFault::ScopeRefused { scope: scope.to_owned() }, detail }
        }
        other => other,
    };
    WriteFault::Refused(error.into())
}
