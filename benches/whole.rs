//! The whole path of a sync, from an org over HTTP into SQLite, with its CPU time split by stage, each against its own floor.
//!
//! The org is served by another process. State store and sink share a file, whose work happens on a thread of its own: what that thread
//! takes during calls of the sink is the sink's, everything else the store's. Reading is what `OktaProvider` takes alone, the median of
//! runs before and after; the engine is what is left, and no more exact than those runs are equal. Floors: the reader of `read`; a keyed
//! hash of every entry and change and a cheap one of every member; the bare writer of `store`; inserts of the same rows into the same
//! tables, in as many transactions.

use idsync::engine::{DeltaPolicy, Limit, Safeguards, SyncEngine, SyncReport};
use idsync::sqlite::{SqliteFile, SqliteSink};
use idsync::{Batch, BatchOutcome, Counts, DirectorySink, Result, RunContext, SinkLimits};
use idsync_benches::{NamedThread, Scale, Served, Tables, drive, measure, provider, read_floor, serve_if_asked};
use std::fmt;
use std::fs;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;

const CONNECTIONS: usize = 8;
/// One in so many changes.
const STEP: usize = 1_000;
/// How often reading alone is measured, before a sync and after it.
const READS: usize = 2;
/// Floors below this are too close to the ticks of the clock.
const COMPARABLE: Duration = Duration::from_millis(8);

fn main() {
    serve_if_asked();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    for scale in Scale::asked() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        whole(&runtime, scale, folder.path());
    }
}

fn whole(runtime: &Runtime, scale: Scale, folder: &Path) {
    let [file, before, bare, rows] = ["whole.db", "before.db", "bare.db", "rows.db"].map(|name| folder.join(name));
    let mut served = Served::start(scale.size());
    let [users, groups, memberships] = served.counts();
    println!("{scale}: {users} users, {groups} groups, {memberships} memberships");
    let _ = (read(runtime, &served), least_read(runtime, &served));

    let (report, work) = sync(runtime, &served, &file);
    assert_eq!(report.changes.total(), users + groups + memberships, "everything is new");
    let tables = Tables::open(&file);
    assert_eq!(tables.counts(), served.counts(), "all of the org is in the tables");
    let read = work.read_floor;
    let floors = Stages { read, engine: tables.hashed(), store: tables.stored(&bare), sink: tables.inserted(&rows) };
    print("first sync", work, floors);

    fs::copy(&file, &before).expect("the file can be copied");
    let changes = change(&mut served, &tables);
    let (report, work) = sync(runtime, &served, &file);
    assert_eq!(report.changes.total(), changes, "what changed was found");
    assert_eq!(tables.counts(), served.counts(), "all of the org is in the tables");
    let read = work.read_floor;
    let floors = Stages { read, engine: tables.hashed(), store: tables.stored(&bare), sink: tables.updated(&before) };
    print("0.1 % changed", work, floors);
}

/// Changes one in a thousand users and memberships; says how many that were.
fn change(served: &mut Served, tables: &Tables) -> u64 {
    let users = tables.some_users(STEP);
    let titles = users.iter().filter(|user| served.set_title(user)).count();
    let memberships = tables.some_memberships(STEP);
    let mut moved = 0;
    for (place, (group, user)) in memberships.iter().enumerate() {
        moved += match place % 2 {
            0 => u64::from(served.remove_member(group, user)),
            _ => u64::from(users.iter().cycle().skip(place % users.len()).take(users.len()).any(|user| served.add_member(group, user))),
        };
    }
    titles as u64 + moved
}

/// CPU time of each stage.
#[derive(Debug, Clone, Copy)]
struct Stages {
    read: Duration,
    engine: Duration,
    store: Duration,
    sink: Duration,
}

/// What a sync took.
#[derive(Debug, Clone, Copy)]
struct Work {
    stages: Stages,
    read_floor: Duration,
    /// Between the dearest and the cheapest reading alone: the engine's share is no more exact than that.
    spread: Duration,
    wall: Duration,
}

fn read(runtime: &Runtime, served: &Served) -> Duration {
    let provider = provider(served);
    measure(|| runtime.block_on(drive(&provider))).1.cpu
}

fn least_read(runtime: &Runtime, served: &Served) -> Duration {
    measure(|| runtime.block_on(read_floor(served, CONNECTIONS))).1.cpu
}

