//! Providers that are broken on purpose, each in one way.

use crate::fixture::Server;
use async_trait::async_trait;
use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use idsync_core::{
    Attributes, Capabilities, ChangedUsers, Cursor, DirectoryId, DirectoryInfo, Error, ErrorKind, Group, GroupId, IdentityProvider, Lookup,
    Page, ReadOptions, RequestUsage, Result, Retry, Timestamp, User, UserId, UserStatus,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// What a provider does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The id of a user depends on the login.
    ChangesIdsOnRename,
    /// The changes leave somebody out.
    ChangesMiss,
    /// Who changed is shown as before.
    ChangesRemember,
    /// Somebody is said to have departed who is there.
    ChangesSayGone,
    /// Whatever the cursor is, it will do.
    ChangesTakeAnyCursor,
    /// `check` is content with everything.
    ChecksNothing,
    /// Numbers and flags become text.
    CoercesTypes,
    /// Records that cannot be read are left out.
    DropsMalformedRecords,
    /// The first page is asked for before anybody polls.
    Eager,
    /// Where a permission is missing, there is nothing.
    EmptyWithoutPermission,
    /// Where a group is missing, there are no members.
    EmptyForVanishedGroups,
    /// A group without members is an error.
    EmptyGroupIsAnError,
    /// A listing that breaks just ends.
    EndsEarly,
    /// After an error the listing goes on.
    GoesOnAfterAnError,
    /// Every question is answered by another directory.
    IdentityWanders,
    /// Requests go on for a stream that was dropped.
    KeepsRequesting,
    /// Everything but ASCII is lost.
    LosesUnicode,
    /// A look-up that is refused says that nothing is there.
    LookupsDenyWhatIsHidden,
    /// A look-up answers from what was found before.
    LookupsRemember,
    /// A look-up does not find everybody.
    LookupsMiss,
    /// What is not there is an error.
    LookupsFailOnUnknownIds,
    /// A record that cannot be read is said to be gone.
    MalformedRecordsLookGone,
    /// A record that cannot be read ends the listing.
    MalformedRecordsEndListings,
    /// Whoever cannot be read is in no group.
    MalformedUsersLeaveTheirGroups,
    /// Groups do not say when their members changed.
    MemberTimesMissing,
    /// Groups say that their members changed when they were made, whatever happens since.
    MemberTimesStandStill,
    /// Groups are told apart by their names.
    MergesGroupsOfOneName,
    /// Errors do not say what to do.
    NoRemedies,
    /// The last page is never asked for.
    OnePageShort,
    /// A user is in no group.
    NoGroupsOfUsers,
    /// One listing serves all who read.
    SharesItsCursor,
    /// What was listed once is listed for ever.
    ShowsTheFirstListing,
    /// A page without entries is taken for the end.
    StopsAtAnEmptyPage,
    /// A status that is not known counts as active.
    UnknownStatusesAreActive,
    /// The count of requests starts again.
    UsageStartsAgain,
}

/// A provider with a flaw; everything else is the provider of the fixture.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    inner: Server,
    flaw: Flaw,
    state: Arc<State>,
}

/// What the flaws remember.
#[derive(Default)]
struct State {
    asked: AtomicU64,
    found: Mutex<BTreeMap<UserId, User>>,
    listed: Mutex<Option<Vec<User>>>,
    shared: Mutex<Option<BoxStream<'static, Result<Page<User>>>>>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("State")
    }
}

type Pages<T> = BoxStream<'static, Result<Page<T>>>;

impl Broken {
    pub(crate) fn new(inner: Server, flaw: Flaw) -> Self {
        Self { inner, flaw, state: Arc::default() }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    /// What goes wrong with a listing of anything.
    fn tamper<T: Send + 'static>(&self, pages: Pages<T>) -> Pages<T> {
        match self.flaw {
            Flaw::DropsMalformedRecords => pages.map(|page| page.map(|page| Page::new(page.items))).boxed(),
            Flaw::Eager => {
                self.inner.count();
                pages
            }
            Flaw::EmptyWithoutPermission => ended_by(pages, ErrorKind::PermissionDenied),
            Flaw::EmptyForVanishedGroups => ended_by(pages, ErrorKind::NotFound),
            Flaw::EndsEarly => ended_by(pages, ErrorKind::Unavailable),
            Flaw::GoesOnAfterAnError => pages
                .flat_map(|page| match page {
                    Err(error) => stream::iter(vec![Err(error), Ok(Page::new(Vec::new()))]),
                    page => stream::iter(vec![page]),
                })
                .boxed(),
            Flaw::KeepsRequesting => {
                let state = Arc::clone(&self.state);
                pages.inspect(move |_| _ = state.asked.fetch_add(1, Ordering::Relaxed)).boxed()
            }
            Flaw::MalformedRecordsEndListings => pages
                .map(|page| match page {
                    Ok(page) if !page.held.is_empty() => Err(Error::new(ErrorKind::InvalidData, "a record cannot be read")),
                    page => page,
                })
                .boxed(),
            Flaw::NoRemedies => pages.map(|page| page.map_err(without_remedy)).boxed(),
            Flaw::OnePageShort => {
                let pages = pages.chunks(1_000).flat_map(|mut pages| {
                    if pages.len() > 1 {
                        pages.pop();
                    }
                    stream::iter(pages)
                });
                pages.boxed()
            }
            Flaw::StopsAtAnEmptyPage => {
                let more = |page: &Result<Page<T>>| page.as_ref().map_or(true, |page| !page.items.is_empty() || !page.held.is_empty());
                pages.take_while(move |page| std::future::ready(more(page))).boxed()
            }
            _ => pages,
        }
    }

