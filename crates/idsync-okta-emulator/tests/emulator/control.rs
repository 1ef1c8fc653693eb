//! The control API.

use crate::support::{Answer, Tested, send};
use reqwest::Method;
use serde_json::{Value, json};

async fn call(org: &Tested, method: &str, path: &str, body: &Value) -> Answer {
    let request = org.http.request(Method::from_bytes(method.as_bytes()).unwrap(), org.at(&format!("/emulator{path}")));
    send(if body.is_null() { request } else { request.body(body.to_string()) }).await
}

async fn done(org: &Tested, method: &str, path: &str, body: Value) -> Value {
    let answer = call(org, method, path, &body).await;
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text);
    answer.json()
}

#[tokio::test]
async fn people_groups_and_memberships_can_be_changed() {
    let org = Tested::start().await;
    let made = done(&org, "POST", "/users", json!({"profile": {"login": "ana@example.com"}, "status": "STAGED"})).await;
    let user = made["id"].as_str().unwrap().to_owned();
    let made = done(&org, "POST", "/groups", json!({"name": "Night", "description": "x", "type": "APP_GROUP"})).await;
    let group = made["id"].as_str().unwrap().to_owned();
    done(&org, "PATCH", &format!("/users/{user}"), json!({"profile": {"title": "Head"}, "status": "ACTIVE"})).await;
    done(&org, "PATCH", &format!("/groups/{group}"), json!({"profile": {"name": "Day"}})).await;
    done(&org, "POST", &format!("/groups/{group}/users/{user}"), Value::Null).await;
    let truth = done(&org, "GET", "/truth?scope=default", Value::Null).await;
    assert_eq!(truth["users"][&user]["profile"]["title"], "Head");
    assert_eq!((&truth["groups"][&group]["profile"]["name"], &truth["groups"][&group]["type"]), (&json!("Day"), &json!("APP_GROUP")));
    assert!(truth["memberships"].as_array().unwrap().contains(&json!([group, user])));
    let whole = done(&org, "GET", "/truth", Value::Null).await;
    assert!(whole["memberships"].as_array().unwrap().len() > truth["memberships"].as_array().unwrap().len());
    done(&org, "DELETE", &format!("/groups/{group}/users/{user}"), Value::Null).await;
    done(&org, "DELETE", &format!("/users/{user}"), Value::Null).await;
    done(&org, "DELETE", &format!("/groups/{group}"), Value::Null).await;
    let truth = org.org().truth();
    assert!(!truth.users.contains_key(&user) && !truth.groups.contains_key(&group));
}

#[tokio::test]
async fn the_app_and_the_org_can_be_set() {
    let org = Tested::start().await;
    let token = org.token("okta.users.read").await;
    done(&org, "POST", "/role", json!({"role": null})).await;
    assert_eq!(org.get_as(&token, "/api/v1/users").await.json(), json!([]));
    done(&org, "POST", "/role", json!({"role": "READ_ONLY_ADMIN"})).await;
    done(&org, "DELETE", "/tokens", Value::Null).await;
    assert_eq!(org.get_as(&token, "/api/v1/users").await.status, 401);
    done(&org, "POST", "/scopes", json!({"scopes": ["okta.groups.read"]})).await;
    assert_eq!(org.token_with(&json!({}), &json!({})).await.json()["scope"], "okta.groups.read");
    done(&org, "POST", "/app", json!({"active": false})).await;
    assert_eq!(org.token_with(&json!({}), &json!({})).await.status, 401);
    done(&org, "POST", "/app", json!({"active": true})).await;
    done(&org, "POST", "/dpop", json!({"dpop": "required"})).await;
    assert_eq!(org.token_with(&json!({}), &json!({})).await.oauth_error().1, "invalid_dpop_proof");
    done(&org, "POST", "/dpop", json!({"dpop": "not_required"})).await;
    let kid = done(&org, "POST", "/keys", crate::signing::Key::fresh().jwk()).await["kid"].as_str().unwrap().to_owned();
    done(&org, "POST", &format!("/keys/{kid}/deactivate"), Value::Null).await;
    done(&org, "POST", &format!("/keys/{kid}/activate"), Value::Null).await;
    done(&org, "POST", "/lag", json!({"listings": 1})).await;
    let group = org.org().create_group("Lagging", None);
    assert!(org.get("/api/v1/groups?search=profile.name+eq+%22lagging%22").await.ids().is_empty());
    done(&org, "POST", "/lag", json!({})).await;
    assert_eq!(org.get("/api/v1/groups?search=profile.name+eq+%22lagging%22").await.ids(), [group]);
    done(&org, "POST", "/rate-limits", json!({"kind": "integrator"})).await;
    assert_eq!(org.get("/api/v1/users").await.header("x-rate-limit-limit"), Some("50"));
    done(&org, "POST", "/clock", json!({"skew_seconds": 7200})).await;
    assert_eq!(org.token_with(&json!({}), &json!({})).await.oauth_error().2, "The client_assertion token is expired.");
}

