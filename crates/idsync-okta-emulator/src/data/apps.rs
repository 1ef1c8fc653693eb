//! The apps of a fresh org, before anybody sets one up for reading it.

use crate::auth::Dpop;
use crate::id::{Id, Kind};
use crate::moment::Moment;
use crate::org::{App, AppStatus, Client};
use serde_json::{Map, Value, json};

/// 2019-01-01, when the org was founded.
pub(crate) const FOUNDED: Moment = Moment::from_seconds(1_546_300_800);

/// The apps that Okta makes itself, by name and label.
const BUILT_IN: [(&str, &str); 4] = [
    ("saasure", "Okta Admin Console"),
    ("okta_enduser", "Okta Dashboard"),
    ("okta_browser_plugin", "Okta Browser Plugin"),
    ("okta_flow_sso", "Okta Workflows"),
];
const LABELS: [&str; 6] = ["Intranet", "Expenses", "Payroll", "Ticket desk", "Wiki", "Directory viewer"];

/// The built-in apps, then `count` others of several kinds, some of them deactivated.
pub(crate) fn apps(seed: u64, count: u32) -> Vec<Option<App>> {
    let built_in = BUILT_IN.into_iter().zip(0..).map(|((name, label), index)| {
        let shown = json!({"visibility": {"appLinks": {}}, "credentials": {}});
        app(seed, index, (name, "OPENID_CONNECT"), label.to_owned(), AppStatus::Active, shown, None)
    });
    let first = BUILT_IN.len() as u32;
    let others = (first..first + count).map(|index| other(seed, index, index - first));
    built_in.chain(others).map(Some).collect()
}

/// How many apps there are with so many others.
pub(crate) fn app_count(others: u32) -> u32 {
    BUILT_IN.len() as u32 + others
}

fn other(seed: u64, index: u32, number: u32) -> App {
    let label = LABELS.get(number as usize % LABELS.len()).copied().unwrap_or_default();
    // Labels repeat, as they do in orgs of some age.
    let label = if number < 12 { label.to_owned() } else { format!("{label} {number}") };
    let status = if number % 5 == 4 { AppStatus::Inactive } else { AppStatus::Active };
    match number % 3 {
        0 => {
            let settings = json!({"settings": {"app": {"requestIntegration": false, "url": "https://www.example.com"}}});
            app(seed, index, ("bookmark", "BOOKMARK"), label, status, settings, None)
        }
        1 => app(seed, index, ("oidc_client", "OPENID_CONNECT"), label, status, json!({}), Some(web_client(seed, index))),
        _ => {
            let settings = json!({"settings": {"signOn": {"defaultRelayState": null, "attributeStatements": []}}});
            app(seed, index, ("template_saml_2_0", "SAML_2_0"), label, status, settings, None)
        }
    }
}

fn app(
    seed: u64,
    index: u32,
    (name, sign_on_mode): (&str, &str),
    label: String,
    status: AppStatus,
    shown: Value,
    client: Option<Client>,
) -> App {
    let shown = if let Value::Object(shown) = shown { shown } else { Map::new() };
    let created = FOUNDED.plus(i64::from(index) * 86_400);
    App {
        id: Id::new(seed, Kind::App, index),
        name: name.to_owned(),
        label,
        sign_on_mode: sign_on_mode.to_owned(),
        status,
        created,
        updated: created,
        shown,
        client,
        roles: Vec::new(),
        requests: 0,
        epoch: 0,
    }
}

/// The client of an app for people, with a secret.
fn web_client(seed: u64, index: u32) -> Client {
    let settings = json!({
        "application_type": "web", "grant_types": ["authorization_code"], "response_types": ["code"],
        "redirect_uris": ["https://www.example.com/callback"],
    });
    Client {
        id: Id::new(seed, Kind::App, index).to_string(),
        auth_method: "client_secret_basic".to_owned(),
        secret: Some(crate::id::letters(seed ^ u64::from(index), 64)),
        is_service: false,
        dpop: Dpop::NotRequired,
        keys: Vec::new(),
        keys_uri: None,
        credentials: Map::new(),
        settings: if let Value::Object(settings) = settings { settings } else { Map::new() },
    }
}
