//! Faults of calls that change something.

use crate::signing::Key;
use crate::support::{Answer, Tested, send};
use idsync_okta_emulator::{BodyShape, Calls, Credential, Endpoint, Fault, FaultKind, Malformed, Method, RequestEntry};
use serde_json::{Value, json};

impl Tested {
    async fn try_app(&self, label: &str) -> reqwest::Result<reqwest::Response> {
        let request = self.http.post(self.at("/api/v1/apps")).header("authorization", format!("SSWS {}", self.setup_token()));
        request.header("content-type", "application/json").body(Self::app_body(label, &Key::fresh()).to_string()).send().await
    }

    fn labels(&self) -> Vec<String> {
        self.org().apps().into_iter().map(|app| app.label).collect()
    }
}

#[tokio::test]
async fn an_answer_may_be_lost_after_the_org_acted() {
    let org = Tested::start().await;
    let fault = org.faults().add(Fault::new(FaultKind::LostAnswer).on(Endpoint::Apps).of_calls(Calls::Writing));
    org.admin("GET", "/api/v1/apps", Value::Null).await;
    assert!(org.try_app("Lost").await.is_err());
    assert!(org.labels().contains(&"Lost".to_owned()) && fault.fired() == 1);
    assert_eq!(org.requests().entries()[1].status, None, "nothing was answered");
    assert_eq!(org.try_app("Found").await.unwrap().status(), 200);
    org.faults().add(Fault::new(FaultKind::Reset).on(Endpoint::Apps));
    assert!(org.try_app("Never").await.is_err());
    assert!(!org.labels().contains(&"Never".to_owned()), "this one comes before");
}

#[tokio::test]
async fn a_500_may_hide_that_the_org_acted() {
    let org = Tested::start().await;
    org.faults().add(Fault::new(FaultKind::StatusAfter(500, BodyShape::Okta)).of_calls(Calls::Writing));
    let answer = org.admin("POST", "/api/v1/apps", Tested::app_body("Hidden", &Key::fresh())).await;
    assert_eq!(answer.error(), (500, "E0000009".to_owned()));
    assert!(answer.header("x-rate-limit-remaining").is_some());
    assert!(org.labels().contains(&"Hidden".to_owned()));
    org.faults().add(Fault::new(FaultKind::Status(500, BodyShape::Okta)).of_calls(Calls::Writing));
    assert_eq!(org.admin("POST", "/api/v1/apps", Tested::app_body("Never", &Key::fresh())).await.status, 500);
    assert!(!org.labels().contains(&"Never".to_owned()));
    org.faults().add(Fault::new(FaultKind::Status(409, BodyShape::Okta)).on(Endpoint::ClientRoles));
    let id = org.org().create_app("Busy");
    let busy = org.admin("POST", &format!("/oauth2/v1/clients/{id}/roles"), json!({"type": "ORG_ADMIN"})).await;
    assert_eq!(busy.error(), (409, "E0000268".to_owned()));
}

#[tokio::test]
async fn a_good_answer_may_be_a_lie() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Told").await;
    let before = org.org().apps();
    org.faults().add(Fault::new(FaultKind::Ignored).times(6));
    assert_eq!(org.admin("GET", "/api/v1/apps", Value::Null).await.status, 200, "reading is not meant");
    let made = org.done("POST", "/api/v1/apps", Tested::app_body("Lie", &Key::fresh())).await;
    assert_eq!(org.admin("GET", &format!("/api/v1/apps/{}", made["id"].as_str().unwrap()), Value::Null).await.status, 404);
    assert_eq!(org.granted(&id, "okta.users.read").await.status, 200);
    assert_eq!(org.admin("POST", &format!("/oauth2/v1/clients/{id}/roles"), json!({"type": "ORG_ADMIN"})).await.status, 201);
    assert_eq!(org.admin("POST", &format!("/api/v1/apps/{id}/lifecycle/deactivate"), Value::Null).await.status, 200);
    let role = json!({"label": "a", "description": "b", "permissions": ["okta.users.read"]});
    org.done("POST", "/api/v1/iam/roles", role).await;
    assert_eq!(org.admin("DELETE", "/api/v1/api-tokens/current", Value::Null).await.status, 204);
    assert_eq!(org.org().apps(), before);
    assert!(org.org().custom_roles().is_empty() && org.org().api_tokens().iter().all(|token| !token.is_revoked));
    let again = org.done("POST", "/api/v1/apps", Tested::app_body("Lie", &Key::fresh())).await;
    assert_ne!(again["id"], made["id"], "an id is never given twice");
}

