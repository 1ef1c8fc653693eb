//! Decides about every staged difference: applied, held by a safeguard, or dropped because an end of it is missing.

use crate::confirm::{Fates, Over};
use crate::held::{EXAMPLES, GROUPS, GroupReach, HeldSet, Standing, describe};
use crate::payload;
use crate::recent::Removals;
use crate::report::Held;
use crate::run::RunState;
use crate::{DeleteLimit, DeleteLimits};
use futures::TryStreamExt;
use idsync_core::{
    BaseKind, ChangeKind, Counts, FieldChange, Group, GroupId, Phase, PlanHash, RemovalReason, Result, StagedKey, StagedRow, UserId,
};
use std::collections::{BTreeMap, HashSet};

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    Apply,
    Drop,
    Hold,
}

/// Which limits are exceeded.
#[derive(Debug, Default)]
struct Exceeded {
    deactivations: Option<Over>,
    memberships: Option<Over>,
    logins: Option<Over>,
    groups: HashSet<GroupId>,
}

/// The entries whose removal is held, and with them whatever depends on it.
#[derive(Debug, Default)]
struct Dependants {
    users: HashSet<UserId>,
    groups: HashSet<GroupId>,
}

/// Judges the rows of a journal in their order.
pub(crate) struct Planner<'a> {
    fates: &'a Fates,
    exceeded: Exceeded,
    dependants: Dependants,
    pub(crate) counts: Counts,
    pub(crate) held: Counts,
    /// What the limits count of that which is applied.
    pub(crate) removed: Removals,
    apply_hash: blake3::Hasher,
    held_hash: blake3::Hasher,
    examples: BTreeMap<String, Vec<String>>,
    reach: BTreeMap<GroupId, u64>,
}

/// What would be removed, by what limits count.
#[derive(Debug, Default)]
struct Wanted {
    removals: Removals,
    in_groups: Vec<(GroupId, u64)>,
}

impl RunState {
    pub(crate) async fn planner<'a>(&self, fates: &'a Fates, limits: &DeleteLimits) -> Result<Planner<'a>> {
        let wanted = self.wanted(fates).await?;
        let (now, lately) = (&wanted.removals, &self.removed_lately);
        let users = self.index.users.base_size();
        let memberships = self.index.members.base_size();
        let mut exceeded = Exceeded {
            deactivations: Over::check(now.deactivations, users, lately.deactivations, limits.deactivations),
            memberships: Over::check(now.memberships, memberships, lately.memberships, limits.memberships),
            logins: Over::check(now.logins, users, lately.logins, limits.logins),
            groups: HashSet::new(),
        };
        if memberships >= 10 && self.membership_size == 0 && now.memberships > 0 && limits.memberships != DeleteLimit::Unlimited {
            exceeded.memberships.get_or_insert(Over { wanted: now.memberships, allowed: 0, size: memberships, recent: 0 });
        }
        let size = |group: &GroupId| self.index.members.get(group).map_or(0, |blocks| blocks.size());
        let hit = wanted.in_groups.into_iter().filter(|(group, leaving)| !limits.in_one_group.allows(*leaving, size(group)));
        exceeded.groups.extend(hit.map(|(group, _)| group));
        Ok(Planner {
            fates,
            exceeded,
            dependants: Dependants::default(),
            counts: Counts::default(),
            held: Counts::default(),
            removed: Removals::default(),
            apply_hash: self.hasher("idsync 2026 plan hash", &self.revision.0.to_le_bytes()),
            // Other changes move the revision on, and the removals that wait are still the same.
            held_hash: self.hasher("idsync 2026 held hash", &[]),
            examples: BTreeMap::new(),
            reach: BTreeMap::new(),
        })
    }

    fn hasher(&self, context: &str, stands_on: &[u8]) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(self.lease.directory.as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(stands_on);
        hasher
    }

    async fn wanted(&self, fates: &Fates) -> Result<Wanted> {
        let mut wanted = Wanted::default();
        let mut pages = self.store.staged(&self.lease.directory, None);
        'pages: while let Some(rows) = pages.try_next().await? {
            for row in rows {
                if row.position.phase > Phase::UpdateUsers {
                    break 'pages;
                }
                wanted.add(&row, fates)?;
            }
        }
        Ok(wanted)
    }

    /// What is held, for people; names are those that were synced last.
    pub(crate) async fn held_set(&self, planner: &Planner<'_>, summary: Held) -> Result<HeldSet> {
        let size = |group: &GroupId| self.index.members.get(group).map_or(0, |blocks| blocks.size());
        let emptied = planner.reach.iter().filter(|(group, loses)| **loses >= size(group)).count() as u64;
        let mut hardest: Vec<_> = planner.reach.iter().collect();
        hardest.sort_by(|(a, loses), (b, other)| other.cmp(loses).then(a.cmp(b)));
        hardest.truncate(GROUPS);
        let keys: Vec<_> = hardest.iter().map(|(group, _)| group.to_string()).collect();
        let records = self.store.records(&self.lease.directory, BaseKind::Group, &keys).await?;
        let mut groups = Vec::with_capacity(hardest.len());
        for ((id, loses), record) in hardest.into_iter().zip(records) {
            let group: Option<Group> = record.map(|record| payload::from_json(&record.record)).transpose()?;
            let name = group.map_or_else(|| id.to_string(), |group| group.name);
            groups.push(GroupReach { id: id.clone(), name, members: size(id), loses: *loses });
        }
        Ok(HeldSet {
            summary,
            since: self.read_at,
            examples: planner.examples.clone(),
            groups,
            groups_reached: planner.reach.len() as u64,
            groups_emptied: emptied,
        })
    }
}

