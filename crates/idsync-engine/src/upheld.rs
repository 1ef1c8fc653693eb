//! What is held whatever the limits say, because it was held before.
//!
//! A delta sees a part of what changed. A few removals out of many that are held would look like a few, so whatever is like them is held
//! until a full read has looked at all of it.

use crate::Mode;
use crate::causes::{Cause, Causes};
use crate::held::HeldSet;
use crate::run::RunState;
use idsync_core::ChangeKind;
use serde::{Deserialize, Serialize};

/// A held set as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptSet {
    #[serde(flatten)]
    pub(crate) set: HeldSet,
    /// What holds it; none where that was not kept yet.
    #[serde(default)]
    pub(crate) causes: Causes,
}

impl KeptSet {
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.set.summary.hash == other.set.summary.hash
    }

    /// The same with what holds it, where that is not known yet.
    pub(crate) fn with_causes_of(self, other: &Self) -> Option<Self> {
        self.causes.are_none().then(|| Self { causes: other.causes.clone(), ..self })
    }

    fn holds(&self, kind: ChangeKind) -> bool {
        self.set.summary.by_kind.contains_key(kind.as_str())
    }

    /// What holds it, or may.
    fn causes(&self) -> Causes {
        if !self.causes.are_none() {
            return self.causes.clone();
        }
        let kinds = ChangeKind::ALL.into_iter().filter(|kind| self.holds(*kind));
        Causes { limits: kinds.flat_map(|kind| Cause::of(kind).iter().copied()).collect(), ..Causes::default() }
    }

    /// What holds all that may be a part of it. A membership does not say whether it ends with a user or a group that is held.
    pub(crate) fn causes_for_parts(&self) -> Causes {
        let mut causes = self.causes();
        if self.holds(ChangeKind::GroupUserRemoved) {
            if self.set.groups.len() as u64 >= self.set.groups_reached {
                causes.groups.extend(self.set.groups.iter().map(|group| group.id.clone()));
            } else {
                causes.limits.insert(Cause::Memberships);
            }
        }
        causes
    }
}

impl RunState {
    /// What holds something whatever the limits say.
    pub(crate) fn upheld(&self) -> Causes {
        let kept = self.held_before.as_ref().filter(|_| self.mode == Mode::Delta);
        kept.map(KeptSet::causes_for_parts).unwrap_or_default()
    }
}
