//! The flags of `sync`.

pub use crate::given::parse;
pub use crate::help::HELP;
use idsync::engine::{DeltaPolicy, Safeguards};
use idsync::okta::{Deprovisioned, Everyone, RateShare, SyncScope};
use idsync::{DirectoryId, PlanHash, Secret};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Apply the plan with this hash.
    Apply(PlanHash),
    /// Apply the held set with this hash.
    Approve(PlanHash),
    /// Print what is held.
    Held,
    /// Print the plan.
    Plan,
    /// Leave the held set with this hash alone.
    Reject(PlanHash),
    /// Read and apply, whatever is set aside.
    Release,
    /// Print where things stand.
    Status,
    /// Read and apply.
    Sync,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// One JSON object.
    Json,
    /// Errors only.
    Quiet,
    /// For people.
    Text,
}

/// How to sign in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Login {
    /// With an API token.
    ApiToken(Secret),
    /// As a service app.
    ServiceApp {
        /// The client id.
        client_id: String,
        /// Where its private key is.
        key: PathBuf,
    },
}

/// The flags of `sync`, checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Flags {
    /// The org as it was written.
    pub org: String,
    /// How to sign in.
    pub login: Login,
    /// Which directory the org is, where the connection says so.
    pub directory: Option<DirectoryId>,
    /// The SQLite file.
    pub database: PathBuf,
    /// What to do.
    pub action: Action,
    /// How to print.
    pub output: Output,
    /// How much may change.
    pub safeguards: Safeguards,
    /// The logins of users that are never removed.
    pub protected: Vec<String>,
    /// How much of the rate limit may be used.
    pub rate_share: Option<RateShare>,
    /// How long one request is tried again.
    pub patience: Option<Duration>,
    /// Whether deactivated users are in scope.
    pub deprovisioned: Deprovisioned,
    /// Whether the members of `Everyone` are in scope.
    pub everyone: Everyone,
    /// When only what changed is read.
    pub delta: DeltaPolicy,
    /// Which users, groups and attributes are in scope.
    pub scope: SyncScope,
    /// What of the scope only the org can judge.
    pub unjudged: Unjudged,
    /// Along how many chains users are listed.
    pub user_chains: NonZeroUsize,
}

/// Parts of the scope as they were written, of which only the org knows whether it understands them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unjudged {
    /// The names that `--attributes` lists.
    pub attributes: Vec<String>,
    /// What `--group-search` says.
    pub group_search: Option<String>,
    /// What `--user-search` says.
    pub user_search: Option<String>,
}

/// What the command line asks for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Asked {
    /// Print the help.
    Help,
    /// Run.
    Run(Box<Flags>),
}
