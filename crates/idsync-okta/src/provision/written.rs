//! A step that was sent, and what it made.

use super::journal::Made;
use super::settle::Settling;
use super::spec::AppSpec;
use super::state::{CUSTOM, READ_ONLY_ADMIN};
use super::steps::{Found, Step};
use crate::error::Error;

/// A step that was sent.
pub(super) struct Written {
    pub(super) step: Step,
    pub(super) settling: Settling,
    /// Nobody knows whether it was this call that did it.
    pub(super) is_doubtful: bool,
    /// What is wrong if it does not show; until it was looked for.
    pub(super) last: Option<Error>,
}

impl Written {
    pub(super) fn note(&mut self, error: Error) {
        self.settling.count();
        self.last = Some(error);
    }
}

/// What a step has made, by what is there after it.
pub(super) fn made(step: &Step, spec: &AppSpec, found: &Found) -> Option<Made> {
    let app = found.app.as_ref()?;
    let (app_id, client_id) = (app.id.clone(), app.client_id.clone());
    Some(match step {
        Step::CreateApp => Made::App { app_id, client_id },
        Step::AddKey => Made::Key { app_id, key_id: spec.public_jwk()?.kid },
        Step::GrantScope { scope } => Made::Scope { app_id, scope: scope.clone() },
        Step::CreateRole => Made::Role { role_id: found.custom_role.as_ref()?.id.clone() },
        Step::CreateResourceSet => Made::ResourceSet { resource_set_id: found.resource_set.as_ref()?.id.clone() },
        Step::AssignCustomRole => Made::Assignment { client_id, role: CUSTOM.to_owned() },
        Step::AssignReadOnlyAdmin => Made::Assignment { client_id, role: READ_ONLY_ADMIN.to_owned() },
        other => Made::Repaired { what: format!("app {app_id}: {other}") },
    })
}
