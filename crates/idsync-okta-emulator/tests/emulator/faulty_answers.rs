//! Faults of single answers.

use crate::signing::now;
use crate::support::{Tested, send};
use idsync_okta_emulator::{BodyShape, Endpoint, Fault, FaultKind, Malformed, OktaEmulator};
use reqwest::Response;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

impl Tested {
    async fn response(&self, path: &str) -> reqwest::Result<Response> {
        self.http.get(self.at(path)).header("authorization", format!("SSWS {}", self.api_token())).send().await
    }
}

#[tokio::test]
async fn faults_strike_where_when_and_as_often_as_they_should() {
    let org = Tested::start().await;
    let groups = org.get("/api/v1/groups").await.ids();
    let members = |group: usize| format!("/api/v1/groups/{}/users", groups[group]);
    let kind = || FaultKind::Status(503, BodyShape::Empty);
    let fault = org.faults().add(Fault::new(kind()).on(Endpoint::Members).for_id(&groups[2]).skip(1).times(2));
    let mut seen = Vec::new();
    for (group, count) in [(1, 2), (2, 5)] {
        for _ in 0..count {
            seen.push(org.get(&members(group)).await.status);
        }
    }
    assert_eq!(seen, [200, 200, 200, 503, 503, 200, 200]);
    assert_eq!((fault.fired(), org.faults().fired()), (2, 2));
    let always = org.faults().add(Fault::new(kind()).always());
    assert_eq!((org.get("/api/v1/users").await.status, org.get("/api/v1/groups").await.status), (503, 503));
    always.remove();
    assert_eq!(org.get("/api/v1/users").await.status, 200);
    org.faults().add(Fault::new(kind()));
    org.faults().clear();
    assert_eq!(org.get("/api/v1/users").await.status, 200);
}

#[tokio::test]
async fn statuses_come_in_the_shapes_of_okta_of_proxies_and_of_nothing() {
    let org = Tested::start().await;
    for (status, shape, expected) in
        [(502, BodyShape::Html, "<!DOCTYPE html>"), (503, BodyShape::Empty, ""), (500, BodyShape::Okta, "{\"errorCode\":\"E0000009\"")]
    {
        let fault = org.faults().add(Fault::new(FaultKind::Status(status, shape)).on(Endpoint::Users));
        let answer = org.get("/api/v1/users").await;
        assert_eq!((answer.status, fault.fired()), (status, 1));
        assert!(answer.text.starts_with(expected) && (expected.is_empty() == answer.text.is_empty()), "{}", answer.text);
    }
    org.faults().add(Fault::new(FaultKind::Status(500, BodyShape::Okta)).on(Endpoint::Discovery));
    assert_eq!(send(org.http.get(org.at("/.well-known/okta-organization"))).await.status, 500);
    org.faults().add(Fault::new(FaultKind::Status(429, BodyShape::Okta)).on(Endpoint::Token));
    assert_eq!(org.token_with(&json!({}), &json!({})).await.error(), (429, "E0000047".to_owned()));
}

#[tokio::test]
async fn both_refusals_for_too_many_requests_can_be_had_at_will() {
    let org = Tested::start().await;
    org.faults().add(Fault::new(FaultKind::BucketLimit429(Duration::from_secs(7))).on(Endpoint::Users));
    org.faults().add(Fault::new(FaultKind::Concurrency429).on(Endpoint::Users));
    for (limit, earliest) in [("1000000", 5), ("0", 100)] {
        let answer = org.get("/api/v1/users").await;
        assert_eq!(answer.error(), (429, "E0000047".to_owned()));
        assert_eq!((answer.header("x-rate-limit-limit"), answer.header("x-rate-limit-remaining")), (Some(limit), Some("0")));
        assert!(answer.header("x-rate-limit-reset").unwrap().parse::<i64>().unwrap() - now() >= earliest);
    }
    assert_eq!(org.get("/api/v1/users").await.status, 200);
}

#[tokio::test]
async fn answers_can_be_late_and_slow() {
    let org = Tested::start().await;
    org.faults().add(Fault::new(FaultKind::Delay(Duration::from_millis(120))));
    let start = Instant::now();
    assert_eq!(org.get("/api/v1/users?limit=1").await.status, 200);
    assert!(start.elapsed() >= Duration::from_millis(120));
    let size = org.get("/api/v1/users?limit=1").await.text.len();
    org.faults().add(Fault::new(FaultKind::SlowBody { bytes: size / 4, tick: Duration::from_millis(30) }));
    let start = Instant::now();
    assert_eq!(org.get("/api/v1/users?limit=1").await.text.len(), size);
    assert!(start.elapsed() >= Duration::from_millis(90));
}