    fn shown(&self, mut user: User) -> User {
        match self.flaw {
            Flaw::ChangesIdsOnRename if user.login.as_deref() == Some("renamed@example.com") => user.id = UserId::new("renamed").unwrap(),
            Flaw::CoercesTypes => {
                user.attributes = altered(&user.attributes, |value| if value.is_string() { value } else { value.to_string().into() })
            }
            Flaw::LosesUnicode => {
                user.id = UserId::new(user.id.as_str().replace(|char: char| !char.is_ascii(), "?")).unwrap();
                let ascii = |text: &str| text.replace(|char: char| !char.is_ascii(), "?");
                user.attributes = altered(&user.attributes, |value| value.as_str().map(ascii).map_or(value.clone(), Value::from));
            }
            Flaw::UnknownStatusesAreActive if matches!(user.status, UserStatus::Other(_)) => user.status = UserStatus::Active,
            _ => {}
        }
        user
    }

    /// Only those whose own records can be read.
    fn readable(&self, pages: Pages<UserId>) -> Pages<UserId> {
        let server = self.inner.clone();
        let pages = pages.and_then(move |page| {
            let server = server.clone();
            async move {
                let mut readable = Vec::new();
                for id in page.items {
                    if server.user(&id).await.is_ok() {
                        readable.push(id);
                    }
                }
                Ok(Page::new(readable))
            }
        });
        pages.boxed()
    }

    /// One listing for all who read: each page goes to whoever comes first.
    fn shared(&self, options: ReadOptions) -> Pages<User> {
        let provider = self.clone();
        let next = futures::stream::poll_fn(move |context| {
            let mut shared = provider.state.shared.lock().unwrap();
            let stream = shared.get_or_insert_with(|| provider.inner.users(options.clone()));
            let page = stream.poll_next_unpin(context);
            if matches!(page, std::task::Poll::Ready(None)) {
                *shared = None;
            }
            page
        });
        next.boxed()
    }

    fn first_listing(&self, pages: Pages<User>) -> Pages<User> {
        let state = Arc::clone(&self.state);
        let listing = pages.collect::<Vec<_>>().map(move |pages| {
            let fresh = pages.into_iter().collect::<Result<Vec<_>>>()?;
            let users = fresh.into_iter().flat_map(|page| page.items).collect();
            Ok(Page::new(state.listed.lock().unwrap().get_or_insert(users).clone()))
        });
        stream::once(listing).boxed()
    }
}

/// Takes an error of this kind for the end.
fn ended_by<T: Send + 'static>(pages: Pages<T>, kind: ErrorKind) -> Pages<T> {
    pages.take_while(move |page| std::future::ready(!matches!(page, Err(error) if error.kind() == kind))).boxed()
}

fn altered(attributes: &Attributes, alter: impl Fn(Value) -> Value) -> Attributes {
    attributes.iter().map(|(name, value)| (name, alter(value))).collect()
}

fn without_remedy(error: Error) -> Error {
    Error::new(error.kind(), error.message().to_owned()).with_retry(Retry::Never)
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.flaw)
    }
}

