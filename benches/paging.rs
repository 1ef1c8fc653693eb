//! Reading a whole org over HTTP, against raw HTTP reads of the same pages.
//!
//! The org is served by another process; what is measured is the CPU time of the reader. Work: `OktaProvider` reads all users, groups and
//! members, one listing after the other. Floors: one bare connection asks for the same pages and (raw) only looks for the link to the
//! next one, or (ids) also reads the id and the status of every record with a typed parser.

use futures::TryStreamExt;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, HOST, LINK};
use hyper_util::rt::TokioIo;
use idsync::{IdentityProvider, MemberListing, ReadOptions};
use idsync_benches::{Served, Size, Spent, compare, measure, provider, serve_if_asked};
use serde::Deserialize;
use std::hint::black_box;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

const SIZES: [Size; 2] = [Size::new(2_000, 100, 10_000), Size::new(10_000, 500, 50_000)];

fn main() {
    serve_if_asked();
    for size in SIZES {
        let served = Served::start(size);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        let (read, raw) = (runtime.block_on(read_all(&served)), runtime.block_on(raw_all(&served, Parse::Nothing)));
        let ids = runtime.block_on(raw_all(&served, Parse::Ids));
        assert_eq!(read.records, ids.records, "both read the same records");
        assert_eq!(read.requests, ids.requests, "with the same number of requests");
        println!("{} users, {} groups: {} records in {} requests", size.users, size.groups, read.records, raw.requests);
        println!("  OktaProvider / raw HTTP         {}", pairs(&runtime, &served, Parse::Nothing));
        println!("  OktaProvider / raw HTTP and ids {}", pairs(&runtime, &served, Parse::Ids));
    }
}

fn pairs(runtime: &Runtime, served: &Served, parse: Parse) -> idsync_benches::Compared {
    let work = || spent(runtime, read_all(served));
    let floor = || spent(runtime, raw_all(served, parse));
    compare(work, floor)
}

fn spent(runtime: &Runtime, read: impl Future<Output = Read>) -> Spent {
    measure(|| black_box(runtime.block_on(read))).1
}

/// What a reader has read.
#[derive(Debug, Default)]
struct Read {
    records: usize,
    requests: usize,
}

async fn read_all(served: &Served) -> Read {
    let provider = provider(served);
    let mut records = 0;
    let mut users = provider.users(ReadOptions::default());
    while let Some(page) = users.try_next().await.expect("users can be read") {
        records += page.items.len();
    }
    let mut groups = provider.groups(ReadOptions::default());
    while let Some(page) = groups.try_next().await.expect("groups can be read") {
        records += page.items.len();
        for group in page.items.iter().filter(|group| provider.member_listing(group) == MemberListing::Listed) {
            let mut members = provider.members(&group.id, ReadOptions::default());
            while let Some(page) = members.try_next().await.expect("members can be read") {
                records += page.items.len();
            }
        }
    }
    let requests = provider.usage().total;
    Read { records, requests: usize::try_from(requests).unwrap_or(usize::MAX) }
}

/// What is read of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parse {
    Ids,
    Nothing,
}

#[derive(Deserialize)]
struct Record<'a> {
    id: &'a str,
    status: Option<&'a str>,
    #[serde(rename = "type")]
    kind: Option<serde::de::IgnoredAny>,
}

struct Raw<'a> {
    connection: SendRequest<Empty<Bytes>>,
    served: &'a Served,
    read: Read,
    parse: Parse,
}

async fn raw_all(served: &Served, parse: Parse) -> Read {
    let stream = TcpStream::connect(served.authority()).await.expect("the server is there");
    let (connection, driver) = handshake(TokioIo::new(stream)).await.expect("the server speaks HTTP");
    tokio::spawn(driver);
    let mut raw = Raw { connection, served, read: Read::default(), parse };
    raw.listing("/api/v1/users?limit=200").await;
    // Everyone, the first group, is left out, as it is by the provider.
    let groups = raw.listing("/api/v1/groups?limit=200").await;
    for group in groups.iter().skip(1) {
        raw.listing(&format!("/api/v1/groups/{group}/users?limit=1000")).await;
    }
    raw.read
}

impl Raw<'_> {
    async fn listing(&mut self, path: &str) -> Vec<String> {
        let is_groups = path.starts_with("/api/v1/groups?");
        let mut ids = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next.take() {
            let request = hyper::Request::get(&path)
                .header(HOST, self.served.authority())
                .header(AUTHORIZATION, format!("SSWS {}", self.served.token))
                .body(Empty::new())
                .expect("the request is valid");
            let answer = self.connection.send_request(request).await.expect("the server answers");
            next = next_path(&answer, &self.served.url);
            let body = answer.into_body().collect().await.expect("the body can be read").to_bytes();
            self.read.requests += 1;
            // The ids of groups are needed to go on, whatever else is parsed.
            if is_groups || self.parse == Parse::Ids {
                let records: Vec<Record<'_>> = serde_json::from_slice(&body).expect("the body is a page");
                let counted = records.iter().filter(|record| is_groups || record.status != Some("DEPROVISIONED"));
                self.read.records += counted.count();
                ids.extend(records.iter().filter(|record| is_groups && record.kind.is_some()).map(|record| record.id.to_owned()));
            }
            black_box(body);
        }
        ids
    }
}

fn next_path(answer: &hyper::Response<hyper::body::Incoming>, url: &str) -> Option<String> {
    let links = answer.headers().get_all(LINK).iter().filter_map(|link| link.to_str().ok());
    let next = links.filter(|link| link.contains("rel=\"next\"")).find_map(|link| link.split(['<', '>']).nth(1));
    next.and_then(|link| link.strip_prefix(url)).map(str::to_owned)
}
