//! A fault, and when it strikes.

use super::kind::FaultKind;
use crate::server::Endpoint;

/// Something that goes wrong, and when. Unless more is said it goes wrong once, with the first request to which it applies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Fault {
    pub(super) kind: FaultKind,
    pub(super) endpoint: Endpoint,
    pub(super) skip: u64,
    /// `None`: always.
    pub(super) times: Option<u64>,
    pub(super) id: Option<String>,
    pub(super) record: Option<String>,
}

impl Fault {
    /// A fault of this kind.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, endpoint: Endpoint::Any, skip: 0, times: Some(1), id: None, record: None }
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

    /// Lets it strike only requests with this id of a user or a group in their path.
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
