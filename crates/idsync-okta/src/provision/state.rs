//! What there is of an app in an org, as far as provisioning goes.

use super::MARKER;
use crate::wire::DecodeFault;
use idsync_core::Page;
use serde_json::Value;

/// A service app.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) label: String,
    pub(super) created: String,
    pub(super) is_active: bool,
    pub(super) is_ours: bool,
    pub(super) keys: Vec<AppKey>,
    /// The app as Okta sent it, for updates send the whole.
    pub(super) whole: Value,
}

/// A public key of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AppKey {
    pub(super) id: String,
    pub(super) kid: String,
    pub(super) is_active: bool,
    /// The members that make the key: modulus and exponent, or the point.
    pub(super) material: [Option<String>; 4],
}

/// An OAuth scope that an app was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) id: String,
    pub(super) scope: String,
}

/// An admin role that an app was assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientRole {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) role: Option<String>,
    pub(super) resource_set: Option<String>,
}

/// A custom role or a resource set with our label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) is_ours: bool,
    /// What it has of that which is wanted: permissions, or `users` and `groups`.
    pub(super) has: Vec<String>,
}

/// The share of the rate limits that an app was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RateLimit {
    pub(super) id: String,
    pub(super) percent: Option<u64>,
}

pub(super) const READ_ONLY_ADMIN: &str = "READ_ONLY_ADMIN";
pub(super) const CUSTOM: &str = "CUSTOM";

impl App {
    /// Reads a service app; `None` for any other kind of app.
    pub(super) fn read(whole: &Value) -> Option<Self> {
        let oauth = &whole["settings"]["oauthClient"];
        let is_meant = whole["name"] == "oidc_client" && oauth["application_type"] == "service" && whole["status"] != "DELETED";
        if !is_meant {
            return None;
        }
        let id = text(&whole["id"])?;
        let keys = oauth["jwks"]["keys"].as_array().map_or(&[][..], Vec::as_slice);
        Some(Self {
            client_id: text(&whole["credentials"]["oauthClient"]["client_id"]).unwrap_or_else(|| id.clone()),
            id,
            label: text(&whole["label"]).unwrap_or_default(),
            created: text(&whole["created"]).unwrap_or_default(),
            is_active: whole["status"] == "ACTIVE",
            is_ours: text(&whole["settings"]["notes"]["admin"]).is_some_and(|notes| notes.contains(MARKER)),
            keys: keys.iter().filter_map(AppKey::read).collect(),
            whole: whole.clone(),
        })
    }

    pub(super) fn oauth(&self) -> &Value {
        &self.whole["settings"]["oauthClient"]
    }
}

impl AppKey {
    pub(super) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            id: text(&value["id"])?,
            kid: text(&value["kid"]).unwrap_or_default(),
            is_active: value["status"] != "INACTIVE",
            material: ["n", "e", "x", "y"].map(|member| text(&value[member])),
        })
    }
}

impl Grant {
    pub(super) fn read(value: &Value) -> Option<Self> {
        (value["status"] != "REVOKED").then_some(())?;
        Some(Self { id: text(&value["id"])?, scope: text(&value["scopeId"])? })
    }
}

impl ClientRole {
    pub(super) fn read(value: &Value) -> Option<Self> {
        (value["status"] != "INACTIVE").then_some(())?;
        Some(Self {
            id: text(&value["id"])?,
            kind: text(&value["type"])?,
            role: text(&value["role"]),
            resource_set: text(&value["resource-set"]),
        })
    }
}

impl Named {
    pub(super) fn read(value: &Value) -> Option<Self> {
        let is_ours = text(&value["description"]).is_some_and(|description| description.contains(MARKER));
        Some(Self { id: text(&value["id"])?, is_ours, has: Vec::new() })
    }
}

impl RateLimit {
    pub(super) fn read(value: &Value, principal: &str) -> Option<Self> {
        (value["principalId"] == principal).then_some(())?;
        Some(Self { id: text(&value["id"])?, percent: value["defaultPercentage"].as_u64() })
    }
}

pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Reads any JSON.
pub(super) fn value(body: &[u8]) -> Result<Value, DecodeFault> {
    crate::wire::value(body)
}

/// Reads a page of anything.
pub(super) fn values(body: &[u8]) -> Result<Page<Value>, DecodeFault> {
    match crate::wire::value(body)? {
        Value::Array(items) => Ok(Page::new(items)),
        _ => Err(DecodeFault::NotTheShape),
    }
}
