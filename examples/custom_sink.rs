//! A sink of your own: an access list that other systems read, kept in a file, one line per person with access.
//!
//! Only `handle` is specific; everything else (order, retries, resuming, safeguards) is the engine's.

use async_trait::async_trait;
use idsync::engine::SyncEngine;
use idsync::memory::MemoryStore;
use idsync::okta::{ApiToken, OktaClient, OktaProvider, OrgUrl};
use idsync::{Change, ChangeHandler, Delivery, Error, ErrorKind, Lifecycle, PerChange, Result, RunContext, Secret, User};
use idsync_okta_emulator::OktaEmulator;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Mutex;

#[derive(Debug)]
pub struct AccessList {
    file: PathBuf,
    people: Mutex<BTreeMap<String, String>>,
}

impl AccessList {
    pub fn new(file: PathBuf) -> Self {
        Self { file, people: Mutex::default() }
    }

    fn put(&self, user: &User) {
        let mut people = self.people.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match user.lifecycle() {
            Lifecycle::Active => people.insert(user.id.to_string(), user.login.clone().unwrap_or_default()),
            _ => people.remove(user.id.as_str()),
        };
    }

    fn write(&self) -> std::io::Result<()> {
        let people = self.people.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let lines: String = people.iter().map(|(id, login)| format!("{id} {login}\n")).collect();
        std::fs::write(&self.file, lines)
    }
}

impl fmt::Display for AccessList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "access list {}", self.file.display())
    }
}

#[async_trait]
impl ChangeHandler for AccessList {
    async fn handle(&self, _run: &RunContext, delivery: &Delivery) -> Result<()> {
        match &delivery.change {
            Change::UserCreated { user } | Change::UserUpdated { user, .. } => self.put(user),
            Change::UserDeleted { user, .. } => {
                self.people.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(user.id.as_str());
            }
            _ => return Ok(()), // groups are of no interest to this sink
        }
        self.write().map_err(|error| Error::new(ErrorKind::Unavailable, "the access list cannot be written").with_source(error))
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let emulator = OktaEmulator::start().await?;
    let token = ApiToken::new(Secret::new(emulator.api_token().to_owned()));
    let provider = OktaProvider::new(OktaClient::builder(OrgUrl::parse(emulator.url())?, token).build()?);
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("access.txt");
    let engine = SyncEngine::builder(provider, MemoryStore::new(), PerChange(AccessList::new(file.clone()))).build();
    println!("{}", engine.sync().await?);
    println!("{} people have access", std::fs::read_to_string(file)?.lines().count());
    Ok(())
}
