//! Whether the credential may see what is to be read.

use crate::client::Get;
use crate::error::Error;
use crate::link;
use crate::paginate::{Listing, Reader, pages};
use crate::provider::{OktaProvider, all_members, groups_page, users_page};
use crate::transport::Route;
use crate::wire;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use idsync_core::{Group, GroupKind, IdentityProvider, MemberListing, Page};

/// How many groups are tried to find one whose members may be read.
const SAMPLED_GROUPS: usize = 10;

impl OktaProvider {
    /// The pages of a listing that has at least one entry in every org, as long as the credential may see it.
    pub(crate) fn visible<T: Send + 'static>(
        &self,
        listing: Listing,
        name: &'static str,
        read: Reader<T>,
    ) -> BoxStream<'static, Result<Page<T>, Error>> {
        let state = (pages(self.client().clone(), listing, read), 0_usize, self.clone());
        stream::try_unfold(state, move |(mut pages, seen, provider)| async move {
            match pages.try_next().await? {
                Some(page) => {
                    let seen = seen + page.items.len() + page.held.len();
                    Ok(Some((page, (pages, seen, provider))))
                }
                None if seen == 0 => Err(provider.nobody(name)),
                None => Ok(None),
            }
        })
        .boxed()
    }

    /// That a listing shows nothing which has at least one entry in every org.
    pub(crate) fn nobody(&self, listing: &'static str) -> Error {
        Error::EmptyDirectory { listing, client_id: self.client().inner.client_id().map(str::to_owned) }
    }

    /// Reads a page of users, one of groups, and one of the members of a group: how many of each there were.
    pub(crate) async fn sample(&self) -> Result<[u64; 3], Error> {
        self.check_access().await?;
        let sizes = self.client().inner.page_sizes;
        let users = Listing::new(self.client(), Route::Users, Route::Users.template(), sizes.users, None);
        let users = self.visible(users, "users", users_page).try_next().await?.map_or(0, |page| page.items.len());
        let groups = Listing::new(self.client(), Route::Groups, Route::Groups.template(), sizes.groups, None);
        let groups = self.visible(groups, "groups", groups_page).try_next().await?.map_or_else(Vec::new, |page| page.items);
        let members = self.sample_members(&groups).await?;
        Ok([users as u64, groups.len() as u64, members as u64])
    }

    /// Reads a page of the members of one of these groups: how many there were.
    ///
    /// A group may be gone meanwhile, and a custom role may not see into groups that make administrators of their members; that says
    /// nothing of the others, so a few more are tried.
    async fn sample_members(&self, groups: &[Group]) -> Result<usize, Error> {
        let mut candidates: Vec<_> = groups.iter().collect();
        candidates.sort_by_key(|group| match (self.member_listing(group), &group.kind) {
            (MemberListing::Listed, GroupKind::Native) => 0,
            (MemberListing::Listed, _) => 1,
            _ => 2,
        });
        let mut refused = None;
        for group in candidates.into_iter().take(SAMPLED_GROUPS) {
            let path = self.path(&["groups", group.id.as_str(), "users"])?;
            let listing = Listing::new(self.client(), Route::Members, path.path(), self.client().inner.page_sizes.members, None);
            match pages(self.client().clone(), listing, all_members).try_next().await {
                Ok(page) => return Ok(page.map_or(0, |page| page.items.len())),
                Err(error @ (Error::NotFound { .. } | Error::Role { .. })) => refused = refused.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        refused.map_or(Ok(0), Err)
    }

    /// Mints a token, compares the granted scopes with the wanted ones, and reads one user and one group.
    pub(crate) async fn check_access(&self) -> Result<(), Error> {
        let missing = self.client().missing_scopes().await?;
        if !missing.is_empty() {
            let client_id = self.client().inner.client_id().map(str::to_owned);
            return Err(Error::Scope { operation: "check the connection", missing, client_id });
        }
        self.probe(Route::Users, "users").await?;
        self.probe(Route::Groups, "groups").await
    }

    /// Whether a listing shows anything, asked with a page of one. A page that is empty but not the last one says nothing.
    pub(crate) async fn probe(&self, route: Route, name: &'static str) -> Result<(), Error> {
        let mut url = self.client().org().join(route.template());
        url.set_query(Some("limit=1"));
        let page = self.client().inner.get(&mut Get::new(route, url), count).await?;
        let is_last = matches!(link::next_target(&page.headers), Ok(None));
        if page.value == 0 && is_last {
            return Err(self.nobody(name));
        }
        Ok(())
    }
}

fn count(body: &[u8]) -> Result<usize, wire::DecodeFault> {
    wire::parse::<Vec<serde::de::IgnoredAny>>(body).map(|entries| entries.len())
}
