//! What has to be done, and what stands when it could not be.

use super::journal::Journal;
use super::preflight::Preflight;
use super::spec::AppSpec;
use super::steps::Step;
use crate::error::Error;

/// What has to be done for a specification.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProvisionPlan {
    /// What is wanted.
    pub spec: AppSpec,
    /// Which org it is, and whose token.
    pub preflight: Preflight,
    /// The app that is there already.
    pub app_id: Option<String>,
    /// What has to be done, in order; nothing when all is as it should be.
    pub steps: Vec<Step>,
    /// More apps of ours with the same label. They are left alone; somebody should remove them.
    pub duplicates: Vec<String>,
    /// The ids of other keys that the app signs in with. They stay, for somebody may use them;
    /// [`OktaProvisioner::rotate_key`](crate::OktaProvisioner::rotate_key) takes them away.
    pub other_keys: Vec<String>,
}

/// Why provisioning failed, and what stands.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
#[non_exhaustive]
pub struct ProvisionError {
    /// What went wrong.
    #[source]
    pub source: Error,
    /// What this call made until then, as far as it could be seen: also what showed afterwards although its answer was lost, and not what
    /// earlier calls made. It stays, and the next call goes on from it; [`OktaProvisioner::undo`](crate::OktaProvisioner::undo) takes this
    /// away, but for changes of what was there before ([`Made::Repaired`](crate::Made::Repaired)).
    pub stands: Journal,
}

impl From<ProvisionError> for idsync_core::Error {
    fn from(error: ProvisionError) -> Self {
        error.source.into()
    }
}
