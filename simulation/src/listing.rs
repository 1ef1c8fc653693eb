//! Listings, page by page, over a source that moves on.

use crate::faults::Fault;
use crate::provider::{Sight, SimProvider};
use crate::random::lot;
use crate::world::World;
use idsync_core::{Error, ErrorKind, Group, GroupId, HeldRecord, Page, Result, User, UserId};
use std::collections::BTreeSet;

/// What a listing is of.
pub(crate) trait Rows: Send + 'static {
    /// What a row is.
    type Row: Clone + Send + 'static;
    /// The fault that ends it in an error.
    const FAILS: Fault;
    /// The fault that keeps rows out of it; `None` where nothing but the listing shows a row.
    const HIDES: Option<Fault>;
    /// The fault of records that make no sense.
    const MALFORMED: Fault;
    /// The same, without an id.
    const NAMELESS: Fault;

    /// What is listed, in order: the id of each row, and the row.
    fn rows<'a>(&'a self, world: &'a World, age: Age) -> Box<dyn Iterator<Item = (&'a str, Self::Row)> + 'a>;

    /// Why there is no such listing.
    fn refusal(&self, world: &World) -> Option<ErrorKind>;

    /// What the listing is called in a trace.
    fn name(&self) -> &str;

    /// The group whose members are listed.
    fn of_group(&self) -> Option<&GroupId> {
        None
    }
}

/// Whether a listing lags behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    Fresh,
    Stale,
}

pub(crate) struct Users;
pub(crate) struct Groups;
pub(crate) struct MembersOf(pub(crate) GroupId);

impl Rows for Users {
    type Row = User;
    const FAILS: Fault = Fault::UsersFail;
    const HIDES: Option<Fault> = Some(Fault::UsersHidden);
    const MALFORMED: Fault = Fault::Malformed;
    const NAMELESS: Fault = Fault::MalformedNameless;

    fn rows<'a>(&'a self, world: &'a World, _age: Age) -> Box<dyn Iterator<Item = (&'a str, User)> + 'a> {
        Box::new(world.users.values().filter(|user| world.user_in_scope(&user.id)).map(|user| (user.id.as_str(), user.clone())))
    }

    fn refusal(&self, world: &World) -> Option<ErrorKind> {
        (!world.users.keys().any(|id| world.user_in_scope(id))).then_some(ErrorKind::PermissionDenied)
    }

    fn name(&self) -> &str {
        "users"
    }
}

impl Rows for Groups {
    type Row = Group;
    const FAILS: Fault = Fault::GroupsFail;
    const HIDES: Option<Fault> = Some(Fault::GroupsHidden);
    const MALFORMED: Fault = Fault::Malformed;
    const NAMELESS: Fault = Fault::MalformedNameless;

    fn rows<'a>(&'a self, world: &'a World, _age: Age) -> Box<dyn Iterator<Item = (&'a str, Group)> + 'a> {
        Box::new(world.groups.values().filter(|group| world.group_in_scope(&group.id)).map(|group| (group.id.as_str(), group.clone())))
    }

    fn refusal(&self, world: &World) -> Option<ErrorKind> {
        (!world.groups.keys().any(|id| world.group_in_scope(id))).then_some(ErrorKind::PermissionDenied)
    }

    fn name(&self) -> &str {
        "groups"
    }
}

impl Rows for MembersOf {
    type Row = UserId;
    const FAILS: Fault = Fault::MembersFail;
    const HIDES: Option<Fault> = None;
    const MALFORMED: Fault = Fault::MalformedMembers;
    const NAMELESS: Fault = Fault::MalformedMembers;

