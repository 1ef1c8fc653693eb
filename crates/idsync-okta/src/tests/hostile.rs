//! Servers and networks that keep to no protocol, or overdo it.

use super::faults::raw_server;
use super::{Org, api_token, app, bearer, collect, form, jwt, oauth_fault, ok, user};
use crate::{OktaClient, OktaClientBuilder, OktaProvider, OrgUrl, RetryPolicy};
use futures::StreamExt;
use idsync_core::{Clock, Error, ErrorKind, IdentityProvider, ReadOptions, Retry, Secret, Timestamp};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use wiremock::ResponseTemplate;

const USERS: &str = "/api/v1/users";
const TOKEN: &str = "/oauth2/v1/token";
const WHOLE: &[u8] = br#"[{"id":"a","status":"ACTIVE"}]"#;
const DATE: &str = "Thu, 27 Aug 2020 18:15:50 GMT";
const EPOCH: i64 = 1_598_552_150;

async fn read(client: OktaClientBuilder) -> Result<usize, Error> {
    let provider = OktaProvider::new(client.build().unwrap());
    let (users, error) = collect(provider.users(ReadOptions::default())).await;
    error.map_or(Ok(users.len()), Err)
}

fn client(port: u16) -> OktaClientBuilder {
    let url = OrgUrl::parse_or_local(&format!("http://127.0.0.1:{port}")).unwrap();
    OktaClient::builder(url, api_token()).retry(RetryPolicy::new(4, Duration::from_secs(60)))
}

/// An answer with a body of this length.
fn answer(headers: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

/// A client that waits for nothing but answers.
async fn without_waits(port: u16) -> OktaClientBuilder {
    client(port).timer(Org::start().await.timer())
}

#[tokio::test]
async fn gzip_is_asked_for_and_unpacked() {
    let org = Org::start().await;
    let packed = ResponseTemplate::new(200).insert_header("content-encoding", "gzip").set_body_bytes(gzip_of(WHOLE));
    org.answers(USERS, vec![packed]).await;
    let provider = org.provider();
    let (users, error) = collect(provider.users(ReadOptions::default())).await;
    assert!(users.len() == 1 && error.is_none(), "{error:?}");
    let asked = org.requests(USERS).await[0].headers["accept-encoding"].to_str().unwrap().to_owned();
    assert!(asked.split(',').any(|coding| coding.trim() == "gzip"), "{asked}");
}

/// An archive that holds these bytes as they are, in one block.
fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    let (length, mut sum) = (bytes.len() as u16, u32::MAX);
    for byte in bytes {
        sum ^= u32::from(*byte);
        (0..8).for_each(|_| sum = sum >> 1 ^ (0xedb8_8320 & (sum & 1).wrapping_neg()));
    }
    let head = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
    [&head[..], bytes, &(!sum).to_le_bytes(), &u32::from(length).to_le_bytes()].concat()
}

#[tokio::test]
async fn p01_row06_a_body_that_is_not_the_gzip_it_is_said_to_be_is_read_again() {
    let gzip = "content-encoding: gzip\r\n";
    let cut = gzip_of_spaces(10_000);
    let answers = vec![answer(gzip, WHOLE), answer(gzip, &cut[..cut.len() / 2]), answer(gzip, b""), answer("", WHOLE)];
    assert_eq!(read(without_waits(raw_server(answers).await).await).await.unwrap(), 1);
    let error = read(without_waits(raw_server(vec![answer(gzip, WHOLE); 4]).await).await).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Exhausted), "{error}");
}

/// So many spaces, compressed: a byte that is written out, and then the same again and again.
fn gzip_of_spaces(count: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = vec![true, true, false];
    let mut code = |code: u32, length: u32| bits.extend((0..length).rev().map(|bit| code >> bit & 1 == 1));
    code(0x30 + u32::from(b' '), 8);
    for _ in 0..count / 258 {
        // A repetition of 258 bytes, from one byte before.
        code(0b1100_0101, 8);
        code(0, 5);
    }
    code(0, 7);
    let packed = bits.chunks(8).map(|byte| byte.iter().enumerate().map(|(at, bit)| u8::from(*bit) << at).sum());
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255].into_iter().chain(packed).collect()
}

#[tokio::test]
async fn row19_a_small_body_that_unpacks_to_more_than_the_limit_is_refused() {
    let bomb = gzip_of_spaces(200 * 1024 * 1024);
    assert!(bomb.len() < 2 * 1024 * 1024);
    let error = read(client(raw_server(vec![answer("content-encoding: gzip\r\n", &bomb)]).await)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
    assert!(error.message().contains("33554432 bytes"), "{error}");
}

#[tokio::test]
async fn row19_headers_beyond_the_limit_are_refused() {
    let large: String = (0..60).map(|n| format!("x-filler-{n}: {}\r\n", "y".repeat(2_000))).collect();
    let error = read(client(raw_server(vec![answer(&large, WHOLE)]).await)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error:?}");
    assert!(error.message().contains("headers") && error.message().contains("65536 bytes"), "{error}");

    let many: String = (0..1_000_000).map(|n| format!("x-{n}: y\r\n")).collect();
    let error = read(without_waits(raw_server(vec![answer(&many, WHOLE); 4]).await).await).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Exhausted), "{error}");
}

