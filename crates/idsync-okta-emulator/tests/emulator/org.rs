//! The org as a test changes it and looks into it.

use crate::support::Tested;
use idsync_okta_emulator::{GroupType, OktaEmulator, Status, Truth};
use serde_json::{Value, json};

async fn truth_of(builder: idsync_okta_emulator::OktaEmulatorBuilder) -> Truth {
    builder.start().await.unwrap().org().truth()
}

fn outside_everyone(truth: &Truth) -> Vec<&(String, String)> {
    let is_everyone = |id: &str| truth.groups[id].profile["name"] == "Everyone";
    truth.memberships.iter().filter(|(group, _)| !is_everyone(group)).collect()
}

#[tokio::test]
async fn the_same_seed_makes_the_same_org_and_another_makes_another() {
    let org = |seed| OktaEmulator::builder().seed(seed).users(400).groups(25).memberships(2500);
    let (one, two, other) = (truth_of(org(5)).await, truth_of(org(5)).await, truth_of(org(6)).await);
    assert_eq!(one, two);
    assert_ne!(one.users.keys().next(), other.users.keys().next());
    assert_eq!((one.users.len(), one.groups.len(), outside_everyone(&one).len()), (400, 27, 2500));
    assert_eq!(one.memberships.len(), 2900, "everybody is in Everyone");
    let large = truth_of(OktaEmulator::builder().users(25_000).groups(0).memberships(0)).await;
    let small = truth_of(OktaEmulator::builder().users(250).groups(0).memberships(0)).await;
    assert!(small.users.iter().all(|(id, user)| large.users.get(id) == Some(user)), "a person does not depend on how many there are");
}

#[tokio::test]
async fn counts_are_those_of_the_truth_in_scope() {
    let org = Tested::from(OktaEmulator::builder().users(300)).await;
    org.org().delete_user(org.org().truth().users.keys().nth(7).unwrap());
    let (counts, scope) = (org.org().counts_in_scope(), org.org().truth().in_scope());
    assert_eq!((counts.users, counts.groups, counts.memberships), (scope.users.len(), scope.groups.len(), scope.memberships.len()));
    assert!(counts.users < 299 && counts.memberships > 0);
}

#[tokio::test]
async fn the_first_group_is_the_largest_and_sizes_fall() {
    let org = Tested::from(OktaEmulator::builder().users(1000).groups(10).memberships(3000)).await;
    let truth = org.org().truth();
    let sizes: Vec<usize> = org.get("/api/v1/groups").await.ids()[2..]
        .iter()
        .map(|id| truth.memberships.iter().filter(|(group, _)| group == id).count())
        .collect();
    assert!(sizes.is_sorted_by(|one, two| one >= two) && sizes[0] > 3 * sizes[9], "{sizes:?}");
    let none = truth_of(OktaEmulator::builder().users(0).groups(0).memberships(0)).await;
    assert_eq!((none.users.len(), none.groups.len(), none.memberships.len()), (0, 2, 0));
    let full = truth_of(OktaEmulator::builder().users(5).groups(3).memberships(1000)).await;
    assert_eq!(outside_everyone(&full).len(), 3 + 15, "no more than fit");
}

