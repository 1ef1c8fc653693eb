//! Puts the staged differences in their final order, decides what is held, and hashes the result.

use crate::confirm::{Fates, Over};
use crate::note::{HeadNote, PlanNote, ReadResult, planned};
use crate::payload;
use crate::report::{DirectorySize, Held};
use crate::run::RunState;
use crate::{Activity, DeleteLimits, Evidence, SyncError};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use idsync_core::{
    Change, ChangeKind, Counts, DirectoryId, GroupId, JournalHeader, Mark, Phase, PlanHash, RemovalReason, Result, Revision, Stage,
    StagedKey, StagedRow, StateStore, UserId,
};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What a run would do, kept in the state store until it is applied or another run replaces it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// The directory.
    pub directory_id: DirectoryId,
    /// Covers the canonical change set and the revision it stands on; `None` when there is nothing to apply.
    pub hash: Option<PlanHash>,
    /// The revision that the plan stands on.
    pub base: Revision,
    /// Changes that would be applied, by kind.
    pub changes: Counts,
    /// Removals that would be held back.
    pub held: Option<Held>,
    /// How large the directory is.
    pub directory: DirectorySize,
    /// What the read proves.
    pub evidence: Evidence,
    /// The run that made the plan.
    pub run: String,
    pub(crate) store: Arc<dyn StateStore>,
}

/// One change of a plan.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlannedChange {
    /// The change.
    pub change: Change,
    /// Whether it would be applied or held.
    pub mark: Mark,
}

impl Plan {
    /// The changes of the plan in the order in which they would be applied, those held back included. They are read from the state
    /// store as the stream is polled, and are those of another plan once another run has replaced this one there.
    pub fn changes(&self) -> BoxStream<'static, Result<PlannedChange>> {
        if self.hash.is_none() && self.held.is_none() {
            return futures::stream::empty().boxed();
        }
        let rows = self.store.staged(&self.directory_id, None);
        rows.map_ok(|rows| futures::stream::iter(rows).map(|row| Ok(PlannedChange { change: payload::change(&row)?, mark: row.mark })))
            .try_flatten()
            .boxed()
    }
}

/// The entries whose removal is held, and with them whatever depends on it.
#[derive(Debug, Default)]
struct HeldEntries {
    users: HashSet<UserId>,
    groups: HashSet<GroupId>,
}

struct Planner<'a> {
    fates: &'a Fates,
    deactivations_over: Option<Over>,
    memberships_over: Option<Over>,
    dependants: HeldEntries,
    counts: Counts,
    held: Counts,
    apply_hash: blake3::Hasher,
    held_hash: blake3::Hasher,
}

impl RunState {
    /// Turns what was staged into a plan. `None` when there is nothing to do and nothing held.
    pub(crate) async fn plan(&mut self, fates: &Fates, limits: &DeleteLimits) -> Result<Option<(PlanHash, PlanNote)>, SyncError> {
        self.report(Activity::Planning);
        self.stager.flush().await.map_err(SyncError::store)?;
        if !self.stager.has_begun() {
            return Ok(None);
        }
        let mut planner = self.planner(fates, limits).await.map_err(SyncError::store)?;
        let mut pages = self.store.staged(&self.lease.directory, None);
        while let Some(rows) = pages.try_next().await.map_err(SyncError::store)? {
            let (mut marks, mut dropped) = (Vec::new(), Vec::new());
            for row in &rows {
                match planner.judge(row, self).map_err(SyncError::store)? {
                    Judgement::Apply => {}
                    Judgement::Hold => marks.push((row.position.clone(), Mark::Held)),
                    Judgement::Drop => dropped.push(row.position.clone()),
                }
            }
            self.evidence.dangling += dropped.len() as u64;
            if !marks.is_empty() {
                self.store.mark(&self.lease, marks, None).await.map_err(SyncError::store)?;
            }
            if !dropped.is_empty() {
                self.store.unstage(&self.lease, dropped).await.map_err(SyncError::store)?;
            }
        }
        if planner.counts.total() + planner.held.total() == 0 {
            self.store.discard_journal(&self.lease).await.map_err(SyncError::store)?;
            return Ok(None);
        }
        let hash = plan_hash(&planner.apply_hash);
        let read = self.read_result();
        let note = PlanNote {
            head: HeadNote { scope: self.info.scope.clone(), directory: read.directory },
            planned: planned(&planner.counts),
            held: planner.held(),
        };
        let mut header = JournalHeader::new(self.revision, self.read_at);
        header.stage = Stage::Planned;
        header.plan = Some(hash);
        header.note = payload::to_json(&note).map_err(SyncError::store)?;
        self.store.update_journal(&self.lease, header).await.map_err(SyncError::store)?;
        Ok(Some((hash, note)))
    }

    pub(crate) fn read_result(&self) -> ReadResult {
        ReadResult {
            evidence: self.evidence.clone(),
            directory: DirectorySize {
                users: self.index.users.present(),
                groups: self.index.groups.present(),
                memberships: self.membership_size.saturating_sub(self.evidence.dangling),
            },
        }
    }

