//! What cannot be delivered, because something that it depends on is not.

use idsync_core::{Change, ChangeKind, EntryId};
use std::collections::HashSet;

/// The entries that undelivered changes leave missing in the sink, or still referred to there.
#[derive(Debug, Default)]
pub(crate) struct Blocked {
    /// Entries that the sink does not have.
    missing: HashSet<EntryId>,
    /// Entries that something in the sink still refers to.
    referred: HashSet<EntryId>,
}

impl Blocked {
    /// Takes note of a change that is not delivered.
    pub(crate) fn withhold(&mut self, change: &Change) {
        match change.kind() {
            ChangeKind::UserCreated | ChangeKind::GroupCreated => self.missing.extend(change.entries()),
            ChangeKind::GroupUserRemoved => self.referred.extend(change.entries()),
            _ => {}
        }
    }

    /// Whether a change depends on one that is not delivered.
    pub(crate) fn stops(&self, change: &Change) -> bool {
        match change.kind() {
            ChangeKind::GroupUserAdded => change.entries().any(|entry| self.missing.contains(&entry)),
            ChangeKind::UserDeleted | ChangeKind::GroupDeleted => change.entries().any(|entry| self.referred.contains(&entry)),
            _ => false,
        }
    }

    /// Whether everything is delivered.
    pub(crate) fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.referred.is_empty()
    }
}
