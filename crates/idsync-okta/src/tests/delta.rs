//! What is asked for a delta, and what is made of the answers.

use super::{Org, collect, fault, ok, user};
use crate::{Deprovisioned, OktaProvider};
use futures::{StreamExt, TryStreamExt};
use idsync_core::{ChangedUsers, Cursor, DirectoryInfo, ErrorKind, IdentityProvider, ReadOptions, ReadPurpose, Result, UserId};
use serde_json::json;
use std::time::Duration;
use wiremock::ResponseTemplate;

const USERS: &str = "/api/v1/users";
const GROUPS: &str = "/api/v1/groups";
const DISCOVERY: &str = "/.well-known/okta-organization";

async fn changed(provider: &OktaProvider, since: &Cursor) -> Result<Vec<ChangedUsers>> {
    provider.changed_users(since, ReadOptions::of(ReadPurpose::Delta)).try_collect().await
}

/// The org as the provider sees it at noon.
async fn at_noon(org: &Org, provider: &OktaProvider) -> DirectoryInfo {
    let noon = ok(&json!({"id": "00o1"})).insert_header("date", "Fri, 27 Mar 2026 12:00:00 GMT");
    org.answers(DISCOVERY, vec![noon]).await;
    provider.identify().await.unwrap()
}

fn query(request: &wiremock::Request, name: &str) -> Option<String> {
    request.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn a_delta_asks_for_users_changed_since_a_while_before_the_orgs_own_time() {
    let org = Org::start().await;
    let provider = org.provider();
    let info = at_noon(&org, &provider).await;
    assert!(provider.capabilities().has_delta());
    let gone = json!({"id": "b", "status": "DEPROVISIONED", "profile": {"login": "b"}});
    org.answers(USERS, vec![ok(&json!([user("a"), gone, {"id": 7}]))]).await;
    let pages = changed(&provider, &info.cursor.clone().unwrap()).await.unwrap();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].users.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(), ["a"]);
    assert_eq!(pages[0].departed, [UserId::new("b").unwrap()]);
    assert_eq!(pages[0].held.len(), 1);
    let asked = &org.requests(USERS).await[0];
    assert_eq!(query(asked, "filter").as_deref(), Some(r#"lastUpdated ge "2026-03-27T11:50:00.000Z""#));
    assert_eq!((query(asked, "limit").as_deref(), query(asked, "search")), (Some("200"), None));

    let wide = provider.clone().delta_overlap(Duration::from_secs(3600)).include_deprovisioned(Deprovisioned::Include);
    let pages = changed(&wide, &info.cursor.unwrap()).await.unwrap();
    assert_eq!((pages[0].users.len(), pages[0].departed.len()), (2, 0), "they are in scope");
    let asked = &org.requests(USERS).await[1];
    assert_eq!(query(asked, "filter").as_deref(), Some(r#"lastUpdated ge "2026-03-27T11:00:00.000Z""#));
}

#[tokio::test]
async fn p02_that_nobody_changed_is_believed_only_of_an_org_that_shows_somebody() {
    let org = Org::start().await;
    let provider = org.provider();
    let since = at_noon(&org, &provider).await.cursor.unwrap();
    org.answers(USERS, vec![ok(&json!([])), ok(&json!([user("a")])), ok(&json!([]))]).await;
    assert!(changed(&provider, &since).await.unwrap().iter().all(|page| page.users.is_empty()));
    let requests = org.requests(USERS).await;
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].url.query(), Some("limit=1"));
    assert_eq!(changed(&provider, &since).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn p19_the_org_is_asked_who_it_is_once_an_hour_and_its_time_goes_on_meanwhile() {
    let org = Org::start().await;
    let provider = org.provider();
    let first = at_noon(&org, &provider).await;
    let timer = org.timer();
    crate::clock::Timer::sleep(&*timer, Duration::from_secs(59 * 60)).await;
    let second = provider.identify().await.unwrap();
    assert_eq!(second.id, first.id);
    assert_eq!(second.server_time.unwrap().to_string(), "2026-03-27T12:59:00.000Z");
    assert_eq!(org.requests(DISCOVERY).await.len(), 1);
    crate::clock::Timer::sleep(&*timer, Duration::from_secs(60)).await;
    let third = provider.identify().await.unwrap();
    assert_eq!((third.server_time, org.requests(DISCOVERY).await.len()), (first.server_time, 2));
}

#[tokio::test]
async fn without_a_date_there_is_no_cursor_and_another_ones_cursor_means_to_read_everything() {
    let org = Org::start().await;
    let provider = org.provider();
    org.answers(DISCOVERY, vec![ok(&json!({"id": "00o1"})).insert_header("date", "the day before")]).await;
    let info = provider.identify().await.unwrap();
    assert_eq!((info.server_time, info.cursor), (None, None));
    let error = changed(&provider, &Cursor::new("sequence 7")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CursorExpired);
    assert!(org.requests(USERS).await.is_empty());
}

#[tokio::test]
async fn an_org_that_cannot_search_its_users_is_to_be_read_as_a_whole() {
    let org = Org::start().await;
    let provider = org.provider();
    let since = at_noon(&org, &provider).await.cursor.unwrap();
    org.answers(USERS, vec![fault(409, "E0000145"), ok(&json!([user("a")])), fault(409, "E0000145")]).await;
    assert_eq!(changed(&provider, &since).await.unwrap().len(), 1, "it may pass");
    let error = changed(&provider, &since).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::CursorExpired, Some("list users")));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("16 attempts"), "{error:?}");
}

#[tokio::test]
async fn an_org_that_cannot_search_to_the_last_page_is_to_be_read_as_a_whole() {
    let org = Org::start().await;
    let provider = org.provider();
    let since = at_noon(&org, &provider).await.cursor.unwrap();
    let first = ok(&json!([user("a")])).append_header("link", &*org.next(USERS, "c"));
    org.answers(USERS, vec![first, fault(409, "E0000145")]).await;
    let pages: Vec<_> = provider.changed_users(&since, ReadOptions::of(ReadPurpose::Delta)).collect().await;
    assert_eq!(pages.len(), 2);
    assert_eq!(pages[1].as_ref().unwrap_err().kind(), ErrorKind::CursorExpired);
}

#[tokio::test]
async fn the_groups_of_a_user_are_listed_to_their_end_and_all_groups_in_large_pages() {
    let org = Org::start().await;
    let provider = org.provider();
    let of_user = "/api/v1/users/a%2Fb/groups";
    let group = |id: &str| json!({"id": id, "type": "OKTA_GROUP", "profile": {"name": id}});
    let first: ResponseTemplate = ok(&json!([group("g1")])).append_header("link", &*org.next(of_user, "c"));
    org.answers(of_user, vec![first, ok(&json!([group("g2")])), fault(404, "E0000007")]).await;
    let id = UserId::new("a/b").unwrap();
    let (groups, error) = collect(provider.groups_of(&id, ReadOptions::default())).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(groups.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["g1", "g2"]);
    assert_eq!(org.requests(of_user).await[0].url.query(), None, "no page size is described");
    let (_, error) = collect(provider.groups_of(&id, ReadOptions::default())).await;
    assert_eq!(error.unwrap().kind(), ErrorKind::NotFound);

    org.answers(GROUPS, vec![ok(&json!([group("g1")]))]).await;
    for (purpose, limit) in [(ReadPurpose::Full, "limit=200"), (ReadPurpose::Delta, "limit=1000")] {
        collect(provider.groups(ReadOptions::of(purpose))).await;
        assert_eq!(org.requests(GROUPS).await.last().unwrap().url.query(), Some(limit));
    }
}
