//! Where directories are read.

use crate::{DirectoryId, Group, GroupId, Lookup, Page, Result, Timestamp, User, UserId};
use async_trait::async_trait;
use futures::stream::BoxStream;
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
///   stream, and they do not vanish from it silently.
/// * **Missing permission.** A provider that may see no users, or no groups, reports [`ErrorKind::PermissionDenied`], not an empty
///   stream. The engine does not accept an empty directory either.
/// * **A group that is gone** between the listing of groups and that of its members ends the latter with [`ErrorKind::NotFound`], never
///   with an empty stream.
/// * **Identity.** Ids are stable, and never reused for something else.
/// * **Laziness.** Nothing is requested before a stream is polled; a stream that is dropped stops requesting.
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

    /// How many requests this provider has made so far.
    fn usage(&self) -> RequestUsage {
        RequestUsage::default()
    }
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
    /// The server's clock, if it told the time.
    pub server_time: Option<Timestamp>,
}

impl DirectoryInfo {
    /// A directory with everything in scope and no clock.
    pub fn new(id: DirectoryId, name: impl Into<String>) -> Self {
        Self { id, name: name.into(), scope: String::from("all"), server_time: None }
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
}

/// What a provider can do beyond full reads. Everything is off by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {}

/// Whether the members of a group are in scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemberListing {
    /// They are listed by [`IdentityProvider::members`].
    Listed,
    /// They are not; the group counts as one without members.
    OutOfScope,
}

/// How a listing is read. There is nothing to choose yet; the type is there so that choices can be added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {}

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
