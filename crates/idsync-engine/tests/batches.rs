//! How deliveries are cut into batches.

use async_trait::async_trait;
use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{Batch, BatchOutcome, DirectorySink, Group, GroupId, Membership, Phase, Result, SinkLimits, User, UserId, UserStatus};
use idsync_engine::SyncEngine;
use std::fmt;
use std::num::NonZeroUsize;
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
