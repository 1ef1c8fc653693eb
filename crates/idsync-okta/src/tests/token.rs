use super::{Org, app, bearer, collect, fault, form, header, jwt, oauth_fault, ok, user};
use crate::{AuthFault, DpopMode, Error, OktaProvider};
use futures::StreamExt;
use idsync_core::{ErrorKind, IdentityProvider, ManualClock, ReadOptions, Timestamp, UserId};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use wiremock::ResponseTemplate;

const TOKEN: &str = "/oauth2/v1/token";
const USERS: &str = "/api/v1/users";
const GROUPS: &str = "/api/v1/groups";
const DATE: &str = "Thu, 27 Aug 2020 18:15:50 GMT";
const EPOCH: i64 = 1_598_552_150;

async fn org_with_users(tokens: Vec<ResponseTemplate>) -> Org {
    let org = Org::start().await;
    org.answers(TOKEN, tokens).await;
    org.answers(USERS, vec![ok(&json!([user("a")]))]).await;
    org.answers(GROUPS, vec![ok(&json!([{"id": "g", "type": "OKTA_GROUP", "profile": {"name": "g"}}]))]).await;
    org
}

async fn read(provider: &OktaProvider) -> Result<usize, idsync_core::Error> {
    let (users, error) = collect(provider.users(ReadOptions::default())).await;
    error.map_or(Ok(users.len()), Err)
}

fn dpop_token() -> ResponseTemplate {
    let body = json!({"token_type": "DPoP", "expires_in": 3600, "access_token": "bound", "scope": "okta.users.read okta.groups.read"});
    ok(&body).insert_header("dpop-nonce", "n2")
}

