//! Decides about every staged difference: applied, held by a safeguard, waiting in escrow, or dropped because an end of it is missing.

use crate::blocked::Blocked;
use crate::causes::Causes;
use crate::confirm::Fates;
use crate::escrow::{Escrow, Waiting};
use crate::exceeded::Exceeded;
use crate::groups_held::{GroupsHeld, GroupsHeldHasher};
use crate::held::{EXAMPLES, GROUPS, GroupReach, HeldSet, Standing, describe};
use crate::packs::Pack;
use crate::payload;
use crate::plan_hash::{Covers, PlanHasher};
use crate::recent::Counted;
use crate::record;
use crate::report::Held;
use crate::run::RunState;
use crate::wanted::{changes_login, is_held_with_an_end};
use idsync_core::{BaseKind, ChangeKind, Counts, Detail, EntryId, GroupId, Mark, Phase, PlanHash, Result, StagedKey, StagedRow};
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    Apply,
    Drop,
    Hold,
    Wait,
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
    groups_held: GroupsHeldHasher,
    examples: BTreeMap<String, Vec<String>>,
    reach: BTreeMap<GroupId, u64>,
}

impl RunState {
    pub(crate) fn planner<'a>(&self, fates: &'a Fates, escrow: &'a Escrow, exceeded: Exceeded) -> Planner<'a> {
        let directory = &self.lease.directory;
        Planner {
            fates,
            escrow,
            exceeded,
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
            groups_held: GroupsHeldHasher::new(directory),
            examples: BTreeMap::new(),
            reach: BTreeMap::new(),
        }
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
            let group = record.map(|record| record::to_group(&record.record)).transpose()?;
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
                exceeded.added_memberships.is_none()
                    && state.index.groups.is_present_text(pack.group)
                    && state.index.users.are_present(pack.items().map(|item| item.user()))
            }
            _ => {
                let is_over = self.fates.users_over.is_some() || self.fates.groups_over.is_some();
                !is_over && exceeded.memberships.is_none() && !exceeded.groups.contains(&pack.group_id()?)
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
            is_held |= is_held_with_an_end(&item, self.fates)? || self.exceeded.groups.contains(&item.group_id()?);
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
        self.groups_held.add(row)?;
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

    /// The groups whose deletion is held.
    pub(crate) fn groups_held(&self) -> GroupsHeld {
        self.groups_held.finish()
    }

    /// What holds something back now.
    pub(crate) fn causes(&self) -> Causes {
        self.exceeded.causes(self.fates)
    }

    /// What is held, in short; `None` when nothing is.
    pub(crate) fn summary(&self, standing: Standing) -> Option<Held> {
        if self.held.total() == 0 {
            return None;
        }
        let by_kind: BTreeMap<_, _> = ChangeKind::ALL
            .into_iter()
            .filter(|kind| self.held.get(*kind) > 0)
            .map(|kind| (kind.as_str().to_owned(), self.held.get(kind)))
            .collect();
        Some(Held {
            total: self.held.total(),
            hash: self.held_hash(),
            reason: self.exceeded.reasons(self.fates).join("; "),
            by_kind,
            standing,
        })
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
