//! A request.

use super::endpoint::{self, Endpoint};
use super::method::Method;
use super::query::Query;
use crate::org::Shared;
use bytes::Bytes;
use hyper::HeaderMap;
use hyper::http::request::Parts;
use std::fmt;

/// A request, read and taken apart.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) endpoint: Endpoint,
    /// The ids in the path.
    ids: Vec<String>,
    /// The most rows that a fault leaves to a page.
    pub(crate) most_rows: Option<usize>,
}

impl Call {
    pub(crate) fn new(parts: Parts, body: Bytes) -> Self {
        let path = parts.uri.path().to_owned();
        let method = Method::parse(parts.method.as_str());
        let (endpoint, ids) = endpoint::find(method, &path);
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        Self { method, path, query, headers: parts.headers, body, endpoint, ids, most_rows: None }
    }

    /// The first id in the path.
    pub(crate) fn id(&self) -> Option<&str> {
        self.ids.first().map(String::as_str)
    }

    /// The id in this place of the path; empty where there is none.
    pub(crate) fn id_at(&self, place: usize) -> &str {
        self.ids.get(place).map(String::as_str).unwrap_or_default()
    }

    /// Whether the request would change something.
    pub(crate) fn is_writing(&self) -> bool {
        !matches!(self.method, Method::Get | Method::Other) && !self.endpoint.is_oauth()
    }

    /// Whether the request does not say how long its body is, which Okta wants to know of a `POST` or a `PUT` (Okta reference: "Okta API
    /// overview").
    pub(crate) fn lacks_length(&self) -> bool {
        let has = |name| self.headers.contains_key(name);
        matches!(self.method, Method::Post | Method::Put) && !has("content-length") && !has("transfer-encoding")
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
