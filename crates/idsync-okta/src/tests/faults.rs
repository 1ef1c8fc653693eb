use super::{Org, api_token, collect, fault, header, ok, user};
use crate::{OktaProvider, Progress, RetryPolicy};
use idsync_core::{ErrorKind, IdentityProvider, ReadOptions, Retry};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wiremock::ResponseTemplate;

const USERS: &str = "/api/v1/users";
const TOKEN: &str = "/oauth2/v1/token";
const DATE: &str = "Thu, 27 Aug 2020 18:15:50 GMT";

async fn read(provider: &OktaProvider) -> Result<usize, idsync_core::Error> {
    let (users, error) = collect(provider.users(ReadOptions::default())).await;
    error.map_or(Ok(users.len()), Err)
}

async fn org(answers: Vec<ResponseTemplate>) -> Org {
    let org = Org::start().await;
    org.answers(USERS, answers).await;
    org
}

fn one_user() -> ResponseTemplate {
    ok(&json!([user("a")]))
}

fn too_many(limit: u32, reset: u64) -> ResponseTemplate {
    fault(429, "E0000047")
        .insert_header("date", DATE)
        .insert_header("x-rate-limit-limit", limit.to_string())
        .insert_header("x-rate-limit-remaining", "0")
        .insert_header("x-rate-limit-reset", reset.to_string())
        .insert_header("x-okta-request-id", "req1")
}

fn limits(org: &Org) -> Vec<String> {
    futures::executor::block_on(org.requests(USERS))
        .iter()
        .map(|request| request.url.query_pairs().find(|(name, _)| name == "limit").unwrap().1.into_owned())
        .collect()
}

#[tokio::test]
async fn p15_row01_a_429_makes_the_bucket_wait_for_the_reset_by_the_servers_date() {
    let org = org(vec![too_many(50, 1_598_552_150 + 8), one_user()]).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = {
        let told = Arc::clone(&told);
        Arc::new(move |progress| told.lock().unwrap().push(progress))
    };
    let provider = OktaProvider::new(org.builder(api_token()).progress(listener).build().unwrap());
    assert_eq!(read(&provider).await.unwrap(), 1);
    let slept: Duration = org.timer.slept().iter().sum();
    assert!((Duration::from_secs(9)..Duration::from_secs(11)).contains(&slept), "{slept:?}");
    assert!(told.lock().unwrap().iter().any(|progress| matches!(progress, Progress::Waiting { bucket: "users", .. })));
    let requests = org.requests(USERS).await;
    assert_eq!((header(&requests[1], "x-okta-retry-for"), header(&requests[1], "x-okta-retry-count")), (Some("req1"), Some("1")));
    let usage = provider.usage();
    assert_eq!((usage.total, usage.rate_limited, usage.retried, usage.by_bucket["users"]), (2, 1, 1, 2));
}

#[tokio::test]
async fn p15_row03_a_429_whose_reset_has_passed_is_not_answered_with_the_same_request_at_once() {
    for reset in [1_598_552_148, 1_598_552_149, 1_598_552_150] {
        let org = org(vec![too_many(50, reset), too_many(50, reset), one_user()]).await;
        assert_eq!(read(&org.provider()).await.unwrap(), 1);
        let slept: Duration = org.timer.slept().iter().sum();
        assert!((Duration::from_secs(2)..Duration::from_secs(4)).contains(&slept), "a second each: {slept:?}");
    }
}

#[tokio::test]
async fn p15_row02_a_concurrency_429_is_a_short_pause_and_not_two_minutes() {
    let org = org(vec![too_many(0, 1_598_552_150 + 140), one_user()]).await;
    assert_eq!(read(&org.provider()).await.unwrap(), 1);
    let slept: Duration = org.timer.slept().iter().sum();
    assert!(slept <= Duration::from_secs(2), "{slept:?}");
}

#[tokio::test]
async fn row01_a_rate_limit_that_never_ends_uses_up_the_budget() {
    let org = org(vec![too_many(50, 1_598_552_150 + 59)]).await;
    let error = read(&org.provider()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, Retry::Exhausted));
    assert_eq!(org.requests(USERS).await.len(), 6, "five waits of a minute");
}

#[tokio::test]
async fn row01_a_429_that_asks_for_more_time_than_there_is_tells_the_caller_when_to_come_back() {
    let org = org(vec![ResponseTemplate::new(429).insert_header("retry-after", "600")]).await;
    let error = read(&org.provider()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, Retry::After(Duration::from_secs(600))));
    assert!(error.remedy().is_some());
    assert_eq!(org.requests(USERS).await.len(), 1);
}

