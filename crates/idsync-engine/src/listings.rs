//! The listings of a read, side by side.

use crate::member_read::{MemberRead, MemberStep};
use futures::future::{BoxFuture, Either, select};
use futures::stream::{BoxStream, FuturesUnordered, Peekable};
use futures::{FutureExt, StreamExt};
use idsync_core::{Group, Page, Result};
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// What comes next of a read whose users come in pages like `U`.
pub(crate) enum Arrival<U> {
    Groups(Result<Page<Group>>),
    Members(MemberStep),
    Users(Result<U>),
}

/// The listings of users and groups, and those of members that are under way.
pub(crate) struct Listings<U> {
    users: Peekable<BoxStream<'static, Result<U>>>,
    groups: Peekable<BoxStream<'static, Result<Page<Group>>>>,
    users_ended: bool,
    groups_ended: bool,
    members: FuturesUnordered<BoxFuture<'static, MemberStep>>,
    /// Members that came while something else was waited for.
    arrived: VecDeque<MemberStep>,
}

impl<U: Send + 'static> Listings<U> {
    pub(crate) fn new(users: BoxStream<'static, Result<U>>, groups: BoxStream<'static, Result<Page<Group>>>) -> Self {
        Self {
            users: users.peekable(),
            groups: groups.peekable(),
            users_ended: false,
            groups_ended: false,
            members: FuturesUnordered::new(),
            arrived: VecDeque::new(),
        }
    }

    /// For members alone.
    pub(crate) fn of_members() -> Self {
        Self { users_ended: true, groups_ended: true, ..Self::new(futures::stream::empty().boxed(), futures::stream::empty().boxed()) }
    }

    /// How many lists of members are under way.
    pub(crate) fn members_under_way(&self) -> usize {
        self.members.len() + self.arrived.len()
    }

    /// Whether all users were listed.
    pub(crate) const fn users_ended(&self) -> bool {
        self.users_ended
    }

    /// Has a list of members come some pages further.
    pub(crate) fn go_on_with(&mut self, read: Box<MemberRead>) {
        self.members.push(read.go_on().boxed());
    }

    /// The next page, or the next pages of a list of members; `None` when all that was begun has ended.
    pub(crate) async fn next(&mut self) -> Option<Arrival<U>> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Arrival<U>>> {
        if let Some(read) = self.arrived.pop_front() {
            return Poll::Ready(Some(Arrival::Members(read)));
        }
        // Users first: the sooner it is known who is missing, the more groups can be watched for them.
        if !self.users_ended
            && let Poll::Ready(page) = self.users.poll_next_unpin(context)
        {
            match page {
                Some(page) => return Poll::Ready(Some(Arrival::Users(page))),
                None => self.users_ended = true,
            }
        }
        if let Poll::Ready(Some(read)) = self.members.poll_next_unpin(context) {
            return Poll::Ready(Some(Arrival::Members(read)));
        }
        if !self.groups_ended
            && let Poll::Ready(page) = self.groups.poll_next_unpin(context)
        {
            match page {
                Some(page) => return Poll::Ready(Some(Arrival::Groups(page))),
                None => self.groups_ended = true,
            }
        }
        let is_over = self.users_ended && self.groups_ended && self.members.is_empty();
        if is_over { Poll::Ready(None) } else { Poll::Pending }
    }

    /// Waits for an answer while the listings go on: it may have to wait for a place that one of their requests holds. What comes
    /// meanwhile is kept, one step of each listing at most.
    pub(crate) async fn while_waiting_for<T>(&mut self, answer: impl Future<Output = T>) -> T {
        let going_on = std::future::poll_fn(|context| {
            self.go_on(context);
            Poll::<()>::Pending
        });
        match select(pin!(answer), going_on).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => unreachable!("the listings are never done for good"),
        }
    }

    fn go_on(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(Some(read)) = self.members.poll_next_unpin(context) {
            self.arrived.push_back(read);
        }
        if !self.groups_ended {
            _ = Pin::new(&mut self.groups).poll_peek(context);
        }
        if !self.users_ended {
            _ = Pin::new(&mut self.users).poll_peek(context);
        }
    }
}
