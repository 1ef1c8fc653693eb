//! Decides about every staged difference: applied, held by a safeguard, waiting in escrow, or dropped because an end of it is missing.

use crate::blocked::Blocked;
use crate::confirm::{Fates, Over};
use crate::escrow::{Escrow, Waiting};
use crate::held::{EXAMPLES, GROUPS, GroupReach, HeldSet, Standing, describe};
use crate::payload;
use crate::recent::Counted;
use crate::report::Held;
use crate::run::RunState;
use crate::{Limit, Safeguards};
use futures::TryStreamExt;
use idsync_core::{
    BaseKind, ChangeKind, Counts, FieldChange, Group, GroupId, Mark, Phase, PlanHash, RemovalReason, Result, StagedKey, StagedRow,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    Apply,
    Drop,
    Hold,
    Wait,
}

/// Which limits are exceeded.
#[derive(Debug, Default)]
struct Exceeded {
    deactivations: Option<Over>,
    memberships: Option<Over>,
    logins: Option<Over>,
    created_users: Option<Over>,
    created_groups: Option<Over>,
    added_memberships: Option<Over>,
    updated_users: Option<Over>,
    updated_groups: Option<Over>,
    groups: HashSet<GroupId>,
}

/// Judges the rows of a journal in their order.
pub(crate) struct Planner<'a> {
    fates: &'a Fates,
    escrow: &'a Escrow,
    exceeded: Exceeded,
    /// What depends on something that is held.
    held_back: Blocked,
    /// What depends on something that waits.
    set_aside: Blocked,
    pub(crate) counts: Counts,
    pub(crate) held: Counts,
    pub(crate) waiting: Waiting,
    /// The entries of the escrow that are still wanted.
    pub(crate) wanted_of_escrow: BTreeSet<StagedKey>,
    /// What the limits count of that which is applied.
    pub(crate) counted: Counted,
    apply_hash: blake3::Hasher,
    held_hash: blake3::Hasher,
    examples: BTreeMap<String, Vec<String>>,
    reach: BTreeMap<GroupId, u64>,
}

/// What would change, by what limits count.
#[derive(Debug, Default)]
struct Wanted {
    counted: Counted,
    in_groups: Vec<(GroupId, u64)>,
}

impl RunState {
    pub(crate) async fn planner<'a>(&self, fates: &'a Fates, escrow: &'a Escrow, limits: &Safeguards) -> Result<Planner<'a>> {
        let wanted = self.wanted(fates, limits).await?;
        Ok(Planner {
            fates,
            escrow,
            exceeded: self.exceeded(wanted, limits),
            held_back: Blocked::default(),
            set_aside: Blocked::default(),
            counts: Counts::default(),
            held: Counts::default(),
            waiting: Waiting::default(),
            wanted_of_escrow: BTreeSet::new(),
            counted: Counted::default(),
            apply_hash: self.hasher("idsync 2026 plan hash", &self.revision.0.to_le_bytes()),
            // Other changes move the revision on, and what is held is still the same.
            held_hash: self.hasher("idsync 2026 held hash", &[]),
            examples: BTreeMap::new(),
            reach: BTreeMap::new(),
        })
    }

    fn exceeded(&self, wanted: Wanted, limits: &Safeguards) -> Exceeded {
        let (now, lately) = (&wanted.counted, &self.changed_lately);
        let users = self.index.users.base_size();
        let groups = self.index.groups.base_size();
        let memberships = self.index.members.base_size();
        let mut exceeded = Exceeded {
            deactivations: Over::check(now.deactivations, users, lately.deactivations, limits.deactivations),
            memberships: Over::check(now.memberships, memberships, lately.memberships, limits.memberships),
            logins: Over::check(now.logins, users, lately.logins, limits.logins),
            updated_users: Over::check(now.updated_users, users, lately.updated_users, limits.updates),
            updated_groups: Over::check(now.updated_groups, groups, lately.updated_groups, limits.updates),
            ..Exceeded::default()
        };
        // A first sync creates everything.
        if users + groups > 0 {
            let created = |now, size, lately| Over::check_growth(now, size, lately, limits.creations);
            exceeded.created_users = created(now.created_users, users, lately.created_users);
            exceeded.created_groups = created(now.created_groups, groups, lately.created_groups);
            exceeded.added_memberships = created(now.added_memberships, memberships, lately.added_memberships);
        }
        if memberships >= 10 && self.membership_size == 0 && now.memberships > 0 && limits.memberships != Limit::Unlimited {
            exceeded.memberships.get_or_insert(Over { wanted: now.memberships, allowed: 0, size: memberships, recent: 0 });
        }
        let size = |group: &GroupId| self.index.members.get(group).map_or(0, |blocks| blocks.size());
        let hit = wanted.in_groups.into_iter().filter(|(group, leaving)| !limits.in_one_group.allows(*leaving, size(group)));
        exceeded.groups.extend(hit.map(|(group, _)| group));
        exceeded
    }