#[tokio::test]
async fn row01_while_more_time_is_asked_for_than_there_is_every_call_is_told_the_rest_of_it_at_once() {
    let limited = ResponseTemplate::new(429).insert_header("retry-after", "3600");
    let org = org(vec![limited.clone(), one_user()]).await;
    let provider = org.provider();
    read(&provider).await.unwrap_err();
    org.timer.advance(Duration::from_secs(600));
    let error = read(&provider).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::RateLimited, Retry::After(Duration::from_secs(3000))));
    assert_eq!(error.operation(), Some("list users"));
    assert_eq!(org.requests(USERS).await.len(), 1, "nothing is sent meanwhile");
    org.timer.advance(Duration::from_secs(3000));
    assert_eq!(read(&provider).await.unwrap(), 1);

    let org = Org::start().await;
    org.answers(TOKEN, vec![limited]).await;
    let provider = org.app_provider();
    read(&provider).await.unwrap_err();
    let error = read(&provider).await.unwrap_err();
    assert_eq!((error.retry(), error.operation()), (Retry::After(Duration::from_secs(3600)), Some("fetch an access token")));
    assert_eq!(org.requests(TOKEN).await.len(), 1);
}

#[tokio::test]
async fn row04_passing_faults_are_retried_until_they_pass_or_the_attempts_are_used_up() {
    let html = ResponseTemplate::new(502).set_body_string("<html>bad gateway</html>");
    let waiting = ResponseTemplate::new(503).insert_header("retry-after", "7");
    let org = self::org(vec![html.clone(), waiting, ResponseTemplate::new(504), one_user()]).await;
    assert_eq!(read(&org.provider()).await.unwrap(), 1);
    assert!(org.timer.slept()[1] >= Duration::from_secs(7));

    let org = self::org(vec![html]).await;
    let error = read(&org.provider()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Exhausted));
    assert_eq!(error.to_string(), "list users: gave up after 16 attempts: Okta answered 502");
    assert_eq!(org.requests(USERS).await.len(), 16);
}

#[tokio::test]
async fn refusals_are_not_retried() {
    for (status, code, kind) in [
        (403, "E0000006", ErrorKind::PermissionDenied),
        (403, "E0000005", ErrorKind::PermissionDenied),
        (404, "E0000008", ErrorKind::Unavailable),
        (400, "E0000031", ErrorKind::Other),
    ] {
        let org = org(vec![fault(status, code)]).await;
        let error = read(&org.provider()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{code}");
        assert!(!format!("{error} {error:?}").contains("secret summary"));
        assert_eq!(org.requests(USERS).await.len(), 1, "{code}");
    }
}

#[tokio::test]
async fn row04_pages_become_smaller_when_the_server_cannot_cope() {
    let broken = fault(500, "E0000009");
    let org = Org::start().await;
    let next = org.next(USERS, "x");
    let mut answers = vec![broken; 6];
    answers.push(one_user().append_header("link", &*next));
    answers.push(one_user());
    org.answers(USERS, answers).await;
    assert_eq!(read(&org.provider()).await.unwrap(), 2);
    assert_eq!(limits(&org), ["200", "200", "100", "50", "25", "25", "25", "25"]);
}

#[tokio::test]
async fn row04_pages_become_larger_again_when_the_server_can_cope() {
    let org = Org::start().await;
    let mut answers = vec![fault(500, "E0000009"), fault(504, "E0000009")];
    // The links repeat a page size that is not asked for any more.
    answers.extend((0..5).map(|page| one_user().append_header("link", &*org.next(USERS, &page.to_string()))));
    answers.push(one_user());
    org.answers(USERS, answers).await;
    assert_eq!(read(&org.provider()).await.unwrap(), 6);
    assert_eq!(limits(&org), ["200", "200", "100", "100", "100", "100", "200", "200"]);
}

#[tokio::test]
async fn row04_an_org_that_is_busy_is_not_asked_for_smaller_pages() {
    let org = org(vec![fault(503, "E0000181"), fault(503, "E0000181"), fault(503, "E0000181"), one_user()]).await;
    assert_eq!(read(&org.provider()).await.unwrap(), 1);
    assert_eq!(limits(&org), ["200"; 4]);
}

#[tokio::test]
async fn p01_row06_a_page_that_stays_unreadable_ends_the_read() {
    let half = ResponseTemplate::new(200).set_body_string("[{\"id\":\"a\",\"status\":\"ACT");
    let org = self::org(vec![half.clone(), one_user()]).await;
    assert_eq!(read(&org.provider()).await.unwrap(), 1);
    for body in ["[{\"id\":\"a\"", "{}", "<html>", ""] {
        let org = self::org(vec![ResponseTemplate::new(200).set_body_string(body)]).await;
        let error = read(&org.provider()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{body}");
        assert_eq!(org.requests(USERS).await.len(), 3);
    }
}

#[tokio::test]
async fn row19_a_page_beyond_the_size_limit_is_refused() {
    let huge: Value = json!([{"id": "a", "status": "ACTIVE", "profile": {"x": "y".repeat(33 * 1024 * 1024)}}]);
    let org = org(vec![ok(&huge)]).await;
    let error = read(&org.provider()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert!(error.message().contains("33554432 bytes"), "{error}");
}

#[tokio::test]
async fn row07_an_answer_that_does_not_come_in_time_is_a_timeout() {
    let org = org(vec![one_user().set_delay(Duration::from_secs(30))]).await;
    let client = org.builder(api_token()).request_timeout(Duration::from_millis(50)).retry(RetryPolicy::new(2, Duration::from_secs(60)));
    let error = read(&OktaProvider::new(client.build().unwrap())).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Timeout, Retry::Exhausted));
}

#[tokio::test]
async fn row07_an_answer_that_begins_and_does_not_end_is_a_timeout() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = crate::OrgUrl::parse_or_local(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        _ = stream.read(&mut request).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n[").await.unwrap();
        std::future::pending::<()>().await;
    });
    let client = crate::OktaClient::builder(url, api_token()).page_deadline(Duration::from_millis(100));
    let client = client.retry(RetryPolicy::new(1, Duration::from_secs(60))).build().unwrap();
    assert_eq!(read(&OktaProvider::new(client)).await.unwrap_err().kind(), ErrorKind::Timeout);
    server.abort();
}

