//! Looking again until a write shows: an answer may be lost, and what was changed may be listed as it was for a while.

use super::write::WriteFault;
use crate::client::Inner;
use crate::error::{Error, ErrorDetail, SetupFault};
use crate::transport::{Attempts, RetryPolicy, Route};
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// How often it may be refused as if it were done already before that is an error.
const MOST_CONFLICTS: u32 = 5;

/// The writes to one object until it is seen that they have taken.
#[derive(Debug)]
pub(super) struct Settling {
    attempts: Attempts,
    conflicts: u32,
    /// The last write, and what is wrong if it does not show.
    last: Option<(Route, Error)>,
}

impl Settling {
    pub(super) const fn new(policy: RetryPolicy) -> Self {
        Self { attempts: Attempts::new(policy), conflicts: 0, last: None }
    }

    /// Takes in what came of a write.
    ///
    /// # Errors
    /// It was refused for good.
    pub(super) fn wrote(&mut self, route: Route, written: Result<(), WriteFault>) -> Result<(), Error> {
        let error = match written {
            Ok(()) => not_done(route),
            Err(WriteFault::Unknown(error)) => *error,
            // It is gone, which is as good.
            Err(WriteFault::Refused(error)) if matches!(*error, Error::NotFound { .. }) => not_done(route),
            Err(WriteFault::Refused(error)) if is_conflict(&error) => self.bear(*error)?,
            Err(WriteFault::Refused(error)) => return Err(*error),
        };
        self.count();
        self.last = Some((route, error));
        Ok(())
    }

    /// Counts a write.
    pub(super) fn count(&mut self) {
        self.attempts.took(Duration::ZERO);
    }

    /// Bears a refusal that may only say that it is done.
    ///
    /// # Errors
    /// There were too many.
    pub(super) fn bear(&mut self, error: Error) -> Result<Error, Error> {
        self.conflicts += 1;
        if self.conflicts > MOST_CONFLICTS { Err(error) } else { Ok(error) }
    }

    /// Pauses where the object is still as it was before its last write, and says whether it is to be looked at again before it is written
    /// to again. `route` is the write that it would take now: another than the last means that the last has taken.
    ///
    /// # Errors
    /// It was tried often enough; with what is wrong.
    pub(super) async fn waits(&mut self, route: Route, inner: &Inner) -> Result<bool, Error> {
        match self.last.take() {
            Some((last, error)) if last == route => {
                self.pause(error, inner).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// A pause that grows with each write.
    ///
    /// # Errors
    /// It was tried often enough; with this error inside.
    pub(super) async fn pause(&mut self, error: Error, inner: &Inner) -> Result<(), Error> {
        let doublings = self.attempts.made.saturating_sub(1).min(16);
        let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        inner.again(&mut self.attempts, error, pause).await
    }
}

/// What is refused where it is there, or gone, or in that state already, though a list that lags may not show it.
pub(super) fn is_conflict(error: &Error) -> bool {
    let Error::Api { status, detail, .. } = error else { return false };
    matches!((status, detail.code.as_deref()), (400, Some("E0000001")) | (403, Some("E0000038" | "E0000056")) | (409, _))
}

/// It was answered that it was done, and it does not show.
pub(super) fn not_done(route: Route) -> Error {
    Error::Setup { operation: route.operation(), fault: SetupFault::NotDone, detail: ErrorDetail::default() }
}
