//! The diff of whole directories: a plan over files that changed since they were synced, in a process that does nothing else.
//!
//! Work: `SyncEngine::plan` over an SQLite store that holds the directory as it was before, from the start of the process until the plan
//! is there and kept in the store. Floor: the same files read by plain reads, each row hashed with a key and each member id cheaply.
//! Beside them the naive diff, which loads both directories into hash maps. Each runs in a process of its own, in turn; figures are those
//! of the whole process, medians of rounds. And a bare store, which is told what differs: what is left of a plan is reading and hashing the
//! files, reading from SQLite what was there before, and keeping there what was found. Every plan and every naive diff is checked against the truth, after it was measured.
//!
//! ```text
//! scale                          all of this, for the sizes in IDSYNC_BENCH_SIZE
//! scale data SIZE [RATE]         makes the files, and says where they are; RATE is in a thousand
//! scale csv SIZE RATE FOLDER     writes the directory afterwards (before, if the rate is -) as CSV
//! scale base SIZE FOLDER         makes a state store that holds the directory before
//! scale plan SIZE RATE FOLDER    plans over a copy of that store, and says what that took; floor and naive need no FOLDER
//! scale bare SIZE RATE FOLDER    makes a bare store there, and says what the rest took; the peak is that of all
//! ```

use futures::TryStreamExt;
use futures::executor::block_on;
use idsync::engine::{Limit, Safeguards, SyncEngine};
use idsync::sqlite::SqliteFile;
use idsync_benches::{
    Child, CountingSink, Data, FileProvider, Rate, Scale, Truth, Usage, bare_load, bare_plan, copy_folder, empty_folder, export_csv,
    median_usage, naive_diff, read_and_hash, rounds, thread_cpu,
};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let start = Instant::now();
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["data", scale] => println!("{}", Data::before(Scale::named(scale)).folder().display()),
        ["data", scale, rate] => println!("{}", data(scale, rate).folder().display()),
        ["csv", scale, rate, folder] => export_csv(&data(scale, rate), Path::new(folder)),
        ["base", scale, folder] => base(start, Scale::named(scale), Path::new(folder)),
        ["plan", scale, rate, folder] => plan(start, &data(scale, rate), Path::new(folder)),
        ["floor", scale, rate] => floor(start, &data(scale, rate)),
        ["bare", scale, rate, folder] => bare(start, &Data::before(Scale::named(scale)), &data(scale, rate), Path::new(folder)),
        ["naive", scale, rate] => naive(start, &Data::before(Scale::named(scale)), &data(scale, rate)),
        [] => all(),
        _ => {
            eprintln!("these are no words that it takes: {}; see the first lines of benches/scale.rs", words.join(" "));
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn data(scale: &str, rate: &str) -> Data {
    let scale = Scale::named(scale);
    if rate == "-" { Data::before(scale) } else { Data::after(scale, Rate::per_mille(rate.parse().expect("the rate is a number"))) }
}

fn all() {
    let mut smaller = None;
    for scale in Scale::asked() {
        smaller = Some(compared(scale, smaller));
    }
}

/// Measures a size at each rate, and against the smaller size that was measured before it.
fn compared(scale: Scale, smaller: Option<Vec<Usage>>) -> Vec<Usage> {
    let started = Instant::now();
    let before = Data::before(scale);
    let afters = Rate::ALL.map(|rate| Data::after(scale, rate));
    let all = before.truth();
    println!("{scale}: {} changes make it up; files found or made in {:.1} s", all.total(), started.elapsed().as_secs_f64());
    let root = before.folder().with_file_name("state");
    let held = root.join("before");
    let name = scale.to_string();
    println!("  first sync      {}", Child::new(["base", &name, path(&held)]).run());
    let mut plans = Vec::new();
    for (place, (rate, after)) in Rate::ALL.into_iter().zip(&afters).enumerate() {
        let number = rate.number().to_string();
        let (copy, bare) = (root.join("run"), root.join("bare"));
        let mut usages = [const { Vec::new() }; 4];
        for _ in 0..rounds().max(1) {
            copy_folder(&held, &copy);
            let plan = Child::new(["plan", &name, &number, path(&copy)]).with_limit(limit()).run();
            let floor = Child::new(["floor", &name, &number]).run();
            let naive = Child::new(["naive", &name, &number]).run();
            let bare = Child::new(["bare", &name, &number, path(&bare)]).run();
            usages.iter_mut().zip([plan, floor, naive, bare]).for_each(|(usages, usage)| usages.push(usage));
        }
        let [plan, floor, naive, bare] = usages.map(|usages| median_usage(&usages));
        println!("  {rate}: {} changes, as the truth has it", after.truth().total());
        println!("    plan          {plan}");
        println!("    floor         {floor}");
        println!("    bare store    {bare}");
        println!("    naive         {naive}");
        println!("    plan / floor  {}", Ratio(plan, floor));
        println!("    plan / bare   {}", Ratio(plan, bare));
        println!("    naive / plan  {}", Ratio(naive, plan));
        if let Some(smaller) = smaller.as_ref().and_then(|smaller| smaller.get(place)) {
            println!("    {scale} / smaller   {}", Ratio(plan, *smaller));
        }
        plans.push(plan);
    }
    if let Some(mib) = limit() {
        println!("  all plans were made within {mib} MiB of address space");
    }
    let _ = fs::remove_dir_all(root);
    plans
}

/// How much a plan may address, in MiB: `IDSYNC_BENCH_LIMIT`.
fn limit() -> Option<u64> {
    std::env::var("IDSYNC_BENCH_LIMIT").ok().map(|mib| mib.parse().expect("the limit is a number of MiB"))
}

/// How many times the other something took.
struct Ratio(Usage, Usage);

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(one, other) = self;
        let cpu = one.cpu.as_secs_f64() / other.cpu.as_secs_f64().max(f64::EPSILON);
        let wall = one.wall.as_secs_f64() / other.wall.as_secs_f64().max(f64::EPSILON);
        let peak = one.peak as f64 / other.peak.max(1) as f64;
        write!(f, "{cpu:8.2} × CPU   {wall:8.2} × wall   {peak:8.2} × peak")
    }
}

