//! Shares of the rate limits.

use crate::support::Tested;
use idsync_okta_emulator::{OktaEmulator, RateLimits};
use serde_json::{Value, json};

#[tokio::test]
async fn an_app_may_get_another_share() {
    let org = Tested::from(OktaEmulator::builder().rate_limits(RateLimits::workforce())).await;
    let path = "/api/v1/principal-rate-limits";
    let filter = format!("{path}?filter=principalType+eq+%22OAUTH_CLIENT%22");
    assert_eq!(org.done("GET", &filter, Value::Null).await, json!([]));
    assert_eq!(org.admin("GET", path, Value::Null).await.error(), (400, "E0000028".to_owned()));
    let mut body = json!({"principalId": org.client_id(), "principalType": "OAUTH_CLIENT", "defaultPercentage": 100});
    let answer = org.admin("POST", path, body.clone()).await;
    let made = answer.json();
    assert_eq!((answer.status, &made["defaultPercentage"], &made["defaultConcurrencyPercentage"]), (201, &json!(100), &json!(50)));
    assert_eq!(org.done("GET", &filter, Value::Null).await, json!([made]));
    let other = format!("{path}?filter=principalType+eq+%22SSWS_TOKEN%22");
    assert_eq!(org.done("GET", &other, Value::Null).await, json!([]));
    let token = org.token("okta.users.read").await;
    let limit = |answer: crate::support::Answer| answer.header("x-rate-limit-limit").unwrap().to_owned();
    assert_eq!(limit(org.get_as(&token, "/api/v1/users").await), "600");
    assert_eq!(limit(org.get("/api/v1/users").await), "300", "others keep theirs");
    body["defaultPercentage"] = json!(25);
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    assert_eq!(org.done("PUT", &one, body.clone()).await["defaultPercentage"], 25);
    assert_eq!(org.done("GET", &one, Value::Null).await["defaultPercentage"], 25);
    assert_eq!(limit(org.get_as(&token, "/api/v1/users").await), "150");
    assert_eq!(org.admin("POST", path, body.clone()).await.error(), (400, "E0000001".to_owned()), "there is one already");
    body["defaultPercentage"] = json!(101);
    assert_eq!(org.admin("PUT", &one, body).await.error(), (400, "E0000001".to_owned()));
    let unknown = json!({"principalId": "0oaX", "principalType": "OAUTH_CLIENT"});
    assert_eq!(org.admin("POST", path, unknown).await.error(), (404, "E0000007".to_owned()));
}
