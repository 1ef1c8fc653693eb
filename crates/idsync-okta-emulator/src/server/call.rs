//! A request.

use super::endpoint::{self, Endpoint};
use super::query::Query;
use crate::org::Shared;
use bytes::Bytes;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use std::fmt;

/// A request, read and taken apart.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) endpoint: Endpoint,
    /// The id in the path.
    pub(crate) id: Option<String>,
    /// The most rows that a fault leaves to a page.
    pub(crate) most_rows: Option<usize>,
}

impl Call {
    pub(crate) fn new(parts: Parts, body: Bytes) -> Self {
        let path = parts.uri.path().to_owned();
        let (endpoint, id) = endpoint::find(&parts.method, &path);
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        Self { method: parts.method, path, query, headers: parts.headers, body, endpoint, id, most_rows: None }
    }

    pub(crate) fn host(&self) -> Option<&str> {
        self.headers.get("host")?.to_str().ok()
    }

    /// The URL that was called, without its query: by the org's own name, and by the one in `Host`.
    pub(crate) fn urls(&self, shared: &Shared) -> [String; 2] {
        let host = self.host().unwrap_or(&shared.authority);
        [format!("{}{}", shared.base, self.path), format!("http://{host}{}", self.path)]
    }

    /// The page size that holds: asked for, or the default; never above the largest. `None` when it is not a number above zero.
    pub(crate) fn limit(&self) -> Option<usize> {
        let (default, largest) = self.endpoint.limits().unwrap_or((200, 200));
        match self.query.get("limit") {
            None => Some(default),
            Some(text) => text.parse().ok().filter(|&limit: &usize| limit > 0).map(|limit| limit.min(largest)),
        }
    }
}

/// Without headers, query and body, in which there are credentials.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("method", &self.method).field("path", &self.path).finish_non_exhaustive()
    }
}
