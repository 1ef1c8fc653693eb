//! `search`, `filter` and `sortBy`, as the lists understand them.

use crate::support::{Tested, encoded};
use idsync_okta_emulator::{GroupType, OktaEmulator};
use serde_json::{Value, json};

async fn users(org: &Tested, search: &str) -> Vec<Value> {
    org.all(&format!("/api/v1/users?limit=50&search={}", encoded(search))).await
}

#[tokio::test]
async fn searches_find_users_by_what_they_have() {
    let org = Tested::from(OktaEmulator::builder().users(800)).await;
    let all = users(&org, "status pr").await;
    let expect = |found: Vec<Value>, what: &dyn Fn(&Value) -> bool| {
        let expected: Vec<Value> = all.iter().filter(|user| what(user)).cloned().collect();
        assert!(!expected.is_empty());
        assert_eq!(found, expected);
    };
    expect(users(&org, r#"lastUpdated gt "2022-01-01T00:00:00.000Z""#).await, &|user| {
        user["lastUpdated"].as_str() > Some("2022-01-01T00:00:00.000Z")
    });
    let both = r#"lastUpdated ge "2021-06-01T00:00:00.000Z" and (status eq "suspended" or status eq "STAGED")"#;
    expect(users(&org, both).await, &|user| {
        user["lastUpdated"].as_str() >= Some("2021-06-01") && (user["status"] == "SUSPENDED" || user["status"] == "STAGED")
    });
    expect(users(&org, "profile.badgeNumber ge 1700").await, &|user| user["profile"]["badgeNumber"].as_i64() >= Some(1700));
    expect(users(&org, r#"profile.languages eq "pl""#).await, &|user| {
        user["profile"]["languages"].as_array().is_some_and(|list| list.contains(&json!("pl")))
    });
    let kind = all[0]["type"]["id"].as_str().unwrap();
    expect(users(&org, &format!(r#"type.id eq "{kind}""#)).await, &|user| user["type"]["id"] == kind);
    let id = all[3]["id"].as_str().unwrap();
    assert_eq!(users(&org, &format!(r#"id eq "{id}""#)).await, [all[3].clone()]);
}

#[tokio::test]
async fn what_is_no_search_is_refused() {
    let org = Tested::start().await;
    for (query, code) in [
        ("search=status+ne+%22ACTIVE%22", "E0000031"),
        ("search=", "E0000031"),
        ("filter=profile.city+eq+%22Oslo%22", "E0000031"),
        ("filter=status+sw+%22A%22", "E0000031"),
        ("search=status+pr&filter=status+eq+%22ACTIVE%22", "E0000033"),
    ] {
        assert_eq!(org.get(&format!("/api/v1/users?{query}")).await.error(), (400, code.to_owned()), "{query}");
    }
    assert_eq!(org.get("/api/v1/groups?search=name+pr").await.error(), (400, "E0000031".to_owned()));
    assert_eq!(org.get("/api/v1/groups?filter=type+sw+%22A%22").await.error(), (400, "E0000031".to_owned()));
}

#[tokio::test]
async fn searches_can_be_sorted() {
    let org = Tested::from(OktaEmulator::builder().users(300)).await;
    for (order, reversed) in [("asc", false), ("desc", true)] {
        let path = format!("/api/v1/users?search=status+pr&sortBy=lastUpdated&sortOrder={order}&limit=17");
        let found = org.all(&path).await;
        let times: Vec<&str> = found.iter().map(|user| user["lastUpdated"].as_str().unwrap()).collect();
        assert_eq!(found.len(), 300);
        assert!(times.is_sorted_by(|one, two| if reversed { one >= two } else { one <= two }));
    }
    let link = org.get("/api/v1/users?search=status+pr&sortBy=profile.lastName&limit=5").await.next().unwrap();
    assert!(link.ends_with("&limit=5&search=status+pr&sortBy=profile.lastName"), "{link}");
}

#[tokio::test]
async fn groups_are_found_by_type_time_and_name() {
    let org = Tested::from(OktaEmulator::builder().groups(40)).await;
    let made = org.org().create_group_of_type("Night shift", Some("Made now"), GroupType::App);
    for query in [
        r#"search=profile.name sw "night""#,
        r#"search=profile.description co "MADE""#,
        r#"filter=type eq "APP_GROUP" and lastUpdated gt "2026-01-01T00:00:00.000Z""#,
        r#"filter=lastMembershipUpdated gt "2026-01-01T00:00:00.000Z""#,
    ] {
        let (name, text) = query.split_once('=').unwrap();
        assert_eq!(org.get(&format!("/api/v1/groups?{name}={}", encoded(text))).await.ids(), [made.as_str()], "{query}");
    }
    let source = org.get(&format!("/api/v1/groups/{made}")).await.json()["source"]["id"].as_str().unwrap().to_owned();
    let same = format!("/api/v1/groups?limit=2&search={}", encoded(&format!(r#"source.id eq "{source}""#)));
    assert!(org.all(&same).await.iter().any(|group| group["id"] == made.as_str()));
    let sorted = org.all("/api/v1/groups?search=type+eq+%22okta_group%22&sortBy=profile.name&limit=7").await;
    assert!(sorted.len() > 20 && sorted.is_sorted_by_key(|group| group["profile"]["name"].as_str().unwrap().to_lowercase()));
}
