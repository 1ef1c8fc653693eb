//! Where directories are read.

use crate::{ChangedUsers, Cursor, DirectoryId, Error, ErrorKind, Group, GroupId, Lookup, Page, Result, Timestamp, User, UserId};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Reads a directory.
///
/// # Contract
///
/// The engine infers deletions from exactly these sentences, so an implementation must keep them to the letter; the `conformance`
/// module checks those that can be checked from outside.
///
/// * **End.** A stream that ends without an `Err` has yielded every entry that existed, and was in scope, throughout the read. A
///   provider that cannot tell whether it saw everything yields an `Err`.
/// * **Error.** An `Err` is the last item of a stream. Passing faults are retried inside the provider; an error that comes out is final
///   for this read. Pages yielded before it are valid, but prove nothing about what was not seen.
/// * **Empty pages.** A page without entries may come anywhere and means nothing.
/// * **Repeats and order.** Order is unspecified. An entry may come more than once when pages shift; the later reading wins.
/// * **Records that cannot be understood** are reported as [`Page::held`], with their id wherever it can be read; they do not end the
///   stream, and they do not vanish from it silently. [`IdentityProvider::members`] names members whether or not their own records can
///   be understood: whoever is not named has left.
/// * **Missing permission.** A provider that may see no users, or no groups, reports [`ErrorKind::PermissionDenied`], not an empty
///   stream. The engine does not accept an empty directory either.
/// * **Hidden members.** An identity that sees all else may not see the members of single groups: admin roles can hide those of groups
///   that have a role themselves. Such a listing ends with [`ErrorKind::PermissionDenied`]. The engine then asks
///   [`IdentityProvider::check`], once for some such groups; as long as that passes, a group keeps the members it had, and the run says
///   that it is not complete. A full read is refused when every group is.
/// * **Hidden entries.** Nor may it see single users and groups, which listings then leave out. Asking for one of them by id ends with
///   [`ErrorKind::PermissionDenied`] as well, never with an answer that it is gone: as long as [`IdentityProvider::check`] passes, the
///   entry stays as it is with its memberships.
/// * **A group that is gone** between the listing of groups and that of its members ends the latter with [`ErrorKind::NotFound`], never
///   with an empty stream.
/// * **Identity.** Ids are stable, and never reused for something else.
/// * **Laziness.** Nothing is requested before a stream is polled; a stream that is dropped stops requesting.
///
/// # Deltas
///
/// A provider that says so ([`Capabilities::with_delta`]) can be read without reading everything again:
///
/// * [`IdentityProvider::identify`] gives a [`Cursor`], as of the moment it is called.
/// * [`IdentityProvider::changed_users`] shows the users that changed since a cursor was given. Users that are gone without a trace need
///   not be among them: full reads find those.
/// * The listing of groups, which is read to its end by every delta, says of each group when its members last changed
///   ([`Timestamps::members_updated`](crate::Timestamps::members_updated)). Groups whose time did not move are not read again; one
///   without a time always is.
/// * [`IdentityProvider::groups_of`] names the groups of a user who comes back into scope, which may have moved no group's time.
///
/// # Wrappers
///
/// `Arc<P>` and `Box<P>` are providers whenever `P` is, and [`wrap`](crate::wrap) holds providers that change what another one shows.
/// A wrapper forwards every method that it does not mean to change.
///
/// [`ErrorKind::PermissionDenied`]: crate::ErrorKind::PermissionDenied
/// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
#[async_trait]
pub trait IdentityProvider: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// Which directory this is. The answer is the same as long as the connection leads to the same org and the scope is the same.
    ///
    /// # Errors
    /// The directory cannot be reached, or the address does not lead to one.
    async fn identify(&self) -> Result<DirectoryInfo>;

    /// What this provider can do beyond full reads.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// Whether this connection can see a directory at all: the credential works, and at least one user and one group are visible.
    ///
    /// # Errors
    /// Whatever is missing, with the remedy.
    async fn check(&self) -> Result<()>;

    /// All users in scope, page by page.
    ///
    /// The engine holds an entry, user or group, whose attributes have more than 64 lists or objects in one another: as JSON it could not
    /// be read by most receivers.
    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>>;

    /// All groups in scope, page by page.
    fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>>;

    /// The members of one group, page by page: at least those that are users in scope. Ids that the listing of users does not show may be
    /// among them, for a listing of ids cannot always tell; whoever reads drops them.
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>>;

    /// Whether the members of this group are in scope. Where they are not, [`IdentityProvider::members`] is not called.
    fn member_listing(&self, group: &Group) -> MemberListing {
        let _ = group;
        MemberListing::Listed
    }

    /// Asks for one user by id, past any index that may lag behind. Confirms what a listing did not show.
    ///
    /// # Errors
    /// The question could not be answered; "it does not exist" is an answer.
    async fn user(&self, id: &UserId) -> Result<Lookup<User>>;

    /// Asks for one group by id, past any index that may lag behind.
    ///
    /// # Errors
    /// The question could not be answered; "it does not exist" is an answer.
    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>>;

    /// The users that changed since `since` was handed out, page by page. Called only where [`Capabilities::has_delta`].
    ///
    /// Every user in scope who was made, changed or came back since is among them, and so is everyone who is known to have left. Users
    /// that did not change may be among them, too. As with a listing, an `Err` is the last item; a provider that may see no users
    /// reports [`ErrorKind::PermissionDenied`], not that nothing changed.
    ///
    /// # Errors
    /// [`ErrorKind::CursorExpired`] when the cursor cannot be gone on from: everything must be read.
    fn changed_users(&self, since: &Cursor, options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        let _ = (since, options);
        stream::iter([Err(no_delta())]).boxed()
    }

    /// The ids of the groups that a user is in, page by page. Called only where [`Capabilities::has_delta`].
    fn groups_of(&self, user: &UserId, options: ReadOptions) -> BoxStream<'static, Result<Page<GroupId>>> {
        let _ = (user, options);
        stream::iter([Err(no_delta())]).boxed()
    }

    /// How many requests this provider has made so far.
    fn usage(&self) -> RequestUsage {
        RequestUsage::default()
    }
}

