//! What an admin changes behind the back of whoever set an app up.

use crate::support::Tested;
use idsync_okta_emulator::{AppStatus, Dpop, KeyStatus, Role};
use serde_json::json;

#[tokio::test]
async fn an_app_loses_what_it_was_given() {
    let org = Tested::start().await;
    let (id, key) = org.made_app("Drifting").await;
    org.granted(&id, "okta.users.read").await;
    org.granted(&id, "okta.groups.read").await;
    org.admin("POST", &format!("/oauth2/v1/clients/{id}/roles"), json!({"type": "READ_ONLY_ADMIN"})).await;
    let ask = || org.token_of(&id, "Drifting key", &key, "okta.users.read okta.groups.read");
    let token = ask().await.json()["access_token"].as_str().unwrap().to_owned();
    let truth = |id: &str| org.org().app(id).unwrap();
    assert!(org.org().take_away_grant(&id, "okta.users.read") && !org.org().take_away_grant(&id, "okta.users.read"));
    assert_eq!(ask().await.json()["scope"], "okta.groups.read");
    assert_eq!(truth(&id).grants.len(), 1);
    assert_eq!(org.get_as(&token, "/api/v1/users").await.status, 200, "tokens that are out keep their scopes");
    assert!(org.org().take_away_role(&id, Role::ReadOnlyAdmin) && !org.org().take_away_roles(&id));
    assert_eq!(org.get_as(&token, "/api/v1/users").await.json(), json!([]));
    assert!(org.org().give_role(&id, Role::OrgAdmin) && !org.org().give_role(&id, Role::None));
    assert_ne!(org.get_as(&token, "/api/v1/users").await.json(), json!([]));
    assert!(org.org().set_key_status(&id, "Drifting key", KeyStatus::Inactive));
    assert!(ask().await.oauth_error().2.contains("does not have a JWKSet configured"));
    assert!(org.org().set_key_status(&id, "Drifting key", KeyStatus::Active) && !org.org().set_key_status(&id, "x", KeyStatus::Active));
    assert!(org.org().set_app_dpop(&id, Dpop::Required));
    assert_eq!(ask().await.oauth_error().1, "invalid_dpop_proof");
    assert!(org.org().set_app_dpop(&id, Dpop::NotRequired) && org.org().set_app_status(&id, AppStatus::Inactive));
    assert_eq!(org.get_as(&token, "/api/v1/users").await.status, 401);
    assert!(org.org().set_app_status(&id, AppStatus::Active) && org.org().rename_app(&id, "Renamed"));
    assert_eq!(org.get_as(&token, "/api/v1/users").await.status, 401, "its tokens are void for good");
    assert_eq!((truth(&id).label.as_str(), truth(&id).status), ("Renamed", AppStatus::Active));
    assert!(org.org().delete_app(&id) && !org.org().delete_app(&id) && !org.org().rename_app(&id, "x"));
    assert!(!org.org().grant_scope(&id, "okta.users.read") && !org.org().set_app_dpop("0oaX", Dpop::Required));
}

#[tokio::test]
async fn somebody_else_has_an_app_with_the_same_label() {
    let org = Tested::start().await;
    let (mine, _) = org.made_app("Shared label").await;
    let other = org.org().create_app("Shared label");
    let found = org.admin("GET", "/api/v1/apps?q=shared%20label", serde_json::Value::Null).await;
    assert_eq!(found.ids(), [mine, other.clone()]);
    let truth = org.org().app(&other).unwrap();
    assert_eq!((truth.keys.len(), truth.grants.len(), truth.client_id), (0, 0, Some(other)));
}