#[tokio::test]
async fn apps_and_api_tokens_can_be_looked_at_and_changed() {
    let org = Tested::start().await;
    let own = done(&org, "GET", &format!("/apps/{}", org.client_id()), Value::Null).await;
    assert_eq!((&own["roles"][0]["type"], &own["keys"][0]["kid"]), (&json!("READ_ONLY_ADMIN"), &json!(org.key_id())));
    assert_eq!(
        (&own["status"], &own["dpop"], &own["grants"][0]["scope"]),
        (&json!("ACTIVE"), &json!("not_required"), &json!("okta.users.read"))
    );
    let listed = done(&org, "GET", "/apps", Value::Null).await;
    assert!(listed.as_array().unwrap().contains(&own) && listed[0]["name"] == "saasure");
    let made = done(&org, "POST", "/apps", json!({"label": "Twin"})).await;
    let id = made["id"].as_str().unwrap();
    let path = |rest: &str| format!("/apps/{id}{rest}");
    done(&org, "POST", &path("/grants"), json!({"scope": "okta.users.read"})).await;
    done(&org, "POST", &path("/roles"), json!({"role": "ORG_ADMIN"})).await;
    done(&org, "POST", &path("/roles"), json!({"role": "APP_ADMIN"})).await;
    let truth = org.org().app(id).unwrap();
    assert_eq!((truth.grants.len(), truth.roles.len()), (1, 2));
    done(&org, "DELETE", &path("/grants/okta.users.read"), Value::Null).await;
    done(&org, "DELETE", &path("/roles/ORG_ADMIN"), Value::Null).await;
    done(&org, "DELETE", &path("/roles"), Value::Null).await;
    done(&org, "PATCH", &path(""), json!({"label": "Renamed", "status": "INACTIVE", "dpop": "required"})).await;
    let changed = done(&org, "GET", &path(""), Value::Null).await;
    assert_eq!((&changed["label"], &changed["status"], &changed["dpop"]), (&json!("Renamed"), &json!("INACTIVE"), &json!("required")));
    assert_eq!((&changed["grants"], &changed["roles"]), (&json!([]), &json!([])));
    done(&org, "DELETE", &path(""), Value::Null).await;
    let key = format!("/apps/{}/keys/{}", org.client_id(), org.key_id());
    done(&org, "PATCH", &key, json!({"status": "INACTIVE"})).await;
    assert_eq!(org.token_with(&json!({}), &json!({})).await.status, 401);
    let token = done(&org, "POST", "/api-tokens", json!({"role": "APP_ADMIN"})).await;
    let authorization = format!("SSWS {}", token["token"].as_str().unwrap());
    assert_eq!(org.ask(&authorization, "GET", "/api/v1/apps", Value::Null).await.status, 200);
    assert_eq!(done(&org, "GET", "/api-tokens", Value::Null).await[2]["role"], "APP_ADMIN");
    done(&org, "DELETE", &format!("/api-tokens/{}", token["id"].as_str().unwrap()), Value::Null).await;
    assert_eq!(org.ask(&authorization, "GET", "/api/v1/apps", Value::Null).await.status, 401);
    assert_eq!(done(&org, "GET", "/custom-roles", Value::Null).await, json!([]));
    assert_eq!(done(&org, "GET", "/resource-sets", Value::Null).await, json!([]));
}

#[tokio::test]
async fn quirks_can_be_looked_at_and_changed() {
    let org = Tested::start().await;
    done(&org, "PATCH", "/quirks", json!({"app_quota": 3, "labels": "unique"})).await;
    assert_eq!(org.org().quirks().app_quota, Some(3));
    let quirks = done(&org, "GET", "/quirks", Value::Null).await;
    assert_eq!((&quirks["labels"], &quirks["key_list"]), (&json!("unique"), &json!("bare")));
}

