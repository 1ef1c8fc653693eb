//! What the state store in SQLite costs, against a bare writer of the same content.
//!
//! Work: the engine syncs a directory in files into a new store, and then one in which one in a thousand changed, with a sink that does
//! nothing; until the file is closed. The engine runs on one thread and the store on its own, so what belongs to the store is read off the
//! process: CPU time of all threads but the engine's, and wall time less the CPU time of the engine's thread, in which that thread could
//! only wait. What a run reads whether or not anything changed is taken off the second: it is what the run without changes takes.
//! Floor: one transaction with prepared statements, equally durable, of records, digests and buckets of members (`src/bare.rs`), less what
//! it takes to read and hash the same files without writing. Written are bytes handed to the system, write-ahead log included.
//!
//! Then the process is killed, in the middle of the delivery and when all is delivered and about to be committed; how long it takes
//! another one to open the store and read where it stands; and whether the next sync makes it whole.

use futures::executor::block_on;
use idsync::engine::{Limit, Safeguards, SyncEngine};
use idsync::sqlite::SqliteFile;
use idsync::{Batch, BatchOutcome, ChangeOutcome, DirectorySink, IdentityProvider, Result, StateStore};
use idsync_benches::{
    Child, Data, FileProvider, Rate, Scale, Usage, bare_commit, bare_load, copy_folder, empty_folder, median_usage, rounds, thread_cpu,
};
use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const CHANGED: Rate = Rate::per_mille(1);
const NOTHING: Rate = Rate::per_mille(0);

fn main() {
    let start = Instant::now();
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["sync", scale, rate, folder] => sync(start, &data(scale, rate), Path::new(folder), 0),
        ["until", scale, deliveries, folder] => {
            sync(start, &data(scale, "-"), Path::new(folder), deliveries.parse().expect("the deliveries are a number"));
        }
        ["bare-load", scale, folder] => bare(start, &data(scale, "-"), None, Path::new(folder)),
        ["bare-commit", scale, folder] => {
            bare(start, &data(scale, "-"), Some(&Data::after(Scale::named(scale), CHANGED)), Path::new(folder))
        }
        ["open", scale, folder] => open(start, &data(scale, "-"), Path::new(folder)),
        ["whole", scale, folder] => whole(start, &data(scale, "-"), Path::new(folder)),
        _ => Scale::asked().into_iter().for_each(all),
    }
}

fn data(scale: &str, rate: &str) -> Data {
    let scale = Scale::named(scale);
    if rate == "-" { Data::before(scale) } else { Data::after(scale, Rate::per_mille(rate.parse().expect("the rate is a number"))) }
}

fn all(scale: Scale) {
    let (before, name) = (Data::before(scale), scale.to_string());
    let afters = [NOTHING, CHANGED].map(|rate| Data::after(scale, rate));
    let root = before.folder().with_file_name("store");
    let [ours, bare, copy] = ["ours", "bare", "copy"].map(|name| root.join(name));
    let run = |words: &[&str], folder: &Path| Child::new(words.iter().copied().chain([path(folder)])).run();
    let mut taken = [const { Vec::new() }; 5];
    for _ in 0..rounds().clamp(1, 3) {
        let (ours_load, bare_load) = (run(&["sync", &name, "-"], &anew(&ours)), run(&["bare-load", &name], &anew(&bare)));
        let nothing = run(&["sync", &name, &NOTHING.number().to_string()], &copied(&ours, &copy));
        let changed = run(&["sync", &name, &CHANGED.number().to_string()], &copied(&ours, &copy));
        let bare_commit = run(&["bare-commit", &name], &copied(&bare, &copy));
        taken.iter_mut().zip([ours_load, bare_load, nothing, changed, bare_commit]).for_each(|(taken, usage)| taken.push(usage));
    }
    let [ours_load, bare_load, nothing, changed, bare_commit] = taken.map(|usages| median_usage(&usages));
    println!("{scale}: {} entries, {} changes", before.truth().total(), afters[1].truth().total());
    println!(
        "  first load       ours {ours_load}\n                   bare {bare_load}\n                        {}",
        Ratio(ours_load, bare_load)
    );
    let (ours_size, bare_size) = (size(&ours), size(&bare));
    println!("    on disk        ours {ours_size} MiB, bare {bare_size} MiB: {:.2} ×", ours_size as f64 / bare_size.max(1) as f64);
    println!("  nothing changed  ours {nothing}");
    let changed = changed.since(nothing);
    println!(
        "  0.1 % more       ours {changed}\n                   bare {bare_commit}\n                        {}",
        Ratio(changed, bare_commit)
    );
    let all = before.truth().total();
    for (moment, until) in [("amid the delivery", all / 2), ("after the last delivery", all)] {
        kill(&name, until, &anew(&copy));
        let opened = run(&["open", &name], &copy);
        let on = run(&["sync", &name, "-"], &copy);
        run(&["whole", &name], &copy);
        println!(
            "  killed {moment}: open and read after {:.3} s, gone on to the end in {:.1} s",
            opened.wall.as_secs_f64(),
            on.wall.as_secs_f64()
        );
    }
    let _ = fs::remove_dir_all(root);
}