fn no_delta() -> Error {
    Error::new(ErrorKind::Unsupported, "this provider reads everything or nothing")
}

/// Which directory a provider reads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryInfo {
    /// The directory's identity; state is kept under it.
    pub id: DirectoryId,
    /// What people call it, such as `acme.okta.com`.
    pub name: String,
    /// What is in scope, in one canonical line. When it differs from that of the last read, what left the scope was not deleted.
    pub scope: String,
    /// The server's clock, if it told the time. Without it nobody knows whether a list of members was read long enough after their last
    /// change to be believed, and each delta reads the members of every group.
    pub server_time: Option<Timestamp>,
    /// Where the changes begin that come after this moment; `None` when the provider has no deltas, or cannot tell where it is.
    pub cursor: Option<Cursor>,
}

impl DirectoryInfo {
    /// A directory with everything in scope and no clock.
    pub fn new(id: DirectoryId, name: impl Into<String>) -> Self {
        Self { id, name: name.into(), scope: String::from("all"), server_time: None, cursor: None }
    }

    /// Sets the scope.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = scope.into();
        self
    }

    /// Sets the server's clock.
    #[must_use]
    pub const fn with_server_time(mut self, time: Option<Timestamp>) -> Self {
        self.server_time = time;
        self
    }

    /// Sets where later changes begin.
    #[must_use]
    pub fn with_cursor(mut self, cursor: Option<Cursor>) -> Self {
        self.cursor = cursor;
        self
    }
}

/// What a provider can do beyond full reads. Everything is off by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    delta: bool,
}

impl Capabilities {
    /// The provider can show what changed since a cursor.
    #[must_use]
    pub const fn with_delta(mut self) -> Self {
        self.delta = true;
        self
    }

