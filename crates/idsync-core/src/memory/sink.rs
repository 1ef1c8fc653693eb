//! A sink in memory.

use super::lock;
use crate::{
    Batch, BatchOutcome, Change, ChangeOutcome, Delivery, DirectoryId, DirectorySink, Error, ErrorKind, Group, GroupId, IdempotencyKey,
    Membership, Result, Revision, RunContext, Snapshot, User, UserId,
};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};

/// A [`DirectorySink`] that is as strict as a database with foreign keys, and remembers each change once.
#[derive(Debug, Clone, Default)]
pub struct MemorySink {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    users: BTreeMap<UserId, User>,
    groups: BTreeMap<GroupId, Group>,
    memberships: BTreeSet<Membership>,
    /// Of each directory the revision that changes came out of last, and the keys of what was applied out of it.
    keys: HashMap<DirectoryId, (Revision, HashSet<IdempotencyKey>)>,
    history: Vec<Delivery>,
}

impl MemorySink {
    /// An empty sink.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the sink holds now.
    pub fn snapshot(&self) -> Snapshot {
        let state = lock(&self.state);
        let mut builder = Snapshot::builder();
        state.users.values().for_each(|user| _ = builder.user(user.clone()));
        state.groups.values().for_each(|group| _ = builder.group(group.clone()));
        state.memberships.iter().for_each(|membership| _ = builder.membership(membership.clone()));
        builder.finish()
    }

    /// Every change that was applied, in order, once.
    pub fn history(&self) -> Vec<Delivery> {
        lock(&self.state).history.clone()
    }
}

impl fmt::Display for MemorySink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

#[async_trait]
impl DirectorySink for MemorySink {
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let mut state = lock(&self.state);
        Ok(batch.deliveries.iter().map(|delivery| state.deliver(batch.run, delivery)).collect())
    }
}

impl State {
    fn deliver(&mut self, run: &RunContext, delivery: &Delivery) -> ChangeOutcome {
        if self.keys_of(run).contains(&delivery.key) {
            return ChangeOutcome::Unchanged;
        }
        match self.apply(&delivery.change) {
            Ok(true) => {
                self.keys_of(run).insert(delivery.key);
                self.history.push(delivery.clone());
                ChangeOutcome::Applied
            }
            Ok(false) => ChangeOutcome::Unchanged,
            Err(error) => ChangeOutcome::Failed(error),
        }
    }

    /// The keys that count in this run: those of an earlier revision do not any more.
    fn keys_of(&mut self, run: &RunContext) -> &mut HashSet<IdempotencyKey> {
        let (from, keys) = self.keys.entry(run.directory.clone()).or_default();
        if *from != run.from {
            *from = run.from;
            keys.clear();
        }
        keys
    }

    /// Applies a change; says whether anything is different now.
    fn apply(&mut self, change: &Change) -> Result<bool> {
        match change {
            Change::UserCreated { user } | Change::UserUpdated { user, .. } => {
                Ok(self.users.insert(user.id.clone(), user.clone()).as_ref() != Some(user))
            }
            Change::UserDeleted { user, .. } if self.memberships.iter().any(|membership| membership.user == user.id) => {
                Err(refusal("the user is still a member of a group"))
            }
            Change::UserDeleted { user, .. } => Ok(self.users.remove(&user.id).is_some()),
            Change::GroupCreated { group } | Change::GroupUpdated { group, .. } => {
                Ok(self.groups.insert(group.id.clone(), group.clone()).as_ref() != Some(group))
            }
            Change::GroupDeleted { group, .. } if self.memberships.iter().any(|membership| membership.group == group.id) => {
                Err(refusal("the group still has members"))
            }
            Change::GroupDeleted { group, .. } => Ok(self.groups.remove(&group.id).is_some()),
            Change::GroupUserAdded { membership } => {
                if !self.users.contains_key(&membership.user) || !self.groups.contains_key(&membership.group) {
                    return Err(refusal("the user or the group of a membership is not there"));
                }
                Ok(self.memberships.insert(membership.clone()))
            }
            Change::GroupUserRemoved { membership, .. } => Ok(self.memberships.remove(membership)),
        }
    }
}

fn refusal(why: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyMaker, PlanHash, Timestamp, UserStatus};
    use futures::executor::block_on;

    /// A directory whose changes come out of this revision.
    fn run(directory: &str, from: u64) -> RunContext {
        let directory = DirectoryId::new(directory).unwrap();
        RunContext::new(directory, PlanHash::from_bytes([0; 16]), Revision(from), Timestamp::UNIX_EPOCH)
    }

    fn user(id: &str, login: &str) -> User {
        User::new(UserId::new(id).unwrap(), UserStatus::Active).with_login(login)
    }

    fn deliver(sink: &MemorySink, run: &RunContext, change: Change) -> bool {
        let key = KeyMaker::new(&run.directory, run.from).key(&change);
        let outcome = block_on(sink.apply(Batch::new(run, change.phase(), &[Delivery::new(key, change)]))).unwrap();
        matches!(outcome.outcomes(), [ChangeOutcome::Applied])
    }

    #[test]
    fn p11_what_one_directory_delivers_makes_another_ones_changes_no_new_ones() {
        let sink = MemorySink::new();
        let (one, other) = (run("one", 3), run("other", 7));
        let created = || Change::UserCreated { user: user("u1", "before") };
        let renamed = Change::user_update(&user("u1", "before"), user("u1", "after")).unwrap();
        assert!(deliver(&sink, &one, created()));
        assert!(deliver(&sink, &one, renamed));
        assert!(deliver(&sink, &other, Change::UserCreated { user: user("u2", "other") }));
        assert!(!deliver(&sink, &one, created()), "it was applied out of this revision already");
        assert_eq!(sink.snapshot().user(&UserId::new("u1").unwrap()).and_then(|user| user.login.as_deref()), Some("after"));
        assert_eq!(sink.history().len(), 3);
        // Out of a later revision it is another change; the other directory still has its own.
        assert!(deliver(&sink, &run("one", 4), created()));
        assert!(!deliver(&sink, &other, Change::UserCreated { user: user("u2", "other") }));
        assert_eq!(sink.history().len(), 4);
    }
}
