//! The keys of an app.

use crate::signing::Key;
use crate::support::Tested;
use idsync_okta_emulator::{KeyKind, KeyList, KeyStatus, NewApiToken, OktaEmulator, Quirks, Role};
use serde_json::{Value, json};

/// A public key with this `kid`.
fn jwk(key: &Key, kid: &str) -> Value {
    let mut jwk = key.jwk();
    jwk["kid"] = json!(kid);
    jwk
}

/// What an RSA key of so many bits would be like.
fn rsa(bits: usize, kid: &str) -> Value {
    use base64::Engine;
    let mut modulus = vec![0xff; bits / 8];
    modulus[0] = 0x80;
    json!({"kty": "RSA", "kid": kid, "e": "AQAB", "n": base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(modulus)})
}

#[tokio::test]
async fn a_key_is_rotated() {
    let org = Tested::start().await;
    let (id, old) = org.made_app("Rotating").await;
    org.granted(&id, "okta.users.read").await;
    let path = format!("/api/v1/apps/{id}/credentials/jwks");
    let new = Key::fresh();
    let answer = org.admin("POST", &path, jwk(&new, "second")).await;
    let added = answer.json();
    assert_eq!((answer.status, &added["kid"], &added["status"]), (201, &json!("second"), &json!("ACTIVE")));
    assert!(added["id"].as_str().unwrap().starts_with("pks") && added["created"].is_string() && added["_links"]["deactivate"].is_object());
    let asked = |kid: &'static str, key| org.token_of(&id, kid, key, "okta.users.read");
    assert_eq!((asked("Rotating key", &old).await.status, asked("second", &new).await.status), (200, 200), "both are good");
    let keys = org.done("GET", &path, Value::Null).await;
    let old_path = format!("{path}/{}", keys[0]["id"].as_str().unwrap());
    let cause = "You can't delete an active JSON Web Key. Deactivate the key before deleting it.".to_owned();
    assert_eq!(org.admin("DELETE", &old_path, Value::Null).await.refusal(), (400, "E0000001".to_owned(), cause));
    let off = org.done("POST", &format!("{old_path}/lifecycle/deactivate"), Value::Null).await;
    assert!(off["status"] == "INACTIVE" && off["_links"]["activate"].is_object() && off["_links"]["delete"].is_object());
    assert_eq!(asked("Rotating key", &old).await.oauth_error().2, "The client_assertion JWT kid is invalid.");
    org.done("POST", &format!("{old_path}/lifecycle/activate"), Value::Null).await;
    assert_eq!(asked("Rotating key", &old).await.status, 200);
    org.done("POST", &format!("{old_path}/lifecycle/deactivate"), Value::Null).await;
    let gone = org.admin("DELETE", &old_path, Value::Null).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    assert_eq!(org.admin("GET", &old_path, Value::Null).await.error(), (404, "E0000007".to_owned()));
    let left = org.org().app(&id).unwrap().keys;
    assert_eq!((left.len(), left[0].kid.as_deref(), left[0].status), (1, Some("second"), KeyStatus::Active));
}

#[tokio::test]
async fn keys_that_cannot_be_are_refused_in_oktas_words() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Picky").await;
    let path = format!("/api/v1/apps/{id}/credentials/jwks");
    for (key, words) in [
        (jwk(&Key::fresh(), "Picky key"), "unique `kid`"),
        (Key::fresh().jwk(), "Each key should have a unique kid"),
        (rsa(1024, "short"), "less than '2,048' bits"),
        (json!({"kty": "RSA", "kid": "empty"}), "less than '2,048' bits"),
        (json!({"kty": "EC", "crv": "P-256", "kid": "half", "x": "AA"}), "not a valid public key"),
        (json!({"kty": "oct", "kid": "secret", "k": "AA"}), "private members"),
    ] {
        let answer = org.admin("POST", &path, key).await;
        let (status, code, cause) = answer.refusal();
        assert_eq!((status, code.as_str()), (400, "E0000001"));
        assert!(cause.contains(words), "{cause}");
        assert_eq!(answer.json()["errorSummary"], "Api validation failed: JsonWebKey");
    }
    let mut leaked = jwk(&Key::fresh(), "leaked");
    leaked["d"] = json!("AA");
    assert_eq!(org.admin("POST", &path, leaked).await.error(), (400, "E0000001".to_owned()));
    let only = org.org().app(&id).unwrap().keys[0].id.clone();
    let (status, _, cause) = org.admin("POST", &format!("{path}/{only}/lifecycle/deactivate"), Value::Null).await.refusal();
    assert!(status == 400 && cause.starts_with("Can't deactivate the only active JSON Web Key"), "{cause}");
    for number in 1..50 {
        assert_eq!(org.admin("POST", &path, rsa(2048, &format!("key {number}"))).await.status, 201);
    }
    let (status, _, cause) = org.admin("POST", &path, rsa(2048, "one too many")).await.refusal();
    assert!(status == 400 && cause.contains("maximum number of keys allowed (50)"), "{cause}");
    assert_eq!(org.org().app(&id).unwrap().keys.len(), 50);
    let unknown = org.admin("POST", &format!("{path}/pksX/lifecycle/activate"), Value::Null).await;
    assert_eq!(unknown.error(), (404, "E0000007".to_owned()));
}

