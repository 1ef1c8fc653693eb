//! Apps as Okta writes them, with their members in Okta's order (recorded).

use super::json::{overlay, record};
use crate::auth::Dpop;
use crate::id::{Id, Kind, letters};
use crate::org::{App, AppKey, AppStatus, Client, Shared};
use crate::random::digest;
use serde_json::{Map, Value, json};

/// Whether a secret is shown, which is so in the answers to the calls that set it, and never in reads (recorded).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secret {
    Hidden,
    Shown,
}

/// An app as one object.
pub(super) fn app(shared: &Shared, app: &App, secret: Secret) -> Vec<u8> {
    let org = shared.org_id();
    let of_client = app.client.as_ref();
    let links = if of_client.is_some() { json!({"oidc_client_link": true}) } else { json!({"login": true}) };
    let accessibility = json!({"selfService": false, "errorRedirectUrl": null, "loginRedirectUrl": null});
    let visibility = json!({"autoLaunch": false, "autoSubmitToolbar": false, "hide": {"iOS": false, "web": false}, "appLinks": links});
    let logout = json!({"status": "DISABLED", "supportType": "FULL", "identityStack": "NOT_SHARED", "protocol": "GLOBAL_TOKEN_REVOCATION"});
    record(&[
        ("id", app.id.as_str().into()),
        ("orn", format!("orn:okta:idp:{org}:apps:{}:{}", app.name, app.id).into()),
        ("name", app.name.as_str().into()),
        ("label", app.label.as_str().into()),
        ("status", app.status.as_str().into()),
        ("lastUpdated", app.updated.text().into()),
        ("created", app.created.text().into()),
        ("accessibility", overlay(accessibility, app.shown.get("accessibility"))),
        ("visibility", overlay(visibility, app.shown.get("visibility"))),
        ("features", json!([])),
        ("signOnMode", app.sign_on_mode.as_str().into()),
        ("credentials", credentials(shared, app, secret)),
        ("universalLogout", if of_client.is_some() { logout } else { Value::Null }),
        ("settings", settings(app)),
        ("_links", app_links(shared, app)),
    ])
}

fn credentials(shared: &Shared, app: &App, secret: Secret) -> Value {
    let signing = letters(digest(shared.seed, app.sign_on_mode.as_bytes()), 43);
    let usual = json!({"userNameTemplate": {"template": "${source.login}", "type": "BUILT_IN"}, "signing": {"kid": signing}});
    let mut credentials = overlay(usual, app.shown.get("credentials"));
    if let Some(client) = &app.client {
        let mut members = client.credentials.clone();
        members.insert("client_id".to_owned(), client.id.as_str().into());
        members.insert("token_endpoint_auth_method".to_owned(), client.auth_method.as_str().into());
        if let Some(text) = client.secret.as_ref().filter(|_| secret == Secret::Shown) {
            members.insert("client_secret".to_owned(), text.as_str().into());
        }
        let usual = json!({"autoKeyRotation": true, "pkce_required": false});
        credentials = overlay(credentials, Some(&json!({"oauthClient": overlay(usual, Some(&Value::Object(members)))})));
    }
    credentials
}

fn settings(app: &App) -> Value {
    let usual = json!({
        "app": {}, "manualProvisioning": false, "implicitAssignment": false,
        "notifications": {"vpn": {"network": {"connection": "DISABLED"}, "message": null, "helpUrl": null}},
        "notes": {"admin": null, "enduser": null},
    });
    let mut settings = overlay(usual, app.shown.get("settings"));
    if let Some(client) = &app.client {
        let more = json!({"emOptInStatus": "NONE", "oauthClient": client_settings(client)});
        settings = overlay(settings, Some(&more));
    }
    settings
}

