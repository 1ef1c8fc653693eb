//! The scopes that clients were granted.

use super::span::Span;
use crate::id::Id;
use crate::moment::Moment;

/// A scope that a client may ask for. It belongs to the client id and outlives the app (recorded): a new app with the same client id has it.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) id: Id,
    pub(crate) client_id: String,
    pub(crate) scope: String,
    pub(crate) created: Moment,
    /// Who granted it, and what that is: a `User` or an app.
    pub(crate) by: (String, &'static str),
    pub(crate) span: Span,
}
