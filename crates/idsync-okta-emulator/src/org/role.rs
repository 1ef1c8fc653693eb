//! Standard admin roles.

/// A standard admin role, of an app or of the admin whose API token is used. Scopes say which calls an app may make, the role says which
/// things it sees (Okta reference: "Build an OAuth 2.0 service app").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// `ACCESS_CERTIFICATIONS_ADMIN`; sees nobody.
    AccessCertificationsAdmin,
    /// `ACCESS_REQUESTS_ADMIN`; sees nobody.
    AccessRequestsAdmin,
    /// `API_ACCESS_MANAGEMENT_ADMIN`; manages apps, sees nobody.
    ApiAccessManagementAdmin,
    /// `APP_ADMIN`; manages apps, reads users and groups.
    AppAdmin,
    /// `GROUP_MEMBERSHIP_ADMIN`; reads users and groups.
    GroupMembershipAdmin,
    /// `HELP_DESK_ADMIN`; reads users and groups.
    HelpDeskAdmin,
    /// No role: user lists and member lists are empty, and everything else is refused.
    None,
    /// `ORG_ADMIN`; reads users, groups and apps.
    OrgAdmin,
    /// `READ_ONLY_ADMIN`; reads users, groups and apps.
    ReadOnlyAdmin,
    /// `REPORT_ADMIN`; sees nobody.
    ReportAdmin,
    /// `SUPER_ADMIN`; may do everything.
    SuperAdmin,
    /// `USER_ADMIN`; reads users and groups.
    UserAdmin,
    /// `WORKFLOWS_ADMIN`; sees nobody.
    WorkflowsAdmin,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 13] = [
        Self::AccessCertificationsAdmin,
        Self::AccessRequestsAdmin,
        Self::ApiAccessManagementAdmin,
        Self::AppAdmin,
        Self::GroupMembershipAdmin,
        Self::HelpDeskAdmin,
        Self::None,
        Self::OrgAdmin,
        Self::ReadOnlyAdmin,
        Self::ReportAdmin,
        Self::SuperAdmin,
        Self::UserAdmin,
        Self::WorkflowsAdmin,
    ];

    /// The role as Okta spells it; empty for [`Role::None`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessCertificationsAdmin => "ACCESS_CERTIFICATIONS_ADMIN",
            Self::AccessRequestsAdmin => "ACCESS_REQUESTS_ADMIN",
            Self::ApiAccessManagementAdmin => "API_ACCESS_MANAGEMENT_ADMIN",
            Self::AppAdmin => "APP_ADMIN",
            Self::GroupMembershipAdmin => "GROUP_MEMBERSHIP_ADMIN",
            Self::HelpDeskAdmin => "HELP_DESK_ADMIN",
            Self::None => "",
            Self::OrgAdmin => "ORG_ADMIN",
            Self::ReadOnlyAdmin => "READ_ONLY_ADMIN",
            Self::ReportAdmin => "REPORT_ADMIN",
            Self::SuperAdmin => "SUPER_ADMIN",
            Self::UserAdmin => "USER_ADMIN",
            Self::WorkflowsAdmin => "WORKFLOWS_ADMIN",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// The name for people.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::AccessCertificationsAdmin => "Access Certifications Administrator",
            Self::AccessRequestsAdmin => "Access Requests Administrator",
            Self::ApiAccessManagementAdmin => "API Access Management Administrator",
            Self::AppAdmin => "Application Administrator",
            Self::GroupMembershipAdmin => "Group Membership Administrator",
            Self::HelpDeskAdmin => "Help Desk Administrator",
            Self::None => "",
            Self::OrgAdmin => "Organization Administrator",
            Self::ReadOnlyAdmin => "Read-Only Administrator",
            Self::ReportAdmin => "Report Administrator",
            Self::SuperAdmin => "Super Administrator",
            Self::UserAdmin => "User Administrator",
            Self::WorkflowsAdmin => "Workflows Administrator",
        }
    }

    /// The id of every assignment of this role, where Okta has one for all of them: the Base32 of the role's name (recorded).
    pub(crate) fn common_id(self) -> Option<String> {
        let has_one = matches!(self, Self::AppAdmin | Self::GroupMembershipAdmin | Self::HelpDeskAdmin | Self::UserAdmin);
        has_one.then(|| base32(self.as_str().as_bytes()))
    }

    /// Whether the role sees all users and groups.
    pub(crate) fn sees_people(self) -> bool {
        matches!(
            self,
            Self::AppAdmin
                | Self::GroupMembershipAdmin
                | Self::HelpDeskAdmin
                | Self::OrgAdmin
                | Self::ReadOnlyAdmin
                | Self::SuperAdmin
                | Self::UserAdmin
        )
    }

    pub(crate) fn sees_apps(self) -> bool {
        self.manages_apps() || matches!(self, Self::OrgAdmin | Self::ReadOnlyAdmin)
    }

    /// Whether the role makes, changes and deletes OpenID Connect apps that have no power yet.
    pub(crate) fn manages_apps(self) -> bool {
        matches!(self, Self::ApiAccessManagementAdmin | Self::AppAdmin | Self::SuperAdmin)
    }
}

/// Base32 without padding (RFC 4648, section 6).
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut pending, mut count) = (0_u32, 0_u32);
    let mut push = |five: u32| text.extend(LETTERS.get(five as usize & 31).map(|&letter| char::from(letter)));
    for &byte in bytes {
        pending = pending << 8 | u32::from(byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            push(pending >> count);
        }
        pending &= (1 << count) - 1;
    }
    if count > 0 {
        push(pending << (5 - count));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648, section 10, without their padding.
    #[test]
    fn base32_is_that_of_the_standard() {
        for (plain, encoded) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(plain.as_bytes()), encoded);
        }
        assert_eq!(Role::ALL.iter().filter(|role| role.common_id().is_some()).count(), 4);
    }

    #[test]
    fn every_role_is_found_by_its_name() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("KING"), None);
    }
}
