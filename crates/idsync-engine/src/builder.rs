//! How an engine is put together.

use crate::escrow::BACKOFF;
use crate::run::{Observer, Surroundings};
use crate::{Backoff, CheckpointPolicy, DeltaPolicy, Progress, Protected, QuarantinePolicy, Safeguards, SyncEngine};
use idsync_core::{Clock, DirectoryId, DirectorySink, IdentityProvider, StateStore, SystemClock};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Builds a [`SyncEngine`].
#[derive(Debug)]
pub struct SyncEngineBuilder {
    engine: SyncEngine,
}

impl SyncEngine {
    /// An engine that reads from `provider`, remembers in `store` and delivers to `sink`.
    pub fn builder(provider: impl IdentityProvider, store: impl StateStore, sink: impl DirectorySink) -> SyncEngineBuilder {
        const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(8).unwrap();
        const MOST_IDS: u64 = 1_000_000;
        SyncEngineBuilder {
            engine: Self {
                provider: Arc::new(provider),
                store: Arc::new(store),
                sink: Arc::new(sink),
                safeguards: Safeguards::default(),
                protected: Protected::nobody(),
                escrow: BACKOFF,
                quarantine: QuarantinePolicy::default(),
                checkpoint: CheckpointPolicy::default(),
                delta: DeltaPolicy::default(),
                concurrency: CONCURRENCY,
                most_ids: MOST_IDS,
                holder: String::from("idsync"),
                directory: None,
                surroundings: Surroundings { clock: Arc::new(SystemClock::default()), observer: None },
            },
        }
    }
}

impl SyncEngineBuilder {
    /// How much may change without a person having looked. Default: [`Safeguards::default`].
    #[must_use]
    pub const fn safeguards(mut self, safeguards: Safeguards) -> Self {
        self.engine.safeguards = safeguards;
        self
    }

    /// How long a change that the sink refused twice waits before it is tried again; after the first time it is tried with the next run.
    /// Default: five minutes, doubling up to a day.
    #[must_use]
    pub const fn escrow(mut self, backoff: Backoff) -> Self {
        self.engine.escrow = backoff;
        self
    }

    /// When a directory whose runs keep failing is set aside. Default: [`QuarantinePolicy::default`].
    #[must_use]
    pub const fn quarantine(mut self, policy: QuarantinePolicy) -> Self {
        self.engine.quarantine = policy;
        self
    }

    /// How often a read is noted, so that a run that is killed can be gone on from. Default: [`CheckpointPolicy::default`].
    #[must_use]
    pub const fn checkpoint(mut self, policy: CheckpointPolicy) -> Self {
        self.engine.checkpoint = policy;
        self
    }

    /// When a sync reads only what changed. Default: [`DeltaPolicy::default`], a full read once a day; it makes a difference only where the
    /// provider has deltas. [`SyncEngine::plan`] and [`SyncEngine::apply_hash`] always read everything.
    #[must_use]
    pub const fn delta(mut self, policy: DeltaPolicy) -> Self {
        self.engine.delta = policy;
        self
    }

    /// Which users are never deleted, suspended or deprovisioned, and which groups are never deleted. Who is not protected any more is
    /// found by the next full read. Default: nobody is protected.
    #[must_use]
    pub fn protect(mut self, protected: Protected) -> Self {
        self.engine.protected = protected;
        self
    }

    /// How many groups have their members read at once, and how many entries are looked up at once. Default: 8.
    #[must_use]
    pub const fn concurrency(mut self, concurrency: NonZeroUsize) -> Self {
        self.engine.concurrency = concurrency;
        self
    }

    /// How many ids of members are held while their groups are read, at 24 bytes for each. Members beyond them are held by their places
    /// among the users, at 4 bytes, and are hashed again where a group turns out to differ; whoever is not known as a user yet is entered
    /// beside those who are, with as many bytes as a user takes, once for all groups. To look a member up takes some tenth of a
    /// microsecond: much less than to read it over a network, so that a service that does has little use for many ids. Default:
    /// 1,000,000, which are 24 MB.
    #[must_use]
    pub const fn member_ids(mut self, most: u64) -> Self {
        self.engine.most_ids = most;
        self
    }

    /// How this engine is called where another one is refused. Default: `idsync`.
    #[must_use]
    pub fn holder(mut self, holder: impl Into<String>) -> Self {
        self.engine.holder = holder.into();
        self
    }

    /// Which directory the provider reads, where that is known beforehand. Then what is kept of it can be asked for, decided about and
    /// released while it cannot be reached, runs that do not even reach it are counted and recorded, and one that is set aside is left
    /// alone altogether. A provider that turns out to read another one is refused. Default: the provider is asked each time.
    #[must_use]
    pub fn directory(mut self, directory: DirectoryId) -> Self {
        self.engine.directory = Some(directory);
        self
    }

    /// Where the time comes from. Default: the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.engine.surroundings.clock = Arc::new(clock);
        self
    }

    /// Is told about progress, often.
    #[must_use]
    pub fn on_progress(mut self, observer: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        self.engine.surroundings.observer = Some(Observer(Arc::new(observer)));
        self
    }

    /// The engine.
    pub fn build(self) -> SyncEngine {
        self.engine
    }
}
