//! Proof of possession (RFC 9449).

use crate::signing::{Key, hash, merged, now, unique};
use crate::support::{Answer, Tested, send};
use idsync_okta_emulator::{Dpop, OktaEmulator, Scheme};
use serde_json::{Value, json};

/// An org whose tokens must be bound, a key, and a token that is bound to it.
struct Bound {
    org: Tested,
    key: Key,
    token: String,
}

impl Bound {
    async fn start() -> Self {
        let org = Tested::from(OktaEmulator::builder().dpop(Dpop::Required)).await;
        let key = Key::fresh();
        let nonce = ask(&org, &key, &json!({})).await.header("dpop-nonce").unwrap().to_owned();
        let answer = ask(&org, &key, &json!({"nonce": nonce})).await;
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        Self { org, key, token }
    }

    /// Reads the users with the usual proof, changed by these claims.
    async fn read(&self, claims: &Value) -> Answer {
        let url = self.org.at("/api/v1/users");
        let usual = json!({"htm": "GET", "htu": url, "ath": hash(&self.token), "iat": now(), "jti": unique()});
        self.read_with(&self.key.exact_proof(&merged(&usual, claims))).await
    }

    async fn read_with(&self, proof: &str) -> Answer {
        let request = self.org.http.get(self.org.at("/api/v1/users?limit=2"));
        send(request.header("authorization", format!("DPoP {}", self.token)).header("dpop", proof)).await
    }
}

/// A token request with the usual proof, changed by these claims.
async fn ask(org: &Tested, key: &Key, claims: &Value) -> Answer {
    let proof = key.proof(&merged(&json!({"htm": "POST", "htu": org.at("/oauth2/v1/token")}), claims));
    send(org.token_request(&org.assertion(&json!({})), &json!({})).header("dpop", proof)).await
}

#[tokio::test]
async fn a_token_costs_a_challenge_and_then_reads_with_a_proof_per_request() {
    let org = Tested::from(OktaEmulator::builder().dpop(Dpop::Required)).await;
    let key = Key::fresh();
    let without = org.token_with(&json!({}), &json!({})).await.oauth_error();
    assert_eq!(without, (400, "invalid_dpop_proof".to_owned(), "The DPoP proof JWT header is missing.".to_owned()));
    let challenge = ask(&org, &key, &json!({})).await;
    let words = "Authorization server requires nonce in DPoP proof.".to_owned();
    assert_eq!(challenge.oauth_error(), (400, "use_dpop_nonce".to_owned(), words));
    let nonce = challenge.header("dpop-nonce").unwrap().to_owned();
    let answer = ask(&org, &key, &json!({"nonce": nonce})).await;
    assert_eq!((answer.status, &answer.json()["token_type"]), (200, &json!("DPoP")));
    assert!(answer.header("dpop-nonce").is_some(), "the next nonce comes with the token");

    let bound = Bound { token: answer.json()["access_token"].as_str().unwrap().to_owned(), org, key };
    let read = bound.read(&json!({})).await;
    assert_eq!((read.status, read.ids().len(), read.header("dpop-nonce")), (200, 2, None));
    assert_eq!(bound.read(&json!({})).await.status, 200);
    assert_eq!(bound.org.requests().entries().last().unwrap().scheme, Scheme::Dpop);
}

