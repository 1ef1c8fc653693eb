//! The API tokens of the org's admins.

use super::{Org, Role, Shared};
use crate::id::{Id, letters};
use crate::moment::Moment;
use std::fmt;

/// An API token.
#[derive(Clone)]
pub(crate) struct ApiToken {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) secret: String,
    /// The role of the admin whose token it is.
    pub(crate) role: Role,
    /// The index of that admin among the users.
    pub(crate) owner: u32,
    pub(crate) created: Moment,
    /// When it was last used; a token that is not used for thirty days dies.
    pub(crate) used: Moment,
    pub(crate) is_revoked: bool,
}

/// How long an unused token lives, in seconds (Okta reference: "Create an API token").
const WINDOW: i64 = 30 * 86_400;

impl ApiToken {
    pub(crate) fn expires(&self) -> Moment {
        self.used.plus(WINDOW)
    }

    pub(crate) fn is_good_at(&self, now: Moment) -> bool {
        !self.is_revoked && now < self.expires()
    }
}

/// Without the secret.
impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiToken").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

/// An API token that was made for an admin.
#[derive(Clone)]
pub struct NewApiToken {
    id: String,
    secret: String,
}

impl NewApiToken {
    /// The id, which is no secret.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The token itself, as it follows `SSWS` in a header.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for NewApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewApiToken").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Shared {
    /// Notes that the API tokens were used now, so that those of a fresh org live.
    pub(crate) fn use_api_tokens(&self) {
        let now = self.now();
        self.access().managed.api_tokens.iter_mut().for_each(|token| token.used = now);
    }
}

impl Org {
    /// Makes an API token of an admin with this role. Admins with the same role are the same user: the super admin is the first user.
    pub fn create_api_token(&self, role: Role) -> NewApiToken {
        let (now, number) = (self.shared.now(), self.shared.number());
        let mut access = self.shared.access();
        let managed = &mut access.managed;
        let secret = format!("00e{}", letters(number ^ u64::from(std::process::id()), 39));
        let id = managed.add_api_token(format!("{} token", role.label()), secret.clone(), role, now);
        NewApiToken { id, secret }
    }

    /// Revokes an API token. False when there is no such token.
    pub fn revoke_api_token(&self, id: &str) -> bool {
        self.change_api_token(id, |token| token.is_revoked = true)
    }

    /// Gives the admin of an API token another role, which holds from the next request on. False when there is no such token.
    pub fn set_role_of_api_token(&self, id: &str, role: Role) -> bool {
        self.change_api_token(id, |token| token.role = role)
    }

    fn change_api_token(&self, id: &str, change: impl FnOnce(&mut ApiToken)) -> bool {
        let mut access = self.shared.access();
        let token = access.managed.api_tokens.iter_mut().find(|token| token.id.as_str() == id && !token.is_revoked);
        token.map(change).is_some()
    }
}
