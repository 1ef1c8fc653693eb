//! Reading a whole org that is slow, limits the requests, or fails: how long it takes and how many requests, against the optimum.
//!
//! The org is served by another process. `OktaProvider` reads it as the engine does: users and groups side by side, and the members of up
//! to eight groups with them. Every reading is compared with what is in the org.

use http_body_util::{BodyExt, Empty};
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, HOST};
use hyper_util::rt::TokioIo;
use idsync::Secret;
use idsync::okta::{ApiToken, OktaClient, OktaProvider, OrgUrl, RateShare};
use idsync_benches::{Conditions, Reading, Served, Size, emulated, read_all, rounds, serve_if_asked};
use idsync_okta_emulator::Truth;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

const LATENCY: Duration = Duration::from_millis(30);
const WINDOW: Duration = Duration::from_secs(5);
const LIMIT: u32 = 300;

fn main() {
    serve_if_asked();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    slow(&runtime);
    limited(&runtime);
    shared(&runtime);
    crowded(&runtime);
    for percent in [1, 10, 40] {
        faulty(&runtime, percent);
    }
}

/// An org whose answers take their time: the optimum has eight requests under way, or the longest chain decides.
fn slow(runtime: &Runtime) {
    let conditions = Conditions { latency: LATENCY, ..Conditions::default() };
    let bench = Bench::new(runtime, Size::new(8_000, 800, 8_000), conditions);
    let mut round_trips = Vec::new();
    let readings = bench.readings(|served| {
        round_trips.push(runtime.block_on(round_trip(served)));
        runtime.block_on(read_all(&provider(served, RateShare::default())))
    });
    println!("{LATENCY:?} an answer, 8 at once: {}; {}", times_optimum(&readings, &round_trips, 8), told(&readings));
}

/// An org that limits the requests of a window, and nobody else is there.
fn limited(runtime: &Runtime) {
    let conditions = Conditions { limit: LIMIT, window: WINDOW, ..Conditions::default() };
    let bench = Bench::new(runtime, Size::new(1_000, 640, 4_000), conditions);
    let readings = bench.readings(|served| runtime.block_on(read_all(&provider(served, whole()))));
    let ratio = median(&readings, |read| read.wall.as_secs_f64() / (WINDOW.as_secs_f64() * waits(read)));
    println!("{LIMIT} requests in {WINDOW:?}, alone: {ratio:.3} × the windows that it takes; {}", told(&readings));
}

/// The same, while somebody else asks about as fast with the same credential, and so takes about half of each window.
fn shared(runtime: &Runtime) {
    let conditions = Conditions { latency: LATENCY * 2, limit: LIMIT, window: WINDOW, ..Conditions::default() };
    let bench = Bench::new(runtime, Size::new(1_000, 400, 4_000), conditions);
    let readings = bench.readings(|served| {
        let read = provider(served, whole());
        runtime.block_on(async {
            tokio::select! {
                read = read_all(&read) => read,
                () = compete(served, 6) => unreachable!("it never ends"),
            }
        })
    });
    let refused = median(&readings, |read| read.refused as f64 / (read.wall.as_secs_f64() / WINDOW.as_secs_f64()).ceil());
    println!("{LIMIT} requests in {WINDOW:?}, half of them taken by others: {refused:.2} refused in a window; {}", told(&readings));
}

/// An org that serves five requests at once, and is sent eight.
fn crowded(runtime: &Runtime) {
    let conditions = Conditions { latency: LATENCY, at_once: 5, ..Conditions::default() };
    let bench = Bench::new(runtime, Size::new(4_000, 400, 4_000), conditions);
    let mut round_trips = Vec::new();
    let readings = bench.readings(|served| {
        round_trips.push(runtime.block_on(round_trip(served)));
        runtime.block_on(read_all(&provider(served, RateShare::default())))
    });
    let ratio = times_optimum(&readings, &round_trips, 5);
    let wasted = median(&readings, |read| 100.0 * read.refused as f64 / read.requests as f64);
    println!("{LATENCY:?} an answer, 5 at once borne, 8 wanted: {ratio}, {wasted:.1} % refused; {}", told(&readings));
}

/// An org that fails.
fn faulty(runtime: &Runtime, percent: u64) {
    let conditions = Conditions { fault_percent: percent, ..Conditions::default() };
    let size = Size::new(4_000, 300, 20_000);
    let fewest = Bench::new(runtime, size, Conditions::default()).readings(|served| {
        let read = provider(served, RateShare::default());
        runtime.block_on(read_all(&read))
    });
    let fewest = fewest.iter().map(|read| read.pages).min().unwrap_or_default();
    let readings =
        Bench::new(runtime, size, conditions).readings(|served| runtime.block_on(read_all(&provider(served, RateShare::default()))));
    let ratio = median(&readings, |read| read.requests as f64 / fewest as f64);
    let failed = median(&readings, |read| 100.0 * (read.requests - read.pages) as f64 / read.requests as f64);
    println!("{percent} % of the requests fail ({failed:.1} % did): {ratio:.3} × the requests that it takes; {}", told(&readings));
}

