//! Rate limits.

use crate::signing::now;
use crate::support::{Answer, Tested};
use idsync_okta_emulator::{Bucket, Endpoint, Fault, FaultKind, OktaEmulator, RateLimits};
use std::time::Duration;

fn counts(answer: &Answer) -> (i64, i64, i64) {
    let number = |name| answer.header(name).unwrap().parse().unwrap();
    (number("x-rate-limit-limit"), number("x-rate-limit-remaining"), number("x-rate-limit-reset"))
}

#[tokio::test]
async fn a_bucket_counts_down_and_then_refuses_until_its_window_ends() {
    let limits = RateLimits::unlimited().with(Bucket::Users, 3, Duration::from_secs(3));
    let org = Tested::from(OktaEmulator::builder().rate_limits(limits)).await;
    for remaining in [2, 1, 0] {
        let answer = org.get("/api/v1/users").await;
        assert_eq!((answer.status, counts(&answer).0, counts(&answer).1), (200, 3, remaining));
    }
    let refused = org.get("/api/v1/users").await;
    assert_eq!(refused.error(), (429, "E0000047".to_owned()));
    let (limit, remaining, reset) = counts(&refused);
    assert!((limit, remaining) == (3, 0) && (0..=4).contains(&(reset - now())), "{reset}");
    assert!(refused.header("retry-after").is_none() && refused.header("cache-control").is_none());
    assert_eq!(org.requests().rate_limited(), 1);
    assert_eq!(org.get("/api/v1/groups").await.status, 200, "other buckets go on");
    while now() <= reset {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(counts(&org.get("/api/v1/users").await).1, 2, "a new window");
}

#[tokio::test]
async fn requests_are_counted_in_the_recorded_buckets() {
    let org = Tested::start().await;
    let (user, group) = (org.get("/api/v1/users").await.ids()[0].clone(), org.get("/api/v1/groups").await.ids()[0].clone());
    let mut left = Vec::new();
    for path in [
        "/api/v1/users".to_owned(),
        format!("/api/v1/users/{user}/groups"),
        format!("/api/v1/users/{user}"),
        format!("/api/v1/groups/{group}/users"),
        format!("/api/v1/groups/{group}"),
        "/api/v1/org".to_owned(),
        "/api/v1/groups/00gX/users".to_owned(),
    ] {
        left.push(1_000_000 - counts(&org.get(&path).await).1);
    }
    assert_eq!(left, [2, 3, 1, 2, 1, 1, 3], "what is refused is counted as well");
    let token = org.token("okta.users.read").await;
    assert_eq!(counts(&org.get_as(&token, "/api/v1/users").await).1, 999_999, "each caller has its own");
}

#[tokio::test]
async fn named_limits_are_the_share_of_an_app() {
    for (limits, users, groups, token) in [(RateLimits::workforce(), 300, 250, 1000), (RateLimits::integrator(), 50, 50, 150)] {
        let org = Tested::start().await;
        org.set_rate_limits(limits);
        assert_eq!(counts(&org.get("/api/v1/users").await).0, users);
        assert_eq!(counts(&org.get("/api/v1/groups").await).0, groups);
        let answer = org.token_with(&serde_json::json!({}), &serde_json::json!({})).await;
        assert_eq!(counts(&answer), (token, token - 1, counts(&answer).2));
    }
}

#[tokio::test]
async fn too_many_at_once_are_refused_with_a_limit_of_zero() {
    let org = Tested::from(OktaEmulator::builder().rate_limits(RateLimits::unlimited().with_concurrency(2))).await;
    org.faults().add(Fault::new(FaultKind::Delay(Duration::from_secs(1))).on(Endpoint::Users).times(2));
    let (one, two, three) = tokio::join!(org.get("/api/v1/users"), org.get("/api/v1/users"), async {
        while org.requests().total() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        org.get("/api/v1/groups").await
    });
    assert_eq!((one.status, two.status, three.error()), (200, 200, (429, "E0000047".to_owned())));
    let (limit, remaining, reset) = counts(&three);
    assert!((limit, remaining) == (0, 0) && (100..150).contains(&(reset - now())), "{reset}");
    assert_eq!(org.requests().max_in_flight(), 3);
    assert_eq!(org.get("/api/v1/groups").await.status, 200);
}