    fn rows<'a>(&'a self, world: &'a World, age: Age) -> Box<dyn Iterator<Item = (&'a str, UserId)> + 'a> {
        let members = if age == Age::Stale { &world.past().1 } else { &world.members };
        Box::new(members.get(&self.0).into_iter().flatten().map(|id| (id.as_str(), id.clone())))
    }

    fn refusal(&self, world: &World) -> Option<ErrorKind> {
        (!world.group_in_scope(&self.0)).then_some(ErrorKind::NotFound)
    }

    fn name(&self) -> &str {
        self.0.as_str()
    }

    fn of_group(&self) -> Option<&GroupId> {
        Some(&self.0)
    }
}

/// How a listing finds the next page.
enum Cursor {
    /// After this id. Nothing that stays is ever skipped.
    After(String),
    /// After so many rows, the last of which was this one. What stays is skipped when something before it goes.
    Offset(usize, String),
}

/// A listing under way.
pub(crate) struct Listing<R: Rows> {
    provider: SimProvider,
    rows: R,
    cursor: Cursor,
    page_size: usize,
    page: u64,
    fails_at: Option<u64>,
    last_page: Vec<R::Row>,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    New,
    Open(Age),
    Ended,
}

impl<R: Rows> Listing<R> {
    pub(crate) fn new(provider: SimProvider, rows: R) -> Self {
        // Only what is looked up when it is missing may be listed in a way that skips rows.
        let moves = provider.watch.plans(Fault::RowsMoved) && R::HIDES.is_some();
        let cursor = if moves { Cursor::Offset(0, String::new()) } else { Cursor::After(String::new()) };
        let page_size = usize::try_from(provider.universe.random().between(1, if moves { 3 } else { 12 })).unwrap_or(1);
        let chosen = rows.of_group().is_none_or(|group| lot(provider.watch.salt ^ 3, group.as_str()).is_multiple_of(2));
        let fails_at = (provider.watch.plans(R::FAILS) && chosen).then(|| provider.universe.below(4));
        Self { provider, rows, cursor, page_size, page: 0, fails_at, last_page: Vec::new(), state: State::New }
    }

    /// The next page; `None` after the last one.
    pub(crate) async fn next_page(&mut self) -> Option<Result<Page<R::Row>>> {
        if self.state == State::Ended {
            return None;
        }
        let sight = self.provider.request().await;
        let page = self.read(sight);
        let (universe, watch) = (&self.provider.universe, &self.provider.watch);
        match &page {
            Some(Ok(page)) => {
                let (shown, held) = (page.items.len(), page.held.len());
                universe.note(format_args!("{} reads {}: {shown} rows, {held} held", watch.name, self.rows.name()));
            }
            Some(Err(error)) => universe.note(format_args!("{} reads {}: {error}", watch.name, self.rows.name())),
            None => universe.note(format_args!("{} reads {} to the end", watch.name, self.rows.name())),
        }
        if !matches!(page, Some(Ok(_))) {
            self.state = State::Ended;
        }
        page
    }

    fn read(&mut self, sight: Sight) -> Option<Result<Page<R::Row>>> {
        let watch = std::sync::Arc::clone(&self.provider.watch);
        if sight == Sight::Blind {
            return None;
        }
        if self.fails_at.is_some_and(|at| at <= self.page) {
            watch.strike(R::FAILS);
            return Some(Err(self.provider.failure()));
        }
        if watch.plans(Fault::NothingShown) {
            watch.strike(Fault::NothingShown);
            return None;
        }
        let age = match self.state {
            State::Open(age) => age,
            _ => match self.open() {
                Ok(age) => age,
                Err(error) => return Some(Err(error)),
            },
        };
        self.state = State::Open(age);
        self.page += 1;
        if watch.plans(Fault::EmptyPages) && self.provider.universe.once_in(3) {
            watch.strike(Fault::EmptyPages);
            return Some(Ok(Page::new(Vec::new())));
        }
        match self.next_rows(age) {
            Some(page) => Some(Ok(page)),
            // The end is where a fault strikes that found no page to strike at.
            None if self.fails_at.is_some() => {
                watch.strike(R::FAILS);
                Some(Err(self.provider.failure()))
            }
            None => None,
        }
    }

