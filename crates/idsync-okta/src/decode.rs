//! Okta's JSON from elsewhere than a request: an export, a recording, a test.
//!
//! These functions read what [`OktaProvider`](crate::OktaProvider) reads, by the same rules: unknown members and statuses are kept,
//! `null` counts as absent, links and credentials are left out, and a record that cannot be understood is set aside with its id.
//!
//! ```
//! let page = idsync_okta::decode::users(br#"[{"id": "00u1", "status": "ACTIVE", "profile": {"login": "ana@example.com"}}, {"id": "00u2"}]"#)?;
//! assert_eq!(page.items[0].login.as_deref(), Some("ana@example.com"));
//! assert_eq!(page.held[0].reason, "the user has no status");
//! # Ok::<(), idsync_okta::Error>(())
//! ```

use crate::error::Error;
use crate::wire::{self, DecodeFault, WireGroup, WireUser};
use idsync_core::{Group, Page, User, UserId};

/// Reads an array of users, as `GET /api/v1/users` answers.
///
/// # Errors
/// [`Error::Decode`] when the text is no array of objects at all.
pub fn users(json: &[u8]) -> Result<Page<User>, Error> {
    wire::page::<WireUser<'_>>(json).map_err(|fault| undecodable("read users", fault))
}

/// Reads an array of groups, as `GET /api/v1/groups` answers.
///
/// # Errors
/// [`Error::Decode`] when the text is no array of objects at all.
pub fn groups(json: &[u8]) -> Result<Page<Group>, Error> {
    wire::page::<WireGroup<'_>>(json).map_err(|fault| undecodable("read groups", fault))
}

/// Reads the ids of an array of users, as `GET /api/v1/groups/{id}/users` answers, whatever their status.
///
/// # Errors
/// [`Error::Decode`] when the text is no array of objects at all.
pub fn members(json: &[u8]) -> Result<Page<UserId>, Error> {
    let page = wire::members(json).map_err(|fault| undecodable("read members", fault))?;
    Ok(Page::new(page.items.into_iter().map(|member| member.id).collect()).with_held(page.held))
}

fn undecodable(operation: &'static str, fault: DecodeFault) -> Error {
    Error::Decode { operation, reason: fault.as_str() }
}
