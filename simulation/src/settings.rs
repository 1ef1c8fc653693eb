//! How the engines of a seed are set up.

use crate::random::Random;
use crate::shield::Shield;
use crate::world::World;
use idsync_engine::{Backoff, CheckpointPolicy, QuarantinePolicy};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What a seed draws once, limits apart, which each run draws.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) escrow: Backoff,
    pub(crate) quarantine: QuarantinePolicy,
    pub(crate) checkpoint: CheckpointPolicy,
    /// How far back changes count.
    pub(crate) window: Duration,
    pub(crate) shield: Arc<Shield>,
}

impl Settings {
    pub(crate) fn draw(world: &World, random: &mut Random) -> Self {
        let mut quarantine = match random.below(6) {
            0..3 => QuarantinePolicy::never(),
            failures => QuarantinePolicy::after(NonZeroU32::MIN.saturating_add(u32::try_from(failures - 3).unwrap_or_default())),
        };
        quarantine.refused = backoff(random, &[MINUTE, 30 * MINUTE, 6 * HOUR]);
        quarantine.unreadable = backoff(random, &[MINUTE, 15 * MINUTE, HOUR]);
        let keep = pick(random, &[0, 10 * MINUTE, HOUR, HOUR, DAY]);
        Self {
            escrow: backoff(random, &[0, MINUTE, 10 * MINUTE, 3 * HOUR]),
            quarantine,
            checkpoint: draw_checkpoint(random, keep),
            window: pick(random, &[0, HOUR, DAY, 7 * DAY]),
            shield: Arc::new(Shield::draw(world, random)),
        }
    }

    /// The same without anybody who is protected.
    pub(crate) fn without_shield(&self) -> Self {
        Self { shield: Arc::default(), ..self.clone() }
    }

    /// The same with checkpoints at every opportunity.
    pub(crate) fn with_checkpoints(&self) -> Self {
        Self { checkpoint: CheckpointPolicy::new(Duration::ZERO, self.checkpoint.keep.max(Duration::from_secs(HOUR))), ..self.clone() }
    }

    /// After so long, nothing waits any more.
    pub(crate) fn longest_wait(&self) -> Duration {
        self.escrow.most.max(self.quarantine.refused.most).max(self.quarantine.unreadable.most)
    }
}

fn draw_checkpoint(random: &mut Random, keep: Duration) -> CheckpointPolicy {
    match random.below(6) {
        0 => CheckpointPolicy::never(),
        1 => CheckpointPolicy::default(),
        2..4 => CheckpointPolicy::new(Duration::ZERO, keep),
        _ => CheckpointPolicy::new(Duration::from_secs(random.between(1, 10) * MINUTE), keep),
    }
}

fn backoff(random: &mut Random, first: &[u64]) -> Backoff {
    Backoff::new(pick(random, first), pick(random, &[10 * MINUTE, 6 * HOUR, DAY]))
}

fn pick(random: &mut Random, seconds: &[u64]) -> Duration {
    Duration::from_secs(random.pick(seconds).copied().unwrap_or_default())
}