#[tokio::test]
async fn users_can_be_made_changed_deactivated_and_deleted() {
    let org = Tested::start().await;
    let handle = org.org().clone();
    let user = handle.create_user(json!({"login": "nora@example.com", "email": "nora@example.com", "firstName": "Nora", "n": 1}));
    let path = format!("/api/v1/users/{user}");
    let read = || org.get(&path);
    let body = read().await.json();
    assert_eq!((&body["status"], &body["profile"]["mobilePhone"]), (&json!("ACTIVE"), &Value::Null));
    assert!(
        handle.update_user(&user, &[("title", json!("Head")), ("n", Value::Null), ("mobilePhone", json!("1")), ("email", json!("n@x"))])
    );
    let profile = read().await.json()["profile"].clone();
    assert_eq!((&profile["title"], profile.get("n"), &profile["mobilePhone"]), (&json!("Head"), None, &json!("1")));
    handle.update_user(&user, &[("mobilePhone", Value::Null)]);
    assert_eq!(read().await.json()["profile"].get("mobilePhone"), Some(&Value::Null));
    assert!(handle.set_status(&user, Status::LockedOut));
    assert_eq!(read().await.json()["status"], "LOCKED_OUT");
    let before = read().await.json();
    assert!(handle.sign_in(&user));
    let after = read().await.json();
    assert!(after["lastLogin"].is_string() && after["lastUpdated"] == before["lastUpdated"]);

    let group = handle.create_group("Group", None);
    assert!(handle.add_member(&group, &user));
    assert!(handle.deactivate_user(&user));
    let members = org.rows(&format!("/api/v1/groups/{group}/users")).await;
    assert_eq!(members[0]["status"], "DEPROVISIONED");
    let truth = handle.truth();
    assert!(truth.users.contains_key(&user) && truth.memberships.contains(&(group.clone(), user.clone())));
    let scope = truth.in_scope();
    assert!(!scope.users.contains_key(&user) && !scope.memberships.contains(&(group.clone(), user.clone())));
    assert!(handle.delete_user(&user));
    assert_eq!(read().await.error(), (404, "E0000007".to_owned()));
    assert!(org.rows(&format!("/api/v1/groups/{group}/users")).await.is_empty());
    assert!(!handle.delete_user(&user) && !handle.update_user(&user, &[]) && !handle.set_status("00uX", Status::Active));
    assert!(!handle.add_member(&group, &user) && !handle.sign_in(&user));
    let staged = handle.create_user_with_status(json!({"login": "s"}), Status::Staged);
    let body = org.get(&format!("/api/v1/users/{staged}")).await.json();
    assert_eq!((&body["activated"], &body["passwordChanged"], &body["status"]), (&Value::Null, &Value::Null, &json!("STAGED")));
}

#[tokio::test]
async fn groups_can_be_made_changed_and_deleted() {
    let org = Tested::start().await;
    let handle = org.org();
    let group = handle.create_group("Night shift", Some(""));
    let path = format!("/api/v1/groups/{group}");
    let read = || org.get(&path);
    let made = read().await.json();
    assert_eq!((&made["profile"]["description"], &made["type"]), (&json!(""), &json!("OKTA_GROUP")));
    handle.set_clock_skew(100);
    assert!(handle.update_group(&group, &[("name", json!("Day \"shift\"")), ("description", Value::Null), ("isSensitive", json!(true))]));
    let changed = read().await.json();
    assert_eq!(changed["profile"], json!({"name": "Day \"shift\"", "description": null, "isSensitive": true}));
    assert!(changed["lastUpdated"].as_str() > made["lastUpdated"].as_str());
    assert_eq!(changed["lastMembershipUpdated"], made["lastMembershipUpdated"]);
    let user = handle.truth().users.keys().next().unwrap().clone();
    assert!(handle.add_member(&group, &user) && !handle.add_member(&group, &user), "nobody is in a group twice");
    let joined = read().await.json();
    assert!(joined["lastMembershipUpdated"].as_str() > changed["lastMembershipUpdated"].as_str());
    assert_eq!(joined["lastUpdated"], changed["lastUpdated"]);
    assert!(handle.remove_member(&group, &user) && !handle.remove_member(&group, &user));
    assert!(handle.delete_group(&group) && !handle.delete_group(&group));
    assert_eq!(read().await.error(), (404, "E0000007".to_owned()));
    let everyone = org.get("/api/v1/groups?limit=1").await.ids()[0].clone();
    assert!(!handle.delete_group(&everyone) && !handle.add_member(&everyone, &user) && !handle.remove_member(&everyone, &user));
    let app = handle.create_group_of_type("Imported", None, GroupType::App);
    assert!(org.get(&format!("/api/v1/groups/{app}")).await.json()["source"]["id"].as_str().unwrap().starts_with("0oa"));
}
