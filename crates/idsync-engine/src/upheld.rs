//! What is held whatever the limits say, because it was held before.
//!
//! A delta sees a part of what changed. A few removals out of many that are held would look like a few, so whatever is like them is held
//! until a full read has looked at all of it. A full read sees everything: it goes on holding what was rejected for as long as that is
//! the same, even when the limits would let it go by now.

use crate::causes::{Cause, Causes};
use crate::confirm::Fates;
use crate::escrow::Escrow;
use crate::exceeded::Exceeded;
use crate::held::{Decision, HeldSet};
use crate::report::Held;
use crate::run::RunState;
use crate::{Mode, Standing};
use futures::TryStreamExt;
use idsync_core::{ChangeKind, PlanHash, Result, StateStore};
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
    /// What holds something in a delta, because more of the same is held already.
    pub(crate) fn held_already(&self) -> Causes {
        let kept = self.held_before.as_ref().filter(|_| self.mode == Mode::Delta);
        kept.map(KeptSet::causes_for_parts).unwrap_or_default()
    }

    /// What holds something whatever the limits say.
    pub(crate) async fn upheld(&self, fates: &mut Fates, escrow: &Escrow, decision: &Decision) -> Result<Causes> {
        if self.mode == Mode::Delta {
            return Ok(self.held_already());
        }
        let rejected = self.held_before.as_ref().filter(|kept| decision.rejected == Some(kept.set.summary.hash));
        let Some(rejected) = rejected else { return Ok(Causes::default()) };
        let causes = rejected.causes();
        let over = (fates.users_over.take(), fates.groups_over.take());
        fates.uphold(&causes);
        let hash = self.hash_of_held(fates, escrow, &causes).await?;
        (fates.users_over, fates.groups_over) = over;
        // Only while the directory wants exactly that.
        Ok(if hash == rejected.set.summary.hash { causes } else { Causes::default() })
    }

    /// What holds a set now, together with what was upheld. Where that was not kept it is a guess, which is not to become more.
    pub(crate) fn with_upheld(&self, mut causes: Causes, upheld: Causes) -> Causes {
        if self.held_before.as_ref().is_some_and(|kept| !kept.causes.are_none()) {
            causes.limits.extend(upheld.limits);
            causes.groups.extend(upheld.groups);
        }
        causes
    }

    /// What was rejected is still held for the reason that the person was told.
    pub(crate) fn as_before(&self, mut summary: Held) -> Held {
        let before = self.held_before.as_ref().map(|kept| &kept.set.summary);
        if let Some(before) = before.filter(|before| summary.standing == Standing::Rejected && before.hash == summary.hash) {
            summary.reason.clone_from(&before.reason);
        }
        summary
    }

    /// The hash of what would be held for these causes alone.
    async fn hash_of_held(&self, fates: &Fates, escrow: &Escrow, causes: &Causes) -> Result<PlanHash> {
        let mut exceeded = Exceeded::default();
        exceeded.uphold(causes);
        let mut planner = self.planner(fates, escrow, exceeded);
        let mut pages = self.store.staged(&self.lease.directory, None, planner.detail());
        while let Some(rows) = pages.try_next().await? {
            for row in &rows {
                planner.judge(row, self)?;
            }
        }
        Ok(planner.held_hash())
    }
}
