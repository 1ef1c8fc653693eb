//! When a run reads only what changed, and what the next such run stands on.

use crate::checkpoint;
use crate::groups_held::GroupsHeld;
use crate::memo::Memo;
use crate::report::Mode;
use crate::run::RunState;
use crate::{SyncEngine, SyncError};
use idsync_core::{Cursor, DirectoryInfo, IdentityProvider, Lease, PlanHash, Result, StateStore, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// When a sync reads only what changed, if the provider can show that.
///
/// A delta finds users and groups that were made or changed, users who left where the provider says so, groups that are gone, and
/// changes of members. A full read finds the rest, which is mainly users who were deleted for good, so there must be one now and then.
/// Between them a delta is chosen unless something asks for a full read: the scope or the settings changed, held changes were approved, a
/// refused change is due, another sink comes after one that took nothing, an interrupted full read is to be gone on with, or the cursor
/// cannot be gone on from. Where something could not be settled, because a record could not be understood or more is held than before,
/// everything is read again within the hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeltaPolicy {
    /// The time from one full read to the next.
    pub full_every: Duration,
    /// A list of members that was read so soon after a change is read again by the next delta, for it may have been out of date.
    pub settle: Duration,
}

impl DeltaPolicy {
    /// A full read `full_every` so often; member lists settle within 15 seconds, which is five times as long as was ever seen.
    pub const fn new(full_every: Duration) -> Self {
        Self { full_every, settle: Duration::from_secs(15) }
    }

    /// Sets how long member lists take to settle.
    #[must_use]
    pub const fn with_settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// No deltas: every sync reads everything.
    pub const fn never() -> Self {
        Self::new(Duration::ZERO)
    }
}

/// A full read once a day.
impl Default for DeltaPolicy {
    fn default() -> Self {
        Self::new(Duration::from_secs(24 * 60 * 60))
    }
}

/// When everything is read again because something could not be settled.
const SOON: Duration = Duration::from_secs(60 * 60);

/// What the next delta stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bookmark {
    pub(crate) cursor: Cursor,
    /// When everything was last read.
    full_at: Timestamp,
    scope: String,
    /// Of the base that it was noted with. Whoever changes the base without it, as a plan that is applied does, leaves it behind.
    revision: u64,
    /// Of the settings that decide what is done with what is read.
    settings: String,
    /// When everything is read again because something could not be settled.
    retry_at: Option<Timestamp>,
    /// The groups whose deletion the last full read held. Each delta finds them, too.
    #[serde(default)]
    groups_held: Option<PlanHash>,
    /// The sink that only looked at what was found, and got none of it.
    #[serde(default)]
    declined_by: Option<String>,
}

/// Which reads will do for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A delta, if there can be one.
    Cheapest,
    Full,
}

/// How a run reads.
#[derive(Debug)]
pub(crate) enum Reading {
    Full,
    Delta(Bookmark),
}

impl Bookmark {
    /// Why a delta will not do; `None` when it will.
    fn objection(&self, info: &DirectoryInfo, now: Timestamp, policy: DeltaPolicy) -> Option<&'static str> {
        if self.scope != info.scope {
            Some("the scope changed")
        } else if now < self.full_at || now.saturating_since(self.full_at) >= policy.full_every {
            Some("it is time for one")
        } else if self.retry_at.is_some_and(|at| at <= now) {
            Some("something could not be settled")
        } else {
            None
        }
    }
}

impl SyncEngine {
    /// How a sync reads, as things stand.
    pub(crate) async fn choose(&self, wish: Wish, info: &DirectoryInfo, lease: &Lease, now: Timestamp) -> Result<Reading, SyncError> {
        if wish == Wish::Full || !self.provider.capabilities().has_delta() || self.delta.full_every.is_zero() {
            return Ok(Reading::Full);
        }
        let bookmark: Option<Bookmark> = Memo::Bookmark.read(self.store.as_ref(), &lease.directory).await.map_err(SyncError::store)?;
        let Some(bookmark) = bookmark else { return Ok(Reading::Full) };
        match self.objection(&bookmark, info, lease, now).await.map_err(SyncError::store)? {
            Some(reason) => {
                tracing::debug!(reason, "reading everything");
                Ok(Reading::Full)
            }
            None => Ok(Reading::Delta(bookmark)),
        }
    }