/// What a client does that sets an app up; none of its calls is repeated.
async fn set_up(org: &Tested) -> Vec<Option<u16>> {
    let authorization = format!("SSWS {}", org.setup_token());
    let ask = |method: &'static str, path: String, body: Value| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = org.http.request(method, org.at(&path)).header("authorization", authorization.clone());
        let request = request.header("content-type", "application/json").body(body.to_string());
        async move { request.send().await.ok().map(|response| response.status().as_u16()) }
    };
    let app = org.client_id();
    vec![
        ask("GET", "/api/v1/apps?q=x".to_owned(), Value::Null).await,
        ask("POST", "/api/v1/apps".to_owned(), Tested::app_body("Run", &Key::fresh())).await,
        ask("GET", format!("/api/v1/apps/{app}/grants"), Value::Null).await,
        ask("POST", format!("/api/v1/apps/{app}/grants"), json!({"scopeId": "okta.logs.read", "issuer": org.url()})).await,
        ask("POST", format!("/oauth2/v1/clients/{app}/roles"), json!({"type": "ORG_ADMIN"})).await,
        ask("DELETE", "/api/v1/api-tokens/current".to_owned(), Value::Null).await,
    ]
}

#[tokio::test]
async fn exactly_the_nth_request_of_a_run_can_fail() {
    let good = vec![Some(200), Some(200), Some(200), Some(200), Some(201), Some(204)];
    assert_eq!(set_up(&Tested::start().await).await, good);
    for at in 0..6 {
        let org = Tested::start().await;
        let fault = org.faults().add(Fault::new(FaultKind::Status(503, BodyShape::Empty)).skip(at as u64));
        let mut expected = good.clone();
        expected[at] = Some(503);
        assert_eq!((set_up(&org).await, fault.fired()), (expected, 1), "{at}");
    }
    for (at, place) in [1, 3, 4, 5].into_iter().enumerate() {
        let org = Tested::start().await;
        org.faults().add(Fault::new(FaultKind::LostAnswer).of_calls(Calls::Writing).skip(at as u64));
        let mut expected = good.clone();
        expected[place] = None;
        assert_eq!(set_up(&org).await, expected, "the writing request number {at}");
        assert_eq!(org.requests().writing().count(), 4);
        assert!(org.labels().contains(&"Run".to_owned()) && org.org().api_tokens()[0].is_revoked, "all were done");
    }
}

#[tokio::test]
async fn faults_tell_methods_apart_and_strike_records() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Struck").await;
    let path = format!("/api/v1/apps/{id}");
    let kind = || FaultKind::Status(502, BodyShape::Html);
    org.faults().add(Fault::new(kind()).on(Endpoint::App).of_method(Method::Delete).for_id(&id));
    assert_eq!(org.admin("GET", &path, Value::Null).await.status, 200);
    assert_eq!(org.admin("DELETE", &path, Value::Null).await.status, 502);
    org.faults().add(Fault::new(kind()).of_calls(Calls::Reading));
    assert_eq!(org.admin("POST", &format!("{path}/lifecycle/activate"), Value::Null).await.status, 200);
    assert_eq!(org.admin("GET", &path, Value::Null).await.status, 502);
    org.faults().add(Fault::new(FaultKind::MalformedRecord(Malformed::MissingId)).on(Endpoint::App));
    assert!(org.done("GET", &path, Value::Null).await.get("id").is_none());
    org.faults().add(Fault::new(FaultKind::MalformedRecord(Malformed::NumericId)).on(Endpoint::Apps).of_record(&id));
    let rows = org.done("GET", "/api/v1/apps", Value::Null).await;
    assert!(rows.as_array().unwrap().iter().any(|row| row["id"].is_number()));
    org.faults().add(Fault::new(FaultKind::UnknownMembers).on(Endpoint::ClientRoles));
    let role = org.done("POST", &format!("/oauth2/v1/clients/{id}/roles"), json!({"type": "ORG_ADMIN"})).await;
    assert_eq!(role["futureFlag"], true);
    org.faults().add(Fault::new(FaultKind::UnknownMembers).on(Endpoint::Grants));
    org.granted(&id, "okta.users.read").await;
    org.faults().add(Fault::new(FaultKind::MalformedRecord(Malformed::Null)).on(Endpoint::Grants));
    assert_eq!(org.done("GET", &format!("{path}/grants"), Value::Null).await, json!([null]));
    org.faults().add(Fault::new(FaultKind::ShiftedRows).on(Endpoint::Apps));
    let first = org.admin("GET", "/api/v1/apps?limit=3", Value::Null).await;
    let second = org.admin("GET", &first.next().unwrap(), Value::Null).await;
    let all: Vec<String> = org.org().apps().into_iter().map(|app| app.id).collect();
    assert_eq!((first.ids(), &second.ids()[0]), (all[..3].to_vec(), &all[4]), "a row is in no page");
}

