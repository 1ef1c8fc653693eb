//! The scopes that an app was granted.

use crate::support::Tested;
use idsync_okta_emulator::{GrantAgain, GrantsByApps, OktaEmulator, Quirks, Role, Statuses};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_scope_is_granted_listed_and_taken_back() {
    let org = Tested::start().await;
    let (id, key) = org.made_app("Granted").await;
    let answer = org.granted(&id, "okta.users.read").await;
    let made = answer.json();
    assert_eq!(
        (answer.status, &made["scopeId"], &made["clientId"], &made["issuer"]),
        (200, &json!("okta.users.read"), &json!(id), &json!(org.url()))
    );
    assert_eq!(made["_embedded"]["scope"]["id"], "okta.users.read");
    assert_eq!(made["createdBy"], json!({"id": org.done("GET", "/api/v1/users/me", Value::Null).await["id"], "type": "User"}));
    org.granted(&id, "okta.groups.read").await;
    let path = format!("/api/v1/apps/{id}/grants");
    let listed = org.admin("GET", &path, Value::Null).await;
    assert!(listed.links().is_empty() && listed.json().as_array().unwrap().len() == 2);
    assert!(listed.json()[0].get("_embedded").is_none(), "only the answer to a grant has it");
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(org.done("GET", &one, Value::Null).await, listed.json()[0]);
    let scope = |answer: crate::support::Answer| answer.json()["scope"].clone();
    assert_eq!(
        scope(org.token_of(&id, "Granted key", &key, "okta.users.read okta.groups.read okta.apps.read").await),
        "okta.users.read okta.groups.read"
    );
    let gone = org.admin("DELETE", &one, Value::Null).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    assert_eq!(org.admin("DELETE", &one, Value::Null).await.error(), (404, "E0000007".to_owned()));
    assert_eq!(scope(org.token_of(&id, "Granted key", &key, "okta.users.read okta.groups.read").await), "okta.groups.read");
    let scopes: Vec<String> = org.org().app(&id).unwrap().grants.into_iter().map(|grant| grant.scope).collect();
    assert_eq!(scopes, ["okta.groups.read"]);
}

#[tokio::test]
async fn what_cannot_be_granted_is_refused() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Refused").await;
    let path = format!("/api/v1/apps/{id}/grants");
    for body in [
        json!({"scopeId": "okta.users.read"}),
        json!({"issuer": org.url()}),
        json!({"scopeId": "okta.users.read", "issuer": format!("{}/", org.url())}),
        json!({"scopeId": "okta.users.read", "issuer": "https://other.okta.com"}),
        json!({"scopeId": "openid", "issuer": org.url()}),
    ] {
        assert_eq!(org.admin("POST", &path, body.clone()).await.error(), (400, "E0000001".to_owned()), "{body}");
    }
    let bookmark = org.org().apps().into_iter().find(|app| app.name == "bookmark").unwrap().id;
    assert_eq!(org.granted(&bookmark, "okta.users.read").await.error(), (400, "E0000001".to_owned()));
    assert_eq!(org.granted("0oaX", "okta.users.read").await.error(), (404, "E0000007".to_owned()));
}

#[tokio::test]
async fn a_second_grant_of_a_scope_is_one_of_three_things() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Twice").await;
    let first = org.granted(&id, "okta.users.read").await.json();
    let with = |again: GrantAgain| {
        let mut quirks = Quirks::default();
        quirks.grant_again = again;
        org.org().set_quirks(quirks);
        org.granted(&id, "okta.users.read")
    };
    assert_eq!(with(GrantAgain::default()).await.error(), (400, "E0000001".to_owned()));
    let same = with(GrantAgain::SameGrant).await;
    assert_eq!((same.status, same.json()["id"].clone()), (200, first["id"].clone()));
    assert_eq!(org.org().app(&id).unwrap().grants.len(), 1);
    assert_ne!(with(GrantAgain::Another).await.json()["id"], first["id"]);
    assert_eq!(org.org().app(&id).unwrap().grants.len(), 2);
}

#[tokio::test]
async fn statuses_may_be_those_of_the_documentation() {
    let mut quirks = Quirks::default();
    quirks.statuses = Statuses::Documented;
    let org = Tested::from(OktaEmulator::builder().quirks(quirks)).await;
    let (id, _) = org.made_app("Documented").await;
    assert_eq!(org.granted(&id, "okta.users.read").await.status, 201);
    let role = org.admin("POST", &format!("/oauth2/v1/clients/{id}/roles"), json!({"type": "READ_ONLY_ADMIN"})).await;
    assert_eq!(role.status, 200);
}

