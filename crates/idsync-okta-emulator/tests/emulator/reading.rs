//! What users and groups look like.

use crate::support::{Tested, send};
use idsync_okta_emulator::{OktaEmulator, Status};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ALWAYS: [&str; 10] =
    ["id", "status", "created", "activated", "statusChanged", "lastLogin", "lastUpdated", "passwordChanged", "profile", "credentials"];

#[tokio::test]
async fn discovery_needs_no_credential() {
    let org = Tested::start().await;
    let answer = send(org.http.get(org.at("/.well-known/okta-organization"))).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["pipeline"], &body["_links"]["organization"]["href"]), (200, &json!("idx"), &json!(org.url())));
    assert!(body["id"].as_str().unwrap().starts_with("00o") && answer.header("x-rate-limit-limit").is_none());
}

#[tokio::test]
async fn users_have_the_recorded_shape_nulls_and_gaps_among_it() {
    let org = Tested::from(OktaEmulator::builder().users(1500)).await;
    let users = org.all("/api/v1/users?search=status+pr").await;
    assert_eq!(users.len(), 1500);
    for user in &users {
        assert!(ALWAYS.iter().all(|name| user.get(name).is_some()), "{user}");
        let id = user["id"].as_str().unwrap();
        assert!(id.len() == 20 && id.starts_with("00u"));
        assert_eq!(user["_links"], json!({"self": {"href": format!("{}/api/v1/users/{id}", org.url())}}));
        assert!(user["type"]["id"].as_str().unwrap().starts_with("oty") && user.get("transitioningToStatus").is_none());
        let profile = &user["profile"];
        assert!(["firstName", "lastName", "login", "email"].iter().all(|name| profile[name].is_string()));
        assert!(["mobilePhone", "secondEmail"].iter().all(|name| profile[name].is_string() || profile[name].is_null()));
        assert!(["created", "lastUpdated"].iter().all(|name| user[name].as_str().unwrap().ends_with(".000Z")));
    }
    let some = |what: &dyn Fn(&Value) -> bool| users.iter().any(what);
    for name in ["activated", "statusChanged", "lastLogin", "passwordChanged"] {
        assert!(some(&|user| user["status"] == "ACTIVE" && user[name].is_null()), "{name} is null for an active user");
        assert!(some(&|user| user[name].is_string()));
    }
    for status in Status::ALL {
        assert!(some(&|user| user["status"] == status.as_str()), "{status}");
    }
    let is = |name: &'static str, what: fn(&Value) -> bool| some(&|user| user["profile"].get(name).is_some_and(what));
    assert!(is("badgeNumber", Value::is_i64) && is("workingShare", Value::is_f64) && is("isRemote", Value::is_boolean));
    assert!(is("languages", |list| list[0].is_string()) && is("floors", |list| list[0].is_i64()) && is("testAcc_42", Value::is_string));
    assert!(is("mobilePhone", Value::is_null) && is("mobilePhone", |text| text == "") && is("nickName", Value::is_string));
    assert!(some(&|user| user.get("realmId").is_some()) && some(&|user| user.get("realmId").is_none()));
    assert!(some(&|user| user["credentials"].get("emails").is_some()) && some(&|user| user["credentials"]["provider"]["type"] == "IMPORT"));
    let names: BTreeSet<&str> = users.iter().filter_map(|user| user["profile"]["lastName"].as_str()).collect();
    assert!(names.len() > 250 && names.iter().any(|name| !name.is_ascii()) && names.contains("李"));
    assert!(some(&|user| user["profile"]["firstName"].as_str().unwrap().contains('\u{301}')), "combining marks");
}

