//! A user who cannot be understood in a directory that is read whole.

use async_trait::async_trait;
use futures::executor::block_on;
use idsync_core::memory::{MemorySink, MemoryStore};
use idsync_core::{
    ChangeKind, DirectoryId, DirectoryInfo, EntryId, Group, GroupId, Membership, Result, Snapshot, SnapshotBuilder, SnapshotSource, User,
    UserId, UserStatus, WholeRead,
};
use idsync_engine::{Outcome, SyncEngine};
use std::fmt;
use std::sync::{Arc, Mutex};

/// Shows what it is given.
#[derive(Debug, Clone, Default)]
struct Source(Arc<Mutex<Snapshot>>);

impl Source {
    fn show(&self, fill: impl FnOnce(&mut SnapshotBuilder)) {
        let mut builder = Snapshot::builder();
        fill(&mut builder);
        *self.0.lock().unwrap() = builder.finish();
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
}

#[async_trait]
impl SnapshotSource for Source {
    async fn identify(&self) -> Result<DirectoryInfo> {
        Ok(DirectoryInfo::new(DirectoryId::new("source:1").unwrap(), "source"))
    }

    async fn read(&self) -> Result<Snapshot> {
        Ok(self.0.lock().unwrap().clone())
    }
}

fn user(id: &str) -> User {
    User::new(UserId::new(id).unwrap(), UserStatus::Active)
}

fn membership(group: &str, user: &str) -> Membership {
    Membership::new(GroupId::new(group).unwrap(), UserId::new(user).unwrap())
}

fn in_groups(read: &mut SnapshotBuilder, memberships: &[(&str, &str)]) {
    for group in ["admins", "staff"] {
        read.group(Group::new(GroupId::new(group).unwrap(), group));
    }
    memberships.iter().for_each(|(group, user)| _ = read.membership(membership(group, user)));
}

#[test]
fn p05_a_held_user_keeps_the_groups_it_is_in_and_loses_those_it_left() {
    let everywhere = [("admins", "ana"), ("admins", "bo"), ("staff", "ana"), ("staff", "bo")];
    let (source, sink) = (Source::default(), MemorySink::new());
    let engine = SyncEngine::builder(WholeRead::new(source.clone()), MemoryStore::new(), sink.clone()).build();
    source.show(|read| {
        read.user(user("ana")).user(user("bo"));
        in_groups(read, &everywhere);
    });
    block_on(engine.sync()).unwrap();
    let before = sink.snapshot();
    assert_eq!(before.memberships().len(), 4);

    source.show(|read| {
        read.hold(EntryId::User(UserId::new("ana").unwrap())).user(user("bo"));
        in_groups(read, &everywhere);
    });
    let report = block_on(engine.sync()).unwrap();
    assert_eq!((report.outcome, report.changes.total()), (Outcome::Done, 0), "{report}");
    assert_eq!(sink.snapshot(), before);

    source.show(|read| {
        read.hold(EntryId::User(UserId::new("ana").unwrap())).user(user("bo"));
        in_groups(read, &everywhere[1..]);
    });
    let report = block_on(engine.sync()).unwrap();
    assert_eq!((report.changes.total(), report.changes.get(ChangeKind::GroupUserRemoved)), (1, 1), "{report}");
    assert!(sink.snapshot().memberships().all(|left| *left != membership("admins", "ana")));
}
