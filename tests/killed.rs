//! A run that is killed at any point is finished by the next one, and nothing happens twice.

use idsync_okta_emulator::OktaEmulator;
use idsync_tests::{Contents, Random, Sync, count, count_from_environment, wait};
use rusqlite::{Connection, OptionalExtension};
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Kills that one database sees before it has to be whole.
const KILLS_PER_DATABASE: u32 = 8;

#[tokio::test]
async fn p12_row33_killed_at_any_point_the_next_run_converges_and_each_change_happens_once() {
    let kills = count_from_environment("IDSYNC_KILLS", 16);
    let (mut random, mut tally) = (Random::new(31), Tally::default());
    let mut databases = 0_u32;
    while tally.kills < kills {
        // Half of the databases are killed in runs that read only what changed, where that will do.
        let reads: fn(Sync) -> Sync = if databases % 4 >= 2 { Sync::with_deltas } else { |sync| sync };
        let killed = Killed::new(31 + u64::from(databases), reads).await;
        // The first sync is killed until it comes to its end; in every other database it does so in peace, and updates are killed.
        if databases % 2 == 1 {
            assert_eq!(killed.sync.run(&[]).code, Some(0));
        }
        killed.live(KILLS_PER_DATABASE.min(kills - tally.kills), &mut random, &mut tally);
        databases += 1;
    }
    println!("{kills} kills of {databases} databases: {tally:?}");
    assert!(tally.interrupted >= kills / 4, "only {} runs were interrupted", tally.interrupted);
}

/// What the kills met.
#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    /// Those that came before the run had ended.
    interrupted: u32,
    /// Of those, the ones that hit a first sync.
    first_syncs: u32,
    /// What was left behind, and how often.
    left: BTreeMap<String, u32>,
}

/// An org and a database that is kept in step with it by runs that are killed.
struct Killed {
    emulator: OktaEmulator,
    sync: Sync,
    first: Whole,
    update: Whole,
}

/// A run that was left in peace.
#[derive(Debug, Clone, Copy)]
struct Whole {
    time: Duration,
    /// How often it wrote to the log of the database, as far as somebody who looks on can tell.
    writes: u64,
}

/// When a run is killed.
enum Moment {
    After(Duration),
    /// So long after so many writes: what comes between two of them is too short to be met by chance.
    Write(u64, Duration),
}

impl Killed {
    async fn new(seed: u64, reads: fn(Sync) -> Sync) -> Self {
        let emulator = OktaEmulator::builder().seed(seed).users(500).groups(30).memberships(4_000).start().await.unwrap();
        let (sync, reference) = (Sync::new(&emulator), Sync::new(&emulator));
        let first = Whole::of(&reference);
        change(&emulator, 1_000);
        let update = Whole::of(&reference);
        let sync = reads(sync);
        Self { emulator, sync, first, update }
    }

    fn live(&self, kills: u32, random: &mut Random, tally: &mut Tally) {
        for round in 0..kills {
            change(&self.emulator, round);
            let is_first = !is_synced(&self.sync.database());
            let whole = if is_first { self.first } else { self.update };
            let moment = match random.below(2) {
                0 => Moment::After(whole.time.mul_f64(random.share())),
                _ => Moment::Write(1 + random.below(whole.writes), Duration::from_micros(random.below(4_000))),
            };
            let mut run = self.sync.start(&["--delete-limit", "off"]);
            match moment {
                Moment::After(time) => wait(time),
                Moment::Write(number, later) => {
                    self.sync.watch_writes(&mut run, number);
                    wait(later);
                }
            }
            run.kill().unwrap();
            let is_interrupted = !run.wait().unwrap().success();
            tally.kills += 1;
            if is_interrupted {
                tally.interrupted += 1;
                tally.first_syncs += u32::from(is_first);
                *tally.left.entry(left_behind(&self.sync.database())).or_default() += 1;
            }
            check_copy(&self.sync.database());
        }
        let last = self.sync.run(&["--delete-limit", "off", "--full"]);
        assert_eq!(last.code, Some(0), "{last:?}");
        assert_eq!(Contents::of_database(&self.sync.database()), Contents::of_org(&self.emulator));
        check_copy(&self.sync.database());
        let (code, again) = self.sync.json(&["--delete-limit", "off", "--full"]);
        assert_eq!((code, again["changes"].as_object().unwrap().values().all(|count| count == 0)), (Some(0), true), "{again}");
    }
}

