//! The states of a user and the types of a group.

use std::fmt;

/// The state of a user (Okta reference: `UserStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Status {
    /// May sign in.
    Active,
    /// Deactivated: absent from the plain user list, present in searches and in member lists.
    Deprovisioned,
    /// Locked after too many failures.
    LockedOut,
    /// Must change the password.
    PasswordExpired,
    /// Activated, but has not finished the welcome flow.
    Provisioned,
    /// A password reset is pending.
    Recovery,
    /// Created, not activated.
    Staged,
    /// Blocked by an admin.
    Suspended,
}

impl Status {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Active,
        Self::Deprovisioned,
        Self::LockedOut,
        Self::PasswordExpired,
        Self::Provisioned,
        Self::Recovery,
        Self::Staged,
        Self::Suspended,
    ];

    /// The state as Okta spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Deprovisioned => "DEPROVISIONED",
            Self::LockedOut => "LOCKED_OUT",
            Self::PasswordExpired => "PASSWORD_EXPIRED",
            Self::Provisioned => "PROVISIONED",
            Self::Recovery => "RECOVERY",
            Self::Staged => "STAGED",
            Self::Suspended => "SUSPENDED",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a group comes from (Okta reference: `GroupType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum GroupType {
    /// Imported from an app.
    App,
    /// Managed by Okta itself.
    BuiltIn,
    /// Managed by the org's admins.
    Okta,
}

impl GroupType {
    /// The type as Okta spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::App => "APP_GROUP",
            Self::BuiltIn => "BUILT_IN",
            Self::Okta => "OKTA_GROUP",
        }
    }
}

impl fmt::Display for GroupType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
