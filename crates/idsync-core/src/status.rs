//! Where a user stands.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A user's status in the provider's own words.
///
/// The eight named values are those of Okta's user lifecycle (Okta reference, `UserStatus`); another provider maps its own onto them
/// where the meaning is the same. Anything else is kept as [`UserStatus::Other`], exactly as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum UserStatus {
    /// Can sign in.
    Active,
    /// Deactivated; may be activated again or deleted.
    Deprovisioned,
    /// Locked after too many failed attempts.
    LockedOut,
    /// Must choose a new password at the next sign-in.
    PasswordExpired,
    /// Activated, but the welcome flow is not finished.
    Provisioned,
    /// A password reset is pending.
    Recovery,
    /// Created, not activated.
    Staged,
    /// Blocked by an administrator; keeps groups and apps.
    Suspended,
    /// A value that this version does not know, as it was sent.
    Other(String),
}

impl UserStatus {
    /// The value as the provider spells it, such as `PASSWORD_EXPIRED`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Active => "ACTIVE",
            Self::Deprovisioned => "DEPROVISIONED",
            Self::LockedOut => "LOCKED_OUT",
            Self::PasswordExpired => "PASSWORD_EXPIRED",
            Self::Provisioned => "PROVISIONED",
            Self::Recovery => "RECOVERY",
            Self::Staged => "STAGED",
            Self::Suspended => "SUSPENDED",
            Self::Other(text) => text,
        }
    }

    fn known(text: &str) -> Option<Self> {
        Some(match text {
            "ACTIVE" => Self::Active,
            "DEPROVISIONED" => Self::Deprovisioned,
            "LOCKED_OUT" => Self::LockedOut,
            "PASSWORD_EXPIRED" => Self::PasswordExpired,
            "PROVISIONED" => Self::Provisioned,
            "RECOVERY" => Self::Recovery,
            "STAGED" => Self::Staged,
            "SUSPENDED" => Self::Suspended,
            _ => return None,
        })
    }

    /// The coarse state that most sinks want.
    ///
    /// A status that is not known counts as [`Lifecycle::Pending`]: present, but not assumed to be able to sign in.
    pub const fn lifecycle(&self) -> Lifecycle {
        match self {
            Self::Active | Self::LockedOut | Self::PasswordExpired | Self::Recovery => Lifecycle::Active,
            Self::Deprovisioned => Lifecycle::Deprovisioned,
            Self::Suspended => Lifecycle::Suspended,
            Self::Staged | Self::Provisioned | Self::Other(_) => Lifecycle::Pending,
        }
    }
}

impl From<String> for UserStatus {
    fn from(text: String) -> Self {
        Self::known(&text).unwrap_or(Self::Other(text))
    }
}

impl From<&str> for UserStatus {
    fn from(text: &str) -> Self {
        Self::known(text).unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}

impl From<UserStatus> for String {
    fn from(status: UserStatus) -> Self {
        match status {
            UserStatus::Other(text) => text,
            known => known.as_str().to_owned(),
        }
    }
}

impl fmt::Display for UserStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a status means for access, in four words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Lifecycle {
    /// Has an account in use.
    Active,
    /// Deactivated.
    Deprovisioned,
    /// Not yet in use.
    Pending,
    /// Blocked for now.
    Suspended,
}

impl Lifecycle {
    /// The state as one lower-case word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deprovisioned => "deprovisioned",
            Self::Pending => "pending",
            Self::Suspended => "suspended",
        }
    }

    /// Whether access ends when a user enters this state.
    pub const fn is_blocked(self) -> bool {
        matches!(self, Self::Deprovisioned | Self::Suspended)
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p09_every_status_survives_a_round_trip_as_it_came() {
        for text in [
            "ACTIVE",
            "DEPROVISIONED",
            "LOCKED_OUT",
            "PASSWORD_EXPIRED",
            "PROVISIONED",
            "RECOVERY",
            "STAGED",
            "SUSPENDED",
            "ACTIVATING",
            "Active",
        ] {
            let status = UserStatus::from(text);
            assert_eq!(status.as_str(), text);
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(serde_json::from_str::<UserStatus>(&json).unwrap(), status);
        }
        assert_eq!(UserStatus::from("Active"), UserStatus::Other("Active".to_owned()));
    }
}
