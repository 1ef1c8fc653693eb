//! Limits that are not those that were set.

use idsync_engine::{Limit, Safeguards};
use idsync_simulation::Parts;

/// Which limits let one more go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum LimitFlaw {
    /// Those that no look-up depends on.
    MembershipsAndDeactivations,
    /// Those of users and groups, and of all else none: what is looked up and still there is not let go.
    LookUps,
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
            Self::LookUps => sound.with_users(one_more(sound.users)).with_groups(one_more(sound.groups)),
        }
    }
}
