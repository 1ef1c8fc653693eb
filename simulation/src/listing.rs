//! Listings, page by page, over a source that moves on.

use crate::faults::Fault;
use crate::provider::{Sight, SimProvider};
use crate::random::lot;
use crate::rows::{Age, Rows};
use crate::universe::lock;
use idsync_core::{Error, ErrorKind, HeldRecord, Page, Result};
use std::collections::BTreeSet;

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
    /// What the last page showed, and where it began.
    last_page: Vec<R::Row>,
    last_cursor: Option<Cursor>,
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
        Self { provider, rows, cursor, page_size, page: 0, fails_at, last_page: Vec::new(), last_cursor: None, state: State::New }
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
        if let Some(group) = self.rows.of_group() {
            match &page {
                None => watch.reading().end_members(group),
                Some(Err(error)) if error.kind() != ErrorKind::NotFound => {
                    let reading = watch.reading();
                    let mut asked = lock(&reading.asked);
                    asked.incomplete = true;
                    asked.members_refused += u64::from(error.kind() == ErrorKind::PermissionDenied);
                }
                Some(_) => {}
            }
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
        if watch.plans(Fault::NothingShown) && self.rows.shows_nothing(watch.salt) {
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
        if watch.plans(Fault::RowsRepeated) && self.provider.universe.once_in(3) {
            // The last page comes again, as it is by now.
            if let Some(cursor) = self.last_cursor.take() {
                watch.strike(Fault::RowsRepeated);
                self.last_page.clear();
                self.cursor = cursor;
            }
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
            watch.reading().list_members(group, *version);
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
        let next = match &self.cursor {
            Cursor::After(_) => Cursor::After(last),
            Cursor::Offset(offset, _) => Cursor::Offset(offset + rows.len(), last),
        };
        self.last_cursor = Some(std::mem::replace(&mut self.cursor, next));
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
