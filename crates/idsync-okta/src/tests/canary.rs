use super::{KEY, Org, app, collect, fault, form, ok, pem, user};
use crate::{ApiToken, OktaClient, OktaProvider, ServiceApp, SigningKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use idsync_core::{IdentityProvider, ReadOptions, Secret, UserId};
use serde_json::json;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn told(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!("{cause} {cause:?}"));
        source = cause.source();
    }
    text
}

/// Has everything that this thread logs written down, until the guard is dropped.
async fn listen() -> (Log, tracing::subscriber::DefaultGuard) {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(log.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    // What another test logs first at this very moment might stay off for good; a new listener, even one that is deaf, has everybody ask
    // again who listens.
    let other = Org::start().await;
    _ = other.builder(app()).build().unwrap().discover().await;
    drop(tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default()));
    (log, guard)
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn each_request_is_logged_with_the_host_of_its_org() {
    let (log, guard) = listen().await;
    let org = Org::start().await;
    org.answers("/api/v1/users", vec![fault(500, "E0000009"), fault(500, "E0000009"), ok(&json!([user("a")]))]).await;
    let before = log.text().len();
    let (users, _) = collect(org.provider().users(ReadOptions::default())).await;
    drop(guard);
    assert_eq!(users.len(), 1);
    let text = log.text();
    let own: Vec<_> = text[before..].lines().filter(|line| line.contains("idsync_okta")).collect();
    assert!(own.iter().any(|line| line.contains("okta.request")) && own.iter().any(|line| line.contains("asking for smaller pages")));
    for line in own {
        assert!(line.contains(r#"org="127.0.0.1""#), "{line}");
    }
}

#[tokio::test]
async fn p17_no_secret_and_no_query_is_in_a_log_an_error_or_a_debug_output() {
    let (log, guard) = listen().await;
    let org = Org::start().await;
    let issued = json!({"token_type": "Bearer", "expires_in": 3600, "access_token": "canary-access-token", "scope": "okta.users.read"});
    let bound = json!({"token_type": "DPoP", "expires_in": 3600, "access_token": "canary-bound-token"});
    let missing = super::oauth_fault(400, "invalid_dpop_proof", "canary-description");
    let refused = super::oauth_fault(401, "invalid_client", "canary-description");
    org.answers("/oauth2/v1/token", vec![ok(&issued), missing, ok(&bound), refused]).await;
    let next = org.next("/api/v1/users", "canary-cursor");
    let page = ok(&json!([user("canary-person")])).append_header("link", &*next);
    org.answers("/api/v1/users", vec![page, fault(400, "canary code with spaces"), fault(401, "E0000011")]).await;
    org.answers("/api/v1/users/00u1", vec![super::ResponseTemplate::new(200).set_body_string("[canary-body")]).await;

    let jwk = json!({"kty": "EC", "crv": "P-256", "x": "canaryx", "y": "canaryy", "d": "canary-d"}).to_string();
    let bad_key = SigningKey::from_text(Secret::new(jwk)).unwrap_err();
    let token_owner = ApiToken::new(Secret::new("canary-api-token".to_owned()));
    let unusable = org.builder(ApiToken::new(Secret::new("canary\napi".to_owned()))).build().unwrap();

    let mut output = format!("{:?} {token_owner:?} {:?}", app(), org.builder(token_owner.clone()));
    output.push_str(&told(&bad_key));
    let app_client = org.builder(app()).build().unwrap();
    let bound_client = org.builder(app()).build().unwrap();
    for client in [app_client.clone(), bound_client, app_client, org.builder(token_owner).build().unwrap(), unusable] {
        let provider = OktaProvider::new(client.clone());
        let (_, error) = collect(provider.users(ReadOptions::default())).await;
        output.push_str(&error.as_ref().map(|error| told(error)).unwrap_or_default());
        output.push_str(&provider.user(&UserId::new("00u1").unwrap()).await.err().map(|error| told(&error)).unwrap_or_default());
        output.push_str(&format!("{client:?} {provider:?} {provider} {:?}", client.usage()));
    }
    drop(guard);

    output.push_str(&log.text());
    assert!(output.contains("okta.request") && output.contains("/api/v1/users/{id}"), "the spans are there");
    let mut secrets = vec![pem(), STANDARD.encode(KEY), URL_SAFE_NO_PAD.encode([7; 32]), "07070707".to_owned(), "canary".to_owned()];
    for request in org.requests("/oauth2/v1/token").await {
        let assertion = form(&request, "client_assertion");
        secrets.push(assertion.rsplit('.').next().unwrap().to_owned());
    }
    for request in org.server.received_requests().await.unwrap() {
        secrets.extend(super::header(&request, "dpop").map(|proof| proof.rsplit('.').next().unwrap().to_owned()));
    }
    assert!(secrets.len() >= 9, "tokens were asked for with and without a proof");
    for secret in secrets {
        let at = output.find(&secret);
        assert!(at.is_none(), "{secret} is in {}", &output[at.unwrap().saturating_sub(300)..at.unwrap() + 40]);
    }
}

#[test]
fn a_client_is_not_built_with_settings_that_cannot_work() {
    let org = crate::OrgUrl::parse("acme.okta.com").unwrap();
    let key = || SigningKey::from_pem(Secret::new(pem())).unwrap();
    assert!(OktaClient::builder(org.clone(), ServiceApp::new("", key())).build().is_err());
    assert!(OktaClient::builder(org.clone(), ServiceApp::new("0oa1", key()).with_scopes(Vec::<String>::new())).build().is_err());
    assert!(OktaClient::builder(org.clone(), ApiToken::new(Secret::new(" ".to_owned()))).build().is_err());
    let sizes = crate::PageSizes::default().with_users(201);
    assert!(OktaClient::builder(org.clone(), app()).page_sizes(sizes).build().is_err());
    assert!(OktaClient::builder(org, app()).build().is_ok());
}