impl Whole {
    fn of(sync: &Sync) -> Self {
        let began = Instant::now();
        let mut run = sync.start(&["--delete-limit", "off"]);
        let writes = sync.watch_writes(&mut run, u64::MAX);
        assert!(run.wait().unwrap().success());
        Self { time: began.elapsed(), writes }
    }
}

/// A little of everything, so that every round has something to deliver.
fn change(emulator: &OktaEmulator, round: u32) {
    let org = emulator.org();
    let truth = org.truth().in_scope();
    let nth = |n: u32| truth.users.keys().nth(n as usize * 7 % truth.users.len()).unwrap();
    let group = org.create_group(&format!("Round {round}"), None);
    for n in 0..20 {
        org.add_member(&group, nth(round + n));
    }
    org.create_user(json!({"login": format!("round{round}@example.com"), "email": "r@example.com"}));
    org.update_user(nth(round + 3), &[("title", json!(format!("Chief of round {round}")))]);
    org.delete_user(nth(round + 5));
    if let Some((group, user)) = truth.memberships.iter().nth(round as usize * 31) {
        org.remove_member(group, user);
    }
}

/// A copy of the database with its write-ahead log, so that looking at it changes nothing that the next run finds.
struct Copy {
    _folder: tempfile::TempDir,
    database: PathBuf,
}

impl Copy {
    /// `None` while there are no tables.
    fn of(database: &Path) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("copy.db");
        for suffix in ["", "-wal"] {
            let named = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            if named(database).exists() {
                std::fs::copy(named(database), named(&copy)).unwrap();
            }
        }
        let is_made = copy.exists() && count(&copy, "SELECT count(*) FROM sqlite_schema WHERE name = 'changes'") > 0;
        is_made.then_some(Self { _folder: folder, database: copy })
    }
}

fn is_synced(database: &Path) -> bool {
    Copy::of(database).is_some_and(|copy| count(&copy.database, "SELECT coalesce(max(revision), 0) FROM idsync_directories") > 0)
}

/// What a run was at when it was killed, as far as the file tells.
fn left_behind(database: &Path) -> String {
    let Some(copy) = Copy::of(database) else { return "no tables".to_owned() };
    let connection = Connection::open(&copy.database).unwrap();
    let stage: Option<String> = connection.query_row("SELECT stage FROM idsync_journal", [], |row| row.get(0)).optional().unwrap();
    let delivered = "SELECT count(*) FROM changes WHERE to_revision > (SELECT coalesce(max(revision), 0) FROM idsync_directories)";
    match (stage, count(&copy.database, delivered)) {
        (None, _) => "no journal".to_owned(),
        (Some(stage), 0) => stage,
        (Some(stage), _) => format!("{stage}, some of it delivered"),
    }
}

fn check_copy(database: &Path) {
    if let Some(copy) = Copy::of(database) {
        let connection = Connection::open(&copy.database).unwrap();
        let finding: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(finding, "ok");
        check_history(&connection);
    }
}

/// Everything in the log is there once, begins before it ends, and begins again only after it ended.
fn check_history(database: &Connection) {
    let twice = "SELECT count(*) FROM (SELECT 1 FROM changes GROUP BY key HAVING count(*) > 1)";
    assert_eq!(database.query_row(twice, [], |row| row.get::<_, i64>(0)).unwrap(), 0, "each change once");
    let mut log = database.prepare("SELECT kind, coalesce(user_id, ''), coalesce(group_id, '') FROM changes ORDER BY sequence").unwrap();
    let mut rows = log.query([]).unwrap();
    let mut present = HashMap::<(String, String), bool>::new();
    while let Some(row) = rows.next().unwrap() {
        let (kind, user, group): (String, String, String) = (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
        let is_present = present.entry((user, group)).or_default();
        let (needed, becomes) = match kind.rsplit(['.', '_']).next().unwrap() {
            "created" | "added" => (false, true),
            "updated" => (true, true),
            _ => (true, false),
        };
        assert_eq!(*is_present, needed, "{kind} comes when it can, and once");
        *is_present = becomes;
    }
}