#[tokio::test]
async fn each_wrong_proof_is_refused() {
    let bound = Bound::start().await;
    for (claims, words) in [
        (json!({"htm": "POST"}), "'htm' claim in the DPoP proof JWT is invalid."),
        (json!({"htu": bound.org.at("/api/v1/users?limit=2")}), "'htu' claim in the DPoP proof JWT is invalid."),
        (json!({"htu": "https://other.example.com/api/v1/users"}), "'htu' claim in the DPoP proof JWT is invalid."),
        (json!({"iat": null}), "'iat' claim in the DPoP proof JWT is invalid."),
        (json!({"iat": now() + 30}), "The DPoP proof JWT is issued in the future."),
        (json!({"iat": now() - 400}), "The DPoP proof JWT is issued more than five minutes in the past."),
        (json!({"exp": now() - 1}), "The DPoP proof JWT is expired."),
        (json!({"jti": null}), "'jti' claim in the DPoP proof JWT is invalid."),
        (json!({"ath": null}), "'ath' claim in the DPoP proof does not match the presented access_token."),
        (json!({"ath": hash("other")}), "'ath' claim in the DPoP proof does not match the presented access_token."),
    ] {
        assert_challenge(&bound.read(&claims).await, words);
    }
    let usual = json!({"htm": "GET", "htu": bound.org.at("/api/v1/users"), "ath": hash(&bound.token), "iat": now(), "jti": unique()});
    let other = Key::fresh();
    assert_challenge(&bound.read_with(&other.proof(&usual)).await, "The access_token is not bound to the provided DPoP proof.");
    let header = |typ: &str, alg: &str| json!({"typ": typ, "alg": alg, "jwk": bound.key.jwk()});
    let sign = |header: &Value| bound.key.sign(header, &usual);
    assert_challenge(&bound.read_with(&sign(&header("JWT", "ES256"))).await, "'typ' must be 'dpop+jwt' in the DPoP proof JWT.");
    assert_challenge(&bound.read_with(&sign(&header("dpop+jwt", "HS256"))).await, "The DPoP proof JWT signature algorithm is invalid.");
    assert_challenge(&bound.read_with("nonsense").await, "The DPoP proof JWT cannot be parsed.");
    let forged = other.sign(&header("dpop+jwt", "ES256"), &usual);
    assert_challenge(&bound.read_with(&forged).await, "The DPoP proof JWT signature is invalid.");
    let mut private = bound.key.jwk();
    private["d"] = json!("secret");
    let leaking = bound.key.sign(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": private}), &usual);
    assert_challenge(&bound.read_with(&leaking).await, "The DPoP proof JWT is invalid.");
}

#[tokio::test]
async fn a_proof_is_good_once() {
    let bound = Bound::start().await;
    let usual = json!({"htm": "GET", "htu": bound.org.at("/api/v1/users"), "ath": hash(&bound.token)});
    let proof = bound.key.proof(&usual);
    assert_eq!(bound.read_with(&proof).await.status, 200);
    assert_challenge(&bound.read_with(&proof).await, "The DPoP proof JWT has already been used.");
    let request = bound.org.http.get(bound.org.at("/api/v1/users")).header("authorization", format!("DPoP {}", bound.token));
    let twice = request.header("dpop", bound.key.proof(&usual)).header("dpop", bound.key.proof(&usual));
    assert_challenge(&send(twice).await, "Multiple DPoP proof JWT headers are not allowed.");
}

#[tokio::test]
async fn a_bound_token_needs_its_scheme_and_its_proof() {
    let bound = Bound::start().await;
    let as_bearer = bound.org.get_as(&bound.token, "/api/v1/users").await;
    assert_eq!((as_bearer.status, as_bearer.text.as_str()), (400, ""));
    assert!(as_bearer.header("www-authenticate").unwrap().contains("must use the DPoP authentication scheme"));
    let request = bound.org.http.get(bound.org.at("/api/v1/users"));
    let without = send(request.header("authorization", format!("DPoP {}", bound.token))).await;
    assert_challenge(&without, "The resource request requires a DPoP proof.");

    bound.org.org().set_dpop(Dpop::NotRequired);
    let free = bound.org.token("okta.users.read").await;
    let as_bound = bound.org.http.get(bound.org.at("/api/v1/users")).header("authorization", format!("DPoP {free}"));
    let answer = send(as_bound).await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").unwrap().contains("The access token is not DPoP bound."));
}

#[tokio::test]
async fn an_app_without_the_requirement_may_answer_a_proof_either_way() {
    let org = Tested::start().await;
    let key = Key::fresh();
    assert_eq!(ask(&org, &key, &json!({})).await.json()["token_type"], "Bearer");
    org.org().set_dpop(Dpop::Optional);
    let nonce = ask(&org, &key, &json!({})).await.header("dpop-nonce").unwrap().to_owned();
    assert_eq!(ask(&org, &key, &json!({"nonce": nonce})).await.json()["token_type"], "DPoP");
    assert_eq!(org.token_with(&json!({}), &json!({})).await.json()["token_type"], "Bearer");
}

#[tokio::test]
async fn the_nonce_before_stays_good_and_those_before_it_do_not() {
    let org = Tested::from(OktaEmulator::builder().dpop(Dpop::Required)).await;
    let key = Key::fresh();
    let nonce = ask(&org, &key, &json!({})).await.header("dpop-nonce").unwrap().to_owned();
    org.org().rotate_nonce();
    assert_eq!(ask(&org, &key, &json!({"nonce": nonce})).await.status, 200);
    org.org().rotate_nonce();
    let refused = ask(&org, &key, &json!({"nonce": nonce})).await;
    assert_eq!(refused.oauth_error().1, "use_dpop_nonce");
    assert_ne!(refused.header("dpop-nonce"), Some(nonce.as_str()));
}

/// 400 with an empty body and the reason in the challenge.
fn assert_challenge(answer: &Answer, words: &str) {
    assert_eq!((answer.status, answer.text.as_str()), (400, ""));
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("DPoP algs=") && challenge.contains(r#"error="invalid_dpop_proof""#), "{challenge}");
    assert!(challenge.contains(words), "{challenge}");
}
