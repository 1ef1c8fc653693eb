//! Apps.

use crate::signing::Key;
use crate::support::Tested;
use idsync_okta_emulator::{
    AdminApps, AppStatus, Bucket, Dpop, InactiveApps, Labels, LifecycleBody, OktaEmulator, Quirks, RateLimits, Role,
};
use serde_json::{Value, json};
use std::time::Duration;

fn labels(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["label"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_app_is_made_read_changed_and_deleted() {
    let org = Tested::start().await;
    let mut body = Tested::app_body("Night reader", &Key::fresh());
    let made = org.done("POST", "/api/v1/apps?activate=true", body.clone()).await;
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["status"], &made["credentials"]["oauthClient"]["client_id"]), (&json!("ACTIVE"), &json!(id)));
    assert_eq!(made["settings"]["oauthClient"]["dpop_bound_access_tokens"], false);
    let key = &made["settings"]["oauthClient"]["jwks"]["keys"][0];
    assert!(key["id"].as_str().unwrap().starts_with("pks") && key["use"].is_null() && key["status"] == "ACTIVE");
    let path = format!("/api/v1/apps/{id}");
    assert_eq!(org.done("GET", &path, Value::Null).await, made);
    body["label"] = json!("Day reader");
    body["settings"]["oauthClient"]["dpop_bound_access_tokens"] = json!(true);
    let changed = org.done("PUT", &path, body).await;
    assert_eq!((&changed["label"], &changed["settings"]["oauthClient"]["dpop_bound_access_tokens"]), (&json!("Day reader"), &json!(true)));
    assert_eq!(changed["settings"]["oauthClient"]["jwks"], made["settings"]["oauthClient"]["jwks"], "the key keeps its id");
    let truth = org.org().app(id).unwrap();
    assert_eq!((truth.label.as_str(), truth.status, truth.dpop), ("Day reader", AppStatus::Active, Dpop::Required));
    let cause = "The application must be deactivated before deletion.".to_owned();
    assert_eq!(org.admin("DELETE", &path, Value::Null).await.refusal(), (403, "E0000056".to_owned(), cause));
    let answer = org.admin("POST", &format!("{path}/lifecycle/deactivate"), Value::Null).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "{}"));
    let inactive = org.done("GET", &path, Value::Null).await;
    assert!(inactive["status"] == "INACTIVE" && inactive["_links"]["activate"].is_object() && inactive["_links"]["deactivate"].is_null());
    org.done("POST", &format!("{path}/lifecycle/activate"), Value::Null).await;
    assert_eq!(org.org().app(id).unwrap().status, AppStatus::Active);
    org.done("POST", &format!("{path}/lifecycle/deactivate"), Value::Null).await;
    let gone = org.admin("DELETE", &path, Value::Null).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    let missing = org.admin("GET", &path, Value::Null).await;
    assert_eq!(missing.json()["errorSummary"], format!("Not found: Resource not found: {id} (AppInstance)"));
    assert_eq!(org.org().app(id), None);
}

#[tokio::test]
async fn the_emulators_own_app_is_one_of_them() {
    let org = Tested::start().await;
    let app = org.org().app(org.client_id()).unwrap();
    assert_eq!((app.id.as_str(), app.keys.len(), app.grants.len(), app.roles.len()), (org.client_id(), 1, 3, 1));
    assert_eq!(app.keys[0].kid.as_deref(), Some(org.key_id()));
    org.done("POST", &format!("/api/v1/apps/{}/lifecycle/deactivate", app.id), Value::Null).await;
    assert_eq!(org.token_with(&json!({}), &json!({})).await.oauth_error().1, "invalid_client");
    org.done("DELETE", &format!("/api/v1/apps/{}", app.id), Value::Null).await;
    assert!(org.org().app(org.client_id()).is_none());
    org.org().set_role(Role::SuperAdmin);
    org.org().set_granted_scopes(&["okta.users.read"]);
    assert!(!org.org().deactivate_key(org.key_id()), "nothing happens to what is gone");
}

#[tokio::test]
async fn an_org_may_start_without_it() {
    let org = Tested::from(OktaEmulator::builder().without_app()).await;
    assert!(org.org().apps().iter().all(|app| app.grants.is_empty() && app.roles.is_empty()));
    assert_eq!(org.token_with(&json!({}), &json!({})).await.oauth_error().1, "invalid_client");
    let (id, _) = org.made_app("First").await;
    assert_ne!(id, org.client_id());
}

