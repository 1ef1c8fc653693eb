//! Orgs that hold what a test says.

use crate::support::{Tested, encoded};
use idsync_okta_emulator::{Fault, FaultKind, GroupType, Lag, Malformed, OktaEmulator, Status, Truth, TruthGroup, TruthUser};
use serde_json::{Map, Value, json};

const ODD: [&str; 7] = ["ü/é? #%&'\"\\", "\u{1F600}", " around ", "a+b*c", "CASE", "case", "0"];

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn user(login: &str, status: Status) -> TruthUser {
    TruthUser::new(status, object(json!({"login": login, "email": login})))
}

fn group(name: &str, kind: GroupType) -> TruthGroup {
    TruthGroup::new(kind, object(json!({"name": name})))
}

/// Users and groups with odd ids, each group with one of the users in it.
fn odd() -> Truth {
    let mut truth = Truth::default();
    for id in ODD {
        truth.users.insert(id.to_owned(), user(id, Status::Active));
        truth.groups.insert(id.to_owned(), group(id, GroupType::Okta));
        truth.memberships.insert((id.to_owned(), id.to_owned()));
    }
    truth
}

#[tokio::test]
async fn ids_may_be_any_text() {
    let org = Tested::start().await;
    org.org().replace(&odd());
    let ids = |rows: Vec<Value>| rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let mut expected = ODD.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(ids(org.all("/api/v1/users?limit=2").await), expected);
    assert_eq!(ids(org.all("/api/v1/groups?limit=2").await)[1..], expected, "after Everyone");
    for id in ODD {
        let (user, group) = (format!("/api/v1/users/{}", encoded(id)), format!("/api/v1/groups/{}", encoded(id)));
        assert_eq!((&org.get(&user).await.json()["id"], &org.get(&group).await.json()["id"]), (&json!(id), &json!(id)));
        assert_eq!(ids(org.all(&format!("{group}/users?limit=1")).await), [id]);
        let link = org.get(&user).await.json()["_links"]["self"]["href"].as_str().unwrap().to_owned();
        assert_eq!(org.get(&link).await.json()["id"], id);
    }
    assert!(org.org().update_user(ODD[0], &[("title", json!("Head"))]) && org.org().remove_member(ODD[0], ODD[0]));
    assert!(org.rows(&format!("/api/v1/groups/{}/users", encoded(ODD[0]))).await.is_empty());
}

#[tokio::test]
async fn an_org_can_be_made_what_another_one_is_and_what_it_was() {
    let (one, other) = (OktaEmulator::builder().seed(1).start().await.unwrap(), OktaEmulator::builder().seed(2).start().await.unwrap());
    let (before, truth) = (one.org().truth(), other.org().truth());
    one.org().replace(&truth);
    assert_eq!(one.org().truth(), truth);
    one.org().replace(&before);
    assert_eq!(one.org().truth(), before);
    one.org().replace(&odd());
    let made = one.org().create_user(json!({"login": "new@example.com"}));
    let group = one.org().create_group("New", None);
    assert!(one.org().add_member(&group, &made) && one.org().add_member(&group, ODD[1]));
    let grown = one.org().truth();
    one.org().replace(&grown);
    assert_eq!(one.org().truth(), grown);
}

#[tokio::test]
async fn everyone_is_always_there_and_may_be_named() {
    let org = Tested::start().await;
    let before = org.get("/api/v1/groups?limit=1").await.ids();
    org.org().replace(&Truth::default());
    assert_eq!(org.get("/api/v1/groups").await.ids(), before);
    assert!(org.rows("/api/v1/users").await.is_empty());
    let mut truth = odd();
    truth.groups.insert("zz".to_owned(), group("Everyone", GroupType::BuiltIn));
    truth.groups.insert("other".to_owned(), group("Other", GroupType::BuiltIn));
    org.org().replace(&truth);
    assert_eq!(org.get("/api/v1/groups?limit=1").await.ids(), ["zz"]);
    assert_eq!(org.rows("/api/v1/groups/zz/users").await.len(), ODD.len());
    assert!(org.rows("/api/v1/groups/other/users").await.is_empty());
    truth.groups.insert("zz".to_owned(), group("No longer", GroupType::App));
    truth.groups.insert("other".to_owned(), group("Everyone", GroupType::BuiltIn));
    org.org().replace(&truth);
    assert_eq!(org.get("/api/v1/groups?limit=1").await.ids(), ["other"]);
    assert!(org.rows("/api/v1/groups/zz/users").await.is_empty());
    assert_eq!(org.org().truth().groups.len(), ODD.len() + 2);
}

#[tokio::test]
async fn only_what_is_different_is_changed_and_searches_lag_behind_it() {
    let org = Tested::start().await;
    let mut truth = odd();
    org.org().replace(&truth);
    let before = org.org().truth();
    org.org().set_clock_skew(1000);
    org.org().replace(&truth);
    assert_eq!(org.org().truth(), before);

    org.org().set_lag(Lag::Listings(1));
    truth.users.remove("0");
    truth.users.insert("CASE".to_owned(), user("renamed@example.com", Status::Deprovisioned));
    truth.memberships.insert(("case".to_owned(), "CASE".to_owned()));
    org.org().replace(&truth);
    assert_eq!(org.rows("/api/v1/users?search=status+eq+%22ACTIVE%22").await.len(), ODD.len());
    assert_eq!(org.rows("/api/v1/users?search=status+eq+%22ACTIVE%22").await.len(), ODD.len() - 2);
    assert_eq!((org.rows("/api/v1/groups/case/users").await.len(), org.rows("/api/v1/groups/case/users").await.len()), (1, 2));
    assert_eq!(org.get("/api/v1/users/0").await.status, 404);
    let after = org.org().truth();
    let changed = |id: &str| {
        let (one, other) = (&before.groups[id], &after.groups[id]);
        (one.last_updated != other.last_updated, one.last_membership_updated != other.last_membership_updated)
    };
    assert_eq!((changed("case"), changed("CASE")), ((false, true), (false, false)));
    assert_ne!(before.users["CASE"].last_updated, after.users["CASE"].last_updated);
    assert_eq!(before.users["case"], after.users["case"]);
}

#[tokio::test]
async fn faults_can_be_about_one_record() {
    let org = Tested::start().await;
    org.org().replace(&odd());
    for kind in [FaultKind::MalformedRecord(Malformed::WrongTypes), FaultKind::UnknownKind("AUF \"URLAUB\"".to_owned())] {
        let fault = org.faults().add(Fault::new(kind.clone()).of_record(ODD[0]).always());
        let rows = org.all("/api/v1/users?limit=2").await;
        let odd: Vec<_> = rows.iter().filter(|row| row["status"] != "ACTIVE").collect();
        let status = if matches!(kind, FaultKind::UnknownKind(_)) { json!("AUF \"URLAUB\"") } else { json!(7) };
        assert_eq!((odd.len(), &odd[0]["id"], &odd[0]["status"]), (1, &json!(ODD[0]), &status));
        assert_eq!(fault.fired(), 1, "it does not strike pages on which the record is not");
        assert_eq!(org.get(&format!("/api/v1/users/{}", encoded(ODD[0]))).await.json()["status"], status);
        assert_eq!(org.get(&format!("/api/v1/users/{}", encoded(ODD[1]))).await.json()["status"], "ACTIVE");
        org.faults().clear();
    }
}
