//! Decides about every staged difference: applied, held by a safeguard, waiting in escrow, or dropped because an end of it is missing.

use crate::blocked::Blocked;
use crate::confirm::{Fates, Over};
use crate::escrow::{Escrow, Waiting};
use crate::held::{EXAMPLES, GROUPS, GroupReach, HeldSet, Standing, describe};
use crate::packs::{Item, Pack};
use crate::payload;
use crate::plan_hash::{Covers, PlanHasher};
use crate::recent::Counted;
use crate::report::Held;
use crate::run::RunState;
use crate::{Limit, Safeguards};
use futures::TryStreamExt;
use idsync_core::{
    BaseKind, ChangeKind, Counts, Detail, EntryId, FieldChange, Group, GroupId, Mark, Phase, PlanHash, RemovalReason, Result, StagedKey,
    StagedRow,
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
    apply_hash: PlanHasher,
    held_hash: PlanHasher,
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
        let directory = &self.lease.directory;
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
            apply_hash: PlanHasher::new("idsync 2026 plan hash", directory, &self.revision.0.to_le_bytes(), Covers::Changes),
            // Other changes move the revision on, and what is held is still the same.
            held_hash: PlanHasher::new("idsync 2026 held hash", directory, &[], Covers::Removals),
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
        let size = |group: &GroupId| self.index.members.size(group);
        let hit = wanted.in_groups.into_iter().filter(|(group, leaving)| !limits.in_one_group.allows(*leaving, size(group)));
        exceeded.groups.extend(hit.map(|(group, _)| group));
        exceeded
    }

    async fn wanted(&self, fates: &Fates, limits: &Safeguards) -> Result<Wanted> {
        let mut wanted = Wanted::default();
        let creates_all = self.index.users.base_size() + self.index.groups.base_size() == 0;
        let last = if (creates_all || limits.creations == Limit::Unlimited) && limits.updates == Limit::Unlimited {
            // What comes later has no limit of its own.
            Phase::UpdateUsers
        } else {
            Phase::AddMembers
        };
        let mut pages = self.store.staged(&self.lease.directory, None, Detail::Digests);
        'pages: while let Some(rows) = pages.try_next().await? {
            for row in rows {
                if row.position.phase > last {
                    break 'pages;
                }
                match Pack::of(&row)? {
                    Some(pack) if pack.phase == Phase::AddMembers => {
                        wanted.counted.added_memberships += pack.items().filter(|item| self.has_both_ends(item)).count() as u64;
                    }
                    Some(pack) => wanted.add_removals(&pack, fates)?,
                    None => wanted.counted.count(&row, fates)?,
                }
            }
        }
        Ok(wanted)
    }

    /// What is held, for people; names are those that were synced last.
    pub(crate) async fn held_set(&self, planner: &Planner<'_>, summary: Held) -> Result<HeldSet> {
        let size = |group: &GroupId| self.index.members.size(group);
        let emptied = planner.reach.iter().filter(|(group, loses)| **loses >= size(group)).count() as u64;
        let mut hardest: Vec<_> = planner.reach.iter().collect();
        hardest.sort_by(|(a, loses), (b, other)| other.cmp(loses).then(a.cmp(b)));
        hardest.truncate(GROUPS);
        let known = &self.index.groups;
        let mut groups = Vec::with_capacity(hardest.len());
        for (id, loses) in hardest {
            let places = Vec::from_iter(known.find(id).and_then(|slot| known.in_base(slot)).map(|base| base.locator));
            let record = self.store.records(&self.lease.directory, BaseKind::Group, &places).await?.pop().flatten();
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

impl RunState {
    /// A membership begins once both of its ends are there.
    fn has_both_ends(&self, item: &Item<'_>) -> bool {
        self.index.groups.is_present_text(item.group) && self.index.users.is_present_text(item.user())
    }
}

impl Wanted {
    fn add_removals(&mut self, pack: &Pack<'_>, fates: &Fates) -> Result<()> {
        let (mut leaving, mut of_group) = (0, 0);
        for item in pack.items() {
            let counts = u64::from(counts_as_removal(&item, fates)?);
            leaving += counts;
            of_group += counts * u64::from(item.reason() != RemovalReason::GroupDeleted);
        }
        self.counted.memberships += leaving;
        if of_group > 0 {
            // Packs come group by group.
            match self.in_groups.last_mut().filter(|(group, _)| group.as_str() == pack.group) {
                Some((_, leaving)) => *leaving += of_group,
                None => self.in_groups.push((group_id(pack.group)?, of_group)),
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
            Phase::RemoveMembers => {
                for item in Pack::of(row)?.into_iter().flat_map(|pack| pack.items()) {
                    self.memberships += u64::from(counts_as_removal(&item, fates)?);
                }
            }
            Phase::CreateUsers => self.created_users += 1,
            Phase::PutGroups if payload::kind(row)? == ChangeKind::GroupCreated => self.created_groups += 1,
            Phase::PutGroups => self.updated_groups += 1,
            Phase::AddMembers => self.added_memberships += Pack::of(row)?.map_or(0, |pack| pack.len()),
            Phase::DeleteUsers => self.users += 1,
            Phase::DeleteGroups => self.groups += 1,
            _ => {}
        }
        Ok(())
    }
}

/// Memberships of deleted users count as users, and those of entries that are held as a whole are held with them.
fn counts_as_removal(item: &Item<'_>, fates: &Fates) -> Result<bool> {
    if item.reason() == RemovalReason::UserDeleted {
        return Ok(false);
    }
    Ok(!is_held_with_an_end(item, fates)?)
}

/// Whether the membership goes with a user or a group of which more vanished than may.
fn is_held_with_an_end(item: &Item<'_>, fates: &Fates) -> Result<bool> {
    Ok((fates.users_over.is_some() && fates.users.contains_key(&item.user_id()?))
        || (fates.groups_over.is_some() && fates.groups.contains_key(&group_id(item.group)?)))
}

fn group_id(text: &str) -> Result<GroupId> {
    GroupId::new(text).map_err(|_| payload::corrupt("a staged membership that cannot be read back"))
}

fn changes_login(row: &StagedRow) -> Result<bool> {
    let changed: Vec<FieldChange> = payload::changed_fields(row)?;
    Ok(changed.iter().any(|change| change.field == FieldChange::LOGIN && change.before.is_some()))
}

/// What was decided about a row.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// What is not simply applied.
    pub(crate) marks: Vec<(StagedKey, Mark)>,
    /// Changes of which nothing comes.
    pub(crate) dropped: u64,
}

impl Planner<'_> {
    /// How much of the rows must be known to judge them: what is held is described.
    pub(crate) fn detail(&self) -> Detail {
        if self.fates.users_over.is_some() || self.fates.groups_over.is_some() || self.exceeded.any() {
            Detail::Records
        } else {
            Detail::Digests
        }
    }

    /// Decides about a row, and takes note.
    pub(crate) fn judge(&mut self, row: &StagedRow, state: &RunState) -> Result<Verdict> {
        let mut verdict = Verdict::default();
        let Some(pack) = Pack::of(row)? else {
            verdict.add(row.position.clone(), self.judge_one(row, state)?);
            return Ok(verdict);
        };
        if self.applies_wholly(&pack, state)? {
            self.count(row)?;
            return Ok(verdict);
        }
        let mut judgements = Vec::new();
        for item in pack.items() {
            judgements.push((item, self.judge_one(&item.row(), state)?));
        }
        let first = judgements.first().map_or(Judgement::Apply, |(_, judgement)| *judgement);
        if judgements.iter().all(|(_, judgement)| *judgement == first) {
            verdict.add(row.position.clone(), first);
            verdict.dropped *= judgements.len() as u64;
        } else {
            judgements.into_iter().for_each(|(item, judgement)| verdict.add(item.part(), judgement));
        }
        Ok(verdict)
    }

    /// Whether nothing can come in between for any membership of a pack, as is the rule.
    fn applies_wholly(&self, pack: &Pack<'_>, state: &RunState) -> Result<bool> {
        let exceeded = &self.exceeded;
        if !self.escrow.is_empty() || !self.held_back.is_empty() {
            return Ok(false);
        }
        Ok(match pack.phase {
            Phase::AddMembers => {
                let users = &state.index.users;
                exceeded.added_memberships.is_none()
                    && state.index.groups.is_present_text(pack.group)
                    && pack.items().all(|item| users.is_present_text(item.user()))
            }
            _ => {
                let is_over = self.fates.users_over.is_some() || self.fates.groups_over.is_some();
                !is_over && exceeded.memberships.is_none() && !exceeded.groups.contains(&group_id(pack.group)?)
            }
        })
    }

    fn judge_one(&mut self, row: &StagedRow, state: &RunState) -> Result<Judgement> {
        let mut judgement = self.decide(row, state)?;
        if judgement != Judgement::Drop && self.escrow.has(&row.position) {
            self.wanted_of_escrow.insert(row.position.clone());
        }
        if judgement == Judgement::Apply && self.must_wait(row)? {
            judgement = Judgement::Wait;
        }
        match judgement {
            Judgement::Apply => self.count(row)?,
            Judgement::Hold => self.hold(row)?,
            Judgement::Drop | Judgement::Wait => {}
        }
        Ok(judgement)
    }

    /// Takes note of a row that is applied, all of it.
    fn count(&mut self, row: &StagedRow) -> Result<()> {
        self.counts.add(payload::kind(row)?, Pack::of(row)?.map_or(1, |pack| pack.len()));
        self.apply_hash.add(row)?;
        self.counted.count(row, self.fates)
    }

    /// Decides about a row of which something was held and is approved.
    pub(crate) fn approve(&mut self, row: &StagedRow) -> Result<Vec<(StagedKey, Mark)>> {
        let Some(pack) = Pack::of(row)? else {
            return Ok(if row.mark == Mark::Held { vec![(row.position.clone(), self.approve_one(row)?)] } else { Vec::new() });
        };
        let mut marks = Vec::new();
        if row.mark == Mark::Held {
            marks.push((row.position.clone(), Mark::Apply));
        }
        for (item, _) in pack.marked().filter(|(_, mark)| *mark == Mark::Held) {
            let approved = self.approve_one(&item.row())?;
            // A row that was held is applied now, and so are its parts.
            if approved != Mark::Apply || row.mark != Mark::Held {
                marks.push((item.part(), approved));
            }
        }
        Ok(marks)
    }

    /// What was held and is approved is tried at once, even if the sink refused it before, but not without what it depends on.
    fn approve_one(&mut self, row: &StagedRow) -> Result<Mark> {
        if !self.set_aside.is_empty() {
            let subject = payload::subject(row)?;
            if self.set_aside.stops(&subject) {
                self.set_aside.withhold(&subject);
                self.waiting.add(None);
                return Ok(Mark::Failed);
            }
        }
        self.counts.add(payload::kind(row)?, 1);
        self.apply_hash.add(row)?;
        Ok(Mark::Apply)
    }

    fn decide(&mut self, row: &StagedRow, state: &RunState) -> Result<Judgement> {
        let exceeded = &self.exceeded;
        Ok(match row.position.phase {
            Phase::Deactivate => hold_if(exceeded.deactivations.is_some() || (exceeded.logins.is_some() && changes_login(row)?)),
            Phase::UpdateUsers => hold_if(exceeded.updated_users.is_some() || (exceeded.logins.is_some() && changes_login(row)?)),
            Phase::RemoveMembers => self.decide_removal(row)?,
            Phase::CreateUsers => hold_if(exceeded.created_users.is_some()),
            Phase::PutGroups if payload::kind(row)? == ChangeKind::GroupCreated => hold_if(exceeded.created_groups.is_some()),
            Phase::PutGroups => hold_if(exceeded.updated_groups.is_some()),
            Phase::AddMembers => match Pack::of(row)?.into_iter().flat_map(|pack| pack.items()).all(|item| state.has_both_ends(&item)) {
                true => hold_if(exceeded.added_memberships.is_some() || self.depends_on_held(row)?),
                false => Judgement::Drop,
            },
            Phase::DeleteUsers => hold_if(self.fates.users_over.is_some() || self.depends_on_held(row)?),
            Phase::DeleteGroups => hold_if(self.fates.groups_over.is_some() || self.depends_on_held(row)?),
            _ => Judgement::Apply,
        })
    }

    fn decide_removal(&self, row: &StagedRow) -> Result<Judgement> {
        let mut is_held = self.exceeded.memberships.is_some();
        for item in Pack::of(row)?.into_iter().flat_map(|pack| pack.items()) {
            is_held |= is_held_with_an_end(&item, self.fates)? || self.exceeded.groups.contains(&group_id(item.group)?);
        }
        Ok(hold_if(is_held))
    }

    fn depends_on_held(&self, row: &StagedRow) -> Result<bool> {
        Ok(!self.held_back.is_empty() && self.held_back.stops(&payload::subject(row)?))
    }

    /// Whether the sink refused exactly this a short while ago, or something that it depends on.
    fn must_wait(&mut self, row: &StagedRow) -> Result<bool> {
        if self.escrow.is_empty() {
            return Ok(false);
        }
        let subject = payload::subject(row)?;
        let known = self.escrow.waiting(row);
        if known.is_none() && !self.set_aside.stops(&subject) {
            return Ok(false);
        }
        self.set_aside.withhold(&subject);
        self.waiting.add(known);
        Ok(true)
    }

    fn hold(&mut self, row: &StagedRow) -> Result<()> {
        let kind = payload::kind(row)?;
        self.held.add(kind, 1);
        self.held_hash.add(row)?;
        if self.held.get(kind) <= EXAMPLES as u64 {
            self.examples.entry(kind.as_str().to_owned()).or_default().push(describe(&payload::change(row)?));
        }
        let subject = payload::subject(row)?;
        self.held_back.withhold(&subject);
        for entry in subject.entries {
            if let (ChangeKind::GroupUserRemoved, EntryId::Group(group)) = (kind, entry) {
                *self.reach.entry(group).or_default() += 1;
            }
        }
        Ok(())
    }

    pub(crate) fn apply_hash(&self) -> PlanHash {
        self.apply_hash.finish()
    }

    pub(crate) fn held_hash(&self) -> PlanHash {
        self.held_hash.finish()
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

const fn hold_if(held: bool) -> Judgement {
    if held { Judgement::Hold } else { Judgement::Apply }
}

impl Verdict {
    fn add(&mut self, position: StagedKey, judgement: Judgement) {
        match judgement {
            Judgement::Apply => {}
            Judgement::Hold => self.marks.push((position, Mark::Held)),
            Judgement::Wait => self.marks.push((position, Mark::Failed)),
            Judgement::Drop => {
                self.dropped += 1;
                self.marks.push((position, Mark::Dropped));
            }
        }
    }
}

impl Exceeded {
    fn any(&self) -> bool {
        let kinds = [
            self.deactivations,
            self.memberships,
            self.logins,
            self.created_users,
            self.created_groups,
            self.added_memberships,
            self.updated_users,
            self.updated_groups,
        ];
        kinds.iter().any(Option::is_some) || !self.groups.is_empty()
    }
}
