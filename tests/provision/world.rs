//! An org without an app of ours, and the token of its super administrator.

use idsync::Secret;
use idsync::okta::{
    ApiToken, AppSpec, Connection, KeyKind, KeySource, NewKey, OktaProvisioner, OktaProvisionerBuilder, OrgUrl, ProvisionError,
    RetryPolicy, SigningKey, TokenBinding,
};
use idsync_okta_emulator::{Credential, OktaEmulator, OktaEmulatorBuilder, Quirks, TruthApp};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub(crate) const LABEL: &str = "Directory sync";

pub(crate) struct World {
    pub(crate) emulator: OktaEmulator,
    pub(crate) key: SigningKey,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::of(OktaEmulator::builder().seed(31).users(60).groups(6).memberships(200)).await
    }

    /// A world for tests that need many.
    pub(crate) async fn small() -> Self {
        Self::of(OktaEmulator::builder().seed(32).users(4).groups(2).memberships(6)).await
    }

    async fn of(org: OktaEmulatorBuilder) -> Self {
        let emulator = org.without_app().start().await.unwrap();
        Self { emulator, key: NewKey::generate(KeyKind::Es256).unwrap().signing_key().clone() }
    }

    pub(crate) fn spec(&self) -> AppSpec {
        AppSpec::new(LABEL, KeySource::Private(self.key.clone())).unwrap()
    }

    /// The same with bearer tokens, which take no time to make a key for.
    pub(crate) fn plain_spec(&self) -> AppSpec {
        self.spec().with_binding(TokenBinding::Bearer)
    }

    pub(crate) fn builder(&self) -> OktaProvisionerBuilder {
        let token = ApiToken::new(Secret::new(self.emulator.setup_token().to_owned()));
        OktaProvisioner::builder(OrgUrl::parse_or_local(self.emulator.url()).unwrap(), token)
            .retry(RetryPolicy::new(6, Duration::from_secs(20)))
            .grace(Duration::from_secs(20))
    }

    pub(crate) fn provisioner(&self) -> OktaProvisioner {
        self.builder().build().unwrap()
    }

    pub(crate) async fn apply(&self, spec: &AppSpec) -> Result<Connection, ProvisionError> {
        let provisioner = self.provisioner();
        let plan = provisioner.plan(spec).await.map_err(|source| panic!("{source:?}")).unwrap();
        provisioner.apply(&plan).await
    }

    pub(crate) fn quirks(&self, change: impl FnOnce(&mut Quirks)) {
        let mut quirks = self.emulator.org().quirks();
        change(&mut quirks);
        self.emulator.org().set_quirks(quirks);
    }

    /// Writing requests that were made.
    pub(crate) fn writes(&self) -> usize {
        self.emulator.requests().writing().count()
    }

    /// What somebody else makes in the org.
    pub(crate) async fn post(&self, path: &str, body: Value) {
        let address = self.emulator.url().trim_start_matches("http://").trim_end_matches('/').to_owned();
        let (token, body) = (self.emulator.setup_token().to_owned(), body.to_string());
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: SSWS {token}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let exchange = move || {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(request.as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        };
        let answer = tokio::task::spawn_blocking(exchange).await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn ours(&self) -> Vec<TruthApp> {
        self.emulator.org().apps().into_iter().filter(|app| app.label == LABEL).collect()
    }

    pub(crate) fn apps(&self) -> usize {
        self.ours().len()
    }

    pub(crate) fn the_app(&self) -> TruthApp {
        let mut ours = self.ours();
        assert_eq!(ours.len(), 1, "exactly one app");
        ours.remove(0)
    }

    /// Everything that is not ours.
    pub(crate) fn others(&self) -> Vec<TruthApp> {
        self.emulator.org().apps().into_iter().filter(|app| app.label != LABEL).collect()
    }

    /// The setup token does not work any more, and was used for nothing after its revocation but to see that.
    pub(crate) fn assert_token_is_dead_and_unused(&self) {
        let log = self.emulator.requests();
        let revoked = log.entries().iter().position(|entry| entry.path == "/api/v1/api-tokens/current" && entry.status == Some(204));
        let after = log.entries().iter().skip(revoked.expect("it was revoked") + 1);
        for entry in after.filter(|entry| entry.scheme == idsync_okta_emulator::Scheme::Ssws) {
            assert_eq!(entry.status, Some(401), "{entry:?}");
            assert!(["/api/v1/users/me", "/api/v1/api-tokens/current"].contains(&entry.path.as_str()), "{entry:?}");
            assert!(!matches!(entry.credential, Some(Credential::App(_))));
        }
    }
}
