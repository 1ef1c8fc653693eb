//! One read of a directory, and what follows from it.

use crate::decisions::HeldRows;
use crate::history::Item;
use crate::lately::{Base, Counts, Kind};
use crate::position::position;
use crate::universe::lock;
use idsync_core::{Change, GroupId, StagedKey, Timestamp, UserId};
use idsync_engine::Safeguards;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// One read, and the plan that was made of it.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) limits: Safeguards,
    /// What was in scope, as the provider said.
    pub(crate) scope: String,
    pub(crate) asked: Mutex<Asked>,
    start: Mutex<Option<Start>>,
    groups: Mutex<BTreeMap<GroupId, Members>>,
    plan: Mutex<Judged>,
}

/// How things stood when the read began.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// The version of the source.
    pub(crate) version: u64,
    /// The time, as the engine was told it.
    pub(crate) at: Timestamp,
    /// What limits count of the runs before.
    pub(crate) lately: Counts,
    /// Somebody has approved something, so that everybody who vanished is asked for.
    pub(crate) approved: bool,
    /// Nothing was kept of earlier runs but the base.
    pub(crate) is_tidy: bool,
}

/// What a read asked for, and how large the base was that it stands on.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) checks: u64,
    /// Checks that were not answered.
    pub(crate) checks_failed: u64,
    /// When a checkpoint was made.
    pub(crate) checkpoints: Vec<Timestamp>,
    pub(crate) users_listings: u64,
    pub(crate) groups_listings: u64,
    pub(crate) members_listings: BTreeMap<GroupId, u64>,
    /// Groups whose members may not be read.
    pub(crate) members_refused: u64,
    pub(crate) user_look_ups: BTreeMap<UserId, u64>,
    pub(crate) group_look_ups: BTreeMap<GroupId, u64>,
    /// Groups that were listed, and must not be: an earlier attempt has done it.
    pub(crate) members_read_again: BTreeSet<GroupId>,
    /// Something could not be read.
    pub(crate) incomplete: bool,
    pub(crate) base: Base,
}

/// What is known of the members of one group.
#[derive(Debug, Default)]
struct Members {
    /// The oldest version that their listing shows.
    since: Option<u64>,
    /// The listing came to its end, and the engine was told times between these since.
    ended: Option<Option<Span>>,
    /// The identity had its role after that.
    proven: bool,
    /// When they last changed, as the group said.
    updated: Option<Timestamp>,
    earlier: Option<Earlier>,
}

/// The earliest and the latest of some instants.
pub(crate) type Span = (Timestamp, Timestamp);

/// What an earlier attempt read of a group's members.
#[derive(Debug, Clone)]
pub(crate) struct Earlier {
    /// The oldest version that they are shown in.
    pub(crate) since: u64,
    pub(crate) updated: Option<Timestamp>,
    /// It is not too old for certain.
    pub(crate) certain: bool,
}

/// What became of the differences.
#[derive(Debug, Default)]
struct Judged {
    held: HeldRows,
    approved: bool,
    let_go: BTreeMap<Kind, BTreeSet<StagedKey>>,
}

impl Reading {
    pub(crate) fn new(limits: Safeguards, scope: String) -> Self {
        Self { limits, scope, asked: Mutex::default(), start: Mutex::default(), groups: Mutex::default(), plan: Mutex::default() }
    }

    /// The read begins; everything before was about something else.
    pub(crate) fn begin(&self, start: Start) {
        lock(&self.start).get_or_insert(start);
    }

    /// How things stood when the read began, if it did.
    pub(crate) fn start(&self) -> Option<Start> {
        lock(&self.start).clone()
    }

    /// The version at which the read began.
    pub(crate) fn started(&self) -> u64 {
        lock(&self.start).as_ref().map_or(u64::MAX, |start| start.version)
    }

    /// A group is shown, and its members are in scope. Those that an earlier attempt read need not be read again if they are the same.
    pub(crate) fn show_group(&self, group: &GroupId, updated: Option<Timestamp>) {
        let mut groups = lock(&self.groups);
        let members = groups.entry(group.clone()).or_default();
        members.updated = updated;
        if members.earlier.as_ref().is_some_and(|earlier| earlier.updated != updated) {
            members.earlier = None;
        }
    }

    /// The members of a group are listed, as they are from this version on.
    pub(crate) fn list_members(&self, group: &GroupId, version: u64) {
        let mut groups = lock(&self.groups);
        let members = groups.entry(group.clone()).or_default();
        members.since = Some(members.since.map_or(version, |since| since.min(version)));
        if members.earlier.take().is_some_and(|earlier| earlier.certain) {
            lock(&self.asked).members_read_again.insert(group.clone());
        }
    }

    /// The listing of a group's members came to its end.
    pub(crate) fn end_members(&self, group: &GroupId) {
        let mut groups = lock(&self.groups);
        let members = groups.entry(group.clone()).or_default();
        (members.ended, members.proven) = (Some(None), false);
    }

    /// The identity has its role: what was read is what there is.
    pub(crate) fn prove(&self) {
        lock(&self.groups).values_mut().for_each(|members| members.proven = members.ended.is_some());
    }

