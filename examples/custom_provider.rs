//! A provider of your own: a directory kept in a JSON file.
//!
//! The file is read whole, so every listing is one page; what matters is that a file that cannot be read is an error and never an
//! empty directory.

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use idsync::engine::SyncEngine;
use idsync::memory::{MemorySink, MemoryStore};
use idsync::{
    DirectoryId, DirectoryInfo, Error, ErrorKind, Group, GroupId, IdentityProvider, Lookup, Page, ReadOptions, Result, User, UserId,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

#[derive(Debug, Clone)]
pub struct JsonDirectory(pub PathBuf);

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct World {
    pub users: Vec<User>,
    pub groups: Vec<Group>,
    pub members: BTreeMap<String, Vec<UserId>>,
}

impl JsonDirectory {
    fn read(&self) -> Result<World> {
        let text =
            std::fs::read(&self.0).map_err(|error| Error::new(ErrorKind::Unavailable, "the file cannot be read").with_source(error))?;
        serde_json::from_slice(&text).map_err(|error| Error::new(ErrorKind::InvalidData, "the file is not a directory").with_source(error))
    }

    fn page<T: Send + 'static>(self, pick: impl FnOnce(World) -> Result<Vec<T>> + Send + 'static) -> BoxStream<'static, Result<Page<T>>> {
        stream::once(async move { Ok(Page::new(pick(self.read()?)?)) }).boxed()
    }
}

impl fmt::Display for JsonDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.display())
    }
}

#[async_trait]
impl IdentityProvider for JsonDirectory {
    async fn identify(&self) -> Result<DirectoryInfo> {
        let id = DirectoryId::new("json:staff").map_err(|error| Error::new(ErrorKind::InvalidConfig, error.to_string()))?;
        Ok(DirectoryInfo::new(id, self.to_string()))
    }

    async fn check(&self) -> Result<()> {
        let world = self.read()?;
        if world.users.is_empty() || world.groups.is_empty() {
            return Err(Error::new(ErrorKind::PermissionDenied, "the file holds no users or no groups"));
        }
        Ok(())
    }

    fn users(&self, _: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        self.clone().page(|world| Ok(world.users))
    }

    fn groups(&self, _: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.clone().page(|world| Ok(world.groups))
    }

    fn members(&self, group: &GroupId, _: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let group = group.clone();
        self.clone().page(move |mut world| match world.groups.iter().any(|known| known.id == group) {
            true => Ok(world.members.remove(group.as_str()).unwrap_or_default()),
            false => Err(Error::new(ErrorKind::NotFound, "no such group")),
        })
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        Ok(self.read()?.users.into_iter().find(|user| user.id == *id).map_or(Lookup::NotFound, Lookup::Found))
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        Ok(self.read()?.groups.into_iter().find(|group| group.id == *id).map_or(Lookup::NotFound, Lookup::Found))
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("staff.json");
    let world = r#"{"users": [{"id": "1", "login": "ana", "status": "ACTIVE"}, {"id": "2", "login": "bo", "status": "SUSPENDED"}],
                    "groups": [{"id": "g", "name": "Staff", "kind": "native"}], "members": {"g": ["1", "2"]}}"#;
    std::fs::write(&file, world)?;
    let engine = SyncEngine::builder(JsonDirectory(file.clone()), MemoryStore::new(), MemorySink::new()).build();
    println!("{}", engine.sync().await?);
    std::fs::write(&file, world.replace("\"SUSPENDED\"", "\"ACTIVE\""))?;
    println!("{}", engine.sync().await?);
    Ok(())
}
