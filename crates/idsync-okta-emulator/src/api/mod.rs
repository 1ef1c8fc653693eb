//! The management API.

mod cursor;
mod groups;
mod listing;
mod org;
mod page;
mod records;
mod select;
mod users;

pub(crate) use cursor::Position;
pub(crate) use org::discovery;
pub(crate) use page::{Links, Next, Page};

use crate::auth::Caller;
use crate::org::Shared;
use crate::server::{Answer, Call, Endpoint, Failure};

/// Answers somebody who is known.
pub(crate) fn answer(shared: &Shared, call: &Call, caller: &Caller) -> Result<Answer, Failure> {
    let scope = match call.endpoint {
        Endpoint::Users | Endpoint::User | Endpoint::UserGroups => "okta.users.read",
        Endpoint::Groups | Endpoint::Group | Endpoint::Members => "okta.groups.read",
        Endpoint::Org => "okta.orgs.read",
        _ => return Err(Failure::okta(405, "E0000022", "The endpoint does not support the provided HTTP method")),
    };
    caller.needs(scope, shared, call)?;
    let id = call.id.as_deref().unwrap_or_default();
    match call.endpoint {
        Endpoint::Users => users::list(shared, call, caller),
        Endpoint::User => users::one(shared, id, caller),
        Endpoint::UserGroups => users::groups(shared, call, id, caller),
        Endpoint::Groups => groups::list(shared, call, caller),
        Endpoint::Group => groups::one(shared, id, caller),
        Endpoint::Members => groups::members(shared, call, id, caller),
        _ => org::settings(shared, caller),
    }
}
