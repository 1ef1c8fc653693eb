//! Deliveries that are interrupted, refused, or not the only ones.

use super::faulty::Faulty;
use super::synced;
use crate::support::refusing::apply_but;
use crate::support::twisted::{Twist, Twisted};
use crate::support::uid;
use async_trait::async_trait;
use futures::executor::block_on;
use idsync_core::memory::{MemorySink, MemoryStore};
use idsync_core::{
    Batch, BatchOutcome, Change, Delivery, DirectorySink, Error, ErrorKind, GroupId, Result, StateStore, User, UserId, UserStatus,
};
use idsync_engine::{Outcome, SyncEngine, SyncError};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A sink that fails its `n`th call, before or after it did what it was asked to, or refuses one entry.
#[derive(Debug, Clone, Default)]
struct Flaky {
    inner: MemorySink,
    calls: Arc<AtomicUsize>,
    fail: Arc<Mutex<Option<(usize, Moment)>>>,
    refuse: Arc<Mutex<Option<&'static str>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    After,
}

impl fmt::Display for Flaky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flaky")
    }
}

#[async_trait]
impl DirectorySink for Flaky {
    fn limits(&self) -> idsync_core::SinkLimits {
        idsync_core::SinkLimits::default().with_max_batch(std::num::NonZeroUsize::new(3).unwrap())
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let fault = self.fail.lock().unwrap().filter(|(at, _)| *at == call).map(|(_, moment)| moment);
        if fault == Some(Moment::Before) {
            return Err(Error::new(ErrorKind::Unavailable, "planted"));
        }
        let refused = *self.refuse.lock().unwrap();
        let is_refused = |change: &Change| {
            let about = [change.user().map(UserId::as_str), change.group().map(GroupId::as_str)];
            refused.is_some() && about.contains(&refused)
        };
        let refusal = |delivery: &Delivery| is_refused(&delivery.change).then(|| Error::new(ErrorKind::InvalidData, "planted"));
        let outcomes = apply_but(&self.inner, batch, refusal).await?;
        if fault == Some(Moment::After) {
            return Err(Error::new(ErrorKind::Timeout, "planted"));
        }
        Ok(outcomes)
    }
}

#[test]
fn p12_row29_row30_a_sink_that_fails_at_any_call_is_continued_and_shows_each_change_once() {
    for moment in [Moment::Before, Moment::After] {
        for at in 0..7 {
            let (provider, sink) = (Faulty::new(), Flaky::default());
            *sink.fail.lock().unwrap() = Some((at, moment));
            let engine = SyncEngine::builder(Twisted(provider.clone()), MemoryStore::new(), sink.clone()).build();
            assert!(matches!(block_on(engine.sync()).unwrap_err(), SyncError::Sink(_)), "{at}");
            // The source moves on before the delivery is finished.
            provider.inner.remove_user(&uid("u01"));
            provider.inner.put_user(User::new(uid("u50"), UserStatus::Active));
            assert!(matches!(block_on(engine.plan()).unwrap_err(), SyncError::Interrupted));
            let report = block_on(engine.sync()).unwrap();
            assert_eq!(report.recovered.total(), 12 + 3 + 4, "{at} {moment:?}");
            assert_eq!(sink.inner.snapshot(), provider.inner.snapshot());
            let history = sink.inner.history();
            let keys: std::collections::HashSet<_> = history.iter().map(|delivery| delivery.key).collect();
            assert_eq!(keys.len(), history.len());
        }
    }
}

#[test]
fn row31_a_change_that_the_sink_refuses_holds_up_only_what_depends_on_it_and_comes_again() {
    for refused in ["u01", "g1"] {
        let (provider, sink) = (Faulty::new(), Flaky::default());
        *sink.refuse.lock().unwrap() = Some(refused);
        let engine = SyncEngine::builder(Twisted(provider.clone()), MemoryStore::new(), sink.clone()).build();
        let report = block_on(engine.sync()).unwrap();
        assert_eq!(report.outcome, Outcome::Refused);
        assert!(report.escrowed >= 3 && report.first_refusal.is_some());
        assert!(sink.inner.snapshot().user(&uid("u02")).is_some());
        *sink.refuse.lock().unwrap() = None;
        assert_eq!(block_on(engine.sync()).unwrap().outcome, Outcome::Done);
        assert_eq!(sink.inner.snapshot(), provider.inner.snapshot());
    }
}

#[test]
fn p13_row37_a_second_engine_is_told() {
    let world = synced();
    let lease = block_on(async {
        let info = world.provider.identify().await.unwrap();
        world.store.acquire(&info.id, "somebody else").await.unwrap()
    });
    let error = block_on(world.engine.sync()).unwrap_err();
    assert!(matches!(&error, SyncError::Busy(cause) if cause.to_string().contains("somebody else")), "{error:?}");
    drop(lease);
    block_on(world.engine.sync()).unwrap();
}
