//! How an org behaves where orgs differ, or where it is not known how they behave.

use std::time::Duration;

/// How the org behaves where orgs differ, and where the sources leave it open. The defaults are what was recorded; where nothing was
/// recorded, what is harder on a client.
///
/// ```
/// use idsync_okta_emulator::{GrantAgain, OktaEmulator, Quirks};
/// use std::time::Duration;
///
/// let mut quirks = Quirks::default();
/// quirks.app_quota = Some(5);
/// quirks.grant_again = GrantAgain::SameGrant;
/// quirks.grant_delay = Duration::from_secs(20);
/// let builder = OktaEmulator::builder().quirks(quirks);
/// # drop(builder);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Quirks {
    /// Who may change an app that has an admin role.
    pub admin_apps: AdminApps,
    /// How many apps may be made; no more than that are ever there at once. `None`, the default: any number.
    pub app_quota: Option<usize>,
    /// Whether answers are compressed for who asks for it.
    pub compression: Compression,
    /// Whether custom roles are to be had.
    pub custom_roles: CustomRoles,
    /// What becomes of a custom role, or a resource set, that is deleted while somebody has it.
    pub deletion_in_use: DeletionInUse,
    /// What is answered when a scope is granted that was granted before.
    pub grant_again: GrantAgain,
    /// How long it takes until a grant, or its end, has an effect on new access tokens; measured with the org's clock. No time by default.
    pub grant_delay: Duration,
    /// Whether an app may grant scopes.
    pub grants_by_apps: GrantsByApps,
    /// Whether lists of apps show deactivated ones.
    pub inactive_apps: InactiveApps,
    /// The form of the list of an app's keys.
    pub key_list: KeyList,
    /// Whether two apps may have the same label.
    pub labels: Labels,
    /// What is answered when an app is activated or deactivated.
    pub lifecycle_body: LifecycleBody,
    /// From where requests come, as the org's network zones see it.
    pub network: Network,
    /// How long it takes until a role, or its end, has an effect; measured with the org's clock. No time by default.
    pub role_delay: Duration,
    /// Which status tells that something was made.
    pub statuses: Statuses,
}

/// Who may change an app that has an admin role: `PUT` is reported to have failed whatever the scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdminApps {
    /// Whoever may change apps, and is a super admin.
    ChangedByAll,
    /// Nobody: 403 `E0000006`, also to super admins.
    ChangedByNobody,
    /// Only super admins with an API token; apps get 403 `E0000006`.
    #[default]
    ChangedByUsers,
}

/// Whether answers are compressed for who asks for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// As gzip, when `Accept-Encoding` names it.
    Gzip,
    /// They are not, so that what is measured is not the packing.
    #[default]
    None,
}

/// Whether custom roles, resource sets and bindings are to be had; which editions have them is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CustomRoles {
    /// They are.
    #[default]
    Available,
    /// 401 `E0000015`, which no new token helps against.
    FeatureMissing,
    /// 403 `E0000006`.
    Forbidden,
}

/// What becomes of a custom role, or a resource set, that is deleted while somebody has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeletionInUse {
    /// It is deleted, and whoever had it has it no more.
    Allowed,
    /// 400 `E0000001`.
    #[default]
    Refused,
}

/// What is answered when a scope is granted that was granted before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantAgain {
    /// A second grant of the scope.
    Another,
    /// 400 `E0000001`.
    #[default]
    Refused,
    /// The grant that is there.
    SameGrant,
}

/// Whether an app may grant scopes: the scope for it is documented, and a refusal is reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantsByApps {
    /// It may, with the scope and the role for it.
    #[default]
    Allowed,
    /// 403 `E0000005`.
    InvalidSession,
}

/// Whether lists of apps show deactivated ones.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InactiveApps {
    /// They do (recorded).
    #[default]
    Listed,
    /// Only with `includeNonDeleted=true`, as the documentation has it.
    ListedOnRequest,
}

/// The form of the list of an app's keys, of which there is no recording.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyList {
    /// An array, as Okta's schema has it.
    #[default]
    Bare,
    /// `{"jwks":{"keys":[…]}}`, as Okta's example has it.
    Wrapped,
}

/// Whether two apps may have the same label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Labels {
    /// They may (recorded).
    #[default]
    Shared,
    /// 400 `E0000001`, as in orgs before 2021.
    Unique,
}

/// What is answered when an app is activated or deactivated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LifecycleBody {
    /// 200 without a body (recorded twice).
    Empty,
    /// 200 with `{}` (recorded).
    #[default]
    Object,
}

/// From where requests come, as the org's network zones see it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Network {
    /// From a place that apps and API tokens may be used from.
    #[default]
    Inside,
    /// From another place: the token endpoint answers 403 `access_denied`, and API tokens get 403 `E0000006`.
    Outside,
}

/// Which status tells that a grant or a role was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Statuses {
    /// Grants answer 201 and roles 200.
    Documented,
    /// Grants answer 200 and roles 201.
    #[default]
    Recorded,
}
