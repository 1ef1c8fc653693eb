//! A directory that is read whole, whose entries can become malformed.

use async_trait::async_trait;
use idsync_core::conformance::provider::{Fault, Injected, ProviderFixture};
use idsync_core::{DirectoryId, DirectoryInfo, EntryId, IdentityProvider, Result, Snapshot, SnapshotSource, WholeRead};
use std::fmt;
use std::sync::{Arc, Mutex};

/// The fixture, and the source.
#[derive(Debug, Clone, Default)]
pub(crate) struct Whole(Arc<Mutex<Snapshot>>);

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Whole")
    }
}

#[async_trait]
impl SnapshotSource for Whole {
    async fn identify(&self) -> Result<DirectoryInfo> {
        Ok(DirectoryInfo::new(DirectoryId::new("whole:1").unwrap(), "whole"))
    }

    async fn read(&self) -> Result<Snapshot> {
        Ok(self.0.lock().unwrap().clone())
    }
}

#[async_trait]
impl ProviderFixture for Whole {
    async fn seed(&self, world: &Snapshot) -> Result<Arc<dyn IdentityProvider>> {
        *self.0.lock().unwrap() = world.clone();
        Ok(Arc::new(WholeRead::new(self.clone())))
    }

    async fn inject(&self, fault: &Fault) -> Result<Injected> {
        let Fault::Malform(malformed) = fault else { return Ok(Injected::NotOffered) };
        let mut world = self.0.lock().unwrap();
        *world = with_malformed(&world, malformed);
        Ok(Injected::Done)
    }
}

/// As a source reads it: the record is there, and so are its memberships, which stand elsewhere.
fn with_malformed(world: &Snapshot, malformed: &EntryId) -> Snapshot {
    let mut read = Snapshot::builder();
    world.users().filter(|user| EntryId::User(user.id.clone()) != *malformed).for_each(|user| _ = read.user(user.clone()));
    world.groups().filter(|group| EntryId::Group(group.id.clone()) != *malformed).for_each(|group| _ = read.group(group.clone()));
    world.memberships().for_each(|membership| _ = read.membership(membership.clone()));
    world.held().for_each(|held| _ = read.hold(held.clone()));
    read.hold(malformed.clone());
    read.finish()
}
