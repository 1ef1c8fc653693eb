//! Limits that are not those that were set.

use idsync_engine::{GroupLimit, Limit, Protected, Safeguards};
use idsync_simulation::Parts;
use std::time::Duration;

/// What is wrong with the limits; most let one more go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LimitFlaw {
    /// Those of what is created and updated.
    Growth,
    /// Those of logins.
    Logins,
    /// Groups have a limit only when they have one member more.
    InOneGroup,
    /// Those that no look-up depends on.
    MembershipsAndDeactivations,
    /// Those of users and groups, and of all else none: what is looked up and still there is not let go.
    LookUps,
    /// Each run is looked at by itself.
    Window,
    /// They are as they were set, but nobody is protected.
    Protected,
}

fn one_more(limit: Limit) -> Limit {
    match limit {
        Limit::Count(count) => Limit::Count(count + 1),
        other => other,
    }
}

impl Parts for LimitFlaw {
    fn limits(&self, sound: Safeguards) -> Safeguards {
        match self {
            Self::MembershipsAndDeactivations => {
                sound.with_memberships(one_more(sound.memberships)).with_deactivations(one_more(sound.deactivations))
            }
            Self::Growth => sound.with_creations(one_more(sound.creations)).with_updates(one_more(sound.updates)),
            Self::Logins => sound.with_logins(one_more(sound.logins)),
            Self::InOneGroup => sound.with_in_one_group(match sound.in_one_group {
                GroupLimit::Percent { percent, from } => GroupLimit::Percent { percent, from: from + 1 },
                other => other,
            }),
            Self::Window => sound.with_window(Duration::ZERO),
            Self::Protected => sound,
            Self::LookUps => sound.with_users(one_more(sound.users)).with_groups(one_more(sound.groups)),
        }
    }

    fn protected(&self, sound: Protected) -> Protected {
        if matches!(self, Self::Protected) { Protected::nobody() } else { sound }
    }
}
