//! Users listed along several chains, by an org that cannot do it.

use super::{Org, collect, fault, ok, user};
use crate::OktaProvider;
use idsync_core::{ErrorKind, IdentityProvider, ReadOptions};
use serde_json::{Value, json};
use std::num::NonZeroUsize;
use wiremock::matchers::{method, path};
use wiremock::{Mock, Request, ResponseTemplate};

const USERS: &str = "/api/v1/users";
const DISCOVERY: &str = "/.well-known/okta-organization";
const DATE: &str = "Thu, 27 Aug 2020 18:15:50 GMT";
const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// An org that answers requests for users so, by what they search for.
async fn org(answer: impl Fn(Option<&str>, &Request) -> ResponseTemplate + Send + Sync + 'static) -> Org {
    let org = Org::start().await;
    org.answers(DISCOVERY, vec![ok(&json!({"id": "00o1"})).insert_header("date", DATE)]).await;
    let answer = move |request: &Request| {
        let search = request.url.query_pairs().find(|(name, _)| name == "search").map(|(_, search)| search.into_owned());
        answer(search.as_deref(), request)
    };
    Mock::given(method("GET")).and(path(USERS)).respond_with(answer).mount(&org.server).await;
    org
}

async fn read(provider: OktaProvider) -> Result<Vec<String>, idsync_core::Error> {
    let (users, error) = collect(provider.user_chains(TWO).users(ReadOptions::default())).await;
    error.map_or(Ok(users.into_iter().map(|user| user.id.to_string()).collect()), Err)
}

fn page(ids: &[&str]) -> ResponseTemplate {
    let with_age = |id: &&str| {
        let mut user = user(id);
        user["created"] = json!("2019-01-01T00:00:00.000Z");
        user
    };
    ok(&ids.iter().map(with_age).collect::<Value>())
}

fn is_probe(request: &Request) -> bool {
    request.url.query_pairs().any(|(name, value)| name == "limit" && value == "1")
}

#[tokio::test]
async fn an_org_that_does_not_understand_ranges_is_read_along_one_chain_after_one_search() {
    let org = org(|search, _| match search {
        Some(search) if search.contains("created ge") => fault(400, "E0000031"),
        _ => page(&["a"]),
    })
    .await;
    assert_eq!(read(org.provider()).await.unwrap(), ["a"]);
    let requests = org.requests(USERS).await;
    assert_eq!((requests.len(), requests[1].url.query()), (2, Some("limit=200")));
}

#[tokio::test]
async fn an_org_that_refuses_the_searches_after_the_first_is_read_along_one_chain() {
    for (status, code) in [(400, "E0000031"), (409, "E0000145")] {
        let org = org(move |search, request| match search {
            Some(_) if !is_probe(request) => fault(status, code),
            _ => page(&["a"]),
        })
        .await;
        assert_eq!(read(org.provider()).await.unwrap(), ["a"], "{code}");
    }
}

#[tokio::test]
async fn an_org_that_cannot_search_its_users_is_read_along_one_chain() {
    let org = org(|search, _| if search.is_some() { fault(409, "E0000145") } else { page(&["a"]) }).await;
    assert_eq!(read(org.provider()).await.unwrap(), ["a"]);
}

/// The last search, when all chains are through.
fn is_last(request: &Request) -> bool {
    request.url.query_pairs().any(|(name, _)| name == "filter")
}

#[tokio::test]
async fn p01_an_org_that_cannot_go_on_searching_is_read_along_one_chain_from_the_start() {
    for (status, code) in [(400, "E0000031"), (409, "E0000145")] {
        let org = org(move |search, request| match search {
            Some(_) => page(&["a"]),
            None if is_last(request) => fault(status, code),
            None => page(&["a", "b"]),
        })
        .await;
        let read = read(org.provider()).await.unwrap();
        assert!(read.starts_with(&["a".to_owned()]) && read.ends_with(&["a".to_owned(), "b".to_owned()]), "{code}: {read:?}");
        assert!(read.len() > 2, "{code}: it shows late: {read:?}");
    }
}

#[tokio::test]
async fn p01_an_org_that_can_neither_go_on_searching_nor_list_ends_the_read() {
    let org = org(|search, _| if search.is_some() { page(&["a"]) } else { fault(400, "E0000031") }).await;
    let error = read(org.provider()).await.unwrap_err();
    assert!(error.to_string().contains("E0000031"), "{error}");
}

#[tokio::test]
async fn p01_searches_that_fail_otherwise_end_the_read() {
    for (status, code, kind) in [(403, "E0000006", ErrorKind::PermissionDenied), (409, "E0000112", ErrorKind::Unavailable)] {
        let org = org(move |search, request| match search {
            Some(_) if !is_probe(request) => fault(status, code),
            _ => page(&["a"]),
        })
        .await;
        assert_eq!(read(org.provider()).await.unwrap_err().kind(), kind, "{code}");
    }
}

#[tokio::test]
async fn p02_row16_chains_that_show_nobody_after_somebody_was_seen_are_a_missing_role() {
    let org = org(|search, request| match search {
        Some(_) if !is_probe(request) => page(&[]),
        _ => page(&["a"]),
    })
    .await;
    let error = read(org.provider()).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::PermissionDenied, Some("list users")));
    assert!(error.remedy().unwrap().contains("Read-Only Administrator"), "{error:?}");
}
