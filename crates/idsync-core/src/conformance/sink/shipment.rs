//! Delivers changes as the engine does: by phase, in batches, under the keys that the engine gives them.

use super::super::Unproven;
use super::super::report::described;
use super::super::tools::{directory_id, ensure};
use super::SinkFixture;
use crate::{
    Batch, Change, ChangeOutcome, ChangeSet, Counts, Delivery, DirectorySink, Phase, PlanHash, Revision, RunContext, Snapshot, Timestamp,
};
use std::num::NonZeroUsize;

/// A change set on its way to a sink.
pub(super) struct Shipment {
    pub(super) run: RunContext,
    pub(super) parcels: Vec<Parcel>,
    counts: Counts,
}

/// The deliveries of one batch.
pub(super) struct Parcel {
    pub(super) phase: Phase,
    pub(super) deliveries: Vec<Delivery>,
}

impl Parcel {
    pub(super) fn batch<'a>(&'a self, run: &'a RunContext) -> Batch<'a> {
        Batch::new(run, self.phase, &self.deliveries)
    }
}

impl Shipment {
    /// What leads from one state to the other, in batches as large as the sink takes.
    pub(super) fn between(base: &Snapshot, target: &Snapshot, from: Revision, sink: &dyn DirectorySink) -> Result<Self, Unproven> {
        Self::cut(ChangeSet::between(base, target), from, sink.limits().max_batch)
    }

    /// These changes, in canonical order, in batches of at most `size`.
    pub(super) fn cut(changes: ChangeSet, from: Revision, size: NonZeroUsize) -> Result<Self, Unproven> {
        let mut hash = [0; 16];
        hash[..8].copy_from_slice(&from.0.to_le_bytes());
        let directory = directory_id("conformance:directory")?;
        let run = RunContext::new(directory, PlanHash::from_bytes(hash), from, Timestamp::UNIX_EPOCH);
        let counts = changes.counts();
        let deliver = |change: &Change| Delivery::new(change.idempotency_key(&run.directory, from), change.clone());
        let mut parcels = Vec::new();
        for phase in changes.changes().chunk_by(|one, next| one.phase() == next.phase()) {
            parcels.extend(phase.chunks(size.get()).filter_map(|part| {
                let phase = part.first()?.phase();
                Some(Parcel { phase, deliveries: part.iter().map(deliver).collect() })
            }));
        }
        Ok(Self { run, parcels, counts })
    }

    /// Delivers everything as one run; nothing may be refused.
    pub(super) async fn deliver(&self, sink: &dyn DirectorySink) -> Result<(), Unproven> {
        sink.begin(&self.run).await?;
        for parcel in &self.parcels {
            accept(sink, parcel.batch(&self.run)).await?;
        }
        Ok(sink.finish(&self.run, &self.counts).await?)
    }

    pub(super) fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.parcels.iter().flat_map(|parcel| &parcel.deliveries)
    }
}

/// Delivers one batch; there must be one outcome for each delivery.
pub(super) async fn apply(sink: &dyn DirectorySink, batch: Batch<'_>) -> Result<Vec<ChangeOutcome>, Unproven> {
    let outcomes: Vec<_> = sink.apply(batch).await?.into_iter().collect();
    let (found, expected) = (outcomes.len(), batch.deliveries.len());
    ensure(found == expected, || format!("{found} outcomes to {expected} deliveries in {:?}", batch.phase))?;
    Ok(outcomes)
}

/// Delivers one batch, of which nothing may be refused.
pub(super) async fn accept(sink: &dyn DirectorySink, batch: Batch<'_>) -> Result<Vec<ChangeOutcome>, Unproven> {
    let outcomes = apply(sink, batch).await?;
    for (outcome, delivery) in outcomes.iter().zip(batch.deliveries) {
        let why = match outcome {
            ChangeOutcome::Applied | ChangeOutcome::Unchanged => continue,
            ChangeOutcome::Failed(error) => described(error),
            ChangeOutcome::Declined => String::from("the sink only looks"),
        };
        return Err(Unproven::failed(format!("{} was refused in {:?}: {why}", delivery.change.kind(), batch.phase)));
    }
    Ok(outcomes)
}

/// Brings a sink, of which `base` was delivered at revision 0, to `target`.
pub(super) async fn update(sink: &dyn DirectorySink, base: &Snapshot, target: &Snapshot) -> Result<(), Unproven> {
    Shipment::between(base, target, Revision(1), sink)?.deliver(sink).await
}

/// Delivers `world` to an empty sink.
pub(super) async fn fill(sink: &dyn DirectorySink, world: &Snapshot) -> Result<(), Unproven> {
    Shipment::between(&Snapshot::default(), world, Revision(0), sink)?.deliver(sink).await
}

/// The picture of a place; skips where there is none.
pub(super) async fn picture<F: SinkFixture>(fixture: &F, place: &F::Place) -> Result<String, Unproven> {
    fixture.observe(place).await?.ok_or_else(|| Unproven::skipped("the fixture does not observe the sink"))
}

/// The picture of a new place to which `world` alone was delivered.
pub(super) async fn picture_of<F: SinkFixture>(fixture: &F, world: &Snapshot) -> Result<String, Unproven> {
    let place = fixture.place().await?;
    let sink = fixture.open(&place).await?;
    fill(sink.as_ref(), world).await?;
    picture(fixture, &place).await
}

/// Fails unless two pictures are the same, and shows where they part.
pub(super) fn ensure_picture(found: &str, expected: &str, what: &str) -> Result<(), Unproven> {
    ensure(found == expected, || {
        let same = found.chars().zip(expected.chars()).take_while(|(one, other)| one == other).count();
        let from = |text: &str| text.chars().skip(same.saturating_sub(40)).take(120).collect::<String>();
        format!("{what}: the sink holds “…{}…” where “…{}…” was expected", from(found), from(expected))
    })
}