    fn hasher(&self, context: &str, stands_on: &[u8]) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        hasher.update(self.lease.directory.as_str().as_bytes());
        hasher.update(&[0]);
        hasher.update(stands_on);
        hasher
    }

    async fn wanted(&self, fates: &Fates, limits: &Safeguards) -> Result<Wanted> {
        let mut wanted = Wanted::default();
        let last = if limits.creations == Limit::Unlimited && limits.updates == Limit::Unlimited {
            // What comes later has no limit of its own.
            Phase::UpdateUsers
        } else {
            Phase::AddMembers
        };
        let mut pages = self.store.staged(&self.lease.directory, None);
        'pages: while let Some(rows) = pages.try_next().await? {
            for row in rows {
                if row.position.phase > last {
                    break 'pages;
                }
                if row.position.phase != Phase::AddMembers || decide_addition(&row.position, self) == Judgement::Apply {
                    wanted.add(&row, fates)?;
                }
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
        self.counted.count(row, fates)?;
        if row.position.phase == Phase::RemoveMembers
            && counts_as_removal(row, fates)
            && payload::removal_reason(&row.payload) != RemovalReason::GroupDeleted
            && let Some(membership) = payload::parse_member_key(&row.position.key)
        {
            // Rows come group by group.
            match self.in_groups.last_mut().filter(|(group, _)| *group == membership.group) {
                Some((_, leaving)) => *leaving += 1,
                None => self.in_groups.push((membership.group, 1)),
            }
        }
        Ok(())
    }
}

