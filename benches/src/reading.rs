//! Reading a whole org as the engine does, and comparing it with what is there.

use futures::stream::FuturesUnordered;
use futures::{StreamExt, TryStreamExt};
use idsync::okta::OktaProvider;
use idsync::{GroupId, IdentityProvider, MemberListing, ReadOptions, UserId};
use idsync_okta_emulator::Truth;
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// How many member lists the engine reads at once.
const LISTS: usize = 8;

/// What was read of an org.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Reading {
    /// The ids of the users.
    pub users: BTreeSet<String>,
    /// The ids of the groups.
    pub groups: BTreeSet<String>,
    /// The ids of a group and a user for each membership.
    pub memberships: BTreeSet<(String, String)>,
    /// Pages that were read: the fewest requests that it takes.
    pub pages: u64,
    /// Pages of the groups and of members, which are counted in one bucket.
    pub group_pages: u64,
    /// The longest chain of pages each of which is known from the one before.
    pub longest_chain: u64,
    /// Listings that ended with an error.
    pub failed: u64,
    /// How long it took.
    pub wall: Duration,
    /// Requests sent.
    pub requests: u64,
    /// Requests refused for their number.
    pub refused: u64,
}

impl Reading {
    /// Whether everything was read that is there.
    pub fn is_complete(&self, truth: &Truth) -> bool {
        self.failed == 0
            && self.users.iter().eq(truth.users.keys())
            && self.groups.iter().eq(truth.groups.keys())
            && self.memberships == truth.memberships
    }
}

/// Reads users and groups side by side, and with them the members of up to eight groups, in the order in which the groups come.
pub async fn read_all(provider: &OktaProvider) -> Reading {
    let (mut reading, start) = (Reading::default(), Instant::now());
    let mut users = provider.users(ReadOptions::default()).fuse();
    let mut groups = provider.groups(ReadOptions::default()).fuse();
    let (mut users_open, mut groups_open, mut user_pages) = (true, true, 0);
    let (mut pending, mut members) = (VecDeque::new(), FuturesUnordered::new());
    while users_open || groups_open || !members.is_empty() || !pending.is_empty() {
        while members.len() < LISTS {
            let Some(group) = pending.pop_front() else { break };
            members.push(read_members(provider, group));
        }
        futures::select_biased! {
            (group, read) = members.select_next_some() => reading.take_members(&group, read),
            page = groups.next() => match page {
                Some(Ok(page)) => {
                    reading.group_pages += 1;
                    reading.groups.extend(page.items.iter().map(|group| group.id.to_string()));
                    let listed = page.items.into_iter().filter(|group| provider.member_listing(group) == MemberListing::Listed);
                    pending.extend(listed.map(|group| group.id));
                }
                Some(Err(_)) => reading.failed += 1,
                None => groups_open = false,
            },
            page = users.next() => match page {
                Some(Ok(page)) => {
                    user_pages += 1;
                    reading.users.extend(page.items.iter().map(|user| user.id.to_string()));
                }
                Some(Err(_)) => reading.failed += 1,
                None => users_open = false,
            },
        }
    }
    reading.wall = start.elapsed();
    reading.pages = user_pages + reading.group_pages;
    reading.longest_chain = reading.longest_chain.max(user_pages);
    let usage = provider.usage();
    (reading.requests, reading.refused) = (usage.total, usage.rate_limited);
    reading
}

impl Reading {
    fn take_members(&mut self, group: &GroupId, read: idsync::Result<(u64, Vec<UserId>)>) {
        let Ok((pages, members)) = read else {
            self.failed += 1;
            return;
        };
        self.group_pages += pages;
        self.longest_chain = self.longest_chain.max(1 + pages);
        self.memberships.extend(members.into_iter().map(|user| (group.to_string(), user.to_string())));
    }
}

/// The members of a group, and on how many pages they came.
async fn read_members(provider: &OktaProvider, group: GroupId) -> (GroupId, idsync::Result<(u64, Vec<UserId>)>) {
    let pages = provider.members(&group, ReadOptions::default());
    let read = pages.try_fold((0, Vec::new()), |(count, mut members), page| async move {
        members.extend(page.items);
        Ok((count + 1, members))
    });
    let read = read.await;
    (group, read)
}
