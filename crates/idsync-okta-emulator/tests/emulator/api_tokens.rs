//! API tokens, and what admins of different kinds may do.

use crate::signing::Key;
use crate::support::Tested;
use idsync_okta_emulator::{Network, Quirks, Role};
use serde_json::{Value, json};

#[tokio::test]
async fn a_token_ends_itself() {
    let org = Tested::start().await;
    let gone = org.admin("DELETE", "/api/v1/api-tokens/current", Value::Null).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    for (method, path) in [("GET", "/api/v1/users/me"), ("DELETE", "/api/v1/api-tokens/current")] {
        let refused = org.admin(method, path, Value::Null).await;
        assert_eq!((refused.error(), refused.header("www-authenticate")), ((401, "E0000011".to_owned()), Some("SSWS")));
    }
    assert_eq!(org.get("/api/v1/users").await.status, 200, "the other one is not it");
    let tokens = org.org().api_tokens();
    assert_eq!(
        tokens.iter().map(|token| (token.role, token.is_revoked)).collect::<Vec<_>>(),
        [(Role::SuperAdmin, true), (Role::ReadOnlyAdmin, false)]
    );
    let app = org.token("okta.users.read").await;
    let refused = org.ask(&format!("Bearer {app}"), "DELETE", "/api/v1/api-tokens/current", Value::Null).await;
    assert_eq!(refused.error(), (403, "E0000005".to_owned()), "an app has none");
}

