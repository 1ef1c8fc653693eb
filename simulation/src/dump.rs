//! A directory as one canonical text.

use idsync_core::{EntryId, Snapshot, Timestamps};
use std::collections::HashSet;
use std::fmt::Write;

/// One line per user, group and membership, in the order of their ids. What a sink need not know, such as when somebody last signed in,
/// is left out, and so are entries that are spared, with their memberships.
pub(crate) fn dump(snapshot: &Snapshot, spared: &HashSet<EntryId>) -> String {
    let mut text = String::new();
    let is_spared = |id: EntryId| !spared.is_empty() && spared.contains(&id);
    // Writing into a text cannot fail, and neither can writing these types as JSON; if it did, the line would show it.
    for user in snapshot.users().filter(|user| !is_spared(EntryId::User(user.id.clone()))) {
        let mut user = user.clone();
        user.timestamps = Timestamps::NONE;
        let _ = writeln!(text, "{}", serde_json::to_string(&user).unwrap_or_else(|error| error.to_string()));
    }
    for group in snapshot.groups().filter(|group| !is_spared(EntryId::Group(group.id.clone()))) {
        let mut group = group.clone();
        group.timestamps = Timestamps::NONE;
        let _ = writeln!(text, "{}", serde_json::to_string(&group).unwrap_or_else(|error| error.to_string()));
    }
    for membership in snapshot.memberships() {
        if is_spared(EntryId::User(membership.user.clone())) || is_spared(EntryId::Group(membership.group.clone())) {
            continue;
        }
        let _ = writeln!(text, "{} in {}", membership.user, membership.group);
    }
    text
}

/// The lines that only one of the two has, a few of them.
pub(crate) fn difference(sink: &str, source: &str) -> String {
    let (in_sink, in_source): (Vec<_>, Vec<_>) = (sink.lines().collect(), source.lines().collect());
    let surplus = in_sink.iter().filter(|line| !in_source.contains(line)).map(|line| format!("only in the sink: {line}"));
    let missing = in_source.iter().filter(|line| !in_sink.contains(line)).map(|line| format!("only in the source: {line}"));
    surplus.chain(missing).take(4).collect::<Vec<_>>().join("; ")
}
