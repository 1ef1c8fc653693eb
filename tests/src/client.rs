//! Reading an emulated org.

use idsync::Secret;
use idsync::engine::{SyncEngine, SyncEngineBuilder};
use idsync::okta::{OktaClient, OktaClientBuilder, OktaProvider, OrgUrl, RetryPolicy, ServiceApp, SigningKey};
use idsync::sqlite::SqliteFile;
use idsync_okta_emulator::OktaEmulator;
use std::path::Path;
use std::time::Duration;

/// A client with the app's key, before it is built.
///
/// # Panics
/// The emulator's key or URL is not usable.
pub fn client_builder(emulator: &OktaEmulator) -> OktaClientBuilder {
    let key = SigningKey::from_pem(Secret::new(emulator.private_key_pem().to_owned())).unwrap().with_key_id(emulator.key_id());
    OktaClient::builder(OrgUrl::parse_or_local(emulator.url()).unwrap(), ServiceApp::new(emulator.client_id(), key))
}

/// A client with the app's key, which gives up on a request after a few attempts and no more than three seconds.
///
/// # Panics
/// The emulator's key or URL is not usable.
pub fn client(emulator: &OktaEmulator) -> OktaClient {
    client_builder(emulator).retry(RetryPolicy::new(4, Duration::from_secs(3))).build().unwrap()
}

/// A provider with default scope.
pub fn provider(emulator: &OktaEmulator) -> OktaProvider {
    OktaProvider::new(client(emulator))
}

/// The file, opened.
///
/// # Panics
/// It cannot be opened.
pub async fn file(database: &Path) -> SqliteFile {
    SqliteFile::open(database).await.unwrap()
}

/// An engine that keeps the file in step with the org.
pub async fn engine(emulator: &OktaEmulator, database: &Path) -> SyncEngineBuilder {
    let file = file(database).await;
    SyncEngine::builder(provider(emulator), file.store(), file.sink())
}