#[tokio::test]
async fn lists_hold_others_first_and_are_paged() {
    let org = Tested::from(OktaEmulator::builder().apps(30)).await;
    let (id, _) = org.made_app("Zebra").await;
    let first = org.admin("GET", "/api/v1/apps", Value::Null).await;
    assert_eq!((first.ids().len(), first.link("self").unwrap()), (20, org.at("/api/v1/apps?limit=20")));
    let rest = org.admin("GET", &first.next().unwrap(), Value::Null).await;
    assert_eq!((rest.next(), rest.ids().last()), (None, Some(&id)));
    assert_eq!(first.ids().len() + rest.ids().len(), org.org().apps().len());
    let kinds: Vec<Value> = first.json().as_array().unwrap().iter().map(|app| app["name"].clone()).collect();
    assert_eq!(kinds[0], "saasure");
    assert!(kinds.contains(&json!("bookmark")) && kinds.contains(&json!("template_saml_2_0")));
    assert_eq!(org.admin("GET", "/api/v1/apps?after=0oaX", Value::Null).await.error(), (400, "E0000029".to_owned()));
}

#[tokio::test]
async fn q_finds_what_starts_so_whatever_its_case_and_next_repeats_it() {
    let org = Tested::start().await;
    for label in ["Acme reader", "ACME READER 2", "The acme reader", "acme reader"] {
        org.made_app(label).await;
    }
    let found = org.done("GET", "/api/v1/apps?q=acme%20READER", Value::Null).await;
    assert_eq!(labels(found.as_array().unwrap()), ["Acme reader", "ACME READER 2", "acme reader"]);
    let by_name = org.done("GET", "/api/v1/apps?q=OIDC_", Value::Null).await;
    assert!(by_name.as_array().unwrap().iter().all(|app| app["name"] == "oidc_client"));
    let path = "/api/v1/apps?filter=status+eq+%22ACTIVE%22&limit=1&q=acme&includeNonDeleted=true";
    let page = org.admin("GET", path, Value::Null).await;
    assert_eq!(page.link("self").unwrap(), org.at("/api/v1/apps?limit=1&q=acme&filter=status+eq+%22ACTIVE%22"));
    let next = page.next().unwrap();
    assert!(next.contains("?after=0oa") && next.ends_with("&limit=1&q=acme&filter=status+eq+%22ACTIVE%22"), "{next}");
    let second = org.done("GET", &next, Value::Null).await;
    assert_eq!(labels(second.as_array().unwrap()), ["ACME READER 2"]);
}

#[tokio::test]
async fn deactivated_apps_are_listed_and_filters_know_a_few_attributes() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Sleeper").await;
    org.org().set_app_status(&id, AppStatus::Inactive);
    let count = |path: &'static str| {
        let asked = org.done("GET", path, Value::Null);
        async { asked.await.as_array().unwrap().len() }
    };
    assert_eq!(count("/api/v1/apps?q=sleeper").await, 1);
    assert_eq!(count("/api/v1/apps?q=sleeper&filter=status+eq+%22ACTIVE%22").await, 0);
    assert_eq!(count("/api/v1/apps?q=sleeper&filter=status+eq+%22INACTIVE%22+and+name+eq+%22oidc_client%22").await, 1);
    let refused = org.admin("GET", "/api/v1/apps?filter=label+eq+%22Sleeper%22", Value::Null).await;
    assert_eq!(refused.error(), (400, "E0000031".to_owned()));
    let mut quirks = Quirks::default();
    quirks.inactive_apps = InactiveApps::ListedOnRequest;
    org.org().set_quirks(quirks);
    assert_eq!(count("/api/v1/apps?q=sleeper").await, 0);
    assert_eq!(count("/api/v1/apps?q=sleeper&includeNonDeleted=true").await, 1);
}

#[tokio::test]
async fn labels_may_repeat_except_in_old_orgs() {
    let org = Tested::start().await;
    let (one, _) = org.made_app("Twin").await;
    let (two, _) = org.made_app("Twin").await;
    assert_ne!(one, two);
    let mut quirks = Quirks::default();
    quirks.labels = Labels::Unique;
    org.org().set_quirks(quirks);
    let (status, code, cause) = org.admin("POST", "/api/v1/apps", Tested::app_body("Twin", &Key::fresh())).await.refusal();
    assert_eq!((status, code.as_str()), (400, "E0000001"));
    assert!(cause.contains("the label Twin already exists"), "{cause}");
}

