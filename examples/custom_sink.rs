//! A sink of your own: the people with access, by id and login, in a JSON file that other systems read.
//!
//! Only `apply` is specific; everything else (order, retries, resuming, safeguards) is the engine's.

use async_trait::async_trait;
use idsync::engine::SyncEngine;
use idsync::memory::MemoryStore;
use idsync::okta::{ApiToken, OktaClient, OktaProvider, OrgUrl};
use idsync::{Batch, BatchOutcome, Change, ChangeOutcome, DirectorySink, Error, ErrorKind, Lifecycle, Result, Secret};
use idsync_examples::say;
use idsync_okta_emulator::OktaEmulator;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The list in this file.
#[derive(Debug)]
pub(crate) struct AccessList(pub(crate) PathBuf);

type People = BTreeMap<String, Option<String>>;

impl AccessList {
    fn take(people: &mut People, change: &Change) -> ChangeOutcome {
        let changed = match change {
            Change::UserCreated { user } | Change::UserUpdated { user, .. } if user.lifecycle() == Lifecycle::Active => {
                people.insert(user.id.to_string(), user.login.clone()).as_ref() != Some(&user.login)
            }
            Change::UserCreated { user } | Change::UserUpdated { user, .. } | Change::UserDeleted { user, .. } => {
                people.remove(user.id.as_str()).is_some()
            }
            change if change.group().is_some() => false, // groups and memberships are of no interest to this sink
            _ => return ChangeOutcome::Failed(Error::new(ErrorKind::Unsupported, "a kind of change that this sink does not know")),
        };
        if changed { ChangeOutcome::Applied } else { ChangeOutcome::Unchanged }
    }

    fn apply_all(&self, batch: &Batch<'_>) -> std::io::Result<BatchOutcome> {
        let text = if self.0.exists() { std::fs::read_to_string(&self.0)? } else { String::from("{}") };
        let mut people = serde_json::from_str(&text)?;
        let outcome = batch.deliveries.iter().map(|delivery| Self::take(&mut people, &delivery.change)).collect();
        // The new file takes the place of the old one in one step, so a crash leaves the one or the other.
        std::fs::write(self.0.with_extension("new"), serde_json::to_string_pretty(&people)?)?;
        std::fs::rename(self.0.with_extension("new"), &self.0)?;
        Ok(outcome)
    }
}

impl fmt::Display for AccessList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "access list {}", self.0.display())
    }
}

#[async_trait]
impl DirectorySink for AccessList {
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        self.apply_all(&batch).map_err(|error| Error::new(ErrorKind::Unavailable, "the access list cannot be kept").with_source(error))
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let emulator = OktaEmulator::start().await?;
    let token = ApiToken::new(Secret::new(emulator.api_token().to_owned()));
    let provider = OktaProvider::new(OktaClient::builder(OrgUrl::parse_or_local(emulator.url())?, token).build()?);
    let folder = tempfile::tempdir()?;
    let list = folder.path().join("access.json");
    let engine = SyncEngine::builder(provider, MemoryStore::new(), AccessList(list.clone())).build();
    say!("{}", engine.sync().await?);
    say!("{} people have access", serde_json::from_str::<People>(&std::fs::read_to_string(list)?)?.len());
    Ok(())
}
