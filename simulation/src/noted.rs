//! What the checkpoints of a read that was broken off are good for.

use crate::reading::{Earlier, Reading, Span};
use idsync_core::{GroupId, JournalHeader, Revision, Stage, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a checkpoint says of one group.
#[derive(Debug, Clone)]
struct NotedGroup {
    /// The oldest version that its members are shown in.
    since: u64,
    /// Its members were read at one of the instants from here to there.
    read: Span,
    /// When its members had last changed, as the group said.
    updated: Option<Timestamp>,
}

/// The checkpoint of a directory.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    read_at: Option<Timestamp>,
    revision: Revision,
    scope: String,
    groups: BTreeMap<GroupId, NotedGroup>,
}

impl Noted {
    /// A run notes which read it is at.
    pub(crate) fn identify(&mut self, journal: &JournalHeader, scope: String) {
        (self.read_at, self.revision, self.scope) = (Some(journal.read_at), journal.base, scope);
    }

    /// A run notes that it has read the members of a group; says what is wrong if it has not.
    pub(crate) fn note(&mut self, group: &GroupId, reading: &Reading) -> Option<String> {
        let Some((since, read, updated)) = reading.members_read(group) else {
            return Some(format!("a checkpoint says that the members of {group} were read, which nothing proves"));
        };
        self.groups.insert(group.clone(), NotedGroup { since, read, updated });
        None
    }

    /// What was noted of a group is deleted.
    pub(crate) fn forget(&mut self, group: &GroupId) {
        self.groups.remove(group);
    }

    /// Says what a read that begins now may go on from.
    pub(crate) fn resume(&self, journal: &JournalHeader, revision: Revision, scope: &str, now: Timestamp, keep: Duration, into: &Reading) {
        let is_same = journal.stage == Stage::Reading
            && journal.base == revision
            && self.revision == revision
            && self.read_at == Some(journal.read_at)
            && self.scope == scope;
        if !is_same {
            return;
        }
        let young = |at: Timestamp| at <= now && now.saturating_since(at) < keep;
        for (id, group) in &self.groups {
            let (first, last) = group.read;
            // At one of the instants in between it was read; it is too old for certain, good for certain, or nobody knows.
            if first <= now && now.saturating_since(last) < keep {
                let certain = young(first) && young(last);
                into.go_on_from(id, Earlier { since: group.since, updated: group.updated, certain });
            }
        }
    }
}
