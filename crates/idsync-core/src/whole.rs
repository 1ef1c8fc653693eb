//! Providers of directories that are read whole.

use crate::{
    Clock, DirectoryInfo, EntryId, Error, ErrorKind, Group, GroupId, HeldRecord, IdentityProvider, Lookup, Page, ReadOptions, Result,
    Snapshot, SystemClock, Timestamp, User, UserId,
};
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Hands out a small directory whole: a file, or a system that answers everything in one document. [`WholeRead`] makes it an
/// [`IdentityProvider`].
///
/// # Contract
///
/// * **Whole.** A snapshot shows everything that is there and in scope; whoever cannot tell returns an `Err`. What is there but cannot be
///   understood is held in the snapshot ([`SnapshotBuilder::hold`](crate::SnapshotBuilder::hold)), and its memberships are added like all
///   others: a user without them has left the groups.
/// * **Fresh.** Each call reads again.
#[async_trait]
pub trait SnapshotSource: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Which directory this is, as [`IdentityProvider::identify`] wants it.
    ///
    /// # Errors
    /// As there.
    async fn identify(&self) -> Result<DirectoryInfo>;

    /// Reads everything.
    ///
    /// # Errors
    /// Not everything could be read.
    async fn read(&self) -> Result<Snapshot>;
}

/// An [`IdentityProvider`] of a [`SnapshotSource`].
///
/// A snapshot without users, or without groups, is reported as a missing permission. Every question reads the directory again, those for
/// the members of each group included; where that is too much, let a reading serve for a while ([`WholeRead::reuse_for`]).
#[derive(Debug)]
pub struct WholeRead<S> {
    source: Arc<S>,
    reuse: Duration,
    clock: Arc<dyn Clock>,
    last: Arc<Mutex<Option<Reading>>>,
}

#[derive(Debug, Clone)]
struct Reading {
    at: Timestamp,
    snapshot: Arc<Snapshot>,
}

impl<S: SnapshotSource> WholeRead<S> {
    /// The provider of `source`.
    pub fn new(source: S) -> Self {
        Self { source: Arc::new(source), reuse: Duration::ZERO, clock: Arc::new(SystemClock), last: Arc::default() }
    }

    /// Lets listings be made from a reading that is no older than this, so that a run reads the directory a few times and not once for
    /// each group. What changes in the meantime shows with the next reading. [`IdentityProvider::check`] and look-ups always read anew.
    #[must_use]
    pub const fn reuse_for(mut self, age: Duration) -> Self {
        self.reuse = age;
        self
    }

    /// Where the age of a reading comes from. Default: the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    async fn read(&self) -> Result<Arc<Snapshot>> {
        let at = self.clock.now();
        let snapshot = Arc::new(visible(self.source.read().await?)?);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Reading { at, snapshot: Arc::clone(&snapshot) });
        Ok(snapshot)
    }

    async fn recent(&self) -> Result<Arc<Snapshot>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = self.clock.now();
        match last.filter(|reading| reading.at <= now && now.saturating_since(reading.at) < self.reuse) {
            Some(reading) => Ok(reading.snapshot),
            None => self.read().await,
        }
    }

    fn pages<T: Send + 'static>(
        &self,
        show: impl FnOnce(&Snapshot) -> Result<Page<T>> + Send + 'static,
    ) -> BoxStream<'static, Result<Page<T>>> {
        let provider =
            Self { source: Arc::clone(&self.source), reuse: self.reuse, clock: Arc::clone(&self.clock), last: Arc::clone(&self.last) };
        stream::once(async move { show(&*provider.recent().await?) }).boxed()
    }
}

/// Nobody at all is a missing permission.
fn visible(snapshot: Snapshot) -> Result<Snapshot> {
    let (mut users, mut groups) = (snapshot.users().len(), snapshot.groups().len());
    for id in snapshot.held() {
        match id {
            EntryId::User(_) => users += 1,
            EntryId::Group(_) => groups += 1,
        }
    }
    match (users, groups) {
        (0, _) => Err(nothing_visible("users")),
        (_, 0) => Err(nothing_visible("groups")),
        _ => Ok(snapshot),
    }
}

fn nothing_visible(what: &'static str) -> Error {
    Error::new(ErrorKind::PermissionDenied, format!("the directory shows no {what}"))
        .with_remedy("check that the connection may read all of the directory")
}

/// The ids of users, or of groups, that a snapshot holds.
fn held(snapshot: &Snapshot, id_of: fn(&EntryId) -> Option<&str>) -> Vec<HeldRecord> {
    let ids = snapshot.held().filter_map(id_of);
    ids.map(|id| HeldRecord::new(Some(id.to_owned()), "the source cannot make sense of it")).collect()
}

