//! Directories whose runs keep failing.

use super::{HOUR, MINUTE, World};
use crate::support::twisted::Twist;
use futures::executor::block_on;
use idsync_core::{ErrorKind, ManualClock, StateStore, Timestamp};
use idsync_engine::{FailureCause, Outcome, QuarantinePolicy, SyncError};
use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[test]
fn a_directory_that_keeps_refusing_is_set_aside_for_6_12_and_24_hours_and_one_success_lifts_it() {
    let world = World::new();
    block_on(world.engine.sync()).unwrap();
    *world.provider.fails_with.lock().unwrap() = Some(ErrorKind::PermissionDenied);
    for _ in 0..5 {
        assert_eq!(block_on(world.engine.quarantine()).unwrap(), None);
        assert!(matches!(block_on(world.engine.sync()), Err(SyncError::Refused(_))));
    }
    for hours in [6, 12, 24, 24] {
        let checks = world.provider.checks.load(Ordering::Relaxed);
        world.clock.advance(hours * HOUR - Duration::from_millis(1));
        for error in [block_on(world.engine.sync()).map(|_| ()), block_on(world.engine.plan()).map(|_| ())].map(Result::unwrap_err) {
            let SyncError::Quarantined(quarantine) = &error else { panic!("{error:?}") };
            assert_eq!((quarantine.cause, quarantine.reason.as_str()), (FailureCause::Refused, "planted"));
            assert_eq!(error.kind(), "quarantined");
            assert_eq!(error.remedy(), "do something; then release the directory, or wait");
        }
        assert_eq!(world.provider.checks.load(Ordering::Relaxed), checks, "the directory is left alone");
        world.clock.advance(Duration::from_millis(1));
        assert!(matches!(block_on(world.engine.sync()), Err(SyncError::Refused(_))), "after {hours} hours it is tried once");
    }
    assert_eq!(block_on(world.engine.quarantine()).unwrap().unwrap().failures, 9);
    let runs = block_on(async { world.store.runs(&world.provider.identify().await.unwrap().id, 20).await.unwrap() });
    assert_eq!(runs.iter().map(|run| run.outcome.as_str()).collect::<Vec<_>>(), [["failed"; 9].as_slice(), &["done"]].concat());
    assert!(runs[0].report.contains(r#""kind":"permission_denied""#) && runs[0].report.contains("do something"), "{}", runs[0].report);

    *world.provider.fails_with.lock().unwrap() = None;
    assert!(block_on(world.engine.sync()).is_err(), "that it was mended nobody said yet");
    block_on(world.engine.release()).unwrap();
    assert_eq!(block_on(world.engine.sync()).unwrap().outcome, Outcome::Done);
    *world.provider.fails_with.lock().unwrap() = Some(ErrorKind::PermissionDenied);
    assert!(matches!(block_on(world.engine.sync()), Err(SyncError::Refused(_))));
    assert_eq!(block_on(world.engine.quarantine()).unwrap(), None, "the count starts anew");
}

#[test]
fn one_that_cannot_be_read_is_tried_again_sooner_and_a_sink_that_is_down_does_not_count() {
    let world = World::new();
    *world.sink.is_down.lock().unwrap() = true;
    for _ in 0..20 {
        assert!(matches!(block_on(world.engine.sync()), Err(SyncError::Sink(_))));
    }
    assert_eq!(block_on(world.engine.quarantine()).unwrap(), None);
    *world.sink.is_down.lock().unwrap() = false;
    assert_eq!(block_on(world.engine.sync()).unwrap().outcome, Outcome::Done);

    *world.provider.fails_with.lock().unwrap() = Some(ErrorKind::Unavailable);
    for _ in 0..5 {
        assert!(matches!(block_on(world.engine.sync()), Err(SyncError::Read(_))));
    }
    let quarantine = block_on(world.engine.quarantine()).unwrap().unwrap();
    assert_eq!(quarantine.cause, FailureCause::Unreadable);
    assert_eq!(quarantine.until, quarantine.since.saturating_add(15 * MINUTE));
    let set_back = world.builder().clock(ManualClock::new(Timestamp::UNIX_EPOCH)).build();
    assert_eq!(block_on(set_back.quarantine()).unwrap(), None, "a clock that was set back does not prolong it");
    block_on(world.engine.release()).unwrap();

    let never = |policy| world.builder().quarantine(policy).build();
    for _ in 0..20 {
        assert!(matches!(block_on(never(QuarantinePolicy::never()).sync()), Err(SyncError::Read(_))));
    }
    let at_once = never(QuarantinePolicy::after(NonZeroU32::MIN));
    assert!(matches!(block_on(at_once.sync()), Err(SyncError::Read(_))));
    assert!(matches!(block_on(at_once.sync()), Err(SyncError::Quarantined(_))));
}
