//! A batch in the making.

use crate::packs;
use idsync_core::{BaseWrite, Change, Delivery, Mark, Membership, Phase, SinkLimits, StagedKey, StagedRow};
use std::borrow::Cow;

/// Deliveries of one phase that go to the sink together, and what is recorded with their outcome.
#[derive(Debug)]
pub(crate) struct Pending {
    limits: SinkLimits,
    pub(crate) deliveries: Vec<Delivery>,
    bytes: usize,
    pub(crate) origins: Vec<Origin>,
    pub(crate) marks: Vec<(StagedKey, Mark)>,
    pub(crate) escrow: Vec<BaseWrite>,
    /// The last change that was looked at.
    pub(crate) last: Option<Last>,
}

/// Where a change stands; as a key only when it is written down.
#[derive(Debug)]
pub(crate) enum Last {
    Row(StagedKey),
    Member(Phase, Membership),
}

impl Last {
    const fn phase(&self) -> Phase {
        match self {
            Self::Row(position) => position.phase,
            Self::Member(phase, _) => *phase,
        }
    }

    pub(crate) fn into_key(self) -> StagedKey {
        match self {
            Self::Row(position) => position,
            Self::Member(phase, membership) => packs::position(phase, &membership),
        }
    }
}

/// The row that a delivery comes from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// A row of its own, without the record: the change holds that.
    Row(Box<StagedRow>),
    /// A pack.
    Member,
}

impl Origin {
    pub(crate) fn row(mut row: StagedRow) -> Self {
        if let Some(record) = row.effect.as_mut().and_then(|effect| effect.record.as_mut()) {
            record.record = Vec::new();
        }
        Self::Row(Box::new(row))
    }

    /// The row of this change alone.
    pub(crate) fn to_row(&self, change: &Change) -> Cow<'_, StagedRow> {
        match self {
            Self::Row(row) => Cow::Borrowed(row),
            Self::Member => Cow::Owned(packs::row_of(change)),
        }
    }

    pub(crate) fn position(&self, change: &Change) -> StagedKey {
        self.to_row(change).position.clone()
    }
}

impl Pending {
    /// Marks that go to the store at a time: everybody in a large group may depend on one change that the sink refused.
    const MARKS: usize = 1_000;

    pub(crate) const fn new(limits: SinkLimits) -> Self {
        Self { limits, deliveries: Vec::new(), bytes: 0, origins: Vec::new(), marks: Vec::new(), escrow: Vec::new(), last: None }
    }

    pub(crate) fn phase(&self) -> Option<Phase> {
        self.last.as_ref().map(Last::phase)
    }

    /// Whether a change of this phase and of so many bytes may go with what is here. One that is larger than a batch may be goes alone.
    pub(crate) fn has_room(&self, phase: Phase, bytes: usize) -> bool {
        let is_of_phase = self.phase().is_none_or(|of| of == phase);
        let fits = self.deliveries.is_empty() || self.bytes.saturating_add(bytes) <= self.limits.max_bytes.get();
        is_of_phase && fits && self.deliveries.len() < self.limits.max_batch.get() && self.marks.len() < Self::MARKS
    }

    pub(crate) fn push(&mut self, delivery: Delivery, origin: Origin) {
        self.bytes += delivery.change.size_hint();
        self.deliveries.push(delivery);
        self.origins.push(origin);
    }

    pub(crate) fn clear(&mut self) {
        self.bytes = 0;
        self.deliveries.clear();
        self.origins.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p20_marks_are_written_down_before_they_are_many() {
        let mut pending = Pending::new(SinkLimits::default());
        for number in 0..Pending::MARKS {
            assert!(pending.has_room(Phase::AddMembers, 0), "{number}");
            pending.marks.push((StagedKey::new(Phase::AddMembers, number.to_string()), Mark::Failed));
        }
        assert!(!pending.has_room(Phase::AddMembers, 0));
    }
}
