//! Users who are gone, whatever their groups say.

use crate::support::twisted::{Twist, Twisted};
use futures::executor::block_on;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use idsync_core::memory::{MemoryProvider, MemorySink, MemoryStore};
use idsync_core::{
    Change, ChangeKind, Group, GroupId, HeldRecord, IdentityProvider, Membership, Page, ReadOptions, RemovalReason, Result, User, UserId,
    UserStatus,
};
use idsync_engine::{Limit, Safeguards, SyncEngine};
use std::collections::BTreeMap;
use std::task::{Context, Poll};

/// A directory of which some groups still show the members that they had.
#[derive(Debug, Clone)]
struct Stale {
    now: MemoryProvider,
    before: MemoryProvider,
    stale: Vec<GroupId>,
    /// How often the end of the users has to be asked for.
    polls: usize,
    /// Members of group 3 who could not be understood.
    odd: Vec<HeldRecord>,
}

impl Twist for Stale {
    fn inner(&self) -> &MemoryProvider {
        &self.now
    }
    fn users(&self, options: ReadOptions) -> BoxStream<'static, Result<Page<User>>> {
        let (mut polls, most) = (0, self.polls);
        let ends = stream::poll_fn(move |context: &mut Context<'_>| {
            polls += 1;
            context.waker().wake_by_ref();
            if polls > most { Poll::Ready(None) } else { Poll::Pending }
        });
        self.now.users(options).chain(ends).boxed()
    }
    fn members(&self, group: &GroupId, options: ReadOptions) -> BoxStream<'static, Result<Page<UserId>>> {
        let listed = if self.stale.contains(group) { self.before.members(group, options) } else { self.now.members(group, options) };
        let odd = if *group == gid(3) { self.odd.clone() } else { Vec::new() };
        listed.chain(stream::iter([Ok(Page::new(Vec::new()).with_held(odd))])).boxed()
    }
}

fn uid(n: usize) -> UserId {
    UserId::new(format!("00u{n:04}")).unwrap()
}

fn gid(n: usize) -> GroupId {
    GroupId::new(format!("00g{n:04}")).unwrap()
}

/// Groups of one block and of several, with some users in all of them.
fn directory() -> MemoryProvider {
    let directory = MemoryProvider::new();
    (0..400).for_each(|n| directory.put_user(User::new(uid(n), UserStatus::Active)));
    for (n, size) in [3, 20, 400, 90, 1].into_iter().enumerate() {
        directory.put_group(Group::new(gid(n), format!("Group {n}")));
        (0..size).for_each(|user| directory.add_member(Membership::new(gid(n), uid(user))));
    }
    directory
}

fn reasons(plan: &[Change]) -> BTreeMap<(GroupId, UserId), RemovalReason> {
    let removed = plan.iter().filter_map(|change| match change {
        Change::GroupUserRemoved { membership, reason } => Some(((membership.group.clone(), membership.user.clone()), *reason)),
        _ => None,
    });
    removed.collect()
}

/// Whether groups noticed that their members are gone or not, were read before or after all users were listed, and could be understood
/// wholly or not, their memberships end.
#[test]
fn memberships_of_whoever_is_gone_end_in_every_group() {
    let stale_groups = [vec![], vec![0, 2, 4], (0..5).collect::<Vec<_>>()];
    // Members may be held by their ids or by hashes. One record that is not understood may be that of somebody who is gone, or anybody's.
    let odd = [vec![], vec![HeldRecord::new(Some(uid(17).to_string()), "odd")], vec![HeldRecord::new(None, "odd")]];
    let ways = [0, 3, 200].into_iter().flat_map(|polls| [0, 1_000].map(|ids| (polls, ids)));
    let ways = ways.flat_map(|way| odd.clone().map(|odd| (way, odd)));
    for (stale, ((polls, ids), odd)) in stale_groups.iter().flat_map(|stale| ways.clone().map(move |way| (stale, way))) {
        let (before, now, sink, store) = (directory(), directory(), MemorySink::new(), std::sync::Arc::new(MemoryStore::new()));
        let builder = |provider: Stale| SyncEngine::builder(Twisted(provider), std::sync::Arc::clone(&store), sink.clone()).member_ids(ids);
        let provider = Stale { before, now: now.clone(), stale: stale.iter().map(|n| gid(*n)).collect(), polls, odd };
        block_on(builder(Stale { odd: Vec::new(), ..provider.clone() }).build().sync()).unwrap();
        // One is in all groups, one in some of them; and somebody leaves a group without being gone.
        now.remove_user(&uid(0));
        now.remove_user(&uid(17));
        now.remove_member(&Membership::new(gid(3), uid(80)));

        let (changes, size) = block_on(async {
            let plan = builder(provider.clone()).safeguards(Safeguards::all(Limit::Unlimited)).build().plan().await.unwrap();
            let changes = plan.changes().map_ok(|planned| planned.change).try_collect::<Vec<_>>().await.unwrap();
            (changes, plan.directory.memberships)
        });
        let mut expected: BTreeMap<_, _> = (0..5).map(|n| ((gid(n), uid(0)), RemovalReason::UserDeleted)).collect();
        expected.extend((1..4).map(|n| ((gid(n), uid(17)), RemovalReason::UserDeleted)));
        if !stale.contains(&3) && provider.odd.iter().all(|record| record.id.is_some()) {
            expected.insert((gid(3), uid(80)), RemovalReason::Left);
        }
        assert_eq!(reasons(&changes), expected, "{stale:?} {polls} {:?}", provider.odd);
        assert_eq!(size, (sink.snapshot().memberships().len() - expected.len()) as u64, "{stale:?} {polls} {:?}", provider.odd);
        assert_eq!(changes.iter().filter(|change| change.kind() == ChangeKind::UserDeleted).count(), 2);
    }
}
