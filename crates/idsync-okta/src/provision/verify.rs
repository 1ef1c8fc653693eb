//! Proving that the new identity can read.

use super::connection::Connection;
use crate::client::OktaClient;
use crate::error::{AuthFault, Error};
use crate::key::SigningKey;
use crate::provider::OktaProvider;
use serde::Serialize;
use std::time::Duration;

/// What the new identity has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Proof {
    /// Users on the first page.
    pub users: u64,
    /// Groups on the first page.
    pub groups: u64,
    /// Members on the first page of one group.
    pub members: u64,
}

const PAUSE: Duration = Duration::from_secs(2);

/// Reads a page of users, one of groups and one member list, and goes on trying for `grace`: grants and roles take a while to count.
pub(super) async fn prove(connection: &Connection, key: &SigningKey, grace: Duration) -> Result<Proof, Error> {
    let client = connection.client(key)?.build()?;
    let timer = std::sync::Arc::clone(&client.inner.timer);
    let start = timer.now();
    loop {
        match read(&client).await {
            Ok(proof) => return Ok(proof),
            Err(error) if may_pass(&error) && timer.now().saturating_duration_since(start) < grace => timer.sleep(PAUSE.min(grace)).await,
            Err(error) => return Err(error),
        }
    }
}

/// What a new app meets while the org does not know all of it yet.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::EmptyDirectory { .. } | Error::Role { .. } | Error::Scope { .. } => true,
        Error::Auth { reason, .. } => matches!(reason, AuthFault::Client | AuthFault::Key | AuthFault::Token),
        Error::Exhausted { last, .. } => may_pass(last),
        _ => false,
    }
}

async fn read(client: &OktaClient) -> Result<Proof, Error> {
    let [users, groups, members] = OktaProvider::new(client.clone()).sample().await?;
    Ok(Proof { users, groups, members })
}
