//! What the tests of the wrappers deliver.

use crate::{Change, Delivery, DirectoryId, PlanHash, Revision, RunContext, Timestamp, User, UserId, UserStatus};

pub(super) fn context() -> RunContext {
    RunContext::new(DirectoryId::new("test:1").unwrap(), PlanHash::from_bytes([0; 16]), Revision(0), Timestamp::UNIX_EPOCH)
}

pub(super) fn users(count: usize) -> Vec<Change> {
    let user = |number| User::new(UserId::new(format!("u{number}")).unwrap(), UserStatus::Active);
    (0..count).map(|number| Change::UserCreated { user: user(number) }).collect()
}

pub(super) fn batch_of(changes: Vec<Change>) -> Vec<Delivery> {
    let run = context();
    changes.into_iter().map(|change| Delivery::new(change.idempotency_key(&run.directory, run.from), change)).collect()
}
