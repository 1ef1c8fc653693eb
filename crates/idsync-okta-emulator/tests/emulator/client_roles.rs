//! The admin roles of clients.

use crate::support::Tested;
use idsync_okta_emulator::{Role, TruthRole};
use serde_json::{Value, json};

#[tokio::test]
async fn a_role_is_given_listed_and_taken_away() {
    let org = Tested::start().await;
    let (id, key) = org.made_app("Ranked").await;
    org.granted(&id, "okta.users.read").await;
    let token = org.token_of(&id, "Ranked key", &key, "okta.users.read").await.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(org.get_as(&token, "/api/v1/users").await.json(), json!([]), "scopes alone are not enough");
    let path = format!("/oauth2/v1/clients/{id}/roles");
    assert_eq!(org.done("GET", &path, Value::Null).await, json!([]));
    let answer = org.admin("POST", &path, json!({"type": "READ_ONLY_ADMIN"})).await;
    let made = answer.json();
    assert_eq!((answer.status, &made["type"], &made["assignmentType"]), (201, &json!("READ_ONLY_ADMIN"), &json!("CLIENT")));
    assert!(made["id"].as_str().unwrap().starts_with("ra1"));
    assert_ne!(org.get_as(&token, "/api/v1/users").await.json(), json!([]));
    assert_eq!(org.done("GET", &path, Value::Null).await, json!([made]));
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(org.done("GET", &one, Value::Null).await, made);
    assert_eq!(org.admin("POST", &path, json!({"type": "READ_ONLY_ADMIN"})).await.error(), (409, "E0000263".to_owned()));
    let gone = org.admin("DELETE", &one, Value::Null).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    assert_eq!(org.get_as(&token, "/api/v1/users").await.json(), json!([]));
    let missing = org.admin("DELETE", &one, Value::Null).await;
    assert!(missing.status == 404 && missing.text.contains("(RoleAssignment)"), "{}", missing.text);
}

#[tokio::test]
async fn some_roles_have_one_id_for_everybody() {
    let org = Tested::start().await;
    let mut ids = Vec::new();
    for label in ["One", "Two"] {
        let (app, _) = org.made_app(label).await;
        ids.push(org.done("POST", &format!("/oauth2/v1/clients/{app}/roles"), json!({"type": "HELP_DESK_ADMIN"})).await["id"].clone());
    }
    assert_eq!(ids, ["JBCUYUC7IRCVGS27IFCE2SKO"; 2]);
}

#[tokio::test]
async fn what_cannot_be_given_is_refused() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Plain").await;
    let path = format!("/oauth2/v1/clients/{id}/roles");
    for body in [json!({}), json!({"type": "KING"}), json!({"type": ""}), json!({"type": "CUSTOM"})] {
        assert_eq!(org.admin("POST", &path, body.clone()).await.error(), (400, "E0000001".to_owned()), "{body}");
    }
    let unknown = org.admin("POST", &path, json!({"type": "CUSTOM", "role": "cr0X", "resource-set": "iamX"})).await;
    assert!(unknown.status == 404 && unknown.text.contains("cr0X (CustomRole)"), "{}", unknown.text);
    assert_eq!(org.admin("GET", "/oauth2/v1/clients/0oaX/roles", Value::Null).await.error(), (404, "E0000007".to_owned()));
    let web = org.org().apps().into_iter().find(|app| app.client_id.is_some()).unwrap().id;
    let refused = org.admin("POST", &format!("/oauth2/v1/clients/{web}/roles"), json!({"type": "READ_ONLY_ADMIN"})).await;
    assert_eq!(refused.error(), (400, "E0000227".to_owned()));
}

#[tokio::test]
async fn the_path_takes_the_client_id() {
    let org = Tested::start().await;
    let mut body = Tested::app_body("Named", &crate::signing::Key::fresh());
    body["credentials"]["oauthClient"]["client_id"] = json!("named");
    let id = org.done("POST", "/api/v1/apps", body).await["id"].as_str().unwrap().to_owned();
    assert_eq!(org.admin("GET", &format!("/oauth2/v1/clients/{id}/roles"), Value::Null).await.status, 404);
    let made = org.done("POST", "/oauth2/v1/clients/named/roles", json!({"type": "ORG_ADMIN"})).await;
    assert!(made["_links"]["assignee"]["href"].as_str().unwrap().ends_with("/oauth2/v1/clients/named"));
    let roles = org.org().app(&id).unwrap().roles;
    assert!(matches!(&roles[..], [TruthRole::Standard { role: Role::OrgAdmin, .. }]), "{roles:?}");
}

#[tokio::test]
async fn new_apps_may_be_super_admins_without_being_asked() {
    let org = Tested::start().await;
    let path = "/api/v1/org/settings/clientPrivilegesSetting";
    assert_eq!(org.done("GET", path, Value::Null).await, json!({"clientPrivilegesSetting": false}));
    assert_eq!(org.done("PUT", path, json!({"clientPrivilegesSetting": true})).await, json!({"clientPrivilegesSetting": true}));
    let (id, _) = org.made_app("Lucky").await;
    let roles = org.done("GET", &format!("/oauth2/v1/clients/{id}/roles"), Value::Null).await;
    assert_eq!((roles.as_array().unwrap().len(), &roles[0]["type"]), (1, &json!("SUPER_ADMIN")));
    org.org().set_role_of_new_apps(Role::None);
    assert_eq!(org.done("GET", path, Value::Null).await, json!({"clientPrivilegesSetting": false}));
    let (id, _) = org.made_app("Unlucky").await;
    assert!(org.org().app(&id).unwrap().roles.is_empty());
    assert_eq!(org.admin("PUT", path, json!({"clientPrivilegesSetting": 1})).await.error(), (400, "E0000001".to_owned()));
}
