//! Compares everything that a sink holds with what it should hold.

use super::super::tools::{ensure, ensure_same};
use super::super::{Unproven, Verdict};
use super::SinkFixture;
use crate::{EntryId, Snapshot};
use std::collections::BTreeSet;

/// Fails unless the sink holds exactly `expected`; skips where the fixture does not show what it holds.
pub(super) async fn ensure_contents<F: SinkFixture>(fixture: &F, place: &F::Place, expected: &Snapshot) -> Verdict {
    match fixture.contents(place).await? {
        Some(found) => ensure_same_contents(&found, expected),
        None => Err(Unproven::skipped("the fixture does not show the contents")),
    }
}

/// The same, where the fixture shows what the sink holds.
pub(super) async fn ensure_contents_if_shown<F: SinkFixture>(fixture: &F, place: &F::Place, expected: &Snapshot) -> Verdict {
    match fixture.contents(place).await? {
        Some(found) => ensure_same_contents(&found, expected),
        None => Ok(()),
    }
}

fn ensure_same_contents(found: &Snapshot, expected: &Snapshot) -> Verdict {
    let ids = |world: &Snapshot| {
        let users = world.users().map(|user| EntryId::User(user.id.clone()));
        users.chain(world.groups().map(|group| EntryId::Group(group.id.clone()))).collect::<BTreeSet<_>>()
    };
    ensure_same(&ids(found), &ids(expected), "entries in the sink")?;
    let memberships = |world: &Snapshot| world.memberships().cloned().collect::<BTreeSet<_>>();
    ensure_same(&memberships(found), &memberships(expected), "memberships in the sink")?;
    for (found, expected) in found.users().zip(expected.users()) {
        ensure(found.same_content(expected), || format!("user {} is {found:?} and not {expected:?}, or has other values", found.id))?;
    }
    for (found, expected) in found.groups().zip(expected.groups()) {
        ensure(found.same_content(expected), || format!("group {} is {found:?} and not {expected:?}, or has other values", found.id))?;
    }
    Ok(())
}