#[tokio::test]
async fn tokens_are_listed_without_their_secrets_and_revoked() {
    let org = Tested::start().await;
    let made = org.org().create_api_token(Role::OrgAdmin);
    let listed = org.admin("GET", "/api/v1/api-tokens", Value::Null).await;
    assert!(listed.links().is_empty() && listed.json().as_array().unwrap().len() == 3);
    for secret in [made.secret(), org.setup_token(), org.api_token()] {
        assert!(!listed.text.contains(secret) && secret.len() == 42);
    }
    let path = format!("/api/v1/api-tokens/{}", made.id());
    let one = org.done("GET", &path, Value::Null).await;
    assert_eq!((&one["id"], &one["tokenWindow"], &one["network"]["connection"]), (&json!(made.id()), &json!("P30D"), &json!("ANYWHERE")));
    let me = |secret: &str| {
        let authorization = format!("SSWS {secret}");
        let org = &org;
        async move { org.ask(&authorization, "GET", "/api/v1/users/me", Value::Null).await }
    };
    assert_eq!(me(made.secret()).await.json()["id"], one["userId"]);
    assert_ne!(me(org.setup_token()).await.json()["id"], one["userId"]);
    assert_eq!(org.admin("DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(me(made.secret()).await.error(), (401, "E0000011".to_owned()));
    let missing = org.admin("DELETE", &path, Value::Null).await;
    assert_eq!(missing.json()["errorSummary"], format!("Not found: Resource not found: {} (Token)", made.id()));
    assert!(!format!("{made:?} {:?}", org.org()).contains(made.secret()));
}

#[tokio::test]
async fn a_token_dies_when_nobody_uses_it_for_thirty_days() {
    let org = Tested::start().await;
    org.org().set_clock_skew(29 * 86_400);
    assert_eq!(org.admin("GET", "/api/v1/users/me", Value::Null).await.status, 200);
    org.org().set_clock_skew(58 * 86_400);
    assert_eq!(org.admin("GET", "/api/v1/users/me", Value::Null).await.status, 200, "each use counts");
    assert_eq!(org.get("/api/v1/users").await.error(), (401, "E0000011".to_owned()));
}

#[tokio::test]
async fn each_kind_of_admin_may_do_what_it_may() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Subject").await;
    let user = org.done("GET", "/api/v1/users/me", Value::Null).await["id"].as_str().unwrap().to_owned();
    let create = Tested::app_body("Created", &Key::fresh());
    let calls: Vec<(&str, String, Value)> = vec![
        ("GET", "/api/v1/users?limit=1".to_owned(), Value::Null),
        ("GET", "/api/v1/apps".to_owned(), Value::Null),
        ("POST", "/api/v1/apps".to_owned(), create),
        ("POST", format!("/api/v1/apps/{id}/lifecycle/activate"), Value::Null),
        ("GET", format!("/api/v1/apps/{id}/grants"), Value::Null),
        ("POST", format!("/api/v1/apps/{id}/grants"), json!({"scopeId": "okta.logs.read", "issuer": org.url()})),
        ("GET", format!("/oauth2/v1/clients/{id}/roles"), Value::Null),
        ("GET", "/api/v1/iam/roles".to_owned(), Value::Null),
        ("GET", "/api/v1/api-tokens".to_owned(), Value::Null),
        ("GET", format!("/api/v1/users/{user}/roles"), Value::Null),
        ("GET", "/api/v1/org/settings/clientPrivilegesSetting".to_owned(), Value::Null),
        ("GET", "/api/v1/users/me".to_owned(), Value::Null),
    ];
    for (role, expected) in [
        (Role::OrgAdmin, [200, 200, 403, 403, 200, 403, 403, 403, 403, 403, 403, 200]),
        (Role::ReadOnlyAdmin, [200, 200, 403, 403, 200, 403, 403, 403, 403, 403, 403, 200]),
        (Role::AppAdmin, [200, 200, 200, 200, 200, 403, 403, 403, 403, 403, 403, 200]),
        (Role::ApiAccessManagementAdmin, [200, 200, 200, 200, 200, 403, 403, 403, 403, 403, 403, 200]),
        (Role::HelpDeskAdmin, [200, 403, 403, 403, 403, 403, 403, 403, 403, 403, 403, 200]),
        (Role::SuperAdmin, [200; 12]),
    ] {
        let token = org.org().create_api_token(role);
        for ((method, path, body), status) in calls.iter().zip(expected) {
            let answer = org.ask(&format!("SSWS {}", token.secret()), method, path, body.clone()).await;
            assert_eq!(answer.status, status, "{role:?} {method} {path}: {}", answer.text);
        }
    }
    let api_admin = org.org().create_api_token(Role::ApiAccessManagementAdmin);
    let users = org.ask(&format!("SSWS {}", api_admin.secret()), "GET", "/api/v1/users", Value::Null).await;
    assert_eq!(users.json(), json!([]));
    assert!(org.org().set_role_of_api_token(api_admin.id(), Role::SuperAdmin));
    let users = org.ask(&format!("SSWS {}", api_admin.secret()), "GET", "/api/v1/users", Value::Null).await;
    assert_ne!(users.json(), json!([]), "what an admin may follows from the role of the moment");
    assert!(org.org().revoke_api_token(api_admin.id()) && !org.org().revoke_api_token(api_admin.id()));
}

#[tokio::test]
async fn the_roles_of_an_admin_tell_who_is_one() {
    let org = Tested::start().await;
    let roles = org.done("GET", "/api/v1/users/me/roles", Value::Null).await;
    assert_eq!(
        (roles.as_array().unwrap().len(), &roles[0]["type"], &roles[0]["assignmentType"]),
        (1, &json!("SUPER_ADMIN"), &json!("USER"))
    );
    let me = org.done("GET", "/api/v1/users/me", Value::Null).await;
    let path = format!("/api/v1/users/{}/roles", me["id"].as_str().unwrap());
    assert_eq!(org.done("GET", &path, Value::Null).await, roles);
    assert_eq!(org.admin("GET", "/api/v1/users/nobody/roles", Value::Null).await.error(), (404, "E0000007".to_owned()));
    let token = org.token("okta.users.read").await;
    assert_eq!(org.get_as(&token, "/api/v1/users/me").await.error(), (404, "E0000007".to_owned()), "an app is nobody");
}

#[tokio::test]
async fn network_zones_keep_out_who_is_elsewhere() {
    let org = Tested::start().await;
    let token = org.token("okta.users.read").await;
    let mut quirks = Quirks::default();
    quirks.network = Network::Outside;
    org.org().set_quirks(quirks);
    assert_eq!(org.admin("GET", "/api/v1/users/me", Value::Null).await.error(), (403, "E0000006".to_owned()));
    let (status, error, _) = org.token_with(&json!({}), &json!({})).await.oauth_error();
    assert_eq!((status, error.as_str()), (403, "access_denied"));
    assert_eq!(org.get_as(&token, "/api/v1/users").await.status, 200, "tokens that are out go on");
}