impl Counted {
    fn count(&mut self, row: &StagedRow, fates: &Fates) -> Result<()> {
        match row.position.phase {
            Phase::Deactivate => {
                self.deactivations += 1;
                self.logins += u64::from(changes_login(row)?);
            }
            Phase::UpdateUsers => {
                self.updated_users += 1;
                self.logins += u64::from(changes_login(row)?);
            }
            Phase::RemoveMembers => self.memberships += u64::from(counts_as_removal(row, fates)),
            Phase::CreateUsers => self.created_users += 1,
            Phase::PutGroups if payload::kind(row)? == ChangeKind::GroupCreated => self.created_groups += 1,
            Phase::PutGroups => self.updated_groups += 1,
            Phase::AddMembers => self.added_memberships += 1,
            Phase::DeleteUsers => self.users += 1,
            Phase::DeleteGroups => self.groups += 1,
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
        let mut judgement = self.decide(row, state)?;
        if judgement != Judgement::Drop && self.escrow.has(&row.position) {
            self.wanted_of_escrow.insert(row.position.clone());
        }
        if judgement == Judgement::Apply && self.must_wait(row)? {
            judgement = Judgement::Wait;
        }
        match judgement {
            Judgement::Apply => {
                self.counts.add(payload::kind(row)?, 1);
                payload::identity(row, &mut self.apply_hash);
                self.counted.count(row, self.fates)?;
            }
            Judgement::Hold => self.hold(row)?,
            Judgement::Drop | Judgement::Wait => {}
        }
        Ok(judgement)
    }

    /// Decides about a row that was held and is approved. It is tried at once, even if the sink refused it before, but not without what
    /// it depends on.
    pub(crate) fn approve(&mut self, row: &StagedRow) -> Result<Mark> {
        if !self.set_aside.is_empty() {
            let change = payload::change(row)?;
            if self.set_aside.stops(&change) {
                self.set_aside.withhold(&change);
                self.waiting.add(None);
                return Ok(Mark::Failed);
            }
        }
        self.counts.add(payload::kind(row)?, 1);
        payload::identity(row, &mut self.apply_hash);
        Ok(Mark::Apply)
    }

    fn decide(&mut self, row: &StagedRow, state: &RunState) -> Result<Judgement> {
        let exceeded = &self.exceeded;
        Ok(match row.position.phase {
            Phase::Deactivate => hold_if(exceeded.deactivations.is_some() || (exceeded.logins.is_some() && changes_login(row)?)),
            Phase::UpdateUsers => hold_if(exceeded.updated_users.is_some() || (exceeded.logins.is_some() && changes_login(row)?)),
            Phase::RemoveMembers => self.decide_removal(&row.position),
            Phase::CreateUsers => hold_if(exceeded.created_users.is_some()),
            Phase::PutGroups if payload::kind(row)? == ChangeKind::GroupCreated => hold_if(exceeded.created_groups.is_some()),
            Phase::PutGroups => hold_if(exceeded.updated_groups.is_some()),
            Phase::AddMembers => match decide_addition(&row.position, state) {
                Judgement::Apply => hold_if(exceeded.added_memberships.is_some() || self.depends_on_held(row)?),
                other => other,
            },
            Phase::DeleteUsers => hold_if(self.fates.users_over.is_some() || self.depends_on_held(row)?),
            Phase::DeleteGroups => hold_if(self.fates.groups_over.is_some() || self.depends_on_held(row)?),
            _ => Judgement::Apply,
        })
    }

    fn decide_removal(&self, position: &StagedKey) -> Judgement {
        let Some(membership) = payload::parse_member_key(&position.key) else { return Judgement::Hold };
        let entry_held = (self.fates.users_over.is_some() && self.fates.users.contains_key(&membership.user))
            || (self.fates.groups_over.is_some() && self.fates.groups.contains_key(&membership.group));
        hold_if(entry_held || self.exceeded.memberships.is_some() || self.exceeded.groups.contains(&membership.group))
    }

    fn depends_on_held(&self, row: &StagedRow) -> Result<bool> {
        Ok(!self.held_back.is_empty() && self.held_back.stops(&payload::change(row)?))
    }

    /// Whether the sink refused exactly this a short while ago, or something that it depends on.
    fn must_wait(&mut self, row: &StagedRow) -> Result<bool> {
        if self.escrow.is_empty() {
            return Ok(false);
        }
        let change = payload::change(row)?;
        let known = self.escrow.waiting(row);
        if known.is_none() && !self.set_aside.stops(&change) {
            return Ok(false);
        }
        self.set_aside.withhold(&change);
        self.waiting.add(known);
        Ok(true)
    }

    fn hold(&mut self, row: &StagedRow) -> Result<()> {
        let kind = payload::kind(row)?;
        self.held.add(kind, 1);
        payload::held_identity(row, &mut self.held_hash);
        let change = payload::change(row)?;
        if self.held.get(kind) <= EXAMPLES as u64 {
            self.examples.entry(kind.as_str().to_owned()).or_default().push(describe(&change));
        }
        self.held_back.withhold(&change);
        if let ChangeKind::GroupUserRemoved = kind
            && let Some(group) = change.group()
        {
            *self.reach.entry(group.clone()).or_default() += 1;
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
            ("users would be updated", self.exceeded.updated_users),
            ("groups would be updated", self.exceeded.updated_groups),
        ];
        let mut reasons: Vec<_> = limits.into_iter().filter_map(|(what, over)| over.map(|over| reason(what, over))).collect();
        let growth = [
            ("users", self.exceeded.created_users),
            ("groups", self.exceeded.created_groups),
            ("memberships", self.exceeded.added_memberships),
        ];
        reasons.extend(growth.into_iter().filter_map(|(what, over)| over.map(|over| grown(what, over))));
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

fn grown(what: &str, over: Over) -> String {
    let Over { wanted, allowed, size, recent } = over;
    match recent {
        0 => format!("{wanted} {what} would be added to {size}, {allowed} may"),
        _ => format!("{wanted} {what} would be added to {size} after {recent} lately, {allowed} may in all"),
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
