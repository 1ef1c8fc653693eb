//! Pages, links and cursors.

use crate::support::Tested;
use idsync_okta_emulator::OktaEmulator;
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test]
async fn pages_hold_every_row_once_in_the_order_of_ids() {
    let org = Tested::from(OktaEmulator::builder().users(500).groups(30).memberships(3000)).await;
    let group = org.rows("/api/v1/groups").await[2]["id"].as_str().unwrap().to_owned();
    for path in [
        "/api/v1/users?limit=7".to_owned(),
        "/api/v1/users?search=status+pr&limit=7".to_owned(),
        "/api/v1/users?filter=status+eq+%22ACTIVE%22&limit=7".to_owned(),
        "/api/v1/groups?limit=3".to_owned(),
        format!("/api/v1/groups/{group}/users?limit=7"),
    ] {
        let ids: Vec<String> = org.all(&path).await.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        assert!(ids.len() > 20 && ids.is_sorted(), "{path}");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{path}");
        let large: Vec<String> = org
            .all(&path.replace("limit=7", "limit=200").replace("limit=3", "limit=200"))
            .await
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(ids, large, "{path}");
    }
}

#[tokio::test]
async fn links_come_in_lines_of_their_own_with_self_written_anew() {
    let org = Tested::start().await;
    let first = org.get("/api/v1/users/?search=status%20eq%20%22ACTIVE%22&limit=2&sortOrder=0").await;
    let links = first.links();
    assert_eq!(links.len(), 2);
    assert_eq!(links[0], format!("<{}/api/v1/users?limit=2&search=status+eq+%22ACTIVE%22>; rel=\"self\"", org.url()));
    assert!(links[1].starts_with(&format!("<{}/api/v1/users?after=00u", org.url())), "{}", links[1]);
    assert!(links[1].ends_with("&limit=2&search=status+eq+%22ACTIVE%22>; rel=\"next\""));
    let second = org.get(&first.next().unwrap()).await;
    assert_eq!(second.link("self"), first.next());
    assert!(org.get("/api/v1/users").await.next().is_none(), "fewer than a page");
    for (path, expected) in [("users", "limit=200"), ("groups", "limit=10000")] {
        let link = org.get(&format!("/api/v1/{path}")).await.link("self").unwrap();
        assert_eq!(link, org.at(&format!("/api/v1/{path}?{expected}")));
    }
    let group = &org.get("/api/v1/groups").await.ids()[0];
    let members = format!("/api/v1/groups/{group}/users");
    assert_eq!(org.get(&members).await.link("self").unwrap(), org.at(&format!("{members}?limit=1000")));
    assert!(org.get("/api/v1/users?limit=1").await.next().unwrap().contains("after=200u"), "the plain list has a digit in its cursors");
    assert!(org.get("/api/v1/groups?limit=1").await.next().unwrap().contains("%3D"), "group cursors need their encoding");
}

#[tokio::test]
async fn the_limit_is_kept_within_bounds() {
    let org = Tested::from(OktaEmulator::builder().users(450)).await;
    assert_eq!(org.rows("/api/v1/users").await.len(), 200);
    assert_eq!(org.get("/api/v1/users?limit=100000").await.ids().len(), 200);
    for wrong in ["0", "-1", "many"] {
        assert_eq!(org.get(&format!("/api/v1/users?limit={wrong}")).await.error(), (400, "E0000001".to_owned()));
    }
}

#[tokio::test]
async fn made_up_and_foreign_cursors_are_refused() {
    let org = Tested::start().await;
    let cursor_of = |url: String| url.split_once("after=").unwrap().1.split('&').next().unwrap().to_owned();
    let users = cursor_of(org.get("/api/v1/users?limit=1").await.next().unwrap());
    let groups = cursor_of(org.get("/api/v1/groups?limit=1").await.next().unwrap());
    let refused = [
        "/api/v1/users?after=abc".to_owned(),
        "/api/v1/users?after=".to_owned(),
        format!("/api/v1/users?after={groups}"),
        format!("/api/v1/users?search=status+pr&after={users}"),
        format!("/api/v1/groups?after={users}"),
        format!("/api/v1/groups?after={}", groups.replace('%', "%25")),
    ];
    for path in &refused {
        let answer = org.get(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert_eq!(answer.error(), (400, "E0000029".to_owned()), "{path}");
        assert_eq!(answer.json()["errorCauses"], json!([{"errorSummary": "Invalid cursor."}]));
    }
    assert_eq!(org.get(&format!("/api/v1/users?limit=50&after={users}")).await.status, 200, "the page size may change between pages");
}

#[tokio::test]
async fn a_cursor_stays_good_when_its_row_is_deleted() {
    let org = Tested::start().await;
    let first = org.get("/api/v1/users?limit=3").await;
    let expected = org.get(&first.next().unwrap()).await.ids();
    org.org().delete_user(&first.ids()[2]);
    assert_eq!(org.get(&first.next().unwrap()).await.ids(), expected);
    org.org().delete_user(&expected[0]);
    assert_eq!(org.get(&first.next().unwrap()).await.ids()[0], expected[1], "what vanishes between pages is not shown");
}

#[tokio::test]
async fn quick_searches_are_cut_off_and_have_no_links() {
    let org = Tested::from(OktaEmulator::builder().users(2000).groups(700)).await;
    let users = org.get("/api/v1/users?q=a").await;
    assert_eq!((users.ids().len(), users.links().len()), (10, 0));
    assert!(users.json().as_array().unwrap().iter().all(|user| user["status"] != "DEPROVISIONED"));
    assert_eq!(org.get("/api/v1/users?q=a&limit=3").await.ids().len(), 3);
    let groups = org.get("/api/v1/groups?q=A").await;
    assert!(groups.ids().len() > 50 && groups.links().is_empty());
    let few = org.get("/api/v1/groups?q=everyone&limit=1").await;
    assert_eq!((few.ids().len(), few.links().len()), (1, 0));
}