#[tokio::test]
async fn a_key_without_its_curve_works_and_so_does_an_rsa_key() {
    let org = Tested::from(OktaEmulator::builder().key(KeyKind::Rsa2048)).await;
    let key = Key::fresh();
    let mut body = Tested::app_body("Curveless", &key);
    body["settings"]["oauthClient"]["jwks"]["keys"][0].as_object_mut().unwrap().remove("crv");
    let made = org.done("POST", "/api/v1/apps", body).await;
    let sent = &made["settings"]["oauthClient"]["jwks"]["keys"][0];
    assert!(sent["crv"].is_null() && sent.as_object().unwrap().contains_key("crv"));
    let id = made["id"].as_str().unwrap();
    org.granted(id, "okta.users.read").await;
    assert_eq!(org.token_of(id, "Curveless key", &key, "okta.users.read").await.status, 200);
    assert_eq!(org.token_with(&json!({}), &json!({})).await.status, 200);
}

#[tokio::test]
async fn keys_may_be_found_under_a_url() {
    let org = Tested::start().await;
    let key = Key::fresh();
    let mut body = Tested::app_body("Elsewhere", &key);
    let published = body["settings"]["oauthClient"]["jwks"]["keys"][0].clone();
    body["settings"]["oauthClient"]["jwks"] = Value::Null;
    body["settings"]["oauthClient"]["jwks_uri"] = json!("https://keys.example.com/jwks");
    let id = org.done("POST", "/api/v1/apps", body).await["id"].as_str().unwrap().to_owned();
    org.granted(&id, "okta.users.read").await;
    let refused = org.token_of(&id, "Elsewhere key", &key, "okta.users.read").await;
    assert!(refused.oauth_error().2.contains("does not have a JWKSet configured"));
    org.org().publish_keys("https://keys.example.com/jwks", &[published]);
    assert_eq!(org.token_of(&id, "Elsewhere key", &key, "okta.users.read").await.status, 200);
}

#[tokio::test]
async fn the_list_of_keys_has_one_of_two_forms() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Formal").await;
    let path = format!("/api/v1/apps/{id}/credentials/jwks");
    let bare = org.done("GET", &path, Value::Null).await;
    assert_eq!(bare[0]["kid"], "Formal key");
    let mut quirks = Quirks::default();
    quirks.key_list = KeyList::Wrapped;
    org.org().set_quirks(quirks);
    assert_eq!(org.done("GET", &path, Value::Null).await, json!({"jwks": {"keys": bare}}));
    let one = format!("{path}/{}", bare[0]["id"].as_str().unwrap());
    assert_eq!(org.done("GET", &one, Value::Null).await, bare[0]);
}

#[tokio::test]
async fn once_an_app_has_power_only_a_super_admin_changes_its_keys() {
    let org = Tested::start().await;
    let (id, _) = org.made_app("Promoted").await;
    let path = format!("/api/v1/apps/{id}/credentials/jwks");
    let admin: NewApiToken = org.org().create_api_token(Role::AppAdmin);
    let add = |kid: &'static str| {
        let (authorization, body) = (format!("SSWS {}", admin.secret()), jwk(&Key::fresh(), kid));
        let (org, path) = (&org, &path);
        async move { org.ask(&authorization, "POST", path, body).await.status }
    };
    assert_eq!(add("before").await, 201);
    org.granted(&id, "okta.users.read").await;
    assert_eq!(add("after").await, 403);
    assert_eq!(org.admin("POST", &path, jwk(&Key::fresh(), "after")).await.status, 201);
}
