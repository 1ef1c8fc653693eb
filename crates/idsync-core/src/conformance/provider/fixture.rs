//! The door through which the suite seeds what it then reads.

use crate::{EntryId, IdentityProvider, Result, Snapshot};
use async_trait::async_trait;
use std::sync::Arc;

/// A directory that the suite may fill, and a provider that reads it.
///
/// Only [`ProviderFixture::seed`] must be written. For the rest, "not offered" is an answer: the checks that need it are skipped.
///
/// Let the provider read in pages of five entries or fewer, if it has pages, so that the listings of the suite take several.
#[async_trait]
pub trait ProviderFixture: Send + Sync {
    /// Makes the directory what `world` shows, ends all faults, and hands out a provider that reads it.
    ///
    /// It is always the same directory: providers that were handed out before read the new world too.
    ///
    /// # Errors
    /// The directory cannot be filled; the check that wanted it fails.
    async fn seed(&self, world: &Snapshot) -> Result<Arc<dyn IdentityProvider>>;

    /// What the provider is meant to show of `world`. By default everything; a provider with a filter, or one that cannot keep
    /// everything (such as ids of any form), leaves out or alters the rest. Timestamps are not compared.
    fn shown(&self, world: &Snapshot) -> Snapshot {
        world.clone()
    }

    /// Makes something go wrong from now on, until the next [`ProviderFixture::seed`].
    ///
    /// # Errors
    /// The fault is offered but could not be brought about; the check that wanted it fails.
    async fn inject(&self, fault: &Fault) -> Result<Injected> {
        let _ = fault;
        Ok(Injected::NotOffered)
    }

    /// Lets the directory's clock go on, so that what changes next gets another time than what changed before. A directory that counts in
    /// seconds, say, would call them the same. By default nothing happens.
    ///
    /// # Errors
    /// The clock cannot be moved; the check that wanted it fails.
    async fn pass_time(&self) -> Result<()> {
        Ok(())
    }

    /// How many requests the directory has received so far, from all providers, if it counts.
    fn requests(&self) -> Option<u64> {
        None
    }
}

/// What goes wrong in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// This listing breaks once a page or more of it was answered, and stays broken however often it is tried.
    Break(Listing),
    /// The permission for this is taken away; the credential itself is still good.
    Deny(Listing),
    /// Pages without entries come in between.
    EmptyPages,
    /// The record of this entry cannot be understood any more, but for its id.
    Malform(EntryId),
    /// Entries come again on later pages.
    Repeat,
}

/// Something that a provider lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Listing {
    /// All groups.
    Groups,
    /// The members of any group.
    Members,
    /// All users.
    Users,
}

/// Whether a fault was brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Injected {
    /// It was.
    Done,
    /// This fixture does not offer it.
    NotOffered,
}