#[tokio::test]
async fn faults_can_be_added_listed_and_removed() {
    let org = Tested::start().await;
    let fault = json!({"kind": "status", "status": 503, "body": "html", "on": "users", "times": "always"});
    let number = done(&org, "POST", "/faults", fault).await["number"].as_u64().unwrap();
    assert_eq!(org.get("/api/v1/users").await.status, 503);
    let listed = done(&org, "GET", "/faults", Value::Null).await;
    assert_eq!((&listed[0]["kind"], &listed[0]["fired"], &listed[0]["number"]), (&json!("status"), &json!(1), &json!(number)));
    done(&org, "DELETE", &format!("/faults/{number}"), Value::Null).await;
    assert_eq!(org.get("/api/v1/users").await.status, 200);
    done(&org, "POST", "/faults", json!({"kind": "reset", "times": "always"})).await;
    done(&org, "DELETE", "/faults", Value::Null).await;
    assert_eq!(org.get("/api/v1/users").await.status, 200);
}

#[tokio::test]
async fn requests_can_be_looked_at_and_forgotten() {
    let org = Tested::start().await;
    org.get("/api/v1/users").await;
    let log = done(&org, "GET", "/requests", Value::Null).await;
    assert_eq!((&log["total"], &log["rate_limited"], &log["max_in_flight"]), (&json!(1), &json!(0), &json!(1)));
    assert_eq!(log["counts"], json!([{"endpoint": "users", "path": "/api/v1/users", "status": 200, "count": 1}]));
    assert_eq!((&log["requests"][0]["scheme"], &log["requests"][0]["foreign"]), (&json!("SSWS"), &json!(false)));
    let reader = org.org().api_tokens()[1].id.clone();
    assert_eq!((&log["requests"][0]["method"], &log["requests"][0]["credential"]), (&json!("GET"), &json!({"api_token": reader})));
    assert_eq!((&log["requests"][0]["path"], &log["requests"][0]["writing"]), (&json!("/api/v1/users"), &json!(false)));
    done(&org, "DELETE", "/requests", Value::Null).await;
    assert_eq!(done(&org, "GET", "/requests", Value::Null).await["total"], 0);
}

#[tokio::test]
async fn it_says_how_to_use_it_and_what_is_wrong() {
    let org = Tested::start().await;
    let help = call(&org, "GET", "", &Value::Null).await;
    assert!(help.text.contains(&format!("curl {}/emulator/users -d", org.url())) && !help.text.contains("URL"));
    for (method, path, body, status, words) in [
        ("POST", "/users", json!({"profile": 1}), 400, "`profile` must be an object"),
        ("POST", "/users", json!({"profile": {}, "status": "ASLEEP"}), 400, "ACTIVE, DEPROVISIONED"),
        ("POST", "/groups", json!({}), 400, "`name` must be a text"),
        ("POST", "/role", json!({"role": "KING"}), 400, "READ_ONLY_ADMIN"),
        ("POST", "/faults", json!({"kind": "flood"}), 400, "vanished_group"),
        ("POST", "/apps", json!({}), 400, "`label` must be a text"),
        ("PATCH", "/apps/0oaX", json!({"status": "INACTIVE"}), 404, "no such thing"),
        ("PATCH", "/apps/0oaX", json!({"status": "ASLEEP"}), 400, "ACTIVE or INACTIVE"),
        ("POST", "/api-tokens", json!({"role": "KING"}), 400, "SUPER_ADMIN"),
        ("PATCH", "/quirks", json!({"labels": "loud"}), 400, "shared, unique"),
        ("PATCH", "/quirks", json!({"no_such": 1}), 400, "no_such"),
        ("POST", "/lag", json!({"listings": 1, "millis": 1}), 400, "one of"),
        ("POST", "/role", Value::Null, 400, "not JSON"),
        ("PATCH", "/users/00uX", json!({"status": "ACTIVE"}), 404, "no such thing"),
        ("DELETE", "/faults/99", Value::Null, 404, "no such thing"),
        ("GET", "/nothing", Value::Null, 404, "GET /emulator"),
        ("PUT", "/role", json!({}), 404, "no such call"),
    ] {
        let answer = call(&org, method, path, &body).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.json()["error"].as_str().unwrap().contains(words), "{}", answer.text);
    }
}

#[tokio::test]
async fn it_answers_this_machine_only_and_no_web_page() {
    let org = Tested::start().await;
    let ask = |name: &'static str, value: &'static str| send(org.http.get(org.at("/emulator/truth")).header(name, value));
    assert_eq!(ask("host", "attacker.example.com").await.status, 403);
    assert_eq!(ask("host", "127.0.0.1.example.com:80").await.status, 403);
    assert_eq!(ask("origin", "http://attacker.example.com").await.status, 403);
    assert_eq!(ask("host", "localhost:80").await.status, 200);
    assert_eq!(org.requests().total(), 0, "nothing of this is a request to the org");
}
