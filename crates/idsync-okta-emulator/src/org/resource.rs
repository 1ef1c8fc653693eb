//! What may be in a resource set.

use crate::server::decode_segment;

/// A thing, or a kind of things, that a custom role may be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    /// All apps, or some; a part of an ORN and of a path, which nothing here looks at.
    Apps(Option<String>),
    Group(String),
    Groups,
    User(String),
    Users,
    /// The users of a group.
    UsersOfGroup(String),
}

impl Resource {
    /// Reads a REST URL of this org, or an ORN of it.
    pub(crate) fn parse(text: &str, base: &str, org_id: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix(base) {
            let parts: Vec<&str> = path.strip_prefix("/api/v1/")?.split('/').collect();
            return Some(match parts.as_slice() {
                ["apps"] => Self::Apps(None),
                ["apps", id] => Self::Apps(Some(decode_segment(id))),
                ["groups"] => Self::Groups,
                ["groups", id] => Self::Group(decode_segment(id)),
                ["groups", id, "users"] => Self::UsersOfGroup(decode_segment(id)),
                ["users"] => Self::Users,
                ["users", id] => Self::User(decode_segment(id)),
                _ => return None,
            });
        }
        let parts: Vec<&str> = text.split(':').collect();
        Some(match parts.as_slice() {
            ["orn", "okta", "idp", org, "apps"] if *org == org_id => Self::Apps(None),
            ["orn", "okta", "idp", org, "apps", .., id] if *org == org_id => Self::Apps(Some((*id).to_owned())),
            ["orn", "okta", "directory", org, rest @ ..] if *org == org_id => match rest {
                ["groups"] => Self::Groups,
                ["groups", id] => Self::Group((*id).to_owned()),
                ["groups", id, "contained_resources"] => Self::UsersOfGroup((*id).to_owned()),
                ["users"] => Self::Users,
                ["users", id] => Self::User((*id).to_owned()),
                _ => return None,
            },
            _ => return None,
        })
    }

    pub(crate) fn orn(&self, org_id: &str) -> String {
        match self {
            Self::Apps(None) => format!("orn:okta:idp:{org_id}:apps"),
            Self::Apps(Some(id)) => format!("orn:okta:idp:{org_id}:apps:oidc_client:{id}"),
            Self::Group(id) => format!("orn:okta:directory:{org_id}:groups:{id}"),
            Self::Groups => format!("orn:okta:directory:{org_id}:groups"),
            Self::User(id) => format!("orn:okta:directory:{org_id}:users:{id}"),
            Self::Users => format!("orn:okta:directory:{org_id}:users"),
            Self::UsersOfGroup(id) => format!("orn:okta:directory:{org_id}:groups:{id}:contained_resources"),
        }
    }

    /// The path of what it is.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Apps(None) => "/api/v1/apps".to_owned(),
            Self::Apps(Some(id)) => format!("/api/v1/apps/{id}"),
            Self::Group(id) => format!("/api/v1/groups/{id}"),
            Self::Groups => "/api/v1/groups".to_owned(),
            Self::User(id) => format!("/api/v1/users/{id}"),
            Self::Users => "/api/v1/users".to_owned(),
            Self::UsersOfGroup(id) => format!("/api/v1/groups/{id}/users"),
        }
    }

    /// The link that stands beside `self`, where there is one: named after the kind (recorded).
    pub(crate) fn kind_link(&self) -> Option<&'static str> {
        match self {
            Self::Groups => Some("groups"),
            Self::Users | Self::UsersOfGroup(_) => Some("users"),
            Self::Apps(_) | Self::Group(_) | Self::User(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_names_of_this_org_name_the_same_things() {
        let base = "http://127.0.0.1:80";
        let all = [
            Resource::Apps(None),
            Resource::Apps(Some("0oa1".to_owned())),
            Resource::Group("00g1".to_owned()),
            Resource::Groups,
            Resource::User("00u1".to_owned()),
            Resource::Users,
            Resource::UsersOfGroup("00g1".to_owned()),
        ];
        for resource in all {
            let url = format!("{base}{}", resource.path());
            assert_eq!(Resource::parse(&url, base, "00o1"), Some(resource.clone()));
            let orn = resource.orn("00o1");
            assert_eq!(Resource::parse(&orn, base, "00o1"), Some(resource));
            assert_eq!(Resource::parse(&orn, base, "00o2"), None, "another org");
        }
        for wrong in ["", "users", "https://other.example.com/api/v1/users", "orn:okta:directory:00o1:devices", "http://127.0.0.1:80/"] {
            assert_eq!(Resource::parse(wrong, base, "00o1"), None, "{wrong}");
        }
    }
}