    async fn planner<'a>(&self, fates: &'a Fates, limits: &DeleteLimits) -> Result<Planner<'a>> {
        let (mut deactivations, mut removals) = (0, 0);
        let mut pages = self.store.staged(&self.lease.directory, None);
        'pages: while let Some(rows) = pages.try_next().await? {
            for row in rows {
                match row.position.phase {
                    Phase::Deactivate => deactivations += 1,
                    Phase::RemoveMembers if counts_as_removal(&row, fates) => removals += 1,
                    Phase::RemoveMembers => {}
                    _ => break 'pages,
                }
            }
        }
        let mut apply_hash = blake3::Hasher::new_derive_key("idsync 2026 plan hash");
        let mut held_hash = blake3::Hasher::new_derive_key("idsync 2026 held hash");
        for hasher in [&mut apply_hash, &mut held_hash] {
            hasher.update(self.lease.directory.as_str().as_bytes());
            hasher.update(&[0]);
            hasher.update(&self.revision.0.to_le_bytes());
        }
        Ok(Planner {
            fates,
            deactivations_over: Over::check(deactivations, self.index.users.base_size(), limits.deactivations),
            memberships_over: Over::check(removals, self.index.members.base_size(), limits.memberships),
            dependants: HeldEntries::default(),
            counts: Counts::default(),
            held: Counts::default(),
            apply_hash,
            held_hash,
        })
    }
}

/// Memberships of deleted users count as users, and those of entries that are held as a whole are held with them.
fn counts_as_removal(row: &StagedRow, fates: &Fates) -> bool {
    let Some(membership) = payload::parse_member_key(&row.position.key) else { return true };
    payload::removal_reason(&row.payload) != RemovalReason::UserDeleted
        && !(fates.users_over.is_some() && fates.users.contains_key(&membership.user))
        && !(fates.groups_over.is_some() && fates.groups.contains_key(&membership.group))
}

enum Judgement {
    Apply,
    Drop,
    Hold,
}

impl Planner<'_> {
    fn judge(&mut self, row: &StagedRow, state: &RunState) -> Result<Judgement> {
        let judgement = match row.position.phase {
            Phase::Deactivate if self.deactivations_over.is_some() => Judgement::Hold,
            Phase::RemoveMembers => self.judge_removal(&row.position),
            Phase::AddMembers => Self::judge_addition(&row.position, state),
            Phase::DeleteUsers => {
                let dependant = UserId::new(&row.position.key).is_ok_and(|id| self.dependants.users.contains(&id));
                hold_if(self.fates.users_over.is_some() || dependant)
            }
            Phase::DeleteGroups => {
                let dependant = GroupId::new(&row.position.key).is_ok_and(|id| self.dependants.groups.contains(&id));
                hold_if(self.fates.groups_over.is_some() || dependant)
            }
            _ => Judgement::Apply,
        };
        match judgement {
            Judgement::Apply => {
                self.counts.add(payload::kind(row)?, 1);
                payload::identity(row, &mut self.apply_hash);
            }
            Judgement::Hold => {
                self.held.add(payload::kind(row)?, 1);
                payload::identity(row, &mut self.held_hash);
            }
            Judgement::Drop => {}
        }
        Ok(judgement)
    }

    fn judge_removal(&mut self, position: &StagedKey) -> Judgement {
        let Some(membership) = payload::parse_member_key(&position.key) else { return Judgement::Hold };
        let entry_held = (self.fates.users_over.is_some() && self.fates.users.contains_key(&membership.user))
            || (self.fates.groups_over.is_some() && self.fates.groups.contains_key(&membership.group));
        let over = self.memberships_over.is_some();
        if over || entry_held {
            // An entry can only be deleted once nothing refers to it.
            self.dependants.users.insert(membership.user);
            self.dependants.groups.insert(membership.group);
        }
        hold_if(over || entry_held)
    }

    /// A membership begins once both of its ends are there.
    fn judge_addition(position: &StagedKey, state: &RunState) -> Judgement {
        let present = payload::parse_member_key(&position.key)
            .is_some_and(|membership| state.index.users.is_present(&membership.user) && state.index.groups.is_present(&membership.group));
        if present { Judgement::Apply } else { Judgement::Drop }
    }

    fn held(&self) -> Option<Held> {
        if self.held.total() == 0 {
            return None;
        }
        let limits = [
            ("users", self.fates.users_over),
            ("deactivations", self.deactivations_over),
            ("groups", self.fates.groups_over),
            ("memberships", self.memberships_over),
        ];
        let reasons: Vec<_> = limits
            .into_iter()
            .filter_map(|(what, over)| over.map(|over| format!("{} of {} {what} would go, {} may", over.wanted, over.size, over.allowed)))
            .collect();
        let by_kind: BTreeMap<_, _> = ChangeKind::ALL
            .into_iter()
            .filter(|kind| self.held.get(*kind) > 0)
            .map(|kind| (kind.as_str().to_owned(), self.held.get(kind)))
            .collect();
        Some(Held { total: self.held.total(), hash: plan_hash(&self.held_hash), reason: reasons.join("; "), by_kind })
    }
}

const fn hold_if(held: bool) -> Judgement {
    if held { Judgement::Hold } else { Judgement::Apply }
}

fn plan_hash(hasher: &blake3::Hasher) -> PlanHash {
    let mut hash = [0; 16];
    hasher.finalize_xof().fill(&mut hash);
    PlanHash::from_bytes(hash)
}
