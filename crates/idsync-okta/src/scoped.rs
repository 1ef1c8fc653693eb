//! Reading what is in scope.

use crate::error::Error;
use crate::paginate::{Listing, pages};
use crate::provider::{Deprovisioned, OktaProvider, another_record, groups_page, is_deprovisioned, users_page};
use crate::scope::{GroupSelection, UserSelection, among_ids};
use crate::transport::Route;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use idsync_core::{Group, GroupId, IdentityProvider, MemberListing, Page, ReadPurpose, Result, User};

/// How many lists of members are read at once to find out who is in scope.
const SIDE_BY_SIDE: usize = 8;
/// How many ids one search asks for.
const IDS: usize = 50;

impl OktaProvider {
    /// The listing of users with what the scope asks for of each.
    pub(crate) fn user_listing(&self, search: Option<&str>) -> Listing {
        let size = self.client().inner.page_sizes.users;
        let listing = Listing::new(self.client(), Route::Users, Route::Users.template(), size, search);
        match self.scope.fields() {
            Some(fields) => listing.with("fields", &fields),
            None => listing,
        }
    }

    /// The users in scope, those who are deactivated among them.
    pub(crate) fn scoped_users(&self) -> BoxStream<'static, Result<Page<User>, Error>> {
        match &self.scope.users {
            UserSelection::All => self.visible(self.user_listing(None), "users", users_page),
            UserSelection::Expression(expression) => {
                let found = pages(self.client().clone(), self.user_listing(Some(expression)), users_page);
                self.somebody(found, "users", Route::Users)
            }
            UserSelection::InGroups => {
                let (provider, listing) = (self.clone(), self.clone());
                let listed = move |page: Page<Group>| {
                    let groups = page.items.into_iter().filter(|group| listing.member_listing(group) == MemberListing::Listed);
                    stream::iter(groups.map(Ok).collect::<Vec<_>>())
                };
                let groups = self.scoped_groups(ReadPurpose::Full).map_ok(listed).try_flatten();
                let members = groups.map_ok(move |group| provider.users_of(&group.id)).try_flatten_unordered(SIDE_BY_SIDE);
                self.somebody(members.boxed(), "users", Route::Users)
            }
        }
    }

    /// The groups in scope.
    pub(crate) fn scoped_groups(&self, purpose: ReadPurpose) -> BoxStream<'static, Result<Page<Group>, Error>> {
        let sizes = self.client().inner.page_sizes;
        let size = if purpose == ReadPurpose::Delta { sizes.groups_in_delta } else { sizes.groups };
        let listing = |search: Option<&str>| Listing::new(self.client(), Route::Groups, Route::Groups.template(), size, search);
        if let GroupSelection::Ids(ids) = &self.scope.groups {
            let provider = self.clone();
            let found = stream::iter(ids.clone())
                .map(move |id| {
                    let provider = provider.clone();
                    async move { provider.group_by_id(&id).await }
                })
                .buffer_unordered(SIDE_BY_SIDE)
                .map_ok(|group| Page::new(group.into_iter().collect()));
            return self.somebody(found.boxed(), "groups", Route::Groups);
        }
        match self.scope.groups.search() {
            None => self.visible(listing(None), "groups", groups_page),
            Some(search) => self.somebody(pages(self.client().clone(), listing(Some(&search)), groups_page), "groups", Route::Groups),
        }
    }

    /// The members of a group as users; nobody when it is gone.
    fn users_of(&self, group: &GroupId) -> BoxStream<'static, Result<Page<User>, Error>> {
        let path = match self.path(&["groups", group.as_str(), "users"]) {
            Ok(path) => path,
            Err(error) => return stream::iter([Err(error)]).boxed(),
        };
        let listing = Listing::new(self.client(), Route::Members, path.path(), self.client().inner.page_sizes.members, None);
        let is_there = |page: &Result<Page<User>, Error>| std::future::ready(!matches!(page, Err(Error::NotFound { .. })));
        pages(self.client().clone(), listing, users_page).take_while(is_there).boxed()
    }

    /// A listing that may be empty, as long as the org shows somebody at all.
    fn somebody<T: Send + 'static>(
        &self,
        pages: BoxStream<'static, Result<Page<T>, Error>>,
        name: &'static str,
        route: Route,
    ) -> BoxStream<'static, Result<Page<T>, Error>> {
        let state = (pages, 0_usize, self.clone());
        stream::try_unfold(state, move |(mut pages, seen, provider)| async move {
            match pages.try_next().await? {
                Some(page) => {
                    let seen = seen + page.items.len() + page.held.len();
                    Ok(Some((page, (pages, seen, provider))))
                }
                None if seen == 0 => {
                    // Without its role an identity is shown nothing, which is another matter than a scope in which there is nothing.
                    provider.probe(route, name).await?;
                    Err(Error::EmptyScope { listing: name })
                }
                None => Ok(None),
            }
        })
        .boxed()
    }

    /// Whether a user that exists is in scope.
    pub(crate) async fn has_user(&self, user: &User) -> Result<bool, Error> {
        match &self.scope.users {
            UserSelection::All => Ok(true),
            UserSelection::Expression(expression) => {
                let search = among_ids(expression, std::iter::once(user.id.as_str())).unwrap_or_default();
                let mut found = pages(self.client().clone(), self.user_listing(Some(&search)), users_page);
                while let Some(page) = found.try_next().await? {
                    if page.items.iter().any(|found| found.id == user.id) {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            UserSelection::InGroups => {
                let groups = self.groups_with(user).await?;
                let groups: Vec<_> = groups.into_iter().filter(|group| self.member_listing(group) == MemberListing::Listed).collect();
                self.has_any(&groups).await
            }
        }
    }

    /// Whether a group that exists is in scope.
    pub(crate) async fn has_group(&self, group: &Group) -> Result<bool, Error> {
        self.has_any(std::slice::from_ref(group)).await
    }

    async fn has_any(&self, groups: &[Group]) -> Result<bool, Error> {
        let mut undecided = Vec::new();
        for group in groups {
            match self.scope.groups.has(group) {
                Some(true) => return Ok(true),
                Some(false) => {}
                None => undecided.push(group.id.as_str()),
            }
        }
        let Some(expression) = self.scope.groups.search().filter(|_| !undecided.is_empty()) else { return Ok(false) };
        for ids in undecided.chunks(IDS) {
            let search = among_ids(&expression, ids.iter().copied());
            let size = self.client().inner.page_sizes.groups;
            let listing = Listing::new(self.client(), Route::Groups, Route::Groups.template(), size, search.as_deref());
            let mut found = pages(self.client().clone(), listing, groups_page);
            while let Some(page) = found.try_next().await? {
                if page.items.iter().any(|group| ids.contains(&group.id.as_str())) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn groups_with(&self, user: &User) -> Result<Vec<Group>, Error> {
        let path = self.path(&["users", user.id.as_str(), "groups"])?;
        let listing = Listing::without_limit(self.client(), Route::GroupsOfUser, path.path());
        let pages: Vec<_> = pages(self.client().clone(), listing, groups_page).try_collect().await?;
        Ok(pages.into_iter().flat_map(|page| page.items).collect())
    }

    pub(crate) async fn group_by_id(&self, id: &GroupId) -> Result<Option<Group>, Error> {
        let url = self.path(&["groups", id.as_str()])?;
        let found = self.look_up(Route::Group, url, crate::provider::one_group).await?;
        match found {
            Some(group) if group.id != *id => Err(another_record(Route::Group)),
            found => Ok(found),
        }
    }

    /// Pages of users without what is not let through, and without those who are deactivated where they are out of scope.
    pub(crate) fn trimmed(&self, users: BoxStream<'static, Result<Page<User>, Error>>) -> BoxStream<'static, Result<Page<User>, Error>> {
        let (scope, deprovisioned) = (self.scope.clone(), self.deprovisioned);
        users
            .map_ok(move |mut page| {
                if deprovisioned == Deprovisioned::Exclude {
                    page.items.retain(|user| !is_deprovisioned(user));
                }
                page.items.iter_mut().for_each(|user| scope.trim(user));
                page
            })
            .boxed()
    }
}
