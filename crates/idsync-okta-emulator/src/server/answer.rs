//! An answer, before it becomes bytes on a connection.

use super::body::Ending;
use crate::api::Page;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use std::fmt;
use std::time::Duration;

/// An answer that faults may still change.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    /// The page that the body will be made of.
    pub(crate) page: Option<Page>,
    pub(crate) delivery: Delivery,
}

/// How an answer goes out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delivery {
    /// Seconds that `Date` is off.
    pub(crate) date_skew: i64,
    pub(crate) ending: Ending,
    /// Bytes per tick, and the tick.
    pub(crate) pace: Option<(usize, Duration)>,
    /// How many bytes of white space to put in front of the last byte of the body.
    pub(crate) padding: u64,
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        let mut answer = Self::empty(status).with_header("content-type", "application/json");
        answer.body = body.into();
        answer
    }

    /// An answer with no body, and so with no content type (recorded).
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            headers: Vec::new(),
            body: Bytes::new(),
            page: None,
            delivery: Delivery::default(),
        }
    }

    pub(crate) fn page(page: Page) -> Self {
        Self { page: Some(page), ..Self::json(200, Bytes::new()) }
    }

    /// Adds a header. What cannot be a header value is left out.
    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.add_header(name, value);
        self
    }

    pub(crate) fn add_header(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
    }

    /// Writes the page out: its rows as the body, its links as headers.
    pub(crate) fn settle(&mut self, base: &str) {
        let Some(page) = self.page.take() else { return };
        for link in page.links(base) {
            self.add_header("link", &link);
        }
        self.body = page.into_body();
    }
}

/// Without the body, which may be an access token.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}