impl Wanted {
    fn add(&mut self, row: &StagedRow, fates: &Fates) -> Result<()> {
        match row.position.phase {
            Phase::Deactivate => {
                self.removals.deactivations += 1;
                self.removals.logins += u64::from(changes_login(row)?);
            }
            Phase::UpdateUsers => self.removals.logins += u64::from(changes_login(row)?),
            Phase::RemoveMembers if counts_as_removal(row, fates) => {
                self.removals.memberships += 1;
                if payload::removal_reason(&row.payload) != RemovalReason::GroupDeleted
                    && let Some(membership) = payload::parse_member_key(&row.position.key)
                {
                    // Rows come group by group.
                    match self.in_groups.last_mut().filter(|(group, _)| *group == membership.group) {
                        Some((_, leaving)) => *leaving += 1,
                        None => self.in_groups.push((membership.group, 1)),
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Memberships of deleted users count as users, and those of entries that are held as a whole are held with them.
fn counts_as_removal(row: &StagedRow, fates: &Fates) -> bool {
    let Some(membership) = payload::parse_member_key(&row.position.key) else { return true };
    payload::removal_reason(&row.payload) != RemovalReason::UserDeleted
        && !(fates.users_over.is_some() && fates.users.contains_key(&membership.user))
        && !(fates.groups_over.is_some() && fates.groups.contains_key(&membership.group))
}

fn changes_login(row: &StagedRow) -> Result<bool> {
    let changed: Vec<FieldChange> = payload::changed_fields(row)?;
    Ok(changed.iter().any(|change| change.field == FieldChange::LOGIN && change.before.is_some()))
}

impl Planner<'_> {
    /// Decides about a row, and takes note.
    pub(crate) fn judge(&mut self, row: &StagedRow, state: &RunState) -> Result<Judgement> {
        let judgement = self.decide(row, state)?;
        match judgement {
            Judgement::Apply => {
                self.counts.add(payload::kind(row)?, 1);
                payload::identity(row, &mut self.apply_hash);
                self.count_removal(row)?;
            }
            Judgement::Hold => self.hold(row)?,
            Judgement::Drop => {}
        }
        Ok(judgement)
    }

    /// Counts a row that was held and is approved.
    pub(crate) fn approve(&mut self, row: &StagedRow) -> Result<()> {
        self.counts.add(payload::kind(row)?, 1);
        payload::identity(row, &mut self.apply_hash);
        Ok(())
    }

    fn decide(&mut self, row: &StagedRow, state: &RunState) -> Result<Judgement> {
        Ok(match row.position.phase {
            Phase::Deactivate if self.exceeded.deactivations.is_some() => Judgement::Hold,
            Phase::Deactivate | Phase::UpdateUsers => hold_if(self.exceeded.logins.is_some() && changes_login(row)?),
            Phase::RemoveMembers => self.decide_removal(&row.position),
            Phase::AddMembers => decide_addition(&row.position, state),
            Phase::DeleteUsers => {
                let dependant = UserId::new(&row.position.key).is_ok_and(|id| self.dependants.users.contains(&id));
                hold_if(self.fates.users_over.is_some() || dependant)
            }
            Phase::DeleteGroups => {
                let dependant = GroupId::new(&row.position.key).is_ok_and(|id| self.dependants.groups.contains(&id));
                hold_if(self.fates.groups_over.is_some() || dependant)
            }
            _ => Judgement::Apply,
        })
    }

    fn decide_removal(&mut self, position: &StagedKey) -> Judgement {
        let Some(membership) = payload::parse_member_key(&position.key) else { return Judgement::Hold };
        let entry_held = (self.fates.users_over.is_some() && self.fates.users.contains_key(&membership.user))
            || (self.fates.groups_over.is_some() && self.fates.groups.contains_key(&membership.group));
        let over = self.exceeded.memberships.is_some() || self.exceeded.groups.contains(&membership.group);
        if over || entry_held {
            // An entry can only be deleted once nothing refers to it.
            self.dependants.users.insert(membership.user);
            self.dependants.groups.insert(membership.group);
        }
        hold_if(over || entry_held)
    }

    fn count_removal(&mut self, row: &StagedRow) -> Result<()> {
        match row.position.phase {
            Phase::Deactivate => {
                self.removed.deactivations += 1;
                self.removed.logins += u64::from(changes_login(row)?);
            }
            Phase::UpdateUsers => self.removed.logins += u64::from(changes_login(row)?),
            Phase::RemoveMembers => self.removed.memberships += u64::from(counts_as_removal(row, self.fates)),
            Phase::DeleteUsers => self.removed.users += 1,
            Phase::DeleteGroups => self.removed.groups += 1,
            _ => {}
        }
        Ok(())
    }

    fn hold(&mut self, row: &StagedRow) -> Result<()> {
        let kind = payload::kind(row)?;
        self.held.add(kind, 1);
        payload::held_identity(row, &mut self.held_hash);
        if self.held.get(kind) <= EXAMPLES as u64 {
            self.examples.entry(kind.as_str().to_owned()).or_default().push(describe(&payload::change(row)?));
        }
        if row.position.phase == Phase::RemoveMembers
            && let Some(membership) = payload::parse_member_key(&row.position.key)
        {
            *self.reach.entry(membership.group).or_default() += 1;
        }
        Ok(())
    }

    pub(crate) fn apply_hash(&self) -> PlanHash {
        plan_hash(&self.apply_hash)
    }

    pub(crate) fn held_hash(&self) -> PlanHash {
        plan_hash(&self.held_hash)
    }

    /// What is held, in short; `None` when nothing is.
    pub(crate) fn summary(&self, standing: Standing) -> Option<Held> {
        if self.held.total() == 0 {
            return None;
        }
        let limits = [
            ("users would go", self.fates.users_over),
            ("users would be deactivated", self.exceeded.deactivations),
            ("groups would go", self.fates.groups_over),
            ("memberships would go", self.exceeded.memberships),
            ("logins would change", self.exceeded.logins),
        ];
        let mut reasons: Vec<_> = limits.into_iter().filter_map(|(what, over)| over.map(|over| reason(what, over))).collect();
        match self.exceeded.groups.len() {
            0 => {}
            1 => reasons.push("one group would lose more of its members than one may".to_owned()),
            groups => reasons.push(format!("{groups} groups would lose more of their members than they may")),
        }
        let by_kind: BTreeMap<_, _> = ChangeKind::ALL
            .into_iter()
            .filter(|kind| self.held.get(*kind) > 0)
            .map(|kind| (kind.as_str().to_owned(), self.held.get(kind)))
            .collect();
        Some(Held { total: self.held.total(), hash: self.held_hash(), reason: reasons.join("; "), by_kind, standing })
    }
}

fn reason(what: &str, over: Over) -> String {
    let Over { wanted, allowed, size, recent } = over;
    match recent {
        0 => format!("{wanted} of {size} {what}, {allowed} may"),
        _ => format!("{wanted} of {size} {what} after {recent} lately, {allowed} may in all"),
    }
}

/// A membership begins once both of its ends are there.
fn decide_addition(position: &StagedKey, state: &RunState) -> Judgement {
    let present = payload::parse_member_key(&position.key)
        .is_some_and(|membership| state.index.users.is_present(&membership.user) && state.index.groups.is_present(&membership.group));
    if present { Judgement::Apply } else { Judgement::Drop }
}

const fn hold_if(held: bool) -> Judgement {
    if held { Judgement::Hold } else { Judgement::Apply }
}

fn plan_hash(hasher: &blake3::Hasher) -> PlanHash {
    let mut hash = [0; 16];
    hasher.finalize_xof().fill(&mut hash);
    PlanHash::from_bytes(hash)
}
