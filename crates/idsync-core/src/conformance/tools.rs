//! What the checks of all suites are written with.

use super::Unproven;
use super::report::described;
use crate::{DirectoryId, Error, ErrorKind, GroupId, InvalidId, Result, UserId};
use futures::future::{BoxFuture, FutureExt};
use futures::task::noop_waker;
use std::collections::BTreeSet;
use std::fmt;
use std::task::{Context, Poll};

/// Fails with `reason` unless `holds`.
pub(super) fn ensure<R: Into<String>>(holds: bool, reason: impl FnOnce() -> R) -> Result<(), Unproven> {
    if holds { Ok(()) } else { Err(Unproven::failed(reason())) }
}

/// Fails unless the two are equal.
pub(super) fn ensure_eq<T: PartialEq + fmt::Debug>(found: &T, expected: &T, what: &str) -> Result<(), Unproven> {
    ensure(found == expected, || format!("{what}: expected {expected:?}, found {found:?}"))
}

/// Fails unless the two sets are equal, and names what is missing and what is too much.
pub(super) fn ensure_same<T: Ord + fmt::Debug>(found: &BTreeSet<T>, expected: &BTreeSet<T>, what: &str) -> Result<(), Unproven> {
    let missing: Vec<_> = expected.difference(found).take(SHOWN).collect();
    let surplus: Vec<_> = found.difference(expected).take(SHOWN).collect();
    ensure(missing.is_empty() && surplus.is_empty(), || {
        format!("{what}: {} of {} are there; missing: {missing:?}; not expected: {surplus:?}", found.len(), expected.len())
    })
}

/// How many of the entries that are wrong a reason names.
const SHOWN: usize = 5;

/// The error of an operation that must be refused with `kind`.
pub(super) fn refused<T>(result: Result<T>, kind: ErrorKind, what: &str) -> Result<Error, Unproven> {
    match result {
        Err(error) if error.kind() == kind => Ok(error),
        Err(error) => Err(Unproven::failed(format!("{what}: expected an error of kind {}, found: {}", kind.as_str(), described(&error)))),
        Ok(_) => Err(Unproven::failed(format!("{what}: expected an error of kind {}, but it succeeded", kind.as_str()))),
    }
}

/// Polls a future some times and drops it, as a caller does that is cancelled; the output, if it came that soon.
pub(super) fn poll_and_drop<T>(mut future: BoxFuture<'_, T>, polls: usize) -> Option<T> {
    let waker = noop_waker();
    let mut context = Context::from_waker(&waker);
    for _ in 0..polls {
        if let Poll::Ready(output) = future.poll_unpin(&mut context) {
            return Some(output);
        }
    }
    None
}

/// How often a future is polled before it is dropped, in the checks of cancellation.
pub(super) const CANCELLED_AFTER: [usize; 3] = [0, 1, 3];

pub(super) fn user_id(text: impl AsRef<str>) -> Result<UserId, Unproven> {
    UserId::new(text).map_err(unusable)
}

pub(super) fn group_id(text: impl AsRef<str>) -> Result<GroupId, Unproven> {
    GroupId::new(text).map_err(unusable)
}

pub(super) fn directory_id(text: impl AsRef<str>) -> Result<DirectoryId, Unproven> {
    DirectoryId::new(text).map_err(unusable)
}

fn unusable(error: InvalidId) -> Unproven {
    Unproven::failed(format!("the suite is wrong: {error}"))
}