#[tokio::test]
async fn the_log_tells_who_wrote_what() {
    let org = Tested::start().await;
    let body = Tested::app_body("Logged", &Key::fresh());
    let id = org.done("POST", "/api/v1/apps?activate=true", body.clone()).await["id"].as_str().unwrap().to_owned();
    let token = org.token("okta.users.read").await;
    org.get_as(&token, "/api/v1/users?limit=2").await;
    org.get_as("a.b.c", "/api/v1/users").await;
    org.done("POST", &format!("/api/v1/apps/{id}/lifecycle/deactivate"), Value::Null).await;
    org.done("DELETE", "/api/v1/api-tokens/current", Value::Null).await;
    org.admin("GET", "/api/v1/users/me", Value::Null).await;
    let broken = org.http.put(org.at(&format!("/api/v1/apps/{id}"))).header("content-type", "application/json").body("{");
    send(broken).await;
    let log = org.requests();
    let setup = Some(Credential::ApiToken(org.org().api_tokens()[0].id.clone()));
    let app = Some(Credential::App(org.client_id().to_owned()));
    let seen = |entry: &RequestEntry| (entry.method, entry.is_writing, entry.credential.clone(), entry.status);
    assert_eq!(
        log.entries().iter().map(seen).collect::<Vec<_>>(),
        [
            (Method::Post, true, setup.clone(), Some(200)),
            (Method::Post, false, app.clone(), Some(200)),
            (Method::Get, false, app, Some(200)),
            (Method::Get, false, None, Some(401)),
            (Method::Post, true, setup.clone(), Some(200)),
            (Method::Delete, true, setup.clone(), Some(204)),
            (Method::Get, false, setup, Some(401)),
            (Method::Put, true, None, Some(403)),
        ]
    );
    let first = &log.entries()[0];
    assert_eq!((first.path.as_str(), first.query.as_str(), first.body.as_ref()), ("/api/v1/apps", "activate=true", Some(&body)));
    assert_eq!((log.entries()[4].path.clone(), &log.entries()[4].body), (format!("/api/v1/apps/{id}/lifecycle/deactivate"), &None));
    assert_eq!(log.entries()[7].body, Some(json!("{")));
    let shown = format!("{log:?}");
    assert!(!shown.contains(org.setup_token()) && !shown.contains(&token) && !shown.contains("client_assertion"));
    assert_eq!(log.writing().count(), 4);
}

#[tokio::test]
async fn the_old_faults_strike_here_as_well() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Old faults").await;
    for path in [
        "/api/v1/apps".to_owned(),
        format!("/api/v1/apps/{id}/grants"),
        format!("/api/v1/apps/{id}/credentials/jwks"),
        format!("/oauth2/v1/clients/{id}/roles"),
        "/api/v1/iam/roles".to_owned(),
        "/api/v1/iam/resource-sets".to_owned(),
        "/api/v1/api-tokens".to_owned(),
        "/api/v1/users/me".to_owned(),
    ] {
        let ask = || org.admin("GET", &path, Value::Null);
        org.faults().add(Fault::new(FaultKind::Concurrency429));
        let refused: Answer = ask().await;
        assert_eq!((refused.status, refused.header("x-rate-limit-limit")), (429, Some("0")), "{path}");
        org.faults().add(Fault::new(FaultKind::DuplicatedRateHeaders));
        assert_eq!(ask().await.headers.get_all("x-rate-limit-limit").iter().count(), 2, "{path}");
        org.faults().add(Fault::new(FaultKind::MalformedJson));
        assert!(serde_json::from_str::<Value>(&ask().await.text).is_err(), "{path}");
    }
}