#[tokio::test]
async fn connections_end_before_and_within_an_answer() {
    let org = Tested::start().await;
    let reset = org.faults().add(Fault::new(FaultKind::Reset).on(Endpoint::Users).times(5));
    assert!(org.response("/api/v1/users").await.unwrap_err().is_request());
    assert!(reset.fired() > 0);
    reset.remove();
    for kind in [FaultKind::TruncatedBody, FaultKind::ResetMidBody] {
        let whole = org.get("/api/v1/users").await.text.len();
        let fault = org.faults().add(Fault::new(kind.clone()).on(Endpoint::Users));
        let mut response = org.response("/api/v1/users").await.unwrap();
        assert_eq!((response.status().as_u16(), response.content_length()), (200, Some(whole as u64)), "{kind:?}");
        let mut read = 0;
        let error = loop {
            match response.chunk().await {
                Ok(Some(bytes)) => read += bytes.len(),
                Ok(None) => panic!("{kind:?} ended in order"),
                Err(error) => break error,
            }
        };
        assert!(read <= whole / 2, "{kind:?}: {read} of {whole}");
        let is_reset = format!("{error:?}").contains("ConnectionReset");
        assert_eq!((is_reset, fault.fired()), (kind == FaultKind::ResetMidBody, 1), "{error:?}");
    }
    assert_eq!(org.get("/api/v1/users").await.status, 200);
}

#[tokio::test]
async fn bodies_can_be_no_json_huge_and_deep() {
    let org = Tested::start().await;
    let whole = org.get("/api/v1/users").await.text.len();
    org.faults().add(Fault::new(FaultKind::MalformedJson).on(Endpoint::Users));
    let answer = org.get("/api/v1/users").await;
    assert!(answer.status == 200 && serde_json::from_str::<Value>(&answer.text).is_err() && answer.link("self").is_some());
    org.faults().add(Fault::new(FaultKind::HugeBody(3_000_000)).on(Endpoint::Users));
    let answer = org.get("/api/v1/users").await;
    assert_eq!((answer.text.len(), answer.header("content-length")), (whole + 3_000_000, None));
    assert_eq!(answer.ids().len(), org.get("/api/v1/users").await.ids().len());
    org.faults().add(Fault::new(FaultKind::DeepNesting(100_000)).on(Endpoint::Any).times(2));
    let user = &org.get("/api/v1/groups?limit=2").await;
    assert!(user.text.contains(&"[".repeat(100_000)) && serde_json::from_str::<Value>(&user.text).is_err(), "deeper than parsers go");
    assert!(
        org.get(&format!("/api/v1/users/{}", org.org().truth().users.keys().next().unwrap())).await.text.contains(&"[".repeat(100_000))
    );
}

#[tokio::test]
async fn records_can_be_malformed() {
    let org = Tested::start().await;
    let user = org.get("/api/v1/users").await.ids()[0].clone();
    type Check = fn(&Value) -> bool;
    let checks: [(Malformed, Check); 6] = [
        (Malformed::MissingId, |row| row.is_object() && row.get("id").is_none()),
        (Malformed::MissingStatus, |row| row["id"].is_string() && row.get("status").is_none()),
        (Malformed::NotAnObject, Value::is_string),
        (Malformed::Null, Value::is_null),
        (Malformed::NumericId, |row| row["id"].is_number() && row["profile"].is_object()),
        (Malformed::WrongTypes, |row| row["id"].is_string() && row["status"].is_number() && row["profile"].is_string()),
    ];
    for (what, is_so) in checks {
        org.faults().add(Fault::new(FaultKind::MalformedRecord(what)).times(2));
        let rows = org.rows("/api/v1/users?limit=10").await;
        assert_eq!(rows.iter().filter(|row| is_so(row)).count(), 1, "{what:?}");
        assert!(rows.len() == 10 && is_so(&rows[5]), "{what:?}");
        assert!(is_so(&org.get(&format!("/api/v1/users/{user}")).await.json()), "{what:?}");
    }
    org.faults().add(Fault::new(FaultKind::MalformedRecord(Malformed::MissingStatus)));
    assert!(org.rows("/api/v1/groups?limit=1").await[0].get("type").is_none());
}

