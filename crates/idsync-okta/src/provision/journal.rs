//! What was made, so that it can be told and undone.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that was made or changed in an org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "made")]
#[non_exhaustive]
pub enum Made {
    /// The service app.
    App {
        /// Its id.
        app_id: String,
        /// The id under which it signs in.
        client_id: String,
    },
    /// A key of the app.
    Key {
        /// The app.
        app_id: String,
        /// The `kid` of the key.
        key_id: String,
    },
    /// An OAuth scope of the app.
    Scope {
        /// The app.
        app_id: String,
        /// The scope.
        scope: String,
    },
    /// A custom role.
    Role {
        /// Its id.
        role_id: String,
    },
    /// A resource set.
    ResourceSet {
        /// Its id.
        resource_set_id: String,
    },
    /// A role of the app.
    Assignment {
        /// The id under which the app signs in.
        client_id: String,
        /// `CUSTOM` or `READ_ONLY_ADMIN`.
        role: String,
    },
    /// A change of something that was there.
    Repaired {
        /// What was done, in a few words.
        what: String,
    },
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App { app_id, .. } => write!(f, "app {app_id}"),
            Self::Key { app_id, key_id } => write!(f, "key {key_id} of app {app_id}"),
            Self::Scope { app_id, scope } => write!(f, "scope {scope} of app {app_id}"),
            Self::Role { role_id } => write!(f, "custom role {role_id}"),
            Self::ResourceSet { resource_set_id } => write!(f, "resource set {resource_set_id}"),
            Self::Assignment { client_id, role } => write!(f, "role {role} of app {client_id}"),
            Self::Repaired { what } => f.write_str(what),
        }
    }
}

/// What one call made, in order. It serializes to JSON, so that it can be kept while the call goes on.
///
/// It lists what was answered, and what was seen afterwards where no answer came. It cannot list a thing that was made by a request whose
/// answer was lost and that could not be looked for any more; the next call of [`OktaProvisioner::apply`](crate::OktaProvisioner::apply)
/// finds that by its label and goes on from it. With a call that is dropped goes its journal: whoever wants to keep it until then collects
/// it from a [`StepListener`](crate::StepListener), which is told of each thing at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Journal(Vec<Made>);

impl Journal {
    /// What was made, the first thing first.
    pub fn made(&self) -> &[Made] {
        &self.0
    }

    /// Whether nothing was made.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds to the journal.
    pub fn push(&mut self, made: Made) {
        if !self.0.contains(&made) {
            self.0.push(made);
        }
    }

    /// Takes out what was removed again.
    pub(super) fn forget(&mut self, gone: &Made) {
        self.0.retain(|made| made != gone);
    }
}
