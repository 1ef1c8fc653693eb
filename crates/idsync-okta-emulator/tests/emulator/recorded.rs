//! Answers compared with recorded ones: the same members with the same JSON types. Where the recordings are not at hand this is skipped.

use crate::support::{Answer, Tested};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A recorded exchange.
struct Exchange(Value);

impl Exchange {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap_or_default()
    }

    fn year(&self) -> u32 {
        let headers = self.0["response_headers"].as_array().unwrap();
        let date = headers.iter().find(|header| header[0].as_str().unwrap().eq_ignore_ascii_case("date"));
        date.and_then(|header| header[1].as_str()?.get(12..16)?.parse().ok()).unwrap_or_default()
    }

    /// The path with `{}` for what looks like an id.
    fn form(&self) -> String {
        let is_id = |part: &str| {
            let known = ["0oa", "oag", "pks", "cr0", "iam", "ire", "irb", "irs", "00T", "00u"];
            part.len() >= 16
                && (known.iter().any(|prefix| part.starts_with(prefix))
                    || part.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit()))
        };
        let parts = self.text("path").split('/').map(|part| if is_id(part) || part == "invalid-id" { "{}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }
}

/// The exchanges with this method, form of path and status; `None` where there are no recordings at hand.
struct Recordings(Vec<Exchange>);

impl Recordings {
    fn read() -> Option<Self> {
        let Some(folder) = std::env::var_os("IDSYNC_REFERENCE").filter(|folder| !folder.is_empty()) else {
            println!("skipped: IDSYNC_REFERENCE names no folder with fixtures/okta-recorded.jsonl");
            return None;
        };
        let text = std::fs::read_to_string(Path::new(&folder).join("fixtures/okta-recorded.jsonl")).unwrap();
        let all = text.lines().map(|line| Exchange(serde_json::from_str(line).unwrap()));
        Some(Self(all.filter(|exchange| exchange.text("kind") == "recorded").collect()))
    }

    fn find(&self, method: &str, form: &str, status: u16, is_meant: impl Fn(&Exchange) -> bool) -> Vec<&Exchange> {
        let is_it = |exchange: &&Exchange| {
            exchange.text("method") == method && exchange.form() == form && exchange.0["status"] == status && is_meant(exchange)
        };
        let found: Vec<&Exchange> = self.0.iter().filter(is_it).collect();
        assert!(!found.is_empty(), "no recording of {method} {form} {status}");
        found
    }
}

/// What a value is like: each place in it, with the types that are there. Places in arrays are one place.
fn shape(value: &Value) -> BTreeMap<String, BTreeSet<&'static str>> {
    fn walk(value: &Value, place: &str, shape: &mut BTreeMap<String, BTreeSet<&'static str>>) {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        shape.entry(place.to_owned()).or_default().insert(kind);
        match value {
            Value::Array(values) => values.iter().for_each(|value| walk(value, &format!("{place}[]"), shape)),
            Value::Object(members) => members.iter().for_each(|(name, value)| walk(value, &format!("{place}.{name}"), shape)),
            _ => {}
        }
    }
    let mut all = BTreeMap::new();
    walk(value, "", &mut all);
    all
}

/// Requires that an answer is like a recorded one, except in places that start with one of these.
fn expect_like(answer: &Value, exchange: &Exchange, except: &[&str]) {
    let without = |value: &Value| {
        let mut shape = shape(value);
        shape.retain(|place, _| !except.iter().any(|start| place.starts_with(start)));
        shape
    };
    let (found, wanted) = (without(answer), without(&exchange.0["response_body"]));
    assert_eq!(found, wanted, "{}\n{answer:#}", exchange.text("source"));
}

/// Requires that a refusal is the recorded one, apart from its number and the ids in it.
fn expect_refusal(answer: &Answer, exchange: &Exchange, id: &str) {
    let (mut found, mut wanted) = (answer.json(), exchange.0["response_body"].clone());
    found["errorId"] = json!("");
    wanted["errorId"] = json!("");
    let summary = wanted["errorSummary"].as_str().unwrap();
    if let Some((words, rest)) = summary.split_once("not found: ") {
        let kind = rest.split_once(' ').unwrap().1;
        wanted["errorSummary"] = json!(format!("{words}not found: {id} {kind}"));
    }
    assert_eq!((json!(answer.status), found), (exchange.0["status"].clone(), wanted), "{}", exchange.text("source"));
}