    /// The engine is told the time, which may be when it took up what it has read.
    pub(crate) fn tell(&self, now: Timestamp) {
        for span in lock(&self.groups).values_mut().filter_map(|members| members.ended.as_mut()) {
            *span = Some(span.map_or((now, now), |(first, last)| (first.min(now), last.max(now))));
        }
    }

    /// An earlier attempt has read the members of this group.
    pub(crate) fn go_on_from(&self, group: &GroupId, earlier: Earlier) {
        lock(&self.groups).entry(group.clone()).or_default().earlier = Some(earlier);
    }

    /// Of how many groups the members may be as an earlier attempt read them.
    pub(crate) fn goes_on_from(&self) -> u64 {
        lock(&self.groups).values().filter(|members| members.earlier.is_some()).count() as u64
    }

    /// The oldest version that the members of a group are shown in, when they were read, and when they had changed; `None` when their
    /// listing did not end, or the identity may not have had its role any more.
    pub(crate) fn members_read(&self, group: &GroupId) -> Option<(u64, Span, Option<Timestamp>)> {
        let groups = lock(&self.groups);
        let members = groups.get(group)?;
        members.proven.then_some((members.since?, members.ended??, members.updated))
    }

    /// The oldest version in which the read can have shown the item.
    pub(crate) fn since(&self, item: &Item) -> u64 {
        let started = self.started();
        let Item::Membership(membership) = item else { return started };
        let groups = lock(&self.groups);
        let Some(members) = groups.get(&membership.group) else { return started };
        let earlier = members.earlier.as_ref().map(|earlier| earlier.since);
        members.since.into_iter().chain(earlier).fold(started, u64::min)
    }

    /// Somebody is looked up; says what is wrong when that is one more than a safeguard would let go.
    pub(crate) fn look_up(&self, kind: &Kind) -> Option<String> {
        let (start, asked) = (self.start()?, lock(&self.asked));
        let (count, most) = match kind {
            Kind::Groups => (asked.group_look_ups.len() as u64, asked.base.groups),
            _ => (asked.user_look_ups.len() as u64, asked.base.users),
        };
        let lately = start.lately.get(kind).copied().unwrap_or_default();
        // What somebody approved is looked up whatever the limits say.
        let allowed = kind.allowed(&self.limits, &asked.base, lately).filter(|_| !start.approved);
        (count > most || allowed.is_some_and(|allowed| count + lately > allowed))
            .then(|| format!("{count} {kind:?} of {most} are looked up after {lately} lately, although only {allowed:?} may go"))
    }

    /// A limit holds these rows back.
    pub(crate) fn hold(&self, rows: HeldRows) {
        lock(&self.plan).held.extend(rows);
    }

    /// What is held is applied after all.
    pub(crate) fn approve(&self) {
        lock(&self.plan).approved = true;
    }

    /// What limits hold back.
    pub(crate) fn held(&self) -> HeldRows {
        lock(&self.plan).held.clone()
    }

    /// Whether the row is held, and nobody has approved it.
    pub(crate) fn holds(&self, position: &StagedKey) -> bool {
        let plan = lock(&self.plan);
        !plan.approved && plan.held.contains_key(position)
    }

    /// Whether the row was held, and somebody has approved it.
    pub(crate) fn is_approved(&self, position: &StagedKey) -> bool {
        let plan = lock(&self.plan);
        plan.approved && plan.held.contains_key(position)
    }

    /// Whether somebody has approved what was held.
    pub(crate) fn is_any_approved(&self) -> bool {
        lock(&self.plan).approved
    }

    /// Takes note of a change that was delivered; says what is wrong when it is one too many. What somebody approved is nobody's business
    /// but theirs.
    pub(crate) fn let_go(&self, change: &Change) -> Option<String> {
        let position = position(change);
        if self.is_approved(&position) {
            return None;
        }
        let (start, base) = (self.start()?, lock(&self.asked).base.clone());
        let mut plan = lock(&self.plan);
        let mut finding = None;
        for kind in Kind::of(change) {
            let gone = plan.let_go.entry(kind.clone()).or_default();
            gone.insert(position.clone());
            let (count, lately) = (gone.len() as u64, start.lately.get(&kind).copied().unwrap_or_default());
            if let Some(allowed) = kind.allowed(&self.limits, &base, lately).filter(|allowed| count + lately > *allowed) {
                finding = Some(format!("{count} {kind:?} are let go after {lately} lately, although only {allowed} may"));
            }
        }
        finding
    }

    /// What limits count of that which was let go.
    pub(crate) fn counted(&self) -> Counts {
        let base = &lock(&self.asked).base;
        let first = base.users + base.groups == 0;
        let grown = |kind: &Kind| matches!(kind, Kind::CreatedUsers | Kind::CreatedGroups | Kind::AddedMemberships);
        let plan = lock(&self.plan);
        // A first sync creates everything, which says nothing about the next ones.
        plan.let_go.iter().filter(|(kind, _)| !(first && grown(kind))).map(|(kind, rows)| (kind.clone(), rows.len() as u64)).collect()
    }
}
