//! Making the access that a provider reads with.

use crate::Result;
use async_trait::async_trait;
use std::fmt;

/// Connects to an identity provider in one step: makes the app that reads the directory, proves that it works, and leaves no other
/// credential behind.
///
/// A provisioner works with a *setup credential* that an administrator lends it. What it makes for itself has exactly the rights that
/// reading takes, and its private key never leaves its owner.
///
/// # Contract
///
/// * **Look, then write.** Every step looks before it writes and again afterwards, for an answer may be lost, and a server may say that it
///   did what it did not. A second [`AppProvisioner::apply`] of the same specification writes nothing.
/// * **One of a kind.** However often it is interrupted, there is never a second app for the same specification. What it did not make
///   itself it neither changes nor removes.
/// * **Proven.** [`AppProvisioner::apply`] succeeds only once the new identity has read users, groups and members.
/// * **Cancellation.** A dropped future leaves what was made so far; the next call goes on from there.
#[async_trait]
pub trait AppProvisioner: fmt::Debug + fmt::Display + Send + Sync {
    /// What is wanted.
    type Spec: Send + Sync;
    /// What would be done, and what was found.
    type Plan: Send + Sync;
    /// What is needed to read with the new identity, its private key apart.
    type Connection: Send + Sync;
    /// The private key of the new identity.
    type Key: Send + Sync;
    /// What a proof has seen.
    type Proof: Send + Sync;
    /// What was removed.
    type Removed: Send + Sync;

    /// Looks at what there is and says what has to be done. Writes nothing.
    ///
    /// # Errors
    /// The setup credential is refused or lacks rights, which it is told with what to ask for; what is there is not ours to change.
    async fn plan(&self, spec: &Self::Spec) -> Result<Self::Plan>;

    /// Does it, and proves it. What has drifted from the specification is repaired.
    ///
    /// # Errors
    /// As for [`AppProvisioner::plan`], and everything that can go wrong on the way; what was made until then stays and is gone on from.
    async fn apply(&self, plan: &Self::Plan) -> Result<Self::Connection>;

    /// Reads a little with the new identity. An empty directory is a failure.
    ///
    /// # Errors
    /// What the identity lacks.
    async fn verify(&self, connection: &Self::Connection, key: &Self::Key) -> Result<Self::Proof>;

    /// Gives the identity a new key, proves it, hands the new connection to `keep`, and takes the old keys away once `keep` has kept it.
    ///
    /// # Errors
    /// As for [`AppProvisioner::apply`]. When `keep` fails, both keys go on working.
    async fn rotate_key(
        &self,
        connection: &Self::Connection,
        key: &Self::Key,
        keep: &(dyn for<'c> Fn(&'c Self::Connection) -> Result<()> + Send + Sync),
    ) -> Result<Self::Connection>;

    /// Removes what was made for this connection, and nothing else. Doing so twice is fine.
    ///
    /// # Errors
    /// Something could not be removed; the next call goes on from there.
    async fn teardown(&self, connection: &Self::Connection) -> Result<Self::Removed>;

    /// Revokes the setup credential, and proves that it is dead. Doing so twice is fine.
    ///
    /// # Errors
    /// It could not be revoked, or still works.
    async fn revoke_setup_token(&self) -> Result<()>;
}