    /// Decides what the listing shows, at its first page.
    fn open(&self) -> Result<Age> {
        let (universe, watch) = (&self.provider.universe, &self.provider.watch);
        let world = universe.world();
        if let Some(kind) = self.rows.refusal(&world) {
            return Err(Error::new(kind, "there is nothing to list"));
        }
        let Some(group) = self.rows.of_group() else { return Ok(Age::Fresh) };
        if watch.plans(Fault::GroupUnlisted) && lot(watch.salt ^ 4, group.as_str()).is_multiple_of(3) {
            drop(world);
            watch.strike(Fault::GroupUnlisted);
            return Err(Error::new(ErrorKind::NotFound, "planted"));
        }
        let (version, past) = world.past();
        if watch.plans(Fault::MembersStale) && past.get(group) != world.members.get(group) {
            watch.reading().show(*version);
            drop(world);
            watch.strike(Fault::MembersStale);
            return Ok(Age::Stale);
        }
        Ok(Age::Fresh)
    }

    fn next_rows(&mut self, age: Age) -> Option<Page<R::Row>> {
        let provider = self.provider.clone();
        let world = provider.universe.world();
        let mut strikes = BTreeSet::new();
        let shown = self.rows.rows(&world, age).filter(|(id, _)| match R::HIDES {
            Some(fault) if provider.is_hidden(fault, id) => {
                strikes.insert(fault);
                false
            }
            _ => true,
        });
        let rows: Vec<(String, R::Row)> = match &self.cursor {
            Cursor::After(last) => {
                shown.filter(|(id, _)| *id > last.as_str()).take(self.page_size).map(|(id, row)| (id.to_owned(), row)).collect()
            }
            Cursor::Offset(offset, last) => {
                let mut rows: Vec<_> = shown.take(offset + self.page_size).map(|(id, row)| (id.to_owned(), row)).collect();
                let rows = rows.split_off((*offset).min(rows.len()));
                let skipped = self
                    .rows
                    .rows(&world, age)
                    .any(|(id, _)| id > last.as_str() && rows.first().is_none_or(|(first, _)| id < first.as_str()));
                if *offset > 0 && skipped && R::HIDES.is_none_or(|fault| !provider.watch.plans(fault)) {
                    strikes.insert(Fault::RowsMoved);
                }
                rows
            }
        };
        drop(world);
        strikes.into_iter().for_each(|fault| provider.watch.strike(fault));
        let last = rows.last()?.0.clone();
        self.cursor = match &self.cursor {
            Cursor::After(_) => Cursor::After(last),
            Cursor::Offset(offset, _) => Cursor::Offset(offset + rows.len(), last),
        };
        Some(self.page_of(rows))
    }

    fn page_of(&mut self, rows: Vec<(String, R::Row)>) -> Page<R::Row> {
        let watch = &self.provider.watch;
        let (mut items, mut held) = (Vec::new(), Vec::new());
        if watch.plans(Fault::RowsRepeated) && !self.last_page.is_empty() && self.provider.universe.once_in(2) {
            watch.strike(Fault::RowsRepeated);
            items.append(&mut self.last_page);
        }
        self.last_page.clear();
        for (id, row) in rows {
            let malformed = if self.rows.of_group().is_some() {
                watch.plans(Fault::MalformedMembers) && lot(watch.salt ^ 5, &id).is_multiple_of(6)
            } else {
                self.provider.is_malformed(&id)
            };
            if !malformed {
                self.last_page.push(row.clone());
                items.push(row);
                continue;
            }
            let named = watch.plans(R::MALFORMED) && (!watch.plans(R::NAMELESS) || lot(watch.salt ^ 6, &id).is_multiple_of(2));
            watch.strike(if named { R::MALFORMED } else { R::NAMELESS });
            held.push(HeldRecord::new(named.then_some(id), "planted"));
        }
        Page::new(items).with_held(held)
    }
}