#[tokio::test]
async fn row12_an_assertion_is_short_lived_by_the_orgs_clock_and_unique_to_its_attempt() {
    let busy = ResponseTemplate::new(503).insert_header("date", DATE);
    let org = org_with_users(vec![busy.clone(), busy, bearer("t1").insert_header("date", DATE)]).await;
    let local = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let provider = OktaProvider::new(org.builder(app()).clock(local).build().unwrap());
    assert_eq!(read(&provider).await.unwrap(), 1);
    let requests = org.requests(TOKEN).await;
    assert_eq!(requests.len(), 3);
    let assertions: Vec<_> = requests.iter().map(|request| form(request, "client_assertion")).collect();
    let ids: HashSet<_> = assertions.iter().map(|assertion| jwt(assertion, 1)["jti"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 3);
    let (head, claims) = (jwt(&assertions[2], 0), jwt(&assertions[2], 1));
    assert_eq!((head["alg"].as_str(), head["kid"].as_str()), (Some("ES256"), Some(app().key.key_id())));
    assert_eq!((claims["iss"].as_str(), claims["sub"].as_str()), (Some("0oa1"), Some("0oa1")));
    assert_eq!(claims["aud"], format!("{}{TOKEN}", org.server.uri()));
    assert_eq!(claims["iat"].as_i64(), Some(EPOCH - 5));
    assert_eq!(claims["exp"].as_i64(), Some(EPOCH - 5 + 300));
    assert_eq!(form(&requests[2], "scope"), "okta.users.read okta.groups.read");
    assert_eq!(header(&requests[2], "authorization"), None);
    let users = org.requests(USERS).await;
    assert_eq!(header(&users[0], "authorization"), Some("Bearer t1"));
}

#[tokio::test]
async fn row12_a_clock_that_is_a_day_off_is_corrected_by_the_first_refusal() {
    let refused = oauth_fault(401, "invalid_client", "The client_assertion token is expired.").insert_header("date", DATE);
    let org = org_with_users(vec![refused.clone(), bearer("t1")]).await;
    assert_eq!(read(&org.app_provider()).await.unwrap(), 1);
    assert_eq!(jwt(&form(&org.requests(TOKEN).await[1], "client_assertion"), 1)["iat"].as_i64().unwrap() / 60, (EPOCH - 5) / 60);

    let org = org_with_users(vec![refused]).await;
    let error = read(&org.app_provider()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.remedy().unwrap().contains("clock"), "{error:?}");
    let requests = org.requests(TOKEN).await;
    assert_eq!(requests.len(), 3);
    let issued = |at: usize| jwt(&form(&requests[at], "client_assertion"), 1)["iat"].as_i64().unwrap();
    assert!(issued(1) / 60 == (EPOCH - 5) / 60 && issued(2) > EPOCH + 86_400, "the last attempt goes by the local clock again");
}

#[tokio::test]
async fn row13_everybody_waits_for_one_token_which_is_renewed_at_four_fifths_of_its_life() {
    let org = org_with_users(vec![bearer("t1"), bearer("t2")]).await;
    let provider = org.app_provider();
    let reads = (0..10).map(|_| read(&provider));
    assert!(futures::future::join_all(reads).await.iter().all(Result::is_ok));
    assert_eq!(org.requests(TOKEN).await.len(), 1);
    org.timer.advance(Duration::from_secs(3600 * 4 / 5 - 1));
    read(&provider).await.unwrap();
    assert_eq!(org.requests(TOKEN).await.len(), 1);
    org.timer.advance(Duration::from_secs(1));
    read(&provider).await.unwrap();
    assert_eq!(org.requests(TOKEN).await.len(), 2);
    assert_eq!(header(org.requests(USERS).await.last().unwrap(), "authorization"), Some("Bearer t2"));
}

#[tokio::test]
async fn row13_row40_a_token_that_an_unpolled_stream_has_begun_to_fetch_is_fetched_by_whoever_needs_it() {
    let org = org_with_users(vec![bearer("t1"), bearer("t2")]).await;
    org.answers("/api/v1/users/a", vec![ok(&user("a"))]).await;
    let provider = org.app_provider();
    let mut users = provider.users(ReadOptions::default());
    // Polled once and then set aside, as one of several streams is while their reader awaits something else.
    assert!(futures::poll!(users.next()).is_pending());
    let found = tokio::time::timeout(Duration::from_secs(10), provider.user(&UserId::new("a").unwrap())).await;
    found.expect("nobody waits for a stream that is not polled").unwrap();
    assert_eq!(collect(users).await.0.len(), 1);
    assert_eq!(org.requests(TOKEN).await.len(), 1, "both have the same one");
}

#[tokio::test]
async fn p20_row40_a_fetch_that_nobody_waits_for_any_more_ends_and_keeps_nothing() {
    let org = org_with_users(vec![bearer("t1")]).await;
    let provider = org.app_provider();
    let mut users = provider.users(ReadOptions::default());
    assert!(futures::poll!(users.next()).is_pending());
    drop(users);
    assert_eq!(read(&provider).await.unwrap(), 1, "the next one begins anew");

    let provider = org.app_provider();
    let client = Arc::downgrade(&provider.client().inner);
    let mut users = provider.users(ReadOptions::default());
    assert!(futures::poll!(users.next()).is_pending());
    drop((users, provider));
    assert!(client.upgrade().is_none());
}

#[tokio::test]
async fn p18_row13_all_who_wait_for_one_token_are_told_in_full_why_there_is_none() {
    let org = org_with_users(vec![oauth_fault(401, "invalid_client", "The client_assertion signature is invalid.")]).await;
    let provider = org.app_provider();
    for read in futures::future::join_all((0..4).map(|_| read(&provider))).await {
        let error = read.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        assert!(error.remedy().unwrap().contains("register the public key"), "{error:?}");
    }
    assert!(org.requests(TOKEN).await.len() <= 4);
}

#[tokio::test]
async fn row13_a_refused_token_is_replaced_once() {
    let org = Org::start().await;
    org.answers(TOKEN, vec![bearer("t1"), bearer("t2")]).await;
    org.answers(USERS, vec![fault(401, "E0000011"), ok(&json!([user("a")]))]).await;
    assert_eq!(read(&org.app_provider()).await.unwrap(), 1);
    assert_eq!(org.requests(TOKEN).await.len(), 2);

    let org = Org::start().await;
    org.answers(TOKEN, vec![bearer("t1")]).await;
    org.answers(USERS, vec![fault(401, "E0000011")]).await;
    assert_eq!(read(&org.app_provider()).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert_eq!(org.requests(USERS).await.len(), 2);
    assert_eq!(read(&org.provider()).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert_eq!(org.requests(USERS).await.len(), 3, "an API token cannot be replaced");

    let org = Org::start().await;
    org.answers(TOKEN, vec![bearer("t1")]).await;
    org.answers(USERS, vec![fault(401, "E0000015")]).await;
    assert_eq!(read(&org.app_provider()).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(org.requests(TOKEN).await.len(), 1, "a feature that is missing is no reason for a new token");
}

#[tokio::test]
async fn row06_an_answer_with_no_token_in_it_is_asked_for_again_twice_with_new_assertions() {
    let garbage = ResponseTemplate::new(200).set_body_string("<html>");
    let org = org_with_users(vec![garbage.clone(), ok(&json!({"token_type": "Bearer"})), bearer("t")]).await;
    assert_eq!(read(&org.app_provider()).await.unwrap(), 1);
    let assertions: HashSet<_> = org.requests(TOKEN).await.iter().map(|request| form(request, "client_assertion")).collect();
    assert_eq!(assertions.len(), 3);

    let org = org_with_users(vec![garbage]).await;
    assert_eq!(read(&org.app_provider()).await.unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(org.requests(TOKEN).await.len(), 3);
}

#[tokio::test]
async fn p18_a_scope_that_is_granted_meanwhile_counts_at_once() {
    let less = json!({"token_type": "Bearer", "expires_in": 3600, "access_token": "t1", "scope": "okta.groups.read"});
    let org = org_with_users(vec![ok(&less), bearer("t2")]).await;
    let provider = org.app_provider();
    assert_eq!(provider.check().await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    provider.check().await.unwrap();

    let org = Org::start().await;
    org.answers(TOKEN, vec![ok(&less), bearer("t2")]).await;
    let challenge = r#"Bearer scope="okta.users.read", error="insufficient_scope""#;
    let refused = ResponseTemplate::new(403).insert_header("www-authenticate", challenge);
    org.answers(USERS, vec![refused, ok(&json!([user("a")]))]).await;
    let provider = org.app_provider();
    assert_eq!(read(&provider).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(read(&provider).await.unwrap(), 1);
    assert_eq!(header(&org.requests(USERS).await[1], "authorization"), Some("Bearer t2"));
}

#[tokio::test]
async fn p18_check_names_the_scope_that_was_not_granted() {
    let body = json!({"token_type": "Bearer", "expires_in": 3600, "access_token": "t", "scope": "okta.users.read"});
    let org = org_with_users(vec![ok(&body)]).await;
    let error = org.app_provider().check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.message().contains("scope `okta.groups.read` is not granted to app 0oa1"), "{error}");
    assert!(error.remedy().unwrap().contains("0oa1"));

    let org = org_with_users(vec![oauth_fault(400, "consent_required", "You are not allowed any of the requested scopes.")]).await;
    let error = org.app_provider().check().await.unwrap_err();
    assert!(error.message().contains("`okta.users.read`, `okta.groups.read`"), "{error}");

    let org = org_with_users(vec![oauth_fault(400, "invalid_scope", "One or more scopes are not configured.")]).await;
    let error = org.app_provider().check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.remedy().unwrap().contains("names of the scopes"), "{error:?}");

    let org = org_with_users(vec![oauth_fault(401, "invalid_client", "The client_assertion signature is invalid.")]).await;
    let error = org.app_provider().check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated);
    assert!(error.remedy().unwrap().contains("register the public key"), "{error:?}");

    let audience = "The audience claim for client_assertion must be the endpoint invoked for the request.";
    let org = org_with_users(vec![oauth_fault(401, "invalid_client", audience)]).await;
    let error = org.app_provider().check().await.unwrap_err();
    assert!(error.remedy().unwrap().contains("instead of a custom domain"), "{error:?}");

    let org = org_with_users(vec![bearer("t")]).await;
    org.app_provider().check().await.unwrap();
}

#[tokio::test]
async fn proof_of_possession_begins_when_the_org_asks_for_it() {
    let missing = oauth_fault(400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.");
    let nonce = oauth_fault(400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.").insert_header("dpop-nonce", "n1");
    let org = Org::start().await;
    org.answers(TOKEN, vec![missing, nonce, dpop_token()]).await;
    let challenge =
        ResponseTemplate::new(401).insert_header("www-authenticate", "DPoP error=\"use_dpop_nonce\"").insert_header("dpop-nonce", "r1");
    org.answers(USERS, vec![challenge, ok(&json!([user("a")]))]).await;
    assert_eq!(read(&org.app_provider()).await.unwrap(), 1);

    let tokens = org.requests(TOKEN).await;
    assert_eq!(header(&tokens[0], "dpop"), None);
    let proof = |request, part| jwt(header(request, "dpop").unwrap(), part);
    assert_eq!(proof(&tokens[1], 1).get("nonce"), None);
    assert_eq!(proof(&tokens[2], 1)["nonce"], "n1");
    let head = proof(&tokens[2], 0);
    assert_eq!((head["typ"].as_str(), head["alg"].as_str()), (Some("dpop+jwt"), Some("RS256")));
    let members: Vec<_> = head["jwk"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["e", "kty", "n"], "public members only");

    let users = org.requests(USERS).await;
    assert_eq!(header(&users[0], "authorization"), Some("DPoP bound"));
    let claims = proof(&users[1], 1);
    assert_eq!((claims["htm"].as_str(), claims["nonce"].as_str()), (Some("GET"), Some("r1")));
    assert_eq!(claims["htu"], format!("{}{USERS}", org.server.uri()));
    assert_eq!(claims["ath"], ath("bound"));
    let all: HashSet<_> = tokens[1..].iter().chain(&users).map(|request| proof(request, 1)["jti"].to_string()).collect();
    assert_eq!(all.len(), 4, "no proof is used twice");
}

#[tokio::test]
async fn a_nonce_that_comes_with_a_good_answer_is_used_for_the_next_proof() {
    let org = Org::start().await;
    org.answers(TOKEN, vec![dpop_token()]).await;
    let first = ok(&json!([user("a")])).insert_header("dpop-nonce", "r1").insert_header("link", &*org.next(USERS, "x"));
    org.answers(USERS, vec![first, ok(&json!([user("b")]))]).await;
    let provider = OktaProvider::new(org.builder(app()).dpop(DpopMode::Always).build().unwrap());
    assert_eq!(read(&provider).await.unwrap(), 2);
    let nonces =
        org.requests(USERS).await.iter().map(|request| jwt(header(request, "dpop").unwrap(), 1)["nonce"].clone()).collect::<Vec<_>>();
    assert_eq!(nonces, [json!(null), json!("r1")]);
}

fn ath(token: &str) -> serde_json::Value {
    use base64::Engine;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
    json!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest))
}

#[tokio::test]
async fn the_type_of_the_token_decides_and_not_the_configuration() {
    let org = org_with_users(vec![bearer("plain")]).await;
    let provider = OktaProvider::new(org.builder(app()).dpop(DpopMode::Always).build().unwrap());
    read(&provider).await.unwrap();
    assert!(header(&org.requests(TOKEN).await[0], "dpop").is_some());
    let users = org.requests(USERS).await;
    assert_eq!((header(&users[0], "authorization"), header(&users[0], "dpop")), (Some("Bearer plain"), None));

    let org = org_with_users(vec![oauth_fault(400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.")]).await;
    let provider = OktaProvider::new(org.builder(app()).dpop(DpopMode::Never).build().unwrap());
    assert_eq!(read(&provider).await.unwrap_err().kind(), ErrorKind::Unauthenticated);
    assert_eq!(org.requests(TOKEN).await.len(), 1);
}

#[tokio::test]
async fn a_proof_that_is_refused_again_and_again_is_given_up() {
    let refused = oauth_fault(400, "invalid_dpop_proof", "The DPoP proof JWT signature is invalid.");
    let org = org_with_users(vec![refused]).await;
    let error = org.app_provider().client().missing_scopes().await.unwrap_err();
    assert!(matches!(error, Error::Auth { reason: AuthFault::Proof, .. }), "{error:?}");
    assert!(org.requests(TOKEN).await.len() <= 4);
}