#[tokio::test]
async fn records_can_have_what_nobody_knows() {
    let org = Tested::start().await;
    org.faults().add(Fault::new(FaultKind::UnknownMembers).times(3));
    let users = org.rows("/api/v1/users?limit=3").await;
    assert!(users.iter().all(|user| user["futureMember"]["list"].is_array() && user["futureFlag"] == true));
    assert_eq!((&users[0]["status"], users[1]["status"].as_str().map(|text| text == "ACTIVATING")), (&json!("ACTIVATING"), Some(false)));
    assert_eq!(org.rows("/api/v1/groups?limit=2").await[0]["type"], "FUTURE_GROUP");
    let id = users[0]["id"].as_str().unwrap();
    assert_eq!(org.get(&format!("/api/v1/users/{id}")).await.json()["status"], "ACTIVATING");
}

#[tokio::test]
async fn headers_can_be_wrong_missing_and_doubled() {
    let org = Tested::start().await;
    let rate = ["x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset"];
    org.faults().add(Fault::new(FaultKind::MissingRateHeaders));
    let answer = org.get("/api/v1/users").await;
    assert!(answer.status == 200 && rate.iter().all(|name| answer.header(name).is_none()));
    org.faults().add(Fault::new(FaultKind::DuplicatedRateHeaders));
    let answer = org.get("/api/v1/users").await;
    assert!(rate.iter().all(|name| answer.headers.get_all(*name).iter().count() == 2));
    let resets: Vec<_> = answer.headers.get_all("x-rate-limit-reset").iter().collect();
    assert_ne!(resets[0], resets[1]);
    let usual = org.get("/api/v1/users").await.header("date").unwrap().to_owned();
    org.faults().add(Fault::new(FaultKind::SkewedDate(86_400 * 3)));
    assert_ne!(org.get("/api/v1/users").await.header("date").unwrap()[..11], usual[..11]);
    assert_eq!(org.get("/api/v1/users").await.header("date").unwrap()[..11], usual[..11]);
}

#[tokio::test]
async fn requests_can_be_sent_elsewhere_or_answered_as_if_something_was_gone() {
    let org = Tested::from(OktaEmulator::builder().users(300)).await;
    org.faults().add(Fault::new(FaultKind::Redirect("http://127.0.0.2/stolen".to_owned())));
    let answer = org.get("/api/v1/users").await;
    assert_eq!((answer.status, answer.header("location")), (302, Some("http://127.0.0.2/stolen")));

    let groups = org.get("/api/v1/groups").await.ids();
    let vanished = org.faults().add(Fault::new(FaultKind::VanishedGroup).for_id(&groups[2]).always());
    assert_eq!(org.get(&format!("/api/v1/groups/{}/users", groups[2])).await.error(), (404, "E0000007".to_owned()));
    assert_eq!(org.get(&format!("/api/v1/groups/{}/users", groups[1])).await.status, 200);
    assert_eq!(org.get(&format!("/api/v1/groups/{}", groups[2])).await.status, 200, "it applies to member lists");
    assert_eq!(vanished.fired(), 1);

    let invalid = org.faults().add(Fault::new(FaultKind::InvalidCursor));
    let first = org.get("/api/v1/users?limit=5").await;
    assert_eq!((first.status, invalid.fired()), (200, 0), "the first page has no cursor");
    assert_eq!(org.get(&first.next().unwrap()).await.error(), (400, "E0000029".to_owned()));
    assert_eq!(org.get(&first.next().unwrap()).await.status, 200);

    org.faults().add(Fault::new(FaultKind::LargeLimit500(50)).on(Endpoint::Users).always());
    assert_eq!(org.get("/api/v1/users").await.error(), (500, "E0000009".to_owned()), "the default is above it");
    assert_eq!(org.get("/api/v1/users?limit=51").await.status, 500);
    assert_eq!(org.get("/api/v1/users?limit=50").await.status, 200);

    org.faults().clear();
    org.faults().add(Fault::new(FaultKind::EmptyUsers200).always());
    let empty = org.get("/api/v1/users?limit=5").await;
    assert_eq!((empty.status, empty.json(), empty.next()), (200, json!([]), None));
    assert!(!org.get("/api/v1/groups").await.ids().is_empty());
}