#[tokio::test]
async fn service_apps_look_as_recorded() {
    let Some(recordings) = Recordings::read() else { return };
    let org = Tested::start().await;
    let is_service = |exchange: &Exchange| {
        exchange.0["request_body"]["settings"]["oauthClient"]["application_type"] == "service" && exchange.year() >= 2026
    };
    for exchange in recordings.find("POST", "/api/v1/apps", 200, is_service) {
        let has_keys = exchange.0["response_body"]["settings"]["oauthClient"]["jwks"].is_object();
        // In one of the orgs it is null, in the others an object.
        let except: &[&str] = if has_keys { &[] } else { &[".universalLogout"] };
        let made = org.done("POST", "/api/v1/apps?activate=true", exchange.0["request_body"].clone()).await;
        expect_like(&made, exchange, except);
        let read = org.done("GET", &format!("/api/v1/apps/{}", made["id"].as_str().unwrap()), Value::Null).await;
        let same: BTreeSet<String> = shape(&made).into_keys().collect();
        let left: Vec<String> = same.difference(&shape(&read).into_keys().collect()).cloned().collect();
        assert_eq!(left, if has_keys { vec![] } else { vec![".credentials.oauthClient.client_secret".to_owned()] });
    }
}

#[tokio::test]
async fn other_apps_in_lists_have_what_recorded_ones_have() {
    let Some(recordings) = Recordings::read() else { return };
    let org = Tested::start().await;
    let rows = org.done("GET", "/api/v1/apps", Value::Null).await;
    let is_late =
        |exchange: &Exchange| exchange.year() >= 2025 && exchange.0["response_body"].as_array().is_some_and(|rows| !rows.is_empty());
    for exchange in recordings.find("GET", "/api/v1/apps", 200, is_late) {
        for recorded in exchange.0["response_body"].as_array().unwrap() {
            let names = |app: &Value| app.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
            let Some(app) =
                rows.as_array().unwrap().iter().find(|app| app["name"] == recorded["name"] && app["status"] == recorded["status"])
            else {
                continue;
            };
            // Some orgs show more.
            assert!(names(recorded).is_superset(&names(app)), "{}: {}", exchange.text("source"), recorded["name"]);
            assert_eq!(app["signOnMode"], recorded["signOnMode"]);
        }
    }
}

#[tokio::test]
async fn grants_look_as_recorded() {
    let Some(recordings) = Recordings::read() else { return };
    let org = Tested::start().await;
    let (id, _) = org.made_app("Compared").await;
    let made = org.granted(&id, "okta.users.read").await.json();
    let path = format!("/api/v1/apps/{id}/grants");
    let one = org.done("GET", &format!("{path}/{}", made["id"].as_str().unwrap()), Value::Null).await;
    let list = org.done("GET", &path, Value::Null).await;
    for (method, form, answer) in
        [("POST", "/api/v1/apps/{}/grants", &made), ("GET", "/api/v1/apps/{}/grants", &list), ("GET", "/api/v1/apps/{}/grants/{}", &one)]
    {
        for exchange in recordings.find(method, form, 200, |_| true) {
            expect_like(answer, exchange, &[]);
        }
    }
}

#[tokio::test]
async fn roles_of_clients_look_as_recorded() {
    let Some(recordings) = Recordings::read() else { return };
    let org = Tested::start().await;
    for (at, exchange) in recordings.find("POST", "/oauth2/v1/clients/{}/roles", 201, |_| true).into_iter().enumerate() {
        let (id, _) = org.made_app(&format!("Role {at}")).await;
        let made = org.done("POST", &format!("/oauth2/v1/clients/{id}/roles"), exchange.0["request_body"].clone()).await;
        expect_like(&made, exchange, &[]);
        let recorded = &exchange.0["response_body"];
        assert_eq!((&made["id"], &made["label"], &made["type"]), (&recorded["id"], &recorded["label"], &recorded["type"]));
    }
    let is_custom = |exchange: &Exchange| exchange.0["response_body"][0]["type"] == "CUSTOM";
    let role = org.done("POST", "/api/v1/iam/roles", json!({"label": "r", "description": "d", "permissions": ["okta.users.read"]})).await;
    let set = json!({"label": "s", "description": "d", "resources": [org.at("/api/v1/users")]});
    let set = org.done("POST", "/api/v1/iam/resource-sets", set).await;
    let (id, _) = org.made_app("Custom").await;
    let body = json!({"type": "CUSTOM", "role": role["id"], "resource-set": set["id"]});
    let made = org.done("POST", &format!("/oauth2/v1/clients/{id}/roles"), body).await;
    for exchange in recordings.find("GET", "/api/v1/users/{}/roles", 200, is_custom) {
        // There is no recording of a client's; a user's has the same members.
        expect_like(&json!([made]), exchange, &[]);
    }
}

