//! What somebody may do, and see.

use super::resource::Resource;
use super::role::Role;
use super::{Data, Members};
use std::collections::BTreeSet;

/// What the roles of a caller allow.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rights {
    roles: Vec<Role>,
    /// Which users the caller sees.
    pub(crate) users: Sight,
    /// Which groups the caller sees, with their members.
    pub(crate) groups: Sight,
}

/// Which things of a kind somebody sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Sight {
    All,
    #[default]
    Nothing,
    /// These, and what is in them.
    Part(Vec<Resource>),
}

/// The indexes of what somebody sees.
#[derive(Debug)]
pub(crate) enum Seen {
    All,
    Only(BTreeSet<u32>),
}

impl Rights {
    /// The rights that a standard role gives.
    pub(crate) fn of(role: Role) -> Self {
        let mut rights = Self::default();
        rights.add_role(role);
        rights
    }

    pub(crate) fn add_role(&mut self, role: Role) {
        if role == Role::None {
            return;
        }
        self.roles.push(role);
        if role.sees_people() {
            self.users = Sight::All;
            self.groups = Sight::All;
        }
    }

    /// Adds what a custom role with these permissions gives over these resources.
    pub(crate) fn add_custom<'a>(&mut self, permissions: &[&str], resources: impl Iterator<Item = &'a Resource> + Clone) {
        let has = |name: &str| {
            let (read, manage) = (format!("okta.{name}.read"), format!("okta.{name}.manage"));
            permissions.iter().any(|permission| *permission == read || *permission == manage)
        };
        if has("users") {
            self.users.add(
                resources.clone().filter(|resource| matches!(resource, Resource::User(_) | Resource::Users | Resource::UsersOfGroup(_))),
            );
        }
        if has("groups") {
            self.groups.add(resources.filter(|resource| matches!(resource, Resource::Group(_) | Resource::Groups)));
        }
    }

    /// Whether the caller has a standard role.
    pub(crate) fn has_role(&self) -> bool {
        !self.roles.is_empty()
    }

    pub(crate) fn is_super(&self) -> bool {
        self.roles.contains(&Role::SuperAdmin)
    }

    pub(crate) fn sees_apps(&self) -> bool {
        self.roles.iter().any(|role| role.sees_apps())
    }

    pub(crate) fn manages_apps(&self) -> bool {
        self.roles.iter().any(|role| role.manages_apps())
    }
}

impl Sight {
    fn add<'a>(&mut self, resources: impl Iterator<Item = &'a Resource>) {
        for resource in resources {
            match (&mut *self, resource) {
                (Self::All, _) => return,
                (_, Resource::Groups | Resource::Users) => *self = Self::All,
                (Self::Part(part), _) => part.push(resource.clone()),
                (Self::Nothing, _) => *self = Self::Part(vec![resource.clone()]),
            }
        }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }

    /// The users, or the groups, that are seen in this org.
    pub(crate) fn seen(&self, data: &Data) -> Seen {
        let part = match self {
            Self::All => return Seen::All,
            Self::Nothing => &[][..],
            Self::Part(part) => part,
        };
        let mut seen = BTreeSet::new();
        for resource in part {
            match resource {
                Resource::Group(id) => seen.extend(data.group_index(id)),
                Resource::User(id) => seen.extend(data.user_index(id)),
                Resource::UsersOfGroup(id) => match data.group_index(id).and_then(|index| data.group(index)).map(|group| &group.members) {
                    Some(Members::Everyone) => seen.extend(0..data.users.len() as u32),
                    Some(Members::Listed(members)) => seen.extend(members.iter().copied()),
                    None => {}
                },
                Resource::Apps(_) | Resource::Groups | Resource::Users => {}
            }
        }
        Seen::Only(seen)
    }
}

impl Seen {
    pub(crate) fn has(&self, index: u32) -> bool {
        match self {
            Self::All => true,
            Self::Only(seen) => seen.contains(&index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_role_shows_what_its_permissions_and_its_resources_have_in_common() {
        let all = [Resource::Users, Resource::Groups];
        let mut rights = Rights::default();
        rights.add_custom(&["okta.users.read"], all.iter());
        assert_eq!((&rights.users, &rights.groups), (&Sight::All, &Sight::Nothing));
        rights.add_custom(&["okta.groups.manage", "okta.apps.read"], [Resource::Group("00g1".to_owned())].iter());
        assert_eq!(rights.groups, Sight::Part(vec![Resource::Group("00g1".to_owned())]));
        rights.add_custom(&["okta.groups.read"], all.iter());
        assert_eq!(rights.groups, Sight::All);
        assert!(!rights.has_role() && !rights.is_super() && !rights.sees_apps());
        assert!(Rights::of(Role::ReportAdmin).users.is_nothing() && Rights::of(Role::None).groups.is_nothing());
    }
}
