//! The streams of a provider, driven as the engine drives them, with nothing kept.

use crate::{Served, Tally};
use futures::stream::{BoxStream, FuturesUnordered};
use futures::{FutureExt, StreamExt, TryStreamExt};
use idsync::okta::{ApiToken, OktaClient, OktaProvider, OrgUrl};
use idsync::{GroupId, IdentityProvider, MemberListing, Page, ReadOptions, Secret, UserId};
use std::collections::VecDeque;
use std::hint::black_box;

/// How many groups are read at once, which is the engine's default.
const GROUPS_AT_ONCE: usize = 8;

/// A provider of the served org, as anybody would make it.
///
/// # Panics
/// Never: the URL is one of an org.
pub fn provider(served: &Served) -> OktaProvider {
    let org = OrgUrl::parse_or_local(&served.url).expect("the URL is one of an org");
    let token = ApiToken::new(Secret::new(served.token.clone()));
    OktaProvider::new(OktaClient::builder(org, token).build().expect("the client can be built"))
}

/// Reads users, groups and members to the end of every listing: the first two side by side, with the members of eight groups at once.
///
/// # Panics
/// A listing ends with an error.
pub async fn drive(provider: &dyn IdentityProvider) -> Tally {
    let mut users = provider.users(ReadOptions::default()).fuse();
    let mut groups = provider.groups(ReadOptions::default()).fuse();
    let (mut pending, mut members) = (VecDeque::new(), FuturesUnordered::new());
    let (mut users_open, mut groups_open, mut records) = (true, true, 0);
    while users_open || groups_open || !members.is_empty() || !pending.is_empty() {
        start(provider, &mut pending, &mut members);
        futures::select_biased! {
            read = members.select_next_some() => records += read,
            page = groups.next() => match page {
                Some(page) => {
                    let page = page.expect("groups can be read");
                    records += page.items.len();
                    let listed = page.items.iter().filter(|group| provider.member_listing(group) == MemberListing::Listed);
                    pending.extend(listed.map(|group| group.id.clone()));
                }
                None => groups_open = false,
            },
            page = users.next() => match page {
                Some(page) => records += black_box(page.expect("users can be read")).items.len(),
                None => users_open = false,
            },
        }
    }
    Tally { records, requests: usize::try_from(provider.usage().total).unwrap_or(usize::MAX) }
}

type Running = FuturesUnordered<futures::future::BoxFuture<'static, usize>>;

fn start(provider: &dyn IdentityProvider, pending: &mut VecDeque<GroupId>, running: &mut Running) {
    while running.len() < GROUPS_AT_ONCE {
        let Some(group) = pending.pop_front() else { return };
        running.push(count(provider.members(&group, ReadOptions::default())).boxed());
    }
}

async fn count(mut pages: BoxStream<'static, idsync::Result<Page<UserId>>>) -> usize {
    let mut records = 0;
    while let Some(page) = pages.try_next().await.expect("members can be read") {
        records += black_box(page).items.len();
    }
    records
}
