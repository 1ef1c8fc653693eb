//! A fault, and when it strikes.

use super::kind::FaultKind;
use crate::server::{Call, Endpoint, Method};

/// Which requests are meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Calls {
    /// All of them.
    #[default]
    All,
    /// Those that change nothing, requests for access tokens among them.
    Reading,
    /// Those that would change something that is managed through the API.
    Writing,
}

impl Calls {
    pub(super) fn has(self, call: &Call) -> bool {
        match self {
            Self::All => true,
            Self::Reading => !call.is_writing(),
            Self::Writing => call.is_writing(),
        }
    }
}

/// Something that goes wrong, and when. Unless more is said it goes wrong once, with the first request to which it applies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Fault {
    pub(super) kind: FaultKind,
    pub(super) endpoint: Endpoint,
    pub(super) method: Option<Method>,
    pub(super) calls: Calls,
    pub(super) skip: u64,
    /// `None`: always.
    pub(super) times: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) record: Option<String>,
}

impl Fault {
    /// A fault of this kind.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, endpoint: Endpoint::Any, method: None, calls: Calls::All, skip: 0, times: Some(1), id: None, record: None }
    }

    /// What goes wrong.
    #[must_use]
    pub const fn kind(&self) -> &FaultKind {
        &self.kind
    }

    /// Lets it strike only requests of this kind.
    pub fn on(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// Lets it strike only requests with this method.
    pub fn of_method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Lets it strike only requests of this sort. With [`Fault::skip`] it strikes exactly the n-th of them, whatever it asks.
    pub fn of_calls(mut self, calls: Calls) -> Self {
        self.calls = calls;
        self
    }

    /// Spares the first `count` requests to which it applies.
    pub fn skip(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Lets it strike so many times.
    pub fn times(mut self, count: u64) -> Self {
        self.times = Some(count);
        self
    }

    /// Lets it strike every time.
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Lets it strike only requests whose path has this id, of a user, a group, an app or whatever comes first in it.
    pub fn for_id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Lets it strike only answers in which there is a record with this id. Kinds that are about a record then mean this one.
    pub fn of_record(mut self, id: impl Into<String>) -> Self {
        self.record = Some(id.into());
        self
    }
}
