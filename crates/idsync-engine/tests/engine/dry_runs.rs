//! Dry runs, however many there are, keep nothing from the sink that is let in after them.

use futures::executor::block_on;
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::wrap::{DryRun, FanOut};
use idsync_core::{ChangeSet, Group, GroupId, ManualClock, Membership, Timestamp, User, UserId, UserStatus};
use idsync_engine::{Mode, Outcome, SyncEngine};
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn user(id: &str) -> User {
    User::new(UserId::new(id).unwrap(), UserStatus::Active)
}

fn company() -> MemoryProvider {
    let provider = MemoryProvider::new();
    provider.put_user(user("ana"));
    provider.put_user(user("bo"));
    provider.put_group(Group::new(GroupId::new("staff").unwrap(), "Staff"));
    provider.add_member(Membership::new(GroupId::new("staff").unwrap(), UserId::new("ana").unwrap()));
    provider
}

/// One directory, its state, its sink and the time.
struct Setting {
    provider: MemoryProvider,
    store: MemoryStore,
    real: MemorySink,
    clock: Arc<ManualClock>,
}

impl Setting {
    fn of(provider: MemoryProvider) -> Self {
        Self { provider, store: MemoryStore::new(), real: MemorySink::new(), clock: Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)) }
    }

    fn dry(&self) -> (DryRun<MemorySink>, SyncEngine) {
        let sink = DryRun::new(self.real.clone());
        let builder = SyncEngine::builder(self.provider.clone(), self.store.clone(), sink.clone());
        (sink, builder.clock(Arc::clone(&self.clock)).build())
    }

    fn real(&self) -> SyncEngine {
        SyncEngine::builder(self.provider.clone(), self.store.clone(), self.real.clone()).clock(Arc::clone(&self.clock)).build()
    }

    fn assert_delivered_at_once(&self) {
        let report = block_on(self.real().sync()).unwrap();
        assert_eq!((report.outcome, report.mode, report.escrowed), (Outcome::Done, Mode::Full, 0), "{report}");
        assert!(ChangeSet::between(&self.real.snapshot(), &self.provider.snapshot()).is_empty());
    }
}

#[test]
fn the_first_run_without_the_dry_run_delivers_everything_at_once() {
    let setting = Setting::of(company());
    let (sink, dry) = setting.dry();
    for _ in 0..24 {
        let report = block_on(dry.sync()).unwrap();
        assert_eq!((report.outcome, report.changes.total(), report.escrowed), (Outcome::Refused, 0, 4), "{report}");
        assert_eq!(sink.take().len(), 3, "what depends on newcomers waits for them");
        setting.clock.advance(HOUR);
    }
    assert!(block_on(dry.escrow()).unwrap().is_empty(), "nothing is kept aside for it");
    assert!(setting.real.history().is_empty());
    setting.assert_delivered_at_once();
}

#[test]
fn dry_runs_read_deltas_and_the_first_run_without_them_reads_everything() {
    let setting = Setting::of(company().with_delta());
    let (sink, dry) = setting.dry();
    assert_eq!(block_on(dry.sync()).unwrap().mode, Mode::Full);
    sink.take();
    for number in 0..5 {
        setting.clock.advance(HOUR);
        setting.provider.put_user(user(&format!("new{number}")));
        let report = block_on(dry.sync()).unwrap();
        assert_eq!((report.mode, report.escrowed), (Mode::Delta, 2), "{report}");
        let users: Vec<_> = sink.take().into_iter().filter_map(|seen| seen.change.user().cloned()).collect();
        assert_eq!(users, [user(&format!("new{number}")).id], "of the users those who are new");
    }
    setting.assert_delivered_at_once();
    setting.clock.advance(HOUR);
    assert_eq!(block_on(setting.real().sync()).unwrap().mode, Mode::Delta, "nothing is owed any more");
}

#[test]
fn a_dry_run_beside_a_sink_does_not_keep_it_from_being_told() {
    let setting = Setting::of(company());
    let watching = DryRun::new(MemorySink::new());
    let both = FanOut::new(setting.real.clone()).and(watching.clone());
    let engine = SyncEngine::builder(setting.provider.clone(), setting.store.clone(), both).build();
    assert_eq!(block_on(engine.sync()).unwrap().outcome, Outcome::Done);
    setting.provider.remove_user(&UserId::new("ana").unwrap());
    assert_eq!(block_on(engine.sync()).unwrap().outcome, Outcome::Done);
    assert!(ChangeSet::between(&setting.real.snapshot(), &setting.provider.snapshot()).is_empty());
    assert_eq!(watching.take().len(), 4 + 2, "it sees all of it");
}