#[tokio::test]
async fn an_org_may_have_no_room_for_another_app() {
    let mut quirks = Quirks::default();
    quirks.app_quota = Some(10);
    let org = Tested::from(OktaEmulator::builder().apps(8).quirks(quirks)).await;
    let (id, _) = org.made_app("Ninth").await;
    let answer = org.admin("POST", "/api/v1/apps", Tested::app_body("Tenth", &Key::fresh())).await;
    let cause = "Cannot create application instance. Maximum number of instances has been reached.".to_owned();
    assert_eq!(answer.refusal(), (400, "E0000001".to_owned(), cause));
    assert_eq!(answer.json()["errorSummary"], "Api validation failed: generalSettings");
    org.org().delete_app(&id);
    org.made_app("Another").await;
}

#[tokio::test]
async fn a_client_id_may_be_chosen_once() {
    let org = Tested::start().await;
    let mut body = Tested::app_body("Chosen", &Key::fresh());
    body["credentials"]["oauthClient"]["client_id"] = json!("acme-reader.1");
    let made = org.done("POST", "/api/v1/apps", body.clone()).await;
    assert_ne!(made["id"], "acme-reader.1");
    assert_eq!(made["credentials"]["oauthClient"]["client_id"], "acme-reader.1");
    assert_eq!(org.done("GET", "/oauth2/v1/clients/acme-reader.1", Value::Null).await["client_name"], "Chosen");
    assert_eq!(org.admin("GET", "/oauth2/v1/clients/nobody", Value::Null).await.error(), (404, "E0000007".to_owned()));
    assert_eq!(org.admin("POST", "/api/v1/apps", body.clone()).await.error(), (400, "E0000001".to_owned()));
    for wrong in ["has space", "ALL_CLIENTS", "a/b"] {
        body["credentials"]["oauthClient"]["client_id"] = json!(wrong);
        assert_eq!(org.admin("POST", "/api/v1/apps", body.clone()).await.error(), (400, "E0000001".to_owned()), "{wrong}");
    }
    body["credentials"]["oauthClient"]["client_id"] = json!("another");
    let path = format!("/api/v1/apps/{}", made["id"].as_str().unwrap());
    assert_eq!(org.admin("PUT", &path, body).await.error(), (400, "E0000001".to_owned()), "it cannot be changed");
}

#[tokio::test]
async fn a_secret_is_told_when_it_is_made_and_never_again() {
    let org = Tested::start().await;
    let mut body = Tested::app_body("Secretive", &Key::fresh());
    body["credentials"]["oauthClient"]["token_endpoint_auth_method"] = json!("client_secret_basic");
    body["settings"]["oauthClient"]["jwks"] = Value::Null;
    body["settings"]["oauthClient"]["jwks_uri"] = json!("https://keys.example.com/jwks");
    let made = org.done("POST", "/api/v1/apps", body.clone()).await;
    let secret = &made["credentials"]["oauthClient"]["client_secret"];
    assert!(secret.is_string() && made["_links"]["clientCredentials"][0]["name"] == "secrets");
    assert_eq!(made["settings"]["oauthClient"]["jwks_uri"], "https://keys.example.com/jwks");
    let path = format!("/api/v1/apps/{}", made["id"].as_str().unwrap());
    assert!(org.done("GET", &path, Value::Null).await["credentials"]["oauthClient"]["client_secret"].is_null());
    assert_eq!(&org.done("PUT", &path, body).await["credentials"]["oauthClient"]["client_secret"], secret);
}

#[tokio::test]
async fn what_is_no_app_is_refused() {
    let org = Tested::start().await;
    let whole = Tested::app_body("Whole", &Key::fresh());
    let oauth = |name: &str, value: Value| {
        let mut body = whole.clone();
        body["settings"]["oauthClient"][name] = value;
        body
    };
    let top = |name: &str, value: Value| {
        let mut body = whole.clone();
        body[name] = value;
        body
    };
    let refused = [
        top("label", json!("")),
        top("label", json!("x".repeat(101))),
        top("name", json!("no_such_thing")),
        top("signOnMode", Value::Null),
        top("credentials", json!({})),
        top("settings", json!({})),
        oauth("grant_types", json!([])),
        oauth("grant_types", json!(["magic"])),
        oauth("application_type", json!("teapot")),
        oauth("jwks", Value::Null),
        oauth("jwks", json!({"keys": [{"kty": "oct"}]})),
    ];
    let before = org.org().apps();
    for body in refused {
        assert_eq!(org.admin("POST", "/api/v1/apps", body.clone()).await.error(), (400, "E0000001".to_owned()), "{body}");
    }
    assert_eq!(org.admin("POST", "/api/v1/apps", json!([])).await.error(), (400, "E0000003".to_owned()));
    assert_eq!(org.admin("POST", "/api/v1/apps", Value::Null).await.error(), (400, "E0000021".to_owned()));
    assert_eq!(org.org().apps(), before);
}