/// A server that sends this a byte at a time, with a pause after each, and never comes to the end.
async fn trickling(head: &'static [u8], pause: Duration) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        _ = stream.read(&mut [0; 4096]).await;
        for byte in head.iter().chain(std::iter::repeat(&b' ')) {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    });
    port
}

#[tokio::test]
async fn row07_headers_and_bodies_that_trickle_without_an_end_are_given_up() {
    let pause = Duration::from_millis(2);
    let once = RetryPolicy::new(1, Duration::from_secs(60));
    let headers = trickling(b"HTTP/1.1 200 OK\r\nx-filler: ", pause).await;
    let reading = read(client(headers).retry(once).request_timeout(Duration::from_millis(150)));
    let error = timeout(Duration::from_secs(10), reading).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    let body = trickling(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n[", pause).await;
    let reading = read(client(body).retry(once).page_deadline(Duration::from_millis(300)));
    let error = timeout(Duration::from_secs(10), reading).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn row12_without_a_date_no_reset_is_believed_and_a_whole_window_is_waited_for() {
    let limited = format!(
        "HTTP/1.1 429 Too Many Requests\r\nx-rate-limit-limit: 50\r\nx-rate-limit-remaining: 0\r\nx-rate-limit-reset: {}\r\ncontent-length: 0\r\n\r\n",
        EPOCH + 3
    );
    let port = raw_server(vec![limited.into_bytes(), answer("", WHOLE)]).await;
    let org = Org::start().await;
    assert_eq!(read(client(port).timer(org.timer())).await.unwrap(), 1);
    let slept: Duration = org.timer.slept().iter().sum();
    assert!((Duration::from_secs(60)..Duration::from_secs(62)).contains(&slept), "{slept:?}");
}

/// A clock that is set as one likes, in seconds after [`EPOCH`].
#[derive(Debug)]
struct Local(AtomicI64);

impl Clock for Local {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis((EPOCH + self.0.load(Ordering::Relaxed)) * 1_000).unwrap()
    }
}

#[tokio::test]
async fn p19_row12_a_local_clock_that_is_a_day_off_or_jumps_is_corrected_by_the_next_answer() {
    for (start, later) in [(-86_400, -86_400), (86_400, 86_400), (0, -86_400), (0, 86_400)] {
        let org = Org::start().await;
        let refused = oauth_fault(401, "invalid_client", "The client_assertion token is expired.").insert_header("date", DATE);
        let issued = bearer("t").insert_header("date", DATE);
        org.answers(TOKEN, vec![refused.clone(), issued.clone(), refused, issued]).await;
        org.answers(USERS, vec![ok(&json!([user("a")])).insert_header("date", DATE)]).await;
        let clock = Arc::new(Local(AtomicI64::new(start)));
        let provider = OktaProvider::new(org.builder(app()).clock(Arc::clone(&clock) as _).build().unwrap());
        for _ in 0..2 {
            let (users, error) = collect(provider.users(ReadOptions::default())).await;
            assert!(users.len() == 1 && error.is_none(), "{start} {later}: {error:?}");
            clock.0.store(later, Ordering::Relaxed);
            org.timer.advance(Duration::from_secs(3_600));
        }
        let issued: Vec<_> =
            org.requests(TOKEN).await.iter().map(|request| jwt(&form(request, "client_assertion"), 1)["iat"].as_i64().unwrap()).collect();
        assert_eq!(issued.len(), 4);
        // A few seconds before now, for clocks are never quite alike.
        assert_eq!((issued[1], issued[3]), (EPOCH - 5, EPOCH - 5), "{start} {later}");
    }
}

#[tokio::test]
async fn row41_a_page_is_asked_for_when_it_is_wanted_and_not_before() {
    let org = Org::start().await;
    let page = |cursor: &str| ok(&json!([user(cursor)])).append_header("link", &*org.next(USERS, cursor));
    let mut answers: Vec<_> = (0..50).map(|n| page(&format!("c{n}"))).collect();
    answers.push(ok(&json!([])));
    org.answers(USERS, answers).await;
    let mut pages = org.provider().users(ReadOptions::default());
    for read in 1..=3 {
        assert_eq!(pages.next().await.unwrap().unwrap().items.len(), 1);
        tokio::time::sleep(Duration::from_millis(60)).await;
        assert_eq!(org.requests(USERS).await.len(), read, "nothing is read ahead of a reader who takes time");
    }
}

#[tokio::test]
async fn row42_an_org_that_cannot_be_reached_is_a_passing_fault() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let error = read(without_waits(port).await).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, Retry::Exhausted), "{error:?}");

    // What speaks no TLS is not spoken to without it.
    let plain = Org::start().await;
    let secure = OrgUrl::parse_or_local(&plain.server.uri().replace("http://", "https://")).unwrap();
    let client = OktaClient::builder(secure, api_token()).timer(plain.timer()).retry(RetryPolicy::new(3, Duration::from_secs(60)));
    assert_eq!(read(client).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(plain.server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn row42_a_proxy_that_asks_for_a_password_is_told_apart_and_nothing_goes_around_it() {
    let (proxy, org) = (Org::start().await, Org::start().await);
    proxy.answers(USERS, vec![ResponseTemplate::new(407)]).await;
    org.answers(USERS, vec![ok(&json!([user("a")]))]).await;
    let error = read(org.builder(api_token()).proxy(Secret::new(proxy.server.uri()))).await.unwrap_err();
    assert!(error.to_string().contains("407"), "{error}");
    assert!(org.requests(USERS).await.is_empty());
}
