//! What a listing delivers at a time, and what a look-up answers.

use crate::DeletionReason;

/// One page of a listing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page<T> {
    /// The entries that were understood, in the provider's order. May be empty anywhere in a listing.
    pub items: Vec<T>,
    /// The entries that were there but could not be understood.
    pub held: Vec<HeldRecord>,
}

impl<T> Page<T> {
    /// A page of entries that were all understood.
    pub const fn new(items: Vec<T>) -> Self {
        Self { items, held: Vec::new() }
    }

    /// Adds entries that could not be understood.
    #[must_use]
    pub fn with_held(mut self, held: Vec<HeldRecord>) -> Self {
        self.held = held;
        self
    }
}

/// An entry that was read but could not be understood. It is reported and retried, and never deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldRecord {
    /// Its id, if that much could be read.
    pub id: Option<String>,
    /// What is wrong with it, without the value.
    pub reason: String,
}

impl HeldRecord {
    /// A record with this id, if it is known, and this fault.
    pub fn new(id: Option<String>, reason: impl Into<String>) -> Self {
        Self { id, reason: reason.into() }
    }
}

/// What the provider says when it is asked for one entry by its id.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Lookup<T> {
    /// It exists and is in scope.
    Found(T),
    /// It does not exist.
    NotFound,
    /// It exists, but it is not in scope; the reason is never [`DeletionReason::Deleted`].
    OutOfScope(DeletionReason),
}