#[tokio::test]
async fn custom_roles_and_resource_sets_look_as_recorded() {
    let Some(recordings) = Recordings::read() else { return };
    let org = Tested::start().await;
    let is_late = |exchange: &Exchange| exchange.year() >= 2025;
    let body = json!({"label": "Compared", "description": "d", "permissions": ["okta.users.read", "okta.groups.read"]});
    let role = org.done("POST", "/api/v1/iam/roles", body).await;
    let role_path = format!("/api/v1/iam/roles/{}", role["id"].as_str().unwrap());
    // The one of later recordings that lacks it is of an org with other features.
    let is_cloneable = |exchange: &Exchange| is_late(exchange) && !exchange.0["response_body"]["isCloneable"].is_null();
    for exchange in recordings.find("POST", "/api/v1/iam/roles", 200, is_cloneable) {
        expect_like(&role, exchange, &[]);
    }
    let permissions = org.done("GET", &format!("{role_path}/permissions"), Value::Null).await;
    for exchange in recordings.find("GET", "/api/v1/iam/roles/{}/permissions", 200, |_| true) {
        expect_like(&permissions, exchange, &[]);
    }
    let permission = org.done("GET", &format!("{role_path}/permissions/okta.groups.read"), Value::Null).await;
    for exchange in recordings.find("GET", "/api/v1/iam/roles/{}/permissions/okta.groups.read", 200, |_| true) {
        expect_like(&permission, exchange, &[]);
    }
    let body = json!({"label": "Compared", "description": "d", "resources": [org.at("/api/v1/users")]});
    let set = org.done("POST", "/api/v1/iam/resource-sets", body).await;
    let set_path = format!("/api/v1/iam/resource-sets/{}", set["id"].as_str().unwrap());
    let list = org.done("GET", "/api/v1/iam/resource-sets", Value::Null).await;
    let resources = org.done("GET", &format!("{set_path}/resources"), Value::Null).await;
    let members = json!([org.at(&format!("/oauth2/v1/clients/{}", org.client_id()))]);
    let binding = org.done("POST", &format!("{set_path}/bindings"), json!({"role": role["id"], "members": members})).await;
    let members = org.done("GET", &format!("{set_path}/bindings/{}/members", role["id"].as_str().unwrap()), Value::Null).await;
    let patched = org.done("PATCH", &format!("{set_path}/resources"), json!({"additions": [org.at("/api/v1/groups")]})).await;
    let both = org.done("GET", &format!("{set_path}/resources"), Value::Null).await;
    for (method, form, answer) in [
        ("POST", "/api/v1/iam/resource-sets", &set),
        ("GET", "/api/v1/iam/resource-sets/{}", &set),
        ("GET", "/api/v1/iam/resource-sets", &list),
        ("PATCH", "/api/v1/iam/resource-sets/{}/resources", &patched),
    ] {
        for exchange in recordings.find(method, form, 200, |_| true) {
            expect_like(answer, exchange, &[]);
        }
    }
    for exchange in recordings.find("GET", "/api/v1/iam/resource-sets/{}/resources", 200, is_late) {
        let has_groups = exchange.0["response_body"]["resources"].as_array().unwrap().len() > 1;
        expect_like(if has_groups { &both } else { &resources }, exchange, &[]);
    }
    // These two are of an org of 2023, whose lists had no link to themselves.
    for exchange in recordings.find("POST", "/api/v1/iam/resource-sets/{}/bindings", 200, |_| true) {
        expect_like(&binding, exchange, &[]);
    }
    for exchange in recordings.find("GET", "/api/v1/iam/resource-sets/{}/bindings/{}/members", 200, |_| true) {
        expect_like(&members, exchange, &["._links.self"]);
    }
}