fn user_id(id: &EntryId) -> Option<&str> {
    if let EntryId::User(id) = id { Some(id.as_str()) } else { None }
}

fn group_id(id: &EntryId) -> Option<&str> {
    if let EntryId::Group(id) = id { Some(id.as_str()) } else { None }
}

fn look_up<T: Clone>(snapshot: &Snapshot, id: EntryId, found: Option<&T>) -> Result<Lookup<T>> {
    if snapshot.is_held(&id) {
        return Err(Error::new(ErrorKind::InvalidData, format!("the source cannot make sense of {id}")));
    }
    Ok(found.cloned().map_or(Lookup::NotFound, Lookup::Found))
}

impl<S: fmt::Display> fmt::Display for WholeRead<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

#[async_trait]
impl<S: SnapshotSource> IdentityProvider for WholeRead<S> {
    async fn identify(&self) -> Result<DirectoryInfo> {
        self.source.identify().await
    }

    async fn check(&self) -> Result<()> {
        self.read().await.map(drop)
    }

    fn users(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        self.pages(|snapshot| Ok(Page::new(snapshot.users().cloned().collect()).with_held(held(snapshot, user_id))))
    }

    fn groups(&self, _options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
        self.pages(|snapshot| Ok(Page::new(snapshot.groups().cloned().collect()).with_held(held(snapshot, group_id))))
    }

    fn members(&self, group: &GroupId, _options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let group = group.clone();
        self.pages(move |snapshot| {
            if snapshot.group(&group).is_none() && !snapshot.is_held(&EntryId::Group(group.clone())) {
                return Err(Error::new(ErrorKind::NotFound, format!("there is no group {group}")));
            }
            // Whoever is held did not leave.
            let of_held = snapshot.memberships_of_held().filter(|membership| membership.group == group).map(|membership| &membership.user);
            Ok(Page::new(snapshot.members(&group).chain(of_held).cloned().collect()))
        })
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        let snapshot = self.read().await?;
        look_up(&snapshot, EntryId::User(id.clone()), snapshot.user(id))
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        let snapshot = self.read().await?;
        look_up(&snapshot, EntryId::Group(id.clone()), snapshot.group(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DirectoryId, ManualClock, Membership, UserStatus};
    use futures::TryStreamExt;
    use futures::executor::block_on;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Debug, Default)]
    struct Counted(AtomicUsize);

    impl fmt::Display for Counted {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Counted")
        }
    }

    #[async_trait]
    impl SnapshotSource for Counted {
        async fn identify(&self) -> Result<DirectoryInfo> {
            Ok(DirectoryInfo::new(DirectoryId::new("counted:1").unwrap(), "counted"))
        }

        async fn read(&self) -> Result<Snapshot> {
            let reading = self.0.fetch_add(1, Ordering::Relaxed);
            let mut builder = Snapshot::builder();
            builder.user(User::new(UserId::new("u").unwrap(), UserStatus::Active));
            for n in 0..5 {
                let group = GroupId::new(format!("g{n}")).unwrap();
                builder.group(Group::new(group.clone(), format!("as of reading {reading}")));
                builder.membership(Membership::new(group, UserId::new("u").unwrap()));
            }
            Ok(builder.finish())
        }
    }

    async fn read_all(provider: &WholeRead<Counted>) {
        provider.check().await.unwrap();
        let _users: Vec<_> = provider.users(ReadOptions::default()).try_collect().await.unwrap();
        let groups: Vec<_> = provider.groups(ReadOptions::default()).try_collect().await.unwrap();
        for group in &groups[0].items {
            let members: Vec<_> = provider.members(&group.id, ReadOptions::default()).try_collect().await.unwrap();
            assert_eq!(members[0].items.len(), 1);
        }
    }

    #[test]
    fn every_question_reads_again_unless_a_reading_may_serve_for_a_while() {
        let provider = WholeRead::new(Counted::default());
        block_on(read_all(&provider));
        assert_eq!(provider.source.0.load(Ordering::Relaxed), 1 + 1 + 1 + 5);

        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let provider = WholeRead::new(Counted::default()).reuse_for(Duration::from_secs(60)).clock(Arc::clone(&clock));
        block_on(read_all(&provider));
        assert_eq!(provider.source.0.load(Ordering::Relaxed), 1, "the check reads, and all else is made from that");
        clock.advance(Duration::from_secs(60));
        block_on(provider.users(ReadOptions::default()).try_collect::<Vec<_>>()).unwrap();
        block_on(provider.user(&UserId::new("u").unwrap())).unwrap();
        assert_eq!(provider.source.0.load(Ordering::Relaxed), 3, "too old for a listing; never used for a look-up");
    }
}
