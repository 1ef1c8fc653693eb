//! The token endpoint: who gets a token, and with which scopes.

use crate::signing::{Key, now};
use crate::support::{Tested, encoded, send};
use idsync_okta_emulator::{KeyKind, OktaEmulator, Role};
use serde_json::json;

#[tokio::test]
async fn a_good_assertion_gets_a_token_that_reads() {
    let org = Tested::start().await;
    let answer = org.token_with(&json!({}), &json!({})).await;
    let body = answer.json();
    assert_eq!((answer.status, &body["token_type"], &body["expires_in"]), (200, &json!("Bearer"), &json!(3600)));
    assert_eq!(body["scope"], "okta.users.read okta.groups.read");
    assert!(body.get("refresh_token").is_none() && answer.header("dpop-nonce").is_none());
    let token = body["access_token"].as_str().unwrap();
    assert!(token.split('.').count() == 3 && (800..1100).contains(&token.len()), "{}", token.len());
    assert_eq!(org.get_as(token, "/api/v1/users").await.status, 200);
    assert_eq!(org.get_as(token, "/api/v1/groups").await.status, 200);
}

#[tokio::test]
async fn an_rsa_key_works_as_well_and_parameters_may_come_in_the_query() {
    let org = Tested::from(OktaEmulator::builder().key(KeyKind::Rsa2048)).await;
    let form = |name: &str, value: &str| format!("{name}={}", encoded(value));
    let query = [
        form("grant_type", "client_credentials"),
        form("scope", "okta.users.read"),
        form("client_assertion_type", crate::support::ASSERTION),
        form("client_assertion", &org.assertion(&json!({}))),
    ];
    let answer = send(org.http.post(org.at(&format!("/oauth2/v1/token?{}", query.join("&"))))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn each_wrong_assertion_is_refused_in_oktas_words() {
    let org = Tested::start().await;
    for (claims, words) in [
        (json!({"iss": "0oaNobody"}), "The issuer claim for client_assertion is not a valid client_id."),
        (json!({"sub": "0oaNobody"}), "The subject claim for client_assertion is not a valid client_id."),
        (json!({"aud": org.url()}), "The audience claim for client_assertion must be the endpoint invoked for the request."),
        (json!({"exp": null}), "The client_assertion must contain the 'exp' claim as seconds since epoch."),
        (json!({"exp": now() - 1}), "The client_assertion token is expired."),
        (json!({"exp": now() + 3700}), "The client_assertion token has an expiration too far into the future."),
        (json!({"iat": now() + 30}), "The client_assertion token must be issued before the current time."),
    ] {
        let expected = (401, "invalid_client".to_owned(), words.to_owned());
        assert_eq!(org.token_with(&claims, &json!({})).await.oauth_error(), expected);
    }
    let refused = |assertion: String| {
        let request = org.token_request(&assertion, &json!({}));
        async { send(request).await.oauth_error().2 }
    };
    assert_eq!(refused("no.assertion".to_owned()).await, "The parsing of the client_assertion failed.");
    let claims = json!({
        "iss": org.client_id(), "sub": org.client_id(), "aud": org.at("/oauth2/v1/token"), "exp": now() + 60,
    });
    let signed = |key: &Key, header| key.sign(&header, &claims);
    let unknown = signed(&org.key, json!({"alg": "ES256", "kid": "another"}));
    assert_eq!(refused(unknown).await, "The client_assertion JWT kid is invalid.");
    let forged = signed(&Key::fresh(), json!({"alg": "ES256", "kid": org.key_id()}));
    assert_eq!(refused(forged).await, "The client_assertion signature is invalid.");
    let unsigned = signed(&org.key, json!({"alg": "none", "kid": org.key_id()}));
    assert_eq!(refused(unsigned).await, "The client_assertion JWT signature algorithm is invalid.");
    let confused = signed(&org.key, json!({"alg": "RS256", "kid": org.key_id()}));
    assert_eq!(refused(confused).await, "The client_assertion signature is invalid.");
    assert_eq!(send(org.token_request(&signed(&org.key, json!({"alg": "ES256"})), &json!({}))).await.status, 200, "one key needs no kid");
}

#[tokio::test]
async fn an_assertion_is_good_once() {
    let org = Tested::start().await;
    let assertion = org.assertion(&json!({}));
    assert_eq!(send(org.token_request(&assertion, &json!({}))).await.status, 200);
    let again = send(org.token_request(&assertion, &json!({}))).await;
    let expected = (401, "invalid_client".to_owned(), "The client_assertion token has already been used.".to_owned());
    assert_eq!(again.oauth_error(), expected);
    assert_eq!(org.token_with(&json!({"jti": null}), &json!({})).await.status, 200, "an id is optional");
}

#[tokio::test]
async fn wrong_requests_are_told_apart() {
    let org = Tested::start().await;
    for (fields, status, error) in [
        (json!({"grant_type": null}), 400, "invalid_request"),
        (json!({"grant_type": "password"}), 400, "unsupported_grant_type"),
        (json!({"client_assertion": null}), 401, "invalid_client"),
        (json!({"client_assertion_type": "urn:other"}), 400, "invalid_request"),
        (json!({"client_secret": "x"}), 401, "invalid_request"),
        (json!({"scope": null}), 400, "invalid_scope"),
        (json!({"scope": "openid okta.users.read"}), 400, "invalid_scope"),
        (json!({"scope": "okta.apps.manage"}), 400, "consent_required"),
    ] {
        let (found_status, found, _) = org.token_with(&json!({}), &fields).await.oauth_error();
        assert_eq!((found_status, found.as_str()), (status, error), "{fields}");
    }
    let doubled = org.token_request(&org.assertion(&json!({})), &json!({})).header("authorization", "Basic eDp5");
    assert_eq!(send(doubled).await.oauth_error().0, 401);
}

#[tokio::test]
async fn scopes_that_are_not_granted_are_dropped_without_a_word() {
    let org = Tested::start().await;
    let scope = json!({"scope": "okta.users.read okta.apps.read okta.groups.read"});
    assert_eq!(org.token_with(&json!({}), &scope).await.json()["scope"], "okta.users.read okta.groups.read");
    org.org().set_granted_scopes(&["okta.groups.read"]);
    assert_eq!(org.token_with(&json!({}), &scope).await.json()["scope"], "okta.groups.read");
    org.org().set_granted_scopes(&[]);
    let (status, error, words) = org.token_with(&json!({}), &scope).await.oauth_error();
    assert_eq!((status, error.as_str(), words.as_str()), (400, "consent_required", "You are not allowed any of the requested scopes."));
}

#[tokio::test]
async fn an_inactive_app_gets_no_token_and_loses_those_it_has() {
    let org = Tested::start().await;
    let token = org.token("okta.users.read").await;
    org.org().set_app_active(false);
    assert_eq!(org.get_as(&token, "/api/v1/users").await.error(), (401, "E0000011".to_owned()));
    let (status, error, words) = org.token_with(&json!({}), &json!({})).await.oauth_error();
    assert_eq!((status, error.as_str()), (401, "invalid_client"));
    assert!(words.contains("is not a valid client_id"));
    org.org().set_app_active(true);
    assert_eq!(org.get_as(&token, "/api/v1/users").await.status, 401, "it is gone for good");
    assert_eq!(org.token_with(&json!({}), &json!({})).await.status, 200);
}

#[tokio::test]
async fn keys_can_be_rotated() {
    let org = Tested::start().await;
    let key = org.org().add_key(KeyKind::Ec256).unwrap();
    let second = Key::from_pem(key.private_key_pem());
    let claims = || json!({"iss": org.client_id(), "sub": org.client_id(), "aud": org.at("/oauth2/v1/token"), "exp": now() + 60});
    let with = |key: &Key, kid: &str| org.token_request(&key.sign(&json!({"alg": "ES256", "kid": kid}), &claims()), &json!({}));
    assert_eq!(send(with(&second, key.key_id())).await.status, 200);
    assert_eq!(send(with(&org.key, org.key_id())).await.status, 200, "both are good");
    let without = org.token_request(&org.key.sign(&json!({"alg": "ES256"}), &claims()), &json!({}));
    assert_eq!(send(without).await.oauth_error().2, "The client_assertion JWT kid is invalid.", "now there is doubt");
    assert!(org.org().deactivate_key(org.key_id()));
    assert_eq!(send(with(&org.key, org.key_id())).await.oauth_error().2, "The client_assertion JWT kid is invalid.");
    assert!(org.org().activate_key(org.key_id()) && org.org().remove_key(key.key_id()));
    assert_eq!(send(with(&second, key.key_id())).await.status, 401);
    let third = Key::fresh();
    let kid = org.org().add_public_key(&third.jwk()).unwrap();
    assert_eq!(send(with(&third, &kid)).await.status, 200);
    assert!(!org.org().deactivate_key("unknown") && org.org().add_public_key(&json!({"kty": "oct"})).is_none());
    assert!(!format!("{key:?}").contains("PRIVATE"));
}

#[tokio::test]
async fn changes_of_scopes_and_role_may_take_a_while() {
    let org = Tested::start().await;
    org.org().set_role(Role::None);
    org.org().set_granted_scopes(&[]);
    org.org().set_access_delay(2);
    org.org().set_granted_scopes(&["okta.users.read"]);
    org.org().set_role(Role::ReadOnlyAdmin);
    for _ in 0..2 {
        assert_eq!(org.token_with(&json!({}), &json!({})).await.oauth_error().1, "consent_required");
    }
    let token = org.token("okta.users.read").await;
    assert_ne!(org.get_as(&token, "/api/v1/users").await.json(), json!([]));
}

#[tokio::test]
async fn introspection_says_what_a_token_is_good_for() {
    let org = Tested::start().await;
    let ask = |token: String| {
        let assertion = org.assertion(&json!({"aud": org.at("/oauth2/v1/introspect")}));
        let kind = encoded(crate::support::ASSERTION);
        let fields = format!("token={token}&client_assertion_type={kind}&client_assertion={assertion}");
        send(org.http.post(org.at("/oauth2/v1/introspect")).body(fields))
    };
    let known = ask(org.token("okta.users.read").await).await.json();
    assert_eq!((&known["active"], &known["scope"]), (&json!(true), &json!("okta.users.read")));
    assert_eq!(ask("a.b.c".to_owned()).await.json(), json!({"active": false}));
}