fn client_settings(client: &Client) -> Value {
    let usual = json!({
        "client_uri": null, "logo_uri": null, "redirect_uris": [], "response_types": ["token"], "grant_types": [],
        "consent_method": "TRUSTED", "issuer_mode": "ORG_URL", "idp_initiated_login": {"mode": "DISABLED", "default_scope": []},
        "wildcard_redirect": "DISABLED", "participate_slo": false,
        "application_type": if client.is_service { "service" } else { "web" },
        "dpop_bound_access_tokens": client.dpop == Dpop::Required,
    });
    let mut settings = overlay(usual, Some(&Value::Object(client.settings.clone())));
    if let Value::Object(settings) = &mut settings {
        if let Some(uri) = &client.keys_uri {
            settings.insert("jwks_uri".to_owned(), uri.as_str().into());
        }
        if !client.keys.is_empty() {
            let keys: Vec<Value> = client.keys.iter().map(key_in_app).collect();
            settings.insert("jwks".to_owned(), json!({"keys": keys}));
        }
    }
    settings
}

/// A key as apps show it: `use` is null when it was not sent, and so is the curve (recorded).
fn key_in_app(key: &AppKey) -> Value {
    let mut members = Map::new();
    let is_elliptic = key.members.get("kty").and_then(Value::as_str) == Some("EC");
    for name in if is_elliptic { &["use", "crv"][..] } else { &["use"] } {
        members.insert((*name).to_owned(), Value::Null);
    }
    members.extend(key.members.clone());
    members.insert("id".to_owned(), key.id.as_str().into());
    members.insert("kid".to_owned(), key.kid.clone().into());
    members.insert("status".to_owned(), key.status.as_str().into());
    Value::Object(members)
}

fn app_links(shared: &Shared, app: &App) -> Value {
    let (base, id, name) = (&shared.base, &app.id, &app.name);
    let own = format!("{base}/api/v1/apps/{id}");
    let policy = |index| format!("{base}/api/v1/policies/{}", Id::new(shared.seed, Kind::Policy, index));
    let mut links = json!({
        "uploadLogo": {"href": format!("{own}/logo"), "hints": {"allow": ["POST"]}},
        "appLinks": [{"name": format!("{name}_link"), "href": format!("{base}/home/{name}/{id}/aln1"), "type": "text/html"}],
        "profileEnrollment": {"href": policy(0)},
        "policies": {"href": format!("{own}/policies"), "hints": {"allow": ["PUT"]}},
        "groups": {"href": format!("{own}/groups")},
        "logo": [{"name": "medium", "href": "https://static.example.com/logos/default.png", "type": "image/png"}],
        "accessPolicy": {"href": policy(1)},
        "users": {"href": format!("{own}/users")},
    });
    let operation = if app.status == AppStatus::Active { "deactivate" } else { "activate" };
    let mut more = json!({operation: {"href": format!("{own}/lifecycle/{operation}")}});
    if let Some(client) = &app.client {
        // With a secret they name the secrets, with keys the keys (recorded).
        let kind = if client.secret.is_some() { "secrets" } else { "jwks" };
        let credentials = json!({"clientCredentials": [{"name": kind, "href": format!("{own}/credentials/{kind}")}]});
        more = overlay(more, Some(&credentials));
    }
    links = overlay(links, Some(&more));
    links
}

/// A key as the calls about keys show it (Okta reference: "Application SSO Public Keys").
pub(super) fn key(shared: &Shared, app: &App, key: &AppKey) -> Vec<u8> {
    let own = format!("{}/api/v1/apps/{}/credentials/jwks/{}", shared.base, app.id, key.id);
    let post = |operation| json!({"href": format!("{own}/lifecycle/{operation}"), "hints": {"allow": ["POST"]}});
    let links = if key.is_active() {
        json!({"deactivate": post("deactivate")})
    } else {
        json!({"activate": post("activate"), "delete": {"href": own, "hints": {"allow": ["DELETE"]}}})
    };
    let mut members: Vec<(&str, Value)> = vec![("id", key.id.as_str().into()), ("kid", key.kid.clone().into())];
    members.extend(key.members.iter().map(|(name, value)| (name.as_str(), value.clone())));
    members.extend([
        ("status", key.status.as_str().into()),
        ("created", key.created.text().into()),
        ("lastUpdated", key.updated.text().into()),
        ("_links", links),
    ]);
    record(&members)
}
