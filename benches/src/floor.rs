//! The least that a reader of an org can do: bare connections, whole users, and of members only ids.
//!
//! It does nothing but ask, parse and count: no retries, no limits, no checks of links, and whatever is not as expected is a panic.

use crate::Served;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, HOST, LINK};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::hint::black_box;
use tokio::net::TcpStream;

const USERS_A_PAGE: usize = 200;
const GROUPS_A_PAGE: usize = 200;
const MEMBERS_A_PAGE: usize = 1_000;

/// What a reader has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Users, groups and memberships; who is deactivated does not count.
    pub records: usize,
    /// Requests that were sent.
    pub requests: usize,
}

/// What the floor has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FloorRead {
    /// What is to be compared with another reader.
    pub tally: Tally,
    /// The fewest requests that can read it all, when it is known beforehand which groups are empty.
    pub fewest: usize,
    /// Groups without members: one more request each for whoever does not know beforehand.
    pub empty_groups: usize,
}

/// A user with what the model of a user holds, owned.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "what counts is that it was made")]
struct FloorUser {
    id: String,
    status: String,
    created: Option<String>,
    last_login: Option<String>,
    last_updated: Option<String>,
    status_changed: Option<String>,
    realm_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<Value>,
    profile: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct FloorGroup {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    profile: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct FloorMember<'a> {
    id: &'a str,
    status: &'a str,
}

#[derive(Clone, Copy)]
enum Listing {
    Groups,
    Members,
    Users,
}

/// A page to be asked for: of what, where, and how much of the listing came before it.
struct Job {
    listing: Listing,
    path: String,
    seen: usize,
}

/// A page that was read.
struct Done {
    connection: SendRequest<Empty<Bytes>>,
    job: Job,
    /// All that were in the page, and those of them that count.
    entries: usize,
    counted: usize,
    next: Option<String>,
    /// Groups whose members are to be read.
    groups: Vec<String>,
}

/// Reads all users, all groups and the members of all groups but Everyone over so many connections, each with one request at a time.
///
/// # Panics
/// The org does not answer as an org does.
pub async fn read_floor(served: &Served, connections: usize) -> FloorRead {
    let mut idle = Vec::new();
    for _ in 0..connections {
        idle.push(connect(served).await);
    }
    let first = |listing, path: &str| Job { listing, path: path.to_owned(), seen: 0 };
    let users = first(Listing::Users, &format!("/api/v1/users?limit={USERS_A_PAGE}"));
    let groups = first(Listing::Groups, &format!("/api/v1/groups?limit={GROUPS_A_PAGE}"));
    let (mut pending, mut running) = (VecDeque::from([users, groups]), FuturesUnordered::new());
    let mut read = FloorRead::default();
    loop {
        while let Some(connection) = idle.pop() {
            let Some(job) = pending.pop_front() else {
                idle.push(connection);
                break;
            };
            running.push(page(served, connection, job));
        }
        let Some(done) = running.next().await else { return read };
        read.tally.requests += 1;
        read.tally.records += done.counted;
        pending.extend(done.groups.iter().map(|id| first(Listing::Members, &format!("/api/v1/groups/{id}/users?limit={MEMBERS_A_PAGE}"))));
        let seen = done.job.seen + done.entries;
        match done.next {
            Some(path) => pending.push_front(Job { path, seen, ..done.job }),
            None => read.end(done.job.listing, seen),
        }
        idle.push(done.connection);
    }
}

impl FloorRead {
    fn end(&mut self, listing: Listing, entries: usize) {
        match listing {
            Listing::Groups => self.fewest += entries.div_ceil(GROUPS_A_PAGE).max(1),
            Listing::Users => self.fewest += entries.div_ceil(USERS_A_PAGE).max(1),
            Listing::Members => {
                self.fewest += entries.div_ceil(MEMBERS_A_PAGE);
                self.empty_groups += usize::from(entries == 0);
            }
        }
    }
}

async fn connect(served: &Served) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(served.authority()).await.expect("the server is there");
    stream.set_nodelay(true).expect("a connection can be set up");
    let (connection, driver) = handshake(TokioIo::new(stream)).await.expect("the server speaks HTTP");
    tokio::spawn(driver);
    connection
}

async fn page(served: &Served, mut connection: SendRequest<Empty<Bytes>>, job: Job) -> Done {
    let request = hyper::Request::get(&job.path)
        .header(HOST, served.authority())
        .header(AUTHORIZATION, format!("SSWS {}", served.token))
        .body(Empty::new())
        .expect("the request is valid");
    let answer = connection.send_request(request).await.expect("the server answers");
    let next = next_path(&answer, &served.url);
    let body = answer.into_body().collect().await.expect("the body can be read").to_bytes();
    let (entries, counted, groups) = match job.listing {
        Listing::Groups => groups(&body),
        Listing::Members => members(&body),
        Listing::Users => users(&body),
    };
    Done { connection, job, entries, counted, next, groups }
}

fn users(body: &[u8]) -> (usize, usize, Vec<String>) {
    let users: Vec<FloorUser> = black_box(serde_json::from_slice(body).expect("the body is a page of users"));
    (users.len(), users.iter().filter(|user| user.status != "DEPROVISIONED").count(), Vec::new())
}

fn members(body: &[u8]) -> (usize, usize, Vec<String>) {
    let members: Vec<FloorMember<'_>> = black_box(serde_json::from_slice(body).expect("the body is a page of members"));
    black_box(members.iter().map(|member| member.id.len()).sum::<usize>());
    (members.len(), members.iter().filter(|member| member.status != "DEPROVISIONED").count(), Vec::new())
}

fn groups(body: &[u8]) -> (usize, usize, Vec<String>) {
    let groups: Vec<FloorGroup> = black_box(serde_json::from_slice(body).expect("the body is a page of groups"));
    let is_everyone =
        |group: &FloorGroup| group.kind == "BUILT_IN" && group.profile.get("name").and_then(Value::as_str) == Some("Everyone");
    let count = groups.len();
    (count, count, groups.into_iter().filter(|group| !is_everyone(group)).map(|group| group.id).collect())
}

fn next_path(answer: &hyper::Response<Incoming>, url: &str) -> Option<String> {
    let links = answer.headers().get_all(LINK).iter().filter_map(|link| link.to_str().ok());
    let next = links.filter(|link| link.contains("rel=\"next\"")).find_map(|link| link.split(['<', '>']).nth(1));
    next.and_then(|link| link.strip_prefix(url)).map(str::to_owned)
}