    /// Whether the provider can show what changed since a cursor.
    pub const fn has_delta(self) -> bool {
        self.delta
    }
}

/// Whether the members of a group are in scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemberListing {
    /// They are listed by [`IdentityProvider::members`].
    Listed,
    /// They are not; the group counts as one without members.
    OutOfScope,
}

/// How a listing is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// What the listing is read for.
    pub purpose: ReadPurpose,
}

impl ReadOptions {
    /// A listing that is read for this.
    pub const fn of(purpose: ReadPurpose) -> Self {
        Self { purpose }
    }
}

/// What a listing is read for. It shows the same either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadPurpose {
    /// For a run that reads everything.
    #[default]
    Full,
    /// For a run that reads what changed: often, and with nearly nothing else, so that it should take as few requests as possible.
    Delta,
}

/// How many requests a provider has made since it was built.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct RequestUsage {
    /// All requests that were sent.
    pub total: u64,
    /// The same by the provider's own rate-limit buckets.
    pub by_bucket: BTreeMap<String, u64>,
    /// Answers that said "too many requests".
    pub rate_limited: u64,
    /// Requests that were sent again after a passing fault.
    pub retried: u64,
    /// The most requests under way at once.
    pub max_in_flight: u64,
}

impl RequestUsage {
    /// What came on top of `earlier`, which the same provider gave before. The most requests at once are those of all time.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let by_bucket = self.by_bucket.iter().map(|(bucket, count)| {
            let before = earlier.by_bucket.get(bucket).copied().unwrap_or_default();
            (bucket.clone(), count.saturating_sub(before))
        });
        Self {
            total: self.total.saturating_sub(earlier.total),
            by_bucket: by_bucket.filter(|(_, count)| *count > 0).collect(),
            rate_limited: self.rate_limited.saturating_sub(earlier.rate_limited),
            retried: self.retried.saturating_sub(earlier.retried),
            max_in_flight: self.max_in_flight,
        }
    }
}

macro_rules! forward {
    ($pointer:ident) => {
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<P: IdentityProvider + ?Sized> IdentityProvider for $pointer<P> {
            async fn identify(&self) -> Result<DirectoryInfo> {
                (**self).identify().await
            }
            fn capabilities(&self) -> Capabilities {
                (**self).capabilities()
            }
            async fn check(&self) -> Result<()> {
                (**self).check().await
            }
            fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
                (**self).users(options)
            }
            fn groups(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<Group>>> {
                (**self).groups(options)
            }
            fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
                (**self).members(group, options)
            }
            fn member_listing(&self, group: &Group) -> MemberListing {
                (**self).member_listing(group)
            }
            async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
                (**self).user(id).await
            }
            async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
                (**self).group(id).await
            }
            fn changed_users(&self, since: &Cursor, options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
                (**self).changed_users(since, options)
            }
            fn groups_of(&self, user: &UserId, options: ReadOptions) -> BoxStream<'static, Result<Page<GroupId>>> {
                (**self).groups_of(user, options)
            }
            fn usage(&self) -> RequestUsage {
                (**self).usage()
            }
        }
    };
}

forward!(Arc);
forward!(Box);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_counted_from_any_point_on() {
        let usage =
            |total, users| RequestUsage { total, by_bucket: [("users".to_owned(), users)].into(), max_in_flight: 8, ..Default::default() };
        assert_eq!(usage(10, 7).since(&usage(4, 7)), RequestUsage { by_bucket: BTreeMap::new(), ..usage(6, 0) });
        assert_eq!(usage(10, 7).since(&RequestUsage::default()), usage(10, 7));
    }

    #[test]
    fn the_trait_is_object_safe_and_pointers_implement_it() {
        fn provider<P: IdentityProvider>() {}
        provider::<Arc<dyn IdentityProvider>>();
        provider::<Box<dyn IdentityProvider>>();
    }
}