#[tokio::test]
async fn groups_have_the_recorded_shape() {
    let org = Tested::from(OktaEmulator::builder().groups(60)).await;
    let groups = org.rows("/api/v1/groups").await;
    assert_eq!(groups.len(), 62);
    assert_eq!((&groups[0]["profile"]["name"], &groups[0]["type"]), (&json!("Everyone"), &json!("BUILT_IN")));
    assert_eq!(groups[1]["profile"]["name"], "Okta Administrators");
    let mut descriptions = BTreeSet::new();
    for group in &groups {
        assert!(group["id"].as_str().unwrap().starts_with("00g") && group["objectClass"] == json!(["okta:user_group"]));
        assert!(group["_links"]["logo"].is_array() && group["_links"].get("self").is_none());
        let is_app = group["type"] == "APP_GROUP";
        assert_eq!(group.get("source").is_some(), is_app);
        assert!(!is_app || group["profile"]["description"].is_null());
        if group["type"] == "OKTA_GROUP" {
            descriptions.insert(match &group["profile"]["description"] {
                Value::Null => "null",
                Value::String(text) if text.is_empty() => "empty",
                _ => "text",
            });
        }
    }
    assert_eq!(descriptions, BTreeSet::from(["null", "empty", "text"]));
    assert!(groups.iter().any(|group| group["type"] == "APP_GROUP") && groups.iter().any(|group| group["profile"]["approvers"].is_array()));
}

#[tokio::test]
async fn a_user_is_found_by_id_and_by_login_with_more_links_than_in_a_list() {
    let org = Tested::start().await;
    let users = org.rows("/api/v1/users").await;
    let user = users.iter().find(|user| user["status"] == "ACTIVE").unwrap();
    let (id, login) = (user["id"].as_str().unwrap(), user["profile"]["login"].as_str().unwrap());
    let alone = org.get(&format!("/api/v1/users/{id}")).await;
    assert!(alone.header("etag").unwrap().starts_with("W/\""));
    let mut body = alone.json();
    assert_eq!(body["_links"]["suspend"]["method"], "POST");
    assert_eq!(org.get(&format!("/api/v1/users/{}", login.to_uppercase())).await.json(), body);
    body["_links"] = user["_links"].clone();
    assert_eq!(&body, user);
    for status in Status::ALL {
        org.org().set_status(id, status);
        let links = org.get(&format!("/api/v1/users/{id}")).await.json()["_links"].clone();
        assert!(links["self"].is_object(), "{status}: {links}");
    }
}

#[tokio::test]
async fn the_plain_list_leaves_out_who_is_deactivated_and_member_lists_do_not() {
    let org = Tested::start().await;
    let is_gone = |user: &Value| user["status"] == "DEPROVISIONED";
    assert!(!org.all("/api/v1/users").await.iter().any(is_gone));
    let gone = org.all("/api/v1/users?search=status+eq+%22DEPROVISIONED%22").await;
    assert!(!gone.is_empty() && gone.iter().all(is_gone));
    assert_eq!(org.all("/api/v1/users?filter=status+eq+%22DEPROVISIONED%22").await, gone);
    let everyone = org.rows("/api/v1/groups?limit=1").await[0]["id"].as_str().unwrap().to_owned();
    let members = org.all(&format!("/api/v1/groups/{everyone}/users")).await;
    assert_eq!((members.len(), members.iter().filter(|user| is_gone(user)).count()), (120, gone.len()));
    assert_eq!(members, org.all("/api/v1/users?search=status+pr").await, "members are whole users");
}

#[tokio::test]
async fn a_users_groups_are_those_whose_member_the_user_is() {
    let org = Tested::start().await;
    let user = org.rows("/api/v1/users?limit=1").await[0]["id"].as_str().unwrap().to_owned();
    let of_user: Vec<Value> =
        org.all(&format!("/api/v1/users/{user}/groups?limit=2")).await.iter().map(|group| group["id"].clone()).collect();
    let truth = org.org().truth();
    let expected: Vec<Value> = truth.memberships.iter().filter(|(_, member)| *member == user).map(|(group, _)| json!(group)).collect();
    assert!(expected.len() > 1);
    assert_eq!(of_user, expected);
}
