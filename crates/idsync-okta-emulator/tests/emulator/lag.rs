//! Answers that are older than the org.

use crate::support::Tested;
use idsync_okta_emulator::Lag;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn searches_show_the_old_state_for_so_many_listings() {
    let org = Tested::start().await;
    let ids = org.get("/api/v1/users").await.ids();
    let (changed, deleted) = (&ids[0], &ids[1]);
    org.org().set_lag(Lag::Listings(2));
    let made = org.org().create_user(json!({"login": "new@example.com", "title": "Old"}));
    org.org().update_user(changed, &[("title", json!("Changed"))]);
    org.org().delete_user(deleted);

    let plain = org.get("/api/v1/users").await;
    assert!(plain.ids().contains(&made) && !plain.ids().contains(deleted), "the plain list is never behind");
    assert_eq!(org.get(&format!("/api/v1/users/{changed}")).await.json()["profile"]["title"], "Changed", "nor is a read by id");
    for _ in 0..2 {
        let found = org.all("/api/v1/users?search=status+pr&limit=9").await;
        let title = found.iter().find(|user| user["id"] == changed.as_str()).map(|user| user["profile"]["title"] == "Changed");
        assert_eq!(title, Some(false));
        assert!(found.iter().any(|user| user["id"] == deleted.as_str()) && !found.iter().any(|user| user["id"] == made.as_str()));
    }
    let found = org.all("/api/v1/users?search=status+pr&limit=9").await;
    assert!(found.iter().any(|user| user["id"] == made.as_str()) && !found.iter().any(|user| user["id"] == deleted.as_str()));
    assert!(found.iter().any(|user| user["profile"]["title"] == "Changed"));
}

#[tokio::test]
async fn member_lists_show_the_old_state_for_so_many_listings() {
    let org = Tested::start().await;
    let (user, other) = (org.org().create_user(json!({"login": "a"})), org.org().create_user(json!({"login": "b"})));
    let (group, calm) = (org.org().create_group("Lagging", None), org.org().create_group("Calm", None));
    let members = |group: &str| format!("/api/v1/groups/{group}/users");
    org.org().add_member(&group, &user);
    org.org().set_lag(Lag::Listings(3));
    org.org().add_member(&group, &other);
    org.org().remove_member(&group, &user);
    assert_eq!(org.get(&members(&calm)).await.ids(), [""; 0], "other groups do not count");
    for _ in 0..3 {
        assert_eq!(org.get(&members(&group)).await.ids(), [user.as_str()]);
    }
    assert_eq!(org.get(&members(&group)).await.ids(), [other.as_str()]);
    assert!(org.org().truth().memberships.contains(&(group.clone(), other.clone())));
    org.org().remove_member(&group, &other);
    org.org().set_lag(Lag::None);
    assert_eq!(org.get(&members(&group)).await.ids(), [""; 0], "without lag everything shows at once");
}

#[tokio::test]
async fn a_lag_may_be_a_time() {
    let org = Tested::start().await;
    org.org().set_lag(Lag::Time(Duration::from_millis(1500)));
    let group = org.org().create_group("New", None);
    let search = "/api/v1/groups?search=profile.name+eq+%22new%22";
    assert!(org.get(search).await.ids().is_empty());
    assert!(org.get("/api/v1/groups").await.ids().contains(&group));
    tokio::time::sleep(Duration::from_millis(1550)).await;
    assert_eq!(org.get(search).await.ids(), [group]);
}