#[tokio::test]
async fn api_tokens_look_as_recorded() {
    let Some(recordings) = Recordings::read() else { return };
    let org = Tested::start().await;
    let list = org.done("GET", "/api/v1/api-tokens", Value::Null).await;
    for exchange in recordings.find("GET", "/api/v1/api-tokens", 200, |_| true) {
        // Null in one of the recordings.
        expect_like(&list, exchange, &["[].tokenWindow"]);
    }
    let one = org.done("GET", &format!("/api/v1/api-tokens/{}", list[0]["id"].as_str().unwrap()), Value::Null).await;
    for exchange in recordings.find("GET", "/api/v1/api-tokens/{}", 200, |exchange| !exchange.0["response_body"]["tokenWindow"].is_null()) {
        // A token that is bound to a zone names it.
        if exchange.0["response_body"]["network"]["connection"] == "ANYWHERE" {
            expect_like(&one, exchange, &[]);
        }
    }
    let is_super = |exchange: &Exchange| exchange.0["response_body"][0]["type"] == "SUPER_ADMIN" && exchange.year() >= 2020;
    let roles = org.done("GET", "/api/v1/users/me/roles", Value::Null).await;
    for exchange in recordings.find("GET", "/api/v1/users/{}/roles", 200, is_super) {
        expect_like(&roles, exchange, &[]);
        assert_eq!(roles[0]["label"], exchange.0["response_body"][0]["label"]);
    }
}

#[tokio::test]
async fn refusals_are_those_that_were_recorded() {
    let Some(recordings) = Recordings::read() else { return };
    let org = Tested::start().await;
    let (id, _) = org.made_app("Refusing").await;
    let short = json!({"kty": "RSA", "kid": "short", "use": "sig", "e": "AQAB", "n": "AQAB"});
    let set = json!({"description": "no label", "resources": [org.at("/api/v1/users")]});
    let additions = json!({"additions": [org.at("/api/v1/users")]});
    let calls = [
        ("DELETE", format!("/api/v1/apps/{id}"), Value::Null, "/api/v1/apps/{}", 403, ""),
        ("GET", "/api/v1/apps/0oaX".to_owned(), Value::Null, "/api/v1/apps/{}", 404, "0oaX"),
        ("POST", format!("/api/v1/apps/{id}/credentials/jwks"), short, "/api/v1/apps/{}/credentials/jwks", 400, ""),
        ("GET", "/api/v1/api-tokens/00TX".to_owned(), Value::Null, "/api/v1/api-tokens/{}", 404, "00TX"),
        ("DELETE", "/api/v1/api-tokens/00TX".to_owned(), Value::Null, "/api/v1/api-tokens/{}", 404, "00TX"),
        ("GET", "/api/v1/iam/roles/cr0X".to_owned(), Value::Null, "/api/v1/iam/roles/{}", 404, "cr0X"),
        ("POST", "/api/v1/iam/resource-sets".to_owned(), set, "/api/v1/iam/resource-sets", 400, ""),
        ("GET", "/api/v1/iam/resource-sets/iamX".to_owned(), Value::Null, "/api/v1/iam/resource-sets/{}", 404, "iamX"),
        ("DELETE", "/api/v1/iam/resource-sets/iamX".to_owned(), Value::Null, "/api/v1/iam/resource-sets/{}", 404, "iamX"),
        ("GET", "/api/v1/iam/resource-sets/iamX/resources".to_owned(), Value::Null, "/api/v1/iam/resource-sets/{}/resources", 404, "iamX"),
        ("PATCH", "/api/v1/iam/resource-sets/iamX/resources".to_owned(), additions, "/api/v1/iam/resource-sets/{}/resources", 404, "iamX"),
        ("GET", "/api/v1/iam/resource-sets/iamX/bindings".to_owned(), Value::Null, "/api/v1/iam/resource-sets/{}/bindings", 404, "iamX"),
    ];
    for (method, path, body, form, status, named) in calls {
        let answer = org.admin(method, &path, body).await;
        for exchange in recordings.find(method, form, status, |_| true) {
            expect_refusal(&answer, exchange, named);
        }
    }
    let mut quirks = idsync_okta_emulator::Quirks::default();
    quirks.app_quota = Some(0);
    org.org().set_quirks(quirks);
    let full = org.admin("POST", "/api/v1/apps", Tested::app_body("Full", &crate::signing::Key::fresh())).await;
    let is_quota = |exchange: &Exchange| exchange.0["response_body"].to_string().contains("Maximum number");
    for exchange in recordings.find("POST", "/api/v1/apps", 400, is_quota) {
        expect_refusal(&full, exchange, "");
    }
}
