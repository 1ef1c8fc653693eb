//! What was held, and what somebody decided about it.

use idsync_core::{Digest, PlanHash, StagedKey, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is held: where, and what it would become.
pub(crate) type HeldRows = BTreeMap<StagedKey, Option<Digest>>;

/// How long an approval is good for.
const APPROVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// What was decided last.
#[derive(Debug)]
enum Decision {
    Approved { rows: HeldRows, at: Timestamp, used: bool },
    Rejected { rows: HeldRows },
}

/// What somebody said about what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    Approved,
    Rejected,
}

/// Held sets, and the decision about one of them.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    sets: BTreeMap<PlanHash, HeldRows>,
    decision: Option<Decision>,
}

impl Decisions {
    /// A run held these rows under this hash; says whether it is the hash of others, too.
    pub(crate) fn learn(&mut self, hash: PlanHash, rows: &HeldRows) -> bool {
        self.sets.insert(hash, rows.clone()).is_some_and(|before| before != *rows)
    }

    pub(crate) fn approve(&mut self, hash: PlanHash, at: Timestamp) {
        self.decision = self.sets.get(&hash).map(|rows| Decision::Approved { rows: rows.clone(), at, used: false });
    }

    pub(crate) fn reject(&mut self, hash: PlanHash) {
        self.decision = self.sets.get(&hash).map(|rows| Decision::Rejected { rows: rows.clone() });
    }

    /// What was approved is done, and an approval is good once.
    pub(crate) fn consume(&mut self) {
        if let Some(Decision::Approved { used, .. }) = &mut self.decision {
            *used = true;
        }
    }

    /// Whatever was decided is over.
    pub(crate) fn forget(&mut self) {
        self.decision = None;
    }

    /// What was said about exactly these rows.
    pub(crate) fn standing(&self, held: &HeldRows, now: Timestamp) -> Standing {
        match &self.decision {
            Some(Decision::Approved { rows, used: false, .. }) if rows == held && self.is_approval_good(now) => Standing::Approved,
            Some(Decision::Rejected { rows }) if rows == held => Standing::Rejected,
            _ => Standing::Open,
        }
    }

    /// Whether somebody has approved something, not too long ago.
    pub(crate) fn is_approval_good(&self, now: Timestamp) -> bool {
        matches!(&self.decision, Some(Decision::Approved { at, .. }) if *at <= now && now.saturating_since(*at) < APPROVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idsync_core::Phase;

    #[test]
    fn a_decision_is_about_one_set_and_the_last_one_counts() {
        let at = |hours: u64| Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(hours * 3_600));
        let rows = |key: &str| HeldRows::from([(StagedKey::new(Phase::DeleteUsers, key.to_owned()), None)]);
        let (hash, mut decisions) = (PlanHash::from_bytes([1; 16]), Decisions::default());
        assert!(!decisions.learn(hash, &rows("a")));
        assert_eq!(decisions.standing(&rows("a"), at(5)), Standing::Open);
        decisions.approve(hash, at(5));
        assert_eq!([4, 5, 28, 29].map(|now| decisions.is_approval_good(at(now))), [false, true, true, false]);
        assert_eq!(decisions.standing(&rows("a"), at(5)), Standing::Approved);
        assert_eq!(decisions.standing(&rows("b"), at(5)), Standing::Open);
        decisions.consume();
        assert_eq!(decisions.standing(&rows("a"), at(5)), Standing::Open, "an approval is good once");
        decisions.reject(hash);
        assert_eq!((decisions.standing(&rows("a"), at(99)), decisions.is_approval_good(at(5))), (Standing::Rejected, false));
        decisions.forget();
        assert_eq!(decisions.standing(&rows("a"), at(5)), Standing::Open);
        assert!(decisions.learn(hash, &rows("b")), "one hash for two sets");
    }
}
