//! Which limits a plan would exceed.

use crate::causes::{Cause, Causes};
use crate::confirm::{Fates, Over};
use crate::run::RunState;
use crate::wanted::Wanted;
use crate::{Limit, Safeguards};
use idsync_core::GroupId;
use std::collections::HashSet;

/// Which limits are exceeded.
#[derive(Debug, Default)]
pub(crate) struct Exceeded {
    pub(crate) deactivations: Option<Over>,
    pub(crate) memberships: Option<Over>,
    pub(crate) logins: Option<Over>,
    pub(crate) created_users: Option<Over>,
    pub(crate) created_groups: Option<Over>,
    pub(crate) added_memberships: Option<Over>,
    pub(crate) updated_users: Option<Over>,
    pub(crate) updated_groups: Option<Over>,
    pub(crate) groups: HashSet<GroupId>,
}

impl RunState {
    pub(crate) fn exceeded(&self, wanted: Wanted, limits: &Safeguards) -> Exceeded {
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
        // What was not read shows no members, and those it has do not end.
        let none_is_left = self.membership_size == 0 && wanted.ending >= memberships;
        if memberships >= 10 && none_is_left && now.memberships > 0 && limits.memberships != Limit::Unlimited {
            exceeded.memberships.get_or_insert(Over { wanted: now.memberships, allowed: 0, size: memberships, recent: 0 });
        }
        let size = |group: &GroupId| self.index.members.size(group);
        let hit = wanted.in_groups.into_iter().filter(|(group, leaving)| !limits.in_one_group.allows(*leaving, size(group)));
        exceeded.groups.extend(hit.map(|(group, _)| group));
        exceeded
    }
}

impl Exceeded {
    /// Counts those among these causes as exceeded, too. Users and groups that are gone have limits of their own.
    pub(crate) fn uphold(&mut self, causes: &Causes) {
        for cause in &causes.limits {
            if let Some(limit) = self.limit_mut(*cause) {
                limit.get_or_insert(Over::UPHELD);
            }
        }
        self.groups.extend(causes.groups.iter().cloned());
    }

    /// What holds something back now, whatever was held before.
    pub(crate) fn causes(&self, fates: &Fates) -> Causes {
        let limits = [
            (Cause::Users, fates.users_over),
            (Cause::Groups, fates.groups_over),
            (Cause::Deactivations, self.deactivations),
            (Cause::Memberships, self.memberships),
            (Cause::Logins, self.logins),
            (Cause::CreatedUsers, self.created_users),
            (Cause::CreatedGroups, self.created_groups),
            (Cause::AddedMemberships, self.added_memberships),
            (Cause::UpdatedUsers, self.updated_users),
            (Cause::UpdatedGroups, self.updated_groups),
        ];
        let limits = limits.into_iter().filter(|(_, over)| over.is_some_and(|over| over != Over::UPHELD)).map(|(cause, _)| cause);
        Causes { limits: limits.collect(), groups: self.groups.iter().cloned().collect() }
    }

    const fn limit_mut(&mut self, cause: Cause) -> Option<&mut Option<Over>> {
        match cause {
            Cause::Users | Cause::Groups => None,
            Cause::Deactivations => Some(&mut self.deactivations),
            Cause::Memberships => Some(&mut self.memberships),
            Cause::Logins => Some(&mut self.logins),
            Cause::CreatedUsers => Some(&mut self.created_users),
            Cause::CreatedGroups => Some(&mut self.created_groups),
            Cause::AddedMemberships => Some(&mut self.added_memberships),
            Cause::UpdatedUsers => Some(&mut self.updated_users),
            Cause::UpdatedGroups => Some(&mut self.updated_groups),
        }
    }

    /// Whether any is.
    pub(crate) fn any(&self) -> bool {
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

    /// Why something is held, limit by limit.
    pub(crate) fn reasons(&self, fates: &Fates) -> Vec<String> {
        let limits = [
            ("users would go", fates.users_over),
            ("users would be deactivated", self.deactivations),
            ("groups would go", fates.groups_over),
            ("memberships would go", self.memberships),
            ("logins would change", self.logins),
            ("users would be updated", self.updated_users),
            ("groups would be updated", self.updated_groups),
        ];
        let mut reasons: Vec<_> = limits.into_iter().filter_map(|(what, over)| over.map(|over| reason(what, over))).collect();
        let growth = [("users", self.created_users), ("groups", self.created_groups), ("memberships", self.added_memberships)];
        reasons.extend(growth.into_iter().filter_map(|(what, over)| over.map(|over| grown(what, over))));
        match self.groups.len() {
            0 => {}
            1 => reasons.push("one group would lose more of its members than one may".to_owned()),
            groups => reasons.push(format!("{groups} groups would lose more of their members than they may")),
        }
        reasons
    }
}

fn reason(what: &str, over: Over) -> String {
    let Over { wanted, allowed, size, recent } = over;
    match recent {
        _ if over == Over::UPHELD => format!("{what} that are held already"),
        0 => format!("{wanted} of {size} {what}, {allowed} may"),
        _ => format!("{wanted} of {size} {what} after {recent} lately, {allowed} may in all"),
    }
}

fn grown(what: &str, over: Over) -> String {
    let Over { wanted, allowed, size, recent } = over;
    match recent {
        _ if over == Over::UPHELD => format!("{what} would be added that are held already"),
        0 => format!("{wanted} {what} would be added to {size}, {allowed} may"),
        _ => format!("{wanted} {what} would be added to {size} after {recent} lately, {allowed} may in all"),
    }
}