#[tokio::test]
async fn requests_go_through_a_proxy_only_when_one_is_given() {
    let (proxy, org) = (Org::start().await, org(vec![one_user()]).await);
    proxy.answers(USERS, vec![one_user()]).await;
    let through = idsync_core::Secret::new(proxy.server.uri());
    let client = org.builder(api_token()).proxy(through).build().unwrap();
    assert_eq!(read(&OktaProvider::new(client)).await.unwrap(), 1);
    assert_eq!((proxy.requests(USERS).await.len(), org.requests(USERS).await.len()), (1, 0));
    let canary = idsync_core::Secret::new("http://user:canary@[".to_owned());
    let error = org.builder(api_token()).proxy(canary).build().unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"));
}

/// Answers each connection with the next of these bytes, as they are, and closes it.
pub(super) async fn raw_server(answers: Vec<Vec<u8>>) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            _ = stream.read(&mut request).await;
            _ = stream.write_all(&answer).await;
            _ = stream.shutdown().await;
        }
    });
    port
}

#[tokio::test]
async fn p01_row05_row06_a_body_that_breaks_off_is_never_taken_for_a_whole_one() {
    let whole = br#"[{"id":"a","status":"ACTIVE"}]"#;
    let answer = |length: usize| [format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").as_bytes(), whole].concat();
    let chunked = [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1e\r\n".as_slice(), whole, b"\r\n"].concat();
    let port = raw_server(vec![answer(whole.len() + 10), chunked, Vec::new(), answer(whole.len())]).await;
    let org = Org::start().await;
    let url = crate::OrgUrl::parse_or_local(&format!("http://127.0.0.1:{port}")).unwrap();
    let client = crate::OktaClient::builder(url, api_token()).timer(org.timer()).build().unwrap();
    let provider = OktaProvider::new(client);
    assert_eq!(read(&provider).await.unwrap(), 1);
    assert_eq!(provider.usage().total, 4);
}

#[tokio::test]
async fn p20_row40_a_stream_that_is_dropped_stops_requesting_and_gives_its_place_back() {
    let org = org(vec![one_user().set_delay(Duration::from_secs(30)), one_user()]).await;
    let client = org.builder(api_token()).concurrency(std::num::NonZeroUsize::MIN).build().unwrap();
    let provider = OktaProvider::new(client);
    assert!(tokio::time::timeout(Duration::from_millis(100), read(&provider)).await.is_err());
    let second = tokio::time::timeout(Duration::from_secs(10), read(&provider)).await;
    assert_eq!(second.unwrap().unwrap(), 1);
}