#[tokio::test]
async fn a_post_must_say_how_long_it_is() {
    use std::io::{Read, Write};
    let org = Tested::start().await;
    let (id, _) = org.made_app("Lengthless").await;
    let mut connection = std::net::TcpStream::connect(org.url().trim_start_matches("http://")).unwrap();
    let head = format!("POST /api/v1/apps/{id}/lifecycle/deactivate HTTP/1.1\r\nhost: x\r\nconnection: close\r\n");
    write!(connection, "{head}authorization: SSWS {}\r\n\r\n", org.setup_token()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 411 "), "{answer}");
    assert_eq!(org.org().app(&id).unwrap().status, AppStatus::Active);
}

#[tokio::test]
async fn deactivation_may_answer_with_nothing() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Quiet").await;
    let mut quirks = Quirks::default();
    quirks.lifecycle_body = LifecycleBody::Empty;
    org.org().set_quirks(quirks);
    let answer = org.admin("POST", &format!("/api/v1/apps/{id}/lifecycle/deactivate"), Value::Null).await;
    assert_eq!((answer.status, answer.text.as_str(), answer.header("content-type")), (200, "", None));
}

#[tokio::test]
async fn an_app_with_a_role_is_changed_by_few() {
    let org = Tested::start().await;
    let key = Key::fresh();
    let body = Tested::app_body("Powerful", &key);
    let id = org.done("POST", "/api/v1/apps", body.clone()).await["id"].as_str().unwrap().to_owned();
    org.org().give_role(&id, Role::SuperAdmin);
    org.org().grant_scope(&id, "okta.apps.manage");
    let token = org.token_of(&id, "Powerful key", &key, "okta.apps.manage").await.json()["access_token"].as_str().unwrap().to_owned();
    let admin = org.org().create_api_token(Role::AppAdmin);
    let path = format!("/api/v1/apps/{id}");
    let callers = [format!("SSWS {}", org.setup_token()), format!("Bearer {token}"), format!("SSWS {}", admin.secret())];
    for (admin_apps, expected) in [
        (AdminApps::ChangedByAll, [200, 200, 403]),
        (AdminApps::ChangedByUsers, [200, 403, 403]),
        (AdminApps::ChangedByNobody, [403, 403, 403]),
    ] {
        let mut quirks = Quirks::default();
        quirks.admin_apps = admin_apps;
        org.org().set_quirks(quirks);
        for (caller, status) in callers.iter().zip(expected) {
            assert_eq!(org.ask(caller, "PUT", &path, body.clone()).await.status, status, "{admin_apps:?}");
        }
    }
}

#[tokio::test]
async fn provisioning_shares_the_smallest_bucket() {
    let limits = RateLimits::integrator().with(Bucket::Apps, 5, Duration::from_secs(60));
    let org = Tested::from(OktaEmulator::builder().rate_limits(limits)).await;
    let (id, _) = org.made_app("Slow").await;
    let left = |answer: &crate::support::Answer| answer.header("x-rate-limit-remaining").unwrap().to_owned();
    assert_eq!(left(&org.granted(&id, "okta.users.read").await), "3");
    assert_eq!(left(&org.admin("GET", "/api/v1/apps?q=slow", Value::Null).await), "2");
    assert_eq!(left(&org.admin("GET", &format!("/api/v1/apps/{id}/credentials/jwks"), Value::Null).await), "1");
    let off = org.admin("POST", &format!("/api/v1/apps/{id}/lifecycle/deactivate"), Value::Null).await;
    assert_eq!(left(&off), "0");
    assert_eq!(org.granted(&id, "okta.groups.read").await.error(), (429, "E0000047".to_owned()));
    let one = org.admin("GET", &format!("/api/v1/apps/{id}"), Value::Null).await;
    assert_eq!((one.status, one.header("x-rate-limit-limit")), (200, Some("50")), "a single app is counted elsewhere");
    let roles = org.admin("GET", &format!("/oauth2/v1/clients/{id}/roles"), Value::Null).await;
    assert_eq!((roles.status, roles.header("x-rate-limit-limit")), (200, Some("12")));
    assert_eq!(org.admin("GET", "/api/v1/iam/roles", Value::Null).await.header("x-rate-limit-limit"), Some("100"));
}