/// How many times the other something took.
struct Ratio(Usage, Usage);

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(one, other) = self;
        let cpu = one.cpu.as_secs_f64() / other.cpu.as_secs_f64().max(1e-6);
        let wall = one.wall.as_secs_f64() / other.wall.as_secs_f64().max(1e-6);
        write!(f, "{cpu:.2} × CPU, {wall:.2} × wall, {:.2} × written", one.written as f64 / other.written.max(1) as f64)
    }
}

/// A sink that does nothing, and says on standard output when so many deliveries have come.
#[derive(Debug, Default)]
struct Quiet {
    until: u64,
    come: AtomicU64,
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Quiet")
    }
}

#[async_trait::async_trait]
impl DirectorySink for Quiet {
    async fn apply(&self, batch: Batch<'_>) -> Result<BatchOutcome> {
        let more = batch.deliveries.len() as u64;
        let before = self.come.fetch_add(more, Ordering::Relaxed);
        if before < self.until && before + more >= self.until {
            println!("now");
        }
        Ok(batch.deliveries.iter().map(|_| ChangeOutcome::Applied).collect())
    }
}

fn engine(data: &Data, file: &SqliteFile, sink: impl DirectorySink) -> SyncEngine {
    let safeguards = Safeguards::all(Limit::Unlimited);
    SyncEngine::builder(FileProvider::new(data), file.store(), sink).safeguards(safeguards).build()
}

/// Syncs, and says what of it belongs to the store.
fn sync(start: Instant, data: &Data, folder: &Path, until: u64) {
    block_on(async {
        let file = SqliteFile::open(folder.join("state.db")).await.expect("the store can be opened");
        engine(data, &file, Quiet { until, ..Quiet::default() }).sync().await.expect("the directory can be synced");
    });
    let (mut usage, engine) = (Usage::now(start), thread_cpu());
    (usage.cpu, usage.wall) = (usage.cpu.saturating_sub(engine), usage.wall.saturating_sub(engine));
    usage.tell();
}

/// Writes with the bare writer: everything, or what changed.
fn bare(start: Instant, before: &Data, after: Option<&Data>, folder: &Path) {
    let file = folder.join("bare.db");
    let mut earlier = Usage::now(start);
    match after {
        Some(after) => bare_commit(before, after, &file, || earlier = Usage::now(start)),
        None => {
            // Twice without writing, so that the first pays for what is not in the page cache.
            bare_load(before, None);
            let begin = Usage::now(start);
            bare_load(before, None);
            let reading = Usage::now(start).since(begin);
            earlier = Usage::now(start);
            bare_load(before, Some(&file));
            earlier = earlier.and(reading);
        }
    }
    Usage::now(start).since(earlier).tell();
}

/// Opens a store that was left behind, and reads where the directory stands.
fn open(start: Instant, data: &Data, folder: &Path) {
    block_on(async {
        let file = SqliteFile::open(folder.join("state.db")).await.expect("the store can be opened");
        let directory = FileProvider::new(data).identify().await.expect("the directory has a name").id;
        let (head, journal) = (file.store().head(&directory).await, file.store().journal(&directory).await);
        let (head, journal) = (head.expect("the head can be read"), journal.expect("the journal can be read"));
        Usage::now(start).tell();
        let committed = head.is_some_and(|head| head.revision.0 > 0);
        assert!(committed != journal.is_some(), "either all of it was committed, or the journal is there");
    });
}

/// Checks that a store holds all of the directory.
fn whole(start: Instant, data: &Data, folder: &Path) {
    block_on(async {
        let file = SqliteFile::open(folder.join("state.db")).await.expect("the store can be opened");
        let plan = engine(data, &file, Quiet::default()).plan().await.expect("the directory can be planned");
        assert_eq!(plan.changes.total(), 0, "the sync after the kill made the store whole");
        file.integrity_check().await.expect("the file is whole");
    });
    Usage::now(start).tell();
}

/// Starts a first sync, and kills it as soon as so many deliveries have come.
fn kill(scale: &str, until: u64, folder: &Path) {
    let until = until.to_string();
    let mut sync =
        Child::new(["until", scale, &until, path(folder)]).command().stdout(Stdio::piped()).spawn().expect("a sync can be started");
    let mut line = String::new();
    let said = sync.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
    assert!(matches!(said, Some(Ok(1..))), "the sync delivers");
    sync.kill().expect("the sync can be killed");
    let status = sync.wait().expect("the sync has ended");
    assert!(!status.success(), "the sync was killed before it was done");
}

/// The folder, empty.
fn anew(folder: &Path) -> PathBuf {
    empty_folder(folder);
    folder.to_owned()
}

/// The folder `to`, made a copy of the files in another.
fn copied(from: &Path, to: &Path) -> PathBuf {
    copy_folder(from, to);
    to.to_owned()
}

/// What is in a folder, in MiB.
fn size(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).expect("the folder can be read");
    files.map(|file| file.and_then(|file| file.metadata()).map_or(0, |of| of.len())).sum::<u64>() >> 20
}

fn path(path: &Path) -> &str {
    path.to_str().expect("the folder of the build has a name in Unicode")
}
