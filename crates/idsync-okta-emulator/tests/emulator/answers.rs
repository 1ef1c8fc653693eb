//! What every answer carries, and how the server comes and goes.

use crate::signing::now;
use crate::support::{Tested, send};
use idsync_okta_emulator::{Compression, OktaEmulator, Quirks};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[tokio::test]
async fn answers_carry_ids_and_dates() {
    let org = Tested::start().await;
    let (one, two) = (org.get("/api/v1/users").await, org.get("/api/v1/users").await);
    let id = one.header("x-okta-request-id").unwrap();
    assert!(id.len() == 32 && Some(id) != two.header("x-okta-request-id"));
    assert_eq!((one.header("content-type"), one.header("cache-control")), (Some("application/json"), Some("no-cache, no-store")));
    assert!(one.header("date").unwrap().ends_with(" GMT"));
    assert!(one.header("retry-after").is_none());
}

#[tokio::test]
async fn answers_are_compressed_for_who_asks_in_an_org_that_compresses() {
    let org = Tested::start().await;
    let whole = org.get("/api/v1/users").await;
    assert!(whole.header("vary").is_none());
    let mut quirks = Quirks::default();
    quirks.compression = Compression::Gzip;
    org.org().set_quirks(quirks);
    // The client unpacks what it asked for, and then shows no more what it was packed in.
    let packed = org.get("/api/v1/users").await;
    assert_eq!((packed.header("vary"), &packed.text), (Some("accept-encoding"), &whole.text));
    let bytes = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let ask = |coding| {
        bytes.get(org.at("/api/v1/users")).header("authorization", format!("SSWS {}", org.api_token())).header("accept-encoding", coding)
    };
    let answer = ask("gzip").send().await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    assert!(answer.bytes().await.unwrap().len() * 4 < whole.text.len());
    let answer = ask("identity").send().await.unwrap();
    assert!(answer.headers().get("content-encoding").is_none());
    assert_eq!(answer.text().await.unwrap(), whole.text);
}

#[tokio::test]
async fn the_orgs_clock_may_differ_from_the_machines() {
    let org = Tested::from(OktaEmulator::builder().clock_skew(-7200)).await;
    let (status, _, words) = org.token_with(&serde_json::json!({}), &serde_json::json!({})).await.oauth_error();
    assert_eq!((status, words.as_str()), (401, "The client_assertion token has an expiration too far into the future."));
    let late = now() - 7200;
    let answer = org.token_with(&serde_json::json!({"iat": late - 2, "exp": late + 60}), &serde_json::json!({})).await;
    assert_eq!(answer.status, 200);
    let reset: i64 = answer.header("x-rate-limit-reset").unwrap().parse().unwrap();
    assert!((late..late + 65).contains(&reset), "{reset}");
    let user = org.org().create_user(serde_json::json!({"login": "a@example.com"}));
    let created = org.org().truth().users[&user].last_updated.clone();
    org.org().set_clock_skew(0);
    org.org().update_user(&user, &[("title", "x".into())]);
    assert!(org.org().truth().users[&user].last_updated > created);
}

#[tokio::test]
async fn dropping_the_emulator_closes_its_port_and_its_connections() {
    let emulator = OktaEmulator::start().await.unwrap();
    let address = emulator.url().trim_start_matches("http://").to_owned();
    let mut connection = TcpStream::connect(&address).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    // The runtime of the test is blocked here, and the emulator answers all the same.
    connection.write_all(b"GET /.well-known/okta-organization HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").unwrap();
    assert!(connection.read(&mut [0; 4096]).unwrap() > 0);
    drop(emulator);
    assert!(matches!(connection.read(&mut [0; 4096]), Ok(0) | Err(_)), "the connection is closed");
    assert!(TcpStream::connect(&address).is_err(), "nobody listens");
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let first = OktaEmulator::start().await.unwrap();
    let port = first.url().rsplit(':').next().unwrap().parse().unwrap();
    let error = OktaEmulator::builder().port(port).start().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let org = Tested::start().await;
    org.token("okta.users.read").await;
    let shown = format!("{:?} {:?} {:?}", org.emulator, org.org(), org.requests());
    for secret in [org.api_token(), org.setup_token(), "PRIVATE KEY", "eyJ"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(org.private_key_pem().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert_ne!(org.api_token(), org.setup_token());
    let setup = org.http.get(org.at("/api/v1/users")).header("authorization", format!("SSWS {}", org.setup_token()));
    assert_eq!(send(setup).await.status, 200);
}

#[tokio::test]
async fn requests_are_logged_without_what_is_in_them() {
    use idsync_okta_emulator::{Endpoint, Scheme};
    let org = Tested::start().await;
    org.token("okta.users.read").await;
    let group = org.get("/api/v1/groups").await.ids()[0].clone();
    org.get(&format!("/api/v1/groups/{group}/users")).await;
    org.get("/api/v1/users/nobody").await;
    org.get("/emulator/requests").await;
    let foreign = org.http.get(org.at("/api/v1/users")).header("host", "emulator-admin.localhost");
    send(foreign).await;
    let log = org.requests();
    let seen: Vec<_> = log.entries().iter().map(|entry| (entry.endpoint, entry.status, entry.scheme, entry.is_foreign)).collect();
    assert_eq!(
        seen,
        [
            (Endpoint::Token, Some(200), Scheme::None, false),
            (Endpoint::Groups, Some(200), Scheme::Ssws, false),
            (Endpoint::Members, Some(200), Scheme::Ssws, false),
            (Endpoint::User, Some(404), Scheme::Ssws, false),
            (Endpoint::Users, Some(403), Scheme::None, true),
        ]
    );
    assert!(log.entries().is_sorted_by_key(|entry| entry.at));
    assert_eq!((log.total(), log.count(Endpoint::Any), log.count_with_status(Endpoint::User, 404), log.rate_limited()), (5, 5, 1, 0));
    assert_eq!(log.most_within(Duration::from_secs(60), &[Endpoint::Groups, Endpoint::Members]), 2);
    assert_eq!(Endpoint::Members.path(), "/api/v1/groups/{id}/users");
    org.clear_requests();
    assert_eq!(org.requests().total(), 0);
}