struct Bench {
    size: Size,
    conditions: Conditions,
    truth: Truth,
}

impl Bench {
    fn new(runtime: &Runtime, size: Size, conditions: Conditions) -> Self {
        let org = runtime.block_on(emulated(size).start()).expect("the org can be started");
        Self { size, conditions, truth: org.org().truth().in_scope() }
    }

    /// Reads in each round a fresh org.
    fn readings(&self, mut read: impl FnMut(&Served) -> Reading) -> Vec<Reading> {
        let mut one = || {
            let served = Served::start_with(self.size, self.conditions);
            let reading = read(&served);
            assert!(reading.is_complete(&self.truth), "{:?}: {} listings failed", self.conditions, reading.failed);
            reading
        };
        (0..rounds().max(1)).map(|_| one()).collect()
    }
}

fn provider(served: &Served, share: RateShare) -> OktaProvider {
    let org = OrgUrl::parse_or_local(&served.url).expect("the URL is one of an org");
    let token = ApiToken::new(Secret::new(served.token.clone()));
    OktaProvider::new(OktaClient::builder(org, token).rate_share(share).build().expect("the client can be built"))
}

fn whole() -> RateShare {
    RateShare::percent(100).expect("all of it is a share")
}

/// The round trips that it takes with so many requests at once.
fn parallel(read: &Reading, at_once: u64) -> f64 {
    (read.pages as f64 / at_once as f64).max(read.longest_chain as f64)
}

/// How often the round trips that it takes go into the time that it took, with the latency as it should be and as it is.
fn times_optimum(readings: &[Reading], round_trips: &[Duration], at_once: u64) -> String {
    let round_trip = round_trips.iter().sum::<Duration>() / u32::try_from(round_trips.len().max(1)).unwrap_or(u32::MAX);
    let ratio = |latency: Duration| median(readings, |read| read.wall.as_secs_f64() / (latency.as_secs_f64() * parallel(read, at_once)));
    format!("{:.2} × the optimum, {:.2} × with the {round_trip:.1?} that a bare request takes", ratio(LATENCY), ratio(round_trip))
}

/// The windows that have to end before the last request of the fullest bucket.
fn waits(read: &Reading) -> f64 {
    (read.group_pages.div_ceil(u64::from(LIMIT)) - 1) as f64
}

/// One bare connection.
struct Bare<'a> {
    connection: SendRequest<Empty<Bytes>>,
    served: &'a Served,
}

impl<'a> Bare<'a> {
    async fn connect(served: &'a Served) -> Self {
        let stream = TcpStream::connect(authority(served)).await.expect("the server is there");
        let (connection, driver) = handshake(TokioIo::new(stream)).await.expect("the server speaks HTTP");
        tokio::spawn(driver);
        Self { connection, served }
    }

    /// Asks for a group. Tells the status.
    async fn ask(&mut self) -> StatusCode {
        let request = hyper::Request::get("/api/v1/groups?limit=1")
            .header(HOST, authority(self.served))
            .header(AUTHORIZATION, format!("SSWS {}", self.served.token))
            .body(Empty::new())
            .expect("the request is valid");
        let answer = self.connection.send_request(request).await.expect("the server answers");
        let status = answer.status();
        answer.into_body().collect().await.expect("the body can be read");
        status
    }
}

fn authority(served: &Served) -> &str {
    served.url.trim_start_matches("http://")
}

/// Asks for ever over so many connections, each of which only waits a moment when it is refused.
async fn compete(served: &Served, connections: usize) {
    let one = || async {
        let mut bare = Bare::connect(served).await;
        loop {
            if bare.ask().await == StatusCode::TOO_MANY_REQUESTS {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    };
    futures::future::join_all((0..connections).map(|_| one())).await;
}

/// How long a bare request takes: the latency as it is on this machine.
async fn round_trip(served: &Served) -> Duration {
    let mut bare = Bare::connect(served).await;
    bare.ask().await;
    let mut times = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        bare.ask().await;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or(LATENCY)
}

fn median(readings: &[Reading], figure: impl Fn(&Reading) -> f64) -> f64 {
    let mut figures: Vec<_> = readings.iter().map(figure).collect();
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn told(readings: &[Reading]) -> String {
    let figure = |figure: fn(&Reading) -> u64| median(readings, |read| figure(read) as f64);
    format!(
        "{:.2} s, {} requests for {} pages, {} refused, complete",
        median(readings, |read| read.wall.as_secs_f64()),
        figure(|read| read.requests),
        figure(|read| read.pages),
        figure(|read| read.refused)
    )
}