#[tokio::test]
async fn grants_and_roles_may_take_a_while() {
    let mut quirks = Quirks::default();
    (quirks.grant_delay, quirks.role_delay) = (Duration::from_secs(20), Duration::from_secs(60));
    let org = Tested::from(OktaEmulator::builder().quirks(quirks)).await;
    let (id, key) = org.made_app("Patient").await;
    org.granted(&id, "okta.users.read").await;
    org.admin("POST", &format!("/oauth2/v1/clients/{id}/roles"), json!({"type": "READ_ONLY_ADMIN"})).await;
    let app = org.org().app(&id).unwrap();
    assert_eq!((app.grants.len(), app.roles.len()), (1, 1), "they are listed at once");
    assert_eq!(org.token_of(&id, "Patient key", &key, "okta.users.read").await.oauth_error().1, "consent_required");
    org.org().set_clock_skew(21);
    let asked = org.skewed_token_of(&id, "Patient key", &key, "okta.users.read", 21).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let token = asked.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(org.get_as(&token, "/api/v1/users").await.json(), json!([]), "the role takes longer");
    org.org().set_clock_skew(61);
    assert_ne!(org.get_as(&token, "/api/v1/users").await.json(), json!([]));
    org.org().take_away_roles(&id);
    assert_ne!(org.get_as(&token, "/api/v1/users").await.json(), json!([]), "and so does its end");
    org.org().set_clock_skew(122);
    assert_eq!(org.get_as(&token, "/api/v1/users").await.json(), json!([]));
}

#[tokio::test]
async fn grants_stay_with_the_client_id() {
    let org = Tested::start().await;
    let key = crate::signing::Key::fresh();
    let mut body = Tested::app_body("Reborn", &key);
    body["credentials"]["oauthClient"]["client_id"] = json!("reborn");
    let first = org.done("POST", "/api/v1/apps", body.clone()).await["id"].as_str().unwrap().to_owned();
    org.granted(&first, "okta.users.read").await;
    org.org().give_role(&first, Role::ReadOnlyAdmin);
    org.org().delete_app(&first);
    let second = org.done("POST", "/api/v1/apps", body).await["id"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    let app = org.org().app(&second).unwrap();
    assert_eq!((app.grants.len(), app.roles.len()), (1, 0), "roles do not");
    assert_eq!(org.token_of("reborn", "Reborn key", &key, "okta.users.read").await.status, 200);
}

#[tokio::test]
async fn an_app_may_grant_scopes_where_it_has_the_power() {
    let org = Tested::start().await;
    let (id, key) = org.made_app("Granting").await;
    let (other, _) = org.made_app("Other").await;
    org.granted(&id, "okta.appGrants.manage").await;
    let token = org.token_of(&id, "Granting key", &key, "okta.appGrants.manage").await.json()["access_token"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/apps/{other}/grants");
    let body = json!({"scopeId": "okta.users.read", "issuer": org.url()});
    let bearer = format!("Bearer {token}");
    let grant = || org.ask(&bearer, "POST", &path, body.clone());
    assert_eq!(grant().await.error(), (403, "E0000006".to_owned()), "no role");
    org.org().give_role(&id, Role::AppAdmin);
    assert_eq!(grant().await.error(), (403, "E0000006".to_owned()), "a role that does not suffice");
    org.org().give_role(&id, Role::SuperAdmin);
    let mut quirks = Quirks::default();
    quirks.grants_by_apps = GrantsByApps::InvalidSession;
    org.org().set_quirks(quirks);
    assert_eq!(grant().await.error(), (403, "E0000005".to_owned()));
    org.org().set_quirks(Quirks::default());
    let made = grant().await;
    assert_eq!((made.status, &made.json()["createdBy"]["id"]), (200, &json!(id)));
    let unscoped = org.ask(&bearer, "POST", "/api/v1/apps", json!({})).await;
    assert_eq!((unscoped.status, unscoped.text.as_str()), (403, ""));
    assert!(unscoped.header("www-authenticate").unwrap().contains(r#"scope="okta.apps.manage""#));
}