/// Syncs once, with the reading alone before and after.
fn sync(runtime: &Runtime, served: &Served, path: &Path) -> (SyncReport, Work) {
    let (mut reads, mut least_reads) = (Vec::new(), Vec::new());
    let mut reading = || {
        for _ in 0..READS {
            reads.push(read(runtime, served));
            least_reads.push(least_read(runtime, served));
        }
    };
    reading();
    let file = runtime.block_on(SqliteFile::open(path)).expect("the file can be opened");
    let (thread, nanos) = (NamedThread::find("idsync-sqlite"), Arc::new(AtomicU64::new(0)));
    let sink = Counted { sink: file.sink(), thread: thread.clone(), nanos: Arc::clone(&nanos) };
    let safeguards = Safeguards::all(Limit::Unlimited);
    let engine = SyncEngine::builder(provider(served), file.store(), sink).safeguards(safeguards).delta(DeltaPolicy::never()).build();
    let begin = thread.cpu();
    let (report, all) = measure(|| runtime.block_on(engine.sync()).expect("the org can be synced"));
    let sqlite = thread.cpu().saturating_sub(begin);
    drop((engine, file));
    reading();
    let (read, spread, read_floor) = (middle(&mut reads), reads[2 * READS - 1] - reads[0], middle(&mut least_reads));
    let sink = Duration::from_nanos(nanos.load(Ordering::Relaxed));
    let engine = all.cpu.saturating_sub(sqlite).saturating_sub(read);
    (report, Work { stages: Stages { read, engine, store: sqlite.saturating_sub(sink), sink }, read_floor, spread, wall: all.wall })
}

/// Sorts them, and takes the mean of the two in the middle.
fn middle(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    (times[(times.len() - 1) / 2] + times[times.len() / 2]) / 2
}

fn print(name: &str, Work { stages, spread, wall, .. }: Work, floors: Stages) {
    let rows = |of: Stages| [("read", of.read), ("engine", of.engine), ("store", of.store), ("sink", of.sink)];
    let sum = |of: Stages| rows(of).iter().map(|(_, cpu)| *cpu).sum::<Duration>();
    let (all, least) = (sum(stages), sum(floors));
    println!(
        "  {name}, {:.2} s; readings differ by {:.3} s\n    stage      CPU s   share   floor s    ratio",
        wall.as_secs_f64(),
        spread.as_secs_f64()
    );
    let rows = rows(stages).into_iter().zip(rows(floors)).map(|((stage, cpu), (_, floor))| (stage, cpu, floor));
    for (stage, cpu, floor) in rows.chain([("all", all, least)]) {
        let share = 100.0 * cpu.as_secs_f64() / all.as_secs_f64();
        let (cpu, least) = (cpu.as_secs_f64(), floor.as_secs_f64());
        let ratio = match stage {
            "engine" if stages.engine < spread => "lost among the readings".to_owned(),
            _ if floor < COMPARABLE => "too small to compare".to_owned(),
            _ => format!("{:6.2} ×", cpu / least),
        };
        println!("    {stage:6} {cpu:9.3} {share:5.1} % {least:9.3} {ratio}");
    }
}

/// The sink of the file, which adds up what the file's thread takes for it. The engine waits for each call, so none of the store's is
/// under way meanwhile.
#[derive(Debug)]
struct Counted {
    sink: SqliteSink,
    thread: NamedThread,
    nanos: Arc<AtomicU64>,
}

impl Counted {
    async fn counted<T>(&self, call: impl Future<Output = T> + Send) -> T {
        let before = self.thread.cpu();
        let result = call.await;
        let spent = self.thread.cpu().saturating_sub(before);
        self.nanos.fetch_add(u64::try_from(spent.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        result
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.sink, f)
    }
}

#[async_trait::async_trait]
impl DirectorySink for Counted {
    fn limits(&self) -> SinkLimits {
        self.sink.limits()
    }

    async fn begin(&self, run: &RunContext) -> Result<()> {
        self.counted(self.sink.begin(run)).await
    }

    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        self.counted(self.sink.apply(batch)).await
    }

    async fn finish(&self, run: &RunContext, applied: &Counts) -> Result<()> {
        self.counted(self.sink.finish(run, applied)).await
    }
}