#[async_trait]
impl IdentityProvider for Broken {
    async fn identify(&self) -> Result<DirectoryInfo> {
        let mut info = self.inner.identify().await?;
        let asked = self.state.asked.load(Ordering::Relaxed);
        match self.flaw {
            Flaw::IdentityWanders => {
                info.id = DirectoryId::new(format!("directory{}", self.state.asked.fetch_add(1, Ordering::Relaxed))).unwrap()
            }
            Flaw::KeepsRequesting => (0..asked).for_each(|_| self.inner.count()),
            _ => {}
        }
        Ok(info)
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn check(&self) -> Result<()> {
        match self.flaw {
            Flaw::ChecksNothing => Ok(()),
            Flaw::NoRemedies => self.inner.check().await.map_err(without_remedy),
            _ => self.inner.check().await,
        }
    }

    fn users(&self, options: ReadOptions) -> Pages<User> {
        let provider = self.clone();
        let pages = match self.flaw {
            Flaw::SharesItsCursor => return self.shared(options),
            Flaw::ShowsTheFirstListing => return self.first_listing(self.inner.users(options)),
            _ => self.inner.users(options),
        };
        let pages = pages.map(move |page| {
            page.map(|page| Page::new(page.items.into_iter().map(|user| provider.shown(user)).collect()).with_held(page.held))
        });
        self.tamper(pages.boxed())
    }

    fn groups(&self, options: ReadOptions) -> Pages<Group> {
        let merges = self.has(Flaw::MergesGroupsOfOneName);
        let time = match self.flaw {
            Flaw::MemberTimesMissing => Some(None),
            Flaw::MemberTimesStandStill => Some(Some(Timestamp::UNIX_EPOCH)),
            _ => None,
        };
        let mut names = BTreeSet::new();
        let pages = self.inner.groups(options).map(move |page| {
            page.map(|mut page| {
                page.items.retain(|group| names.insert(group.name.clone()) || !merges);
                if let Some(time) = time {
                    page.items.iter_mut().for_each(|group| group.timestamps.members_updated = time);
                }
                page
            })
        });
        self.tamper(pages.boxed())
    }

    fn members(&self, group: &GroupId, options: ReadOptions) -> Pages<UserId> {
        if self.has(Flaw::EmptyGroupIsAnError) && group.as_str() == "group04" {
            return stream::iter([Err(Error::new(ErrorKind::NotFound, "no members"))]).boxed();
        }
        let members = self.inner.members(group, options);
        self.tamper(if self.has(Flaw::MalformedUsersLeaveTheirGroups) { self.readable(members) } else { members })
    }

    async fn user(&self, id: &UserId) -> Result<Lookup<User>> {
        if self.has(Flaw::LookupsRemember)
            && let Some(user) = self.state.found.lock().unwrap().get(id)
        {
            return Ok(Lookup::Found(user.clone()));
        }
        let found = match (self.inner.user(id).await, self.flaw) {
            (Err(error), Flaw::LookupsDenyWhatIsHidden) if error.kind() == ErrorKind::PermissionDenied => Lookup::NotFound,
            (Err(error), Flaw::MalformedRecordsLookGone) if error.kind() == ErrorKind::InvalidData => Lookup::NotFound,
            (Ok(Lookup::NotFound), Flaw::LookupsFailOnUnknownIds) => return Err(Error::new(ErrorKind::NotFound, "no such user")),
            (Ok(Lookup::Found(_)), Flaw::LookupsMiss) if id.as_str() == "user13" => Lookup::NotFound,
            (found, _) => found?,
        };
        Ok(match found {
            Lookup::Found(user) => {
                let user = self.shown(user);
                self.state.found.lock().unwrap().insert(id.clone(), user.clone());
                Lookup::Found(user)
            }
            other => other,
        })
    }

    async fn group(&self, id: &GroupId) -> Result<Lookup<Group>> {
        self.inner.group(id).await
    }

    fn changed_users(&self, since: &Cursor, options: ReadOptions) -> BoxStream<'static, Result<ChangedUsers>> {
        let provider = self.clone();
        let since = if self.has(Flaw::ChangesTakeAnyCursor) { &Cursor::new("0") } else { since };
        let pages = self.inner.changed_users(since, options).map_ok(move |mut page| {
            page.users = page.users.into_iter().map(|user| provider.shown(user)).collect();
            match provider.flaw {
                Flaw::ChangesMiss => page.users.retain(|user| user.id.as_str() != "user90"),
                Flaw::ChangesRemember => page.users.iter_mut().for_each(|user| _ = user.attributes.insert("firstName", "First 0")),
                Flaw::ChangesSayGone => page.departed.push(UserId::new("user02").unwrap()),
                _ => {}
            }
            page
        });
        let hides = self.has(Flaw::EmptyWithoutPermission);
        let is_shown = move |page: &Result<ChangedUsers>| {
            std::future::ready(!matches!(page, Err(error) if hides && error.kind() == ErrorKind::PermissionDenied))
        };
        pages.take_while(is_shown).boxed()
    }

    fn groups_of(&self, user: &UserId, options: ReadOptions) -> BoxStream<'static, Result<Page<GroupId>>> {
        if self.has(Flaw::NoGroupsOfUsers) { stream::empty().boxed() } else { self.inner.groups_of(user, options) }
    }

    fn usage(&self) -> RequestUsage {
        let mut usage = self.inner.usage();
        if self.has(Flaw::UsageStartsAgain) {
            usage.total = 100_u64.saturating_sub(self.state.asked.fetch_add(1, Ordering::Relaxed));
        }
        usage
    }
}
