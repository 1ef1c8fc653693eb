//! How deliveries are cut into batches.

use async_trait::async_trait;
use futures::FutureExt;
use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    Batch, BatchOutcome, DirectorySink, Error, ErrorKind, Group, GroupId, IdentityProvider, ManualClock, Membership, Phase, Result,
    SinkLimits, StateStore, Timestamp, User, UserId, UserStatus,
};
use idsync_engine::{SyncEngine, SyncError};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const MOST: usize = 2_000;

/// A batch: its phase, and the sizes of its deliveries.
type Sizes = (Phase, Vec<usize>);

/// Takes note of each batch.
#[derive(Debug, Clone, Default)]
struct Noting {
    inner: MemorySink,
    batches: Arc<Mutex<Vec<Sizes>>>,
}

impl fmt::Display for Noting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Noting")
    }
}

#[async_trait]
impl DirectorySink for Noting {
    fn limits(&self) -> SinkLimits {
        SinkLimits::default().with_max_bytes(NonZeroUsize::new(MOST).unwrap()).with_max_batch(NonZeroUsize::new(15).unwrap())
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let sizes = batch.deliveries.iter().map(|delivery| delivery.change.size_hint()).collect();
        self.batches.lock().unwrap().push((batch.phase, sizes));
        self.inner.apply(batch).await
    }
}

#[test]
fn batches_keep_to_their_bytes_and_their_number_and_what_is_larger_goes_alone() {
    let (source, sink) = (MemoryProvider::new(), Noting::default());
    source.put_group(Group::new(GroupId::new("g").unwrap(), "Group"));
    for number in 0..60 {
        let id = UserId::new(format!("u{number:02}")).unwrap();
        // The tenth of each ten is larger than a batch may be.
        let title = "x".repeat(if number % 10 == 9 { 3 * MOST } else { number * 9 });
        source.put_user(User::new(id.clone(), UserStatus::Active).with_attribute("title", title));
        source.add_member(Membership::new(GroupId::new("g").unwrap(), id));
    }
    block_on(SyncEngine::builder(source.clone(), MemoryStore::new(), sink.clone()).build().sync()).unwrap();
    assert_eq!(sink.inner.snapshot(), source.snapshot());
    let batches = sink.batches.lock().unwrap();
    for (phase, sizes) in batches.iter() {
        let bytes: usize = sizes.iter().sum();
        assert!(sizes.len() <= 15 && (bytes <= MOST || sizes.len() == 1), "{phase:?}: {sizes:?}");
    }
    assert_eq!(batches.iter().filter(|(_, sizes)| sizes.iter().any(|size| *size > MOST)).count(), 6, "they all came, each alone");
    let users: Vec<_> = batches.iter().filter(|(phase, _)| *phase == Phase::CreateUsers).collect();
    let could_be_one = |pair: &&[&Sizes]| {
        let sizes = [&pair[0].1[..], &pair[1].1[..1]].concat();
        sizes.len() <= 15 && sizes.iter().sum::<usize>() <= MOST
    };
    assert_eq!(users.windows(2).filter(could_be_one).count(), 0, "no batch ends before it is full");
}

/// What happens to a batch.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Fails,
    NeverEnds,
}

/// Takes one change at a time, until one has another fate.
#[derive(Debug)]
struct Doomed {
    inner: MemorySink,
    taken: Arc<AtomicUsize>,
    after: usize,
    fate: Fate,
}

impl fmt::Display for Doomed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doomed")
    }
}

#[async_trait]
impl DirectorySink for Doomed {
    fn limits(&self) -> SinkLimits {
        SinkLimits::default().with_max_batch(NonZeroUsize::MIN)
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        match self.fate {
            _ if self.taken.fetch_add(1, Ordering::Relaxed) < self.after => self.inner.apply(batch).await,
            Fate::Fails => Err(Error::new(ErrorKind::Unavailable, "planted")),
            Fate::NeverEnds => std::future::pending().await,
        }
    }
}

/// Syncs 100 users until the sink has taken 80 of them and the next one meets this fate, at a clock that stands still; then answers what
/// the journal says, and finishes.
fn last_noted(fate: Fate) -> String {
    let (source, store, sink) = (MemoryProvider::new(), Arc::new(MemoryStore::new()), MemorySink::default());
    source.put_group(Group::new(GroupId::new("g").unwrap(), "Group"));
    for number in 0..100 {
        source.put_user(User::new(UserId::new(format!("u{number:02}")).unwrap(), UserStatus::Active));
    }
    let taken = Arc::new(AtomicUsize::new(0));
    let doomed = Doomed { inner: sink.clone(), taken: Arc::clone(&taken), after: 80, fate };
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    let engine = SyncEngine::builder(source.clone(), Arc::clone(&store), doomed).clock(clock).build();
    let directory = block_on(source.identify()).unwrap().id;
    let mut run = Box::pin(engine.sync());
    while taken.load(Ordering::Relaxed) <= 80 {
        if let Some(synced) = run.as_mut().now_or_never() {
            assert!(matches!(synced, Err(SyncError::Sink(_))), "{synced:?}");
        }
    }
    drop(run);
    let journal = block_on(store.journal(&directory)).unwrap().unwrap();
    block_on(SyncEngine::builder(source.clone(), store, sink.clone()).build().sync()).unwrap();
    assert_eq!(sink.snapshot(), source.snapshot());
    assert_eq!(sink.history().len(), 101, "under the same keys, each change shows once");
    journal.progress.unwrap().through.key
}

#[test]
fn p11_what_a_sink_took_is_noted_when_it_fails_and_every_64_batches_at_the_least() {
    assert_eq!(last_noted(Fate::Fails), "u79");
    assert_eq!(last_noted(Fate::NeverEnds), "u63", "the run was dropped");
}
