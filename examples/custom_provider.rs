//! A provider of your own: a personnel system that hands out everything it knows in one document.
//!
//! Only `read` is specific: it says what is there, or fails; it never shows a part as the whole. A directory that comes in pages
//! implements `IdentityProvider` instead. Here, the emulator's account of itself plays the personnel system.

use async_trait::async_trait;
use idsync::engine::SyncEngine;
use idsync::memory::{MemorySink, MemoryStore};
use idsync::{Attributes, DirectoryId, DirectoryInfo, Error, ErrorKind, Group, GroupId, Membership, Result, Snapshot, SnapshotSource};
use idsync::{User, UserId, UserStatus, WholeRead};
use idsync_examples::say;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// The system behind this URL.
#[derive(Debug)]
pub(crate) struct Personnel(pub(crate) String);

#[derive(serde::Deserialize)]
struct Document {
    users: BTreeMap<UserId, Entry>,
    groups: BTreeMap<GroupId, Entry>,
    memberships: Vec<(GroupId, UserId)>,
}

#[derive(serde::Deserialize)]
struct Entry {
    #[serde(default)]
    status: String,
    profile: Attributes,
}

impl fmt::Display for Personnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "personnel system at {}", self.0)
    }
}

#[async_trait]
impl SnapshotSource for Personnel {
    async fn identify(&self) -> Result<DirectoryInfo> {
        let id = DirectoryId::new("personnel:1").map_err(|error| Error::new(ErrorKind::InvalidConfig, error.to_string()))?;
        Ok(DirectoryInfo::new(id, self.to_string()))
    }

    async fn read(&self) -> Result<Snapshot> {
        let fetch = async { reqwest::Client::builder().build()?.get(&self.0).send().await?.error_for_status()?.json::<Document>().await };
        let failed = |error| Error::new(ErrorKind::Unavailable, "the document cannot be read").with_source(error);
        let document = fetch.await.map_err(|error: reqwest::Error| failed(error))?;
        let mut snapshot = Snapshot::builder();
        for (id, entry) in document.users {
            let mut user = User::new(id, UserStatus::from(entry.status));
            (user.login, user.attributes) = (entry.profile.text("login").map(Cow::into_owned), entry.profile);
            snapshot.user(user);
        }
        for (id, entry) in document.groups {
            snapshot.group(Group::new(id, entry.profile.text("name").unwrap_or("unnamed".into())));
        }
        document.memberships.into_iter().for_each(|(group, user)| _ = snapshot.membership(Membership::new(group, user)));
        Ok(snapshot.finish())
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let emulator = idsync_okta_emulator::OktaEmulator::start().await?;
    let provider = WholeRead::new(Personnel(format!("{}/emulator/truth?scope=default", emulator.url())));
    say!("{}", SyncEngine::builder(provider, MemoryStore::new(), MemorySink::new()).build().sync().await?);
    Ok(())
}
