//! Ids of entries, of users or of groups.

use idsync_core::{BaseKind, GroupId, UserId};
use std::fmt;

/// An id of an entry.
pub(crate) trait EntryKey: Clone + Ord + fmt::Debug {
    const KIND: BaseKind;
    fn parse(text: &str) -> Option<Self>;
    fn text(&self) -> &str;
}

impl EntryKey for UserId {
    const KIND: BaseKind = BaseKind::User;

    fn parse(text: &str) -> Option<Self> {
        Self::new(text).ok()
    }

    fn text(&self) -> &str {
        self.as_str()
    }
}

impl EntryKey for GroupId {
    const KIND: BaseKind = BaseKind::Group;

    fn parse(text: &str) -> Option<Self> {
        Self::new(text).ok()
    }

    fn text(&self) -> &str {
        self.as_str()
    }
}
