//! What cannot be delivered, because something that it depends on is not.

use idsync_core::{Change, ChangeKind, EntryId};
use std::collections::HashSet;

/// What a change is about, without what it says.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) kind: ChangeKind,
    pub(crate) entries: Vec<EntryId>,
}

impl From<&Change> for Subject {
    fn from(change: &Change) -> Self {
        Self { kind: change.kind(), entries: change.entries().collect() }
    }
}

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
    pub(crate) fn withhold(&mut self, subject: &Subject) {
        match subject.kind {
            ChangeKind::UserCreated | ChangeKind::GroupCreated => self.missing.extend(subject.entries.iter().cloned()),
            ChangeKind::GroupUserRemoved => self.referred.extend(subject.entries.iter().cloned()),
            _ => {}
        }
    }

    /// Whether a change depends on one that is not delivered.
    pub(crate) fn stops(&self, subject: &Subject) -> bool {
        let mut entries = subject.entries.iter();
        match subject.kind {
            ChangeKind::GroupUserAdded => entries.any(|entry| self.missing.contains(entry)),
            ChangeKind::UserDeleted | ChangeKind::GroupDeleted => entries.any(|entry| self.referred.contains(entry)),
            _ => false,
        }
    }

    /// Whether everything is delivered.
    pub(crate) fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.referred.is_empty()
    }
}