    async fn objection(&self, bookmark: &Bookmark, info: &DirectoryInfo, lease: &Lease, now: Timestamp) -> Result<Option<&'static str>> {
        if let Some(reason) = bookmark.objection(info, now, self.delta) {
            return Ok(Some(reason));
        }
        let store = self.store.as_ref();
        Ok(if bookmark.settings != self.settings() {
            Some("the settings changed")
        } else if bookmark.revision != revision(store, lease).await? {
            Some("the base changed otherwise")
        } else if bookmark.declined_by.as_ref().is_some_and(|sink| *sink != self.sink_name()) {
            Some("the sink before this one took nothing")
        } else if checkpoint::exists(store, lease).await? {
            Some("an interrupted one is to be gone on with")
        } else if self.next_retry(lease).await?.is_some_and(|at| at <= now) {
            // What it is about may not have changed since.
            Some("a refused change is due")
        } else {
            None
        })
    }

    /// What decides what is done with what is read, in a form that tells no names. Another version may read the same differently.
    fn settings(&self) -> String {
        let settings = format!("{} {:?} {}", env!("CARGO_PKG_VERSION"), self.safeguards, self.protected.fingerprint());
        short_hash(&settings)
    }

    /// What tells the sink from another one, in a form that tells no names.
    fn sink_name(&self) -> String {
        short_hash(&self.sink.to_string())
    }

    /// Notes what the next delta may stand on, after everything of this run is committed.
    pub(crate) async fn turn_page(&self, ended: &Ended<'_>) -> Result<()> {
        let (store, lease) = (self.store.as_ref(), ended.lease);
        if !self.provider.capabilities().has_delta() {
            return Ok(());
        }
        let cursor = ended.info.cursor.clone().filter(|_| ended.is_good);
        let known: Option<Bookmark> = Memo::Bookmark.read(store, &lease.directory).await?;
        let revision = revision(store, lease).await?;
        let groups_known = known.as_ref().and_then(|known| known.groups_held);
        let finds_more = ended.mode == Mode::Delta && ended.held.is_some_and(|held| !held.are_all(groups_known));
        let declined_by = ended.declined.then(|| self.sink_name());
        let soon = (ended.is_unsettled || finds_more).then(|| ended.started.saturating_add(SOON));
        match (ended.mode, known, cursor) {
            _ if ended.holds_anew => Memo::Bookmark.write::<Bookmark>(store, lease, None).await,
            (Mode::Delta, Some(known), cursor) if ended.changed || (soon.is_some() && known.retry_at.is_none()) => {
                // Where something was not answered the next delta begins where this one did.
                let cursor = cursor.unwrap_or_else(|| known.cursor.clone());
                let retry_at = known.retry_at.or(soon);
                let declined_by = declined_by.or_else(|| known.declined_by.clone());
                Memo::Bookmark.write(store, lease, Some(&Bookmark { cursor, revision, retry_at, declined_by, ..known })).await
            }
            (Mode::Full, _, Some(cursor)) => {
                let (scope, settings) = (ended.info.scope.clone(), self.settings());
                let groups_held = ended.held.and_then(|held| held.hash);
                let bookmark =
                    Bookmark { cursor, full_at: ended.started, scope, revision, settings, retry_at: soon, groups_held, declined_by };
                Memo::Bookmark.write(store, lease, Some(&bookmark)).await
            }
            _ => Ok(()),
        }
    }

    /// When the first of the changes that the sink refused is due.
    async fn next_retry(&self, lease: &Lease) -> Result<Option<Timestamp>> {
        let escrow = crate::escrow::Escrow::load(&self.store, &lease.directory, self.escrow, self.now()).await?;
        Ok(escrow.into_entries().into_iter().map(|entry| entry.retry_at).min())
    }
}

fn short_hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().as_str().chars().take(32).collect()
}

async fn revision(store: &dyn StateStore, lease: &Lease) -> Result<u64> {
    Ok(store.head(&lease.directory).await?.map(|head| head.revision.0).unwrap_or_default())
}

/// How a run ended, as far as the next delta is concerned.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) lease: &'a Lease,
    pub(crate) info: &'a DirectoryInfo,
    pub(crate) mode: Mode,
    pub(crate) started: Timestamp,
    /// Whatever could not be read is found by the next delta.
    pub(crate) is_good: bool,
    /// Something is held that the last full read did not find, so that the next one must.
    pub(crate) holds_anew: bool,
    /// Something was found that is left for a full read: a record that could not be understood, or more newcomers than are asked for.
    pub(crate) is_unsettled: bool,
    /// What is held, as far as it is groups; `None` when nothing is. What a delta holds is left for a full read, too.
    pub(crate) held: Option<GroupsHeld>,
    /// The sink only looked at something, and took nothing.
    pub(crate) declined: bool,
    /// Something is known that was not known before.
    pub(crate) changed: bool,
}

impl RunState {
    /// Whether the members of a group are as they were when they were last read.
    pub(crate) fn is_unmoved(&self, group: &idsync_core::Group) -> bool {
        // One that the base does not have has no members there, whenever they were read.
        let is_known = self.index.groups.find(&group.id).is_some_and(|slot| self.index.groups.in_base(slot).is_some());
        self.mode == Mode::Delta && is_known && self.members_read.is_unmoved(group)
    }
}
