//! What may not be read, though all else may.
//!
//! Admin roles can hide the members of groups that have a role themselves, and single users and groups that are not among their resources.
//! That looks the same as a role that was taken away while the directory is read, so the access is checked.

use crate::SyncError;
use crate::listings::Listings;
use crate::read::Reader;
use idsync_core::{Clock, Error, ErrorKind, GroupId, IdentityProvider, Timestamp};
use std::fmt::Display;
use std::time::Duration;

/// What was refused, and when the access was checked because of that.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// Groups whose members were asked for to the end, whatever came of it.
    asked: u64,
    refused: u64,
    checked: Option<Checked>,
    first: Option<Error>,
}

#[derive(Debug)]
struct Checked {
    at: Timestamp,
    /// How many were refused by then.
    refused: u64,
}

impl Refusals {
    /// A check is good for so long, and for so many refusals.
    const EVERY: Duration = Duration::from_secs(10);
    const MOST: u64 = 100;

    /// The members of a group were asked for.
    pub(crate) const fn asked(&mut self) {
        self.asked += 1;
    }

    /// They may not be read. Returns whether the access is to be checked now.
    fn add(&mut self, error: Error, now: Timestamp) -> bool {
        self.first.get_or_insert(error);
        self.refused += 1;
        let is_good = |checked: &Checked| {
            let is_recent = checked.at <= now && now.saturating_since(checked.at) < Self::EVERY;
            is_recent && self.refused - checked.refused < Self::MOST
        };
        let is_due = !self.checked.as_ref().is_some_and(is_good);
        if is_due {
            self.checked = Some(Checked { at: now, refused: self.refused });
        }
        is_due
    }

    /// The first refusal, if all that was asked for was refused.
    pub(crate) fn take_all(&mut self) -> Option<Error> {
        if self.refused == self.asked { self.first.take() } else { None }
    }
}

impl Reader<'_> {
    /// Takes a look-up that was not answered: what it is about stays as it is. Whether the access is lost is asked when all look-ups have
    /// ended, as it is wherever one of them found nobody.
    ///
    /// # Errors
    /// The credential is refused.
    pub(crate) fn take_unanswered(&mut self, entry: &impl Display, error: Error) -> Result<(), SyncError> {
        let error = match SyncError::provider(error) {
            SyncError::Read(error) => error,
            SyncError::Refused(error) if error.kind() == ErrorKind::PermissionDenied => hidden_entry(entry, &error),
            refused => return Err(refused),
        };
        tracing::warn!(kind = error.kind().as_str(), "a look-up failed; the entry stays as it is");
        self.state.evidence.unconfirmed += 1;
        self.state.first_failure.get_or_insert(error);
        Ok(())
    }

    /// The members of this group may not be read. It keeps those it had, unless the identity has lost its access.
    pub(crate) async fn take_refusal<U: Send + 'static>(
        &mut self,
        listings: &mut Listings<U>,
        group: GroupId,
        error: Error,
    ) -> Result<(), SyncError> {
        let hidden = hidden(&group, &error);
        if self.refusals.add(error, self.clock.now()) {
            match listings.while_waiting_for(self.provider.check()).await.map_err(SyncError::provider) {
                Ok(()) => self.state.evidence.access_checks += 1,
                Err(SyncError::Read(error)) => {
                    tracing::warn!(kind = error.kind().as_str(), "the access could not be checked after a refusal");
                }
                Err(refused) => return Err(refused),
            }
        }
        tracing::warn!("the members of a group may not be read; it keeps those it had");
        self.state.keep_members(group, hidden);
        Ok(())
    }
}

fn hidden(group: &GroupId, error: &Error) -> Error {
    Error::new(ErrorKind::PermissionDenied, format!("the members of the group {group} may not be read, though others may: {error}"))
        .with_remedy("give the connection a role that may see the members of this group, or take the group out of scope")
}

fn hidden_entry(entry: &impl Display, error: &Error) -> Error {
    Error::new(ErrorKind::PermissionDenied, format!("{entry} may not be read, though others may: {error}"))
        .with_remedy("give the connection a role that may see this entry; it stays as it is until then")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> Error {
        Error::new(ErrorKind::PermissionDenied, "no")
    }

    #[test]
    fn the_access_is_checked_once_in_a_while_and_once_for_many() {
        let (mut refusals, start) = (Refusals::default(), Timestamp::UNIX_EPOCH.saturating_add(Refusals::EVERY));
        let mut checks = |now| (0..=Refusals::MOST).filter(|_| refusals.add(refused(), now)).count();
        assert_eq!(checks(start), 2, "the first and the one after a hundred");
        assert_eq!(checks(start.saturating_add(Refusals::EVERY / 2)), 1);
        assert_eq!(checks(start.saturating_add(Refusals::EVERY * 2)), 2, "time has passed");
        assert_eq!(checks(start), 2, "the clock was set back");
    }

    #[test]
    fn all_were_refused_only_when_none_was_not() {
        let mut refusals = Refusals::default();
        assert!(refusals.take_all().is_none(), "nothing was asked for");
        refusals.asked();
        refusals.add(refused(), Timestamp::UNIX_EPOCH);
        refusals.asked();
        assert!(refusals.take_all().is_none());
        refusals.add(refused(), Timestamp::UNIX_EPOCH);
        assert!(refusals.take_all().is_some());
    }
}
