//! Where a change stands in a plan, and what tells it from another one there.

use idsync_core::{Change, Phase, StagedKey, Timestamps};

/// The position of a change in the journal of its run.
pub(crate) fn position(change: &Change) -> StagedKey {
    let key = match (change.group(), change.user()) {
        (Some(group), Some(user)) => format!("{group}\0{user}"),
        (Some(group), None) => group.to_string(),
        (None, user) => user.map(ToString::to_string).unwrap_or_default(),
    };
    StagedKey::new(change.phase(), key)
}

/// Reads the key under which a refused change is kept.
pub(crate) fn parse_escrow_key(key: &str) -> Option<StagedKey> {
    let (phase, key) = key.split_once('\0')?;
    Some(StagedKey::new(Phase::from_number(phase.parse().ok()?)?, key.to_owned()))
}

/// Everything that a sink is told by the change, timestamps of what is there now apart.
pub(crate) fn content(change: &Change) -> String {
    let mut change = change.clone();
    match &mut change {
        Change::UserCreated { user } | Change::UserUpdated { user, .. } => user.timestamps = Timestamps::NONE,
        Change::GroupCreated { group } | Change::GroupUpdated { group, .. } => group.timestamps = Timestamps::NONE,
        _ => {}
    }
    // Writing these types as JSON cannot fail; if it did, each change would be another one.
    serde_json::to_string(&change).unwrap_or_else(|error| error.to_string())
}
