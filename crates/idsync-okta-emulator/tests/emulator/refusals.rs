//! Who is not let in, and how that is said.

use crate::support::{Answer, Tested, send};
use idsync_okta_emulator::{GroupsWithoutRole, Role};
use serde_json::json;

async fn with(org: &Tested, authorization: &str) -> Answer {
    send(org.http.get(org.at("/api/v1/users")).header("authorization", authorization)).await
}

#[tokio::test]
async fn credentials_that_are_none_are_refused() {
    let org = Tested::start().await;
    assert_eq!(send(org.http.get(org.at("/api/v1/users"))).await.error(), (403, "E0000005".to_owned()));
    let wrong = with(&org, "SSWS 00nothing").await;
    assert_eq!((wrong.error(), wrong.header("www-authenticate")), ((401, "E0000011".to_owned()), Some("SSWS")));
    assert_eq!(wrong.header("x-rate-limit-limit"), None);
    assert_eq!(with(&org, "Bearer nothing").await.error(), (403, "E0000005".to_owned()));
    assert_eq!(with(&org, "Bearer a.b.c").await.error(), (401, "E0000011".to_owned()));
    assert_eq!(with(&org, "Basic eDp5").await.error(), (403, "E0000005".to_owned()));
    let id = wrong.json()["errorId"].as_str().unwrap().to_owned();
    assert!(id.starts_with("oae") && id.len() == 25, "{id}");
}

#[tokio::test]
async fn revoked_and_expired_tokens_answer_401() {
    let org = Tested::start().await;
    let token = org.token("okta.users.read").await;
    assert_eq!(org.get_as(&token, "/api/v1/users").await.status, 200);
    org.org().revoke_tokens();
    assert_eq!(org.get_as(&token, "/api/v1/users").await.error(), (401, "E0000011".to_owned()));
    let token = org.token("okta.users.read").await;
    org.org().set_clock_skew(3605);
    assert_eq!(org.get_as(&token, "/api/v1/users").await.error(), (401, "E0000011".to_owned()));
}

#[tokio::test]
async fn a_missing_scope_is_named_in_the_challenge_of_an_empty_answer() {
    let org = Tested::start().await;
    let token = org.token("okta.users.read").await;
    for (path, scope) in [("/api/v1/groups", "okta.groups.read"), ("/api/v1/org", "okta.orgs.read")] {
        let answer = org.get_as(&token, path).await;
        assert_eq!((answer.status, answer.text.as_str()), (403, ""));
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer ") && challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
        assert!(challenge.contains(&format!(r#"scope="{scope}""#)) && challenge.contains(&format!(r#"resource="{path}""#)));
        assert!(answer.header("x-rate-limit-remaining").is_some(), "it was counted");
    }
    assert_eq!(org.get("/api/v1/org").await.json()["subdomain"], "emulator", "API tokens need no scope");
}

#[tokio::test]
async fn without_a_role_lists_of_people_are_empty_and_the_rest_is_refused() {
    let org = Tested::start().await;
    let token = org.token("okta.users.read okta.groups.read okta.orgs.read").await;
    let (users, groups) = (org.rows("/api/v1/users?limit=1").await, org.rows("/api/v1/groups?limit=1").await);
    let (user, group) = (users[0]["id"].as_str().unwrap(), groups[0]["id"].as_str().unwrap());
    org.org().set_role(Role::None);
    for path in ["/api/v1/users".to_owned(), "/api/v1/users?search=status+pr".to_owned(), format!("/api/v1/groups/{group}/users")] {
        let answer = org.get_as(&token, &path).await;
        assert_eq!((answer.status, answer.json(), answer.next()), (200, json!([]), None), "{path}");
        assert!(answer.link("self").is_some());
    }
    let refused = [
        "/api/v1/groups".to_owned(),
        format!("/api/v1/groups/{group}"),
        format!("/api/v1/users/{user}"),
        format!("/api/v1/users/{user}/groups"),
        "/api/v1/org".to_owned(),
    ];
    for path in &refused {
        assert_eq!(org.get_as(&token, path).await.error(), (403, "E0000006".to_owned()), "{path}");
    }
    org.org().set_groups_without_role(GroupsWithoutRole::EmptyList);
    assert_eq!(org.get_as(&token, "/api/v1/groups").await.json(), json!([]));
    assert!(!org.rows("/api/v1/users").await.is_empty(), "an admin's API token is not the app");
    org.org().set_role(Role::ReadOnlyAdmin);
    assert_ne!(org.get_as(&token, "/api/v1/groups").await.json(), json!([]));
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let org = Tested::start().await;
    for (path, text) in [
        ("/api/v1/users/-1", "Not found: Resource not found: -1 (User)"),
        ("/api/v1/users/a%2Fb", "Not found: Resource not found: a/b (User)"),
        ("/api/v1/users/00u1/groups", "Not found: Resource not found: 00u1 (User)"),
        ("/api/v1/groups/00gX", "Not found: Resource not found: 00gX (UserGroup)"),
        ("/api/v1/groups/00gX/users", "Not found: Resource not found: 00gX (UserGroup)"),
    ] {
        let answer = org.get(path).await;
        assert_eq!((answer.error(), &answer.json()["errorSummary"]), ((404, "E0000007".to_owned()), &json!(text)));
    }
    for path in ["/api/v1/apples", "/api/v1/users/1/2/3"] {
        assert_eq!(org.get(path).await.error(), (405, "E0000022".to_owned()));
    }
    let put = org.http.put(org.at("/api/v1/users")).header("authorization", format!("SSWS {}", org.setup_token()));
    assert_eq!(send(put).await.error(), (405, "E0000022".to_owned()));
}
