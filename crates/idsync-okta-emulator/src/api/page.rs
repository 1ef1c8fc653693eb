//! A page of a listing.

use super::cursor::Position;
use super::listing::Listing;
use bytes::Bytes;
use std::ops::Range;

/// A page, whose rows lie one after the other in what becomes the body.
#[derive(Debug)]
pub(crate) struct Page {
    body: Vec<u8>,
    rows: Vec<Range<usize>>,
    indexes: Vec<u32>,
    listing: Listing,
    /// Where the page begins.
    pub(crate) start: Position,
    pub(crate) next: Next,
    /// The first row of the next page.
    pub(crate) upcoming: Option<u32>,
    pub(crate) links: Links,
}

/// Where a page leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    At(Position),
    Nowhere,
    Url(String),
}

/// How the links of a page are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// One header line for each (recorded).
    Apart,
    /// All in one header line.
    Joined,
    /// Not at all, as with `q` (recorded).
    None,
}

impl Page {
    pub(super) fn new(listing: Listing, start: Position) -> Self {
        Self {
            body: vec![b'['],
            rows: Vec::new(),
            indexes: Vec::new(),
            listing,
            start,
            next: Next::Nowhere,
            upcoming: None,
            links: Links::Apart,
        }
    }

    pub(super) fn reserve(&mut self, bytes: usize, rows: usize) {
        self.body.reserve(bytes);
        self.rows.reserve(rows);
        self.indexes.reserve(rows);
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, index: u32, json: &[u8]) {
        if self.body.len() > 1 {
            self.body.push(b',');
        }
        let start = self.body.len();
        self.body.extend_from_slice(json);
        self.rows.push(start..self.body.len());
        self.indexes.push(index);
    }

    /// Ends the page: when another row follows, there is a next page.
    pub(super) fn end(&mut self, upcoming: Option<u32>) {
        self.upcoming = upcoming;
        if upcoming.is_some() {
            // A page that faults left without rows begins again where it began.
            self.next = Next::At(self.indexes.last().map_or(self.start, |&index| Position::after(index)));
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.rows.iter().map(|row| &self.body[row.clone()])
    }

    pub(crate) fn indexes(&self) -> &[u32] {
        &self.indexes
    }

    /// Replaces all rows.
    pub(crate) fn set_rows(&mut self, rows: &[(u32, Vec<u8>)]) {
        self.body.truncate(1);
        self.rows.clear();
        self.indexes.clear();
        for (index, json) in rows {
            self.push(*index, json);
        }
    }

    /// All rows, to be changed and put back.
    pub(crate) fn take_rows(&self) -> Vec<(u32, Vec<u8>)> {
        self.indexes.iter().zip(&self.rows).map(|(&index, row)| (index, self.body[row.clone()].to_vec())).collect()
    }

    /// The URL of this page.
    pub(crate) fn own_url(&self, base: &str) -> String {
        self.listing.url(base, (self.start != Position::START).then_some(self.start))
    }

    pub(crate) fn url_at(&self, base: &str, position: Position) -> String {
        self.listing.url(base, Some(position))
    }

    /// The URL of the next page.
    pub(crate) fn next_url(&self, base: &str) -> Option<String> {
        match &self.next {
            Next::At(position) => Some(self.url_at(base, *position)),
            Next::Nowhere => None,
            Next::Url(url) => Some(url.clone()),
        }
    }

    /// The values of the `Link` headers.
    pub(crate) fn links(&self, base: &str) -> Vec<String> {
        let own = format!("<{}>; rel=\"self\"", self.own_url(base));
        let next = self.next_url(base).map(|url| format!("<{url}>; rel=\"next\""));
        let links: Vec<String> = std::iter::once(own).chain(next).collect();
        match self.links {
            Links::Apart => links,
            Links::Joined => vec![links.join(", ")],
            Links::None => Vec::new(),
        }
    }

    pub(crate) fn into_body(mut self) -> Bytes {
        self.body.push(b']');
        self.body.into()
    }
}