async fn engine(data: &Data, folder: &Path, sink: CountingSink) -> SyncEngine {
    let file = SqliteFile::open(folder.join("state.db")).await.expect("the store can be opened");
    let safeguards = Safeguards::all(Limit::Unlimited);
    SyncEngine::builder(FileProvider::new(data), file.store(), sink).safeguards(safeguards).build()
}

/// Syncs the directory before into a new store.
fn base(start: Instant, scale: Scale, folder: &Path) {
    empty_folder(folder);
    let (data, sink) = (Data::before(scale), CountingSink::summing());
    block_on(async {
        let engine = engine(&data, folder, sink.clone()).await;
        engine.sync().await.expect("the directory can be synced");
        Usage::now(start).tell();
    });
    data.truth().check(&sink.given(), "the first sync");
}

fn plan(start: Instant, after: &Data, folder: &Path) {
    block_on(async {
        let engine = engine(after, folder, CountingSink::blind()).await;
        let plan = engine.plan().await.expect("the directory can be planned");
        let usage = Usage::now(start);
        usage.tell();
        // The store has a thread of its own.
        usage.with_cpu(thread_cpu()).tell_of("engine");
        let mut found = Truth::default();
        let mut changes = plan.changes();
        while let Some(planned) = changes.try_next().await.expect("the plan can be read") {
            found.change(&planned.change);
        }
        let truth = after.truth();
        truth.check(&found, "the plan");
        assert_eq!(plan.changes.total(), truth.total(), "nothing is held and nothing waits");
    });
}

fn floor(start: Instant, data: &Data) {
    let (rows, members) = read_and_hash(data);
    Usage::now(start).tell();
    assert!(rows > 0 && members > 0, "there is something to hash");
}

fn bare(start: Instant, before: &Data, after: &Data, folder: &Path) {
    empty_folder(folder);
    let file = folder.join("bare.db");
    bare_load(before, Some(&file));
    let mut earlier = Usage::default();
    let found = bare_plan(before, after, &file, || earlier = Usage::now(start));
    Usage::now(start).since(earlier).tell();
    assert!(found as u64 >= after.truth().total(), "all that changed differs");
}

fn naive(start: Instant, before: &Data, after: &Data) {
    let found = naive_diff(before, after);
    Usage::now(start).tell();
    after.truth().check(&found, "the naive diff");
}

fn path(path: &Path) -> &str {
    path.to_str().expect("the folder of the build has a name in Unicode")
}
