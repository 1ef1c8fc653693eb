//! What `watch` does, for days on end in virtual time: access tokens expire, the key is exchanged, the role is taken away and given back,
//! and people come, go and move all the while.
//!
//! `IDSYNC_MINUTES` sets for how many minutes.

use futures::stream;
use idsync::{Clock, ManualClock, Timestamp};
use idsync_examples::connect::{Connected, connect_with};
use idsync_examples::failure::Failure;
use idsync_examples::flags::Output;
use idsync_examples::watch::watch;
use idsync_examples::watch_flags::{self, Asked};
use idsync_okta_emulator::{Endpoint, OktaEmulator, Role, Status};
use idsync_tests::{Contents, Ended, Random, count, count_from_environment, example};
use serde_json::json;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

struct World {
    emulator: OktaEmulator,
    folder: TempDir,
    clock: Arc<ManualClock>,
    minute: u32,
    minutes: u32,
    random: Random,
    lines: Arc<Mutex<Vec<String>>>,
    tokens: usize,
    tally: BTreeMap<&'static str, u32>,
    sizes: Vec<Size>,
}

/// How large the process and its database are.
#[derive(Debug, Clone, Copy)]
struct Size {
    minute: u32,
    /// Pages of the database but for its list of changes, which grows, and that of runs, which stops growing.
    state_pages: u64,
    resident_kib: u64,
    open_files: usize,
}

impl World {
    async fn new(minutes: u32) -> Self {
        let emulator = OktaEmulator::builder().seed(77).users(150).groups(20).memberships(500).without_app().start().await.unwrap();
        let start = Timestamp::from_unix_millis(1_780_000_000_000).unwrap();
        let world = Self {
            emulator,
            folder: tempfile::tempdir().unwrap(),
            clock: Arc::new(ManualClock::new(start)),
            minute: 0,
            minutes,
            random: Random::new(77),
            lines: Arc::default(),
            tokens: 0,
            tally: BTreeMap::new(),
            sizes: Vec::new(),
        };
        world.provision(&[]);
        world
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }

    /// Runs `provision` as an administrator would.
    fn provision(&self, flags: &[&str]) {
        let token = self.emulator.org().create_api_token(Role::SuperAdmin);
        let mut command = Command::new(example("provision"));
        command.current_dir(self.folder.path()).args(["--org", self.emulator.url()]).stdin(Stdio::null());
        command.args(["--setup-token-env", "IDSYNC_TEST_SETUP_TOKEN"]).env("IDSYNC_TEST_SETUP_TOKEN", token.secret()).args(flags);
        let ended = Ended::of(command);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }

    fn app(&self) -> String {
        let apps = self.emulator.org().apps();
        apps.into_iter().find(|app| app.label == "idsync").unwrap().id
    }

    /// One minute passes, and something may happen.
    fn pass(&mut self) -> Option<Timestamp> {
        if self.minute == self.minutes {
            return None;
        }
        self.look();
        self.minute += 1;
        self.clock.advance(Duration::from_secs(60));
        self.emulator.org().set_clock_skew(i64::from(self.minute) * 60);
        self.tokens += self.emulator.requests().count_with_status(Endpoint::Token, 200);
        self.emulator.clear_requests();
        self.happen();
        Some(self.clock.now())
    }

    fn happen(&mut self) {
        let (minute, third) = (self.minute, self.minutes / 3);
        if minute % third == third / 2 {
            self.provision(&["--rotate"]);
            *self.tally.entry("keys exchanged").or_default() += 1;
        }
        let (app, org) = (self.app(), self.emulator.org().clone());
        // For a few runs, and for so many that the directory is set aside for a while.
        if minute % third == third / 4 {
            org.take_away_roles(&app);
            *self.tally.entry("roles taken away").or_default() += 1;
        }
        let away = if minute > 2 * third { 20 } else { 3 };
        if minute % third == third / 4 + away {
            self.provision(&[]);
        }
        if self.random.below(5) == 0 {
            self.change();
        }
    }

    fn change(&mut self) {
        let org = self.emulator.org().clone();
        let truth = org.truth();
        let users: Vec<_> = truth.users.keys().cloned().collect();
        let groups: Vec<_> = truth.groups.iter().filter(|(_, group)| !group.is_everyone()).map(|(id, _)| id.clone()).collect();
        let mut pick = |among: &[String]| among[self.random.below(among.len() as u64) as usize].clone();
        let (user, group) = (pick(&users), pick(&groups));
        let minute = self.minute;
        match self.random.below(10) {
            0..=2 => _ = org.update_user(&user, &[("title", json!(format!("since minute {minute}")))]),
            3..=4 => _ = org.add_member(&group, &user),
            5..=6 => _ = org.remove_member(&group, &user),
            7 => {
                let status = if truth.users[&user].status == Status::Deprovisioned { Status::Active } else { Status::Deprovisioned };
                org.set_status(&user, status);
            }
            8 if users.len() > 100 => _ = org.delete_user(&user),
            _ => _ = org.create_user(json!({"login": format!("m{minute}@example.com"), "email": format!("m{minute}@example.com")})),
        }
    }

    /// What the last run said, and what came of it.
    fn look(&mut self) {
        let Some(line) = self.lines.lock().unwrap().pop() else { return };
        let kind = match line.split_once("Z ").map(|(_, rest)| rest.split(':').next()) {
            Some(Some("full")) => "full",
            Some(Some("delta")) => "delta",
            _ if line.contains("set aside") => "set aside",
            _ => "failed",
        };
        *self.tally.entry(kind).or_default() += 1;
        if kind == "full" {
            assert_eq!(Contents::of_database(&self.database()), Contents::of_org(&self.emulator), "minute {}: {line}", self.minute);
        }
        if self.minute.is_multiple_of(self.minutes / 10) {
            self.sizes.push(Size::now(self.minute, &self.database()));
        }
    }
}

impl Size {
    fn now(minute: u32, database: &Path) -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
        let pages = count(database, "SELECT count(*) FROM dbstat WHERE name NOT LIKE '%changes%' AND name NOT LIKE '%runs%'");
        let open_files = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        Self { minute, state_pages: pages, resident_kib: resident.unwrap_or_default(), open_files }
    }
}

/// Connects as the program does, with the clock of the test.
async fn connect(args: Vec<OsString>, clock: Arc<ManualClock>) -> Result<Connected, Failure> {
    let Ok(Asked::Run(flags)) = watch_flags::parse(args) else { panic!("the flags are right") };
    let of_client = Arc::<ManualClock>::clone(&clock);
    let of_engine = |engine: idsync::engine::SyncEngineBuilder| engine.clock(clock).on_progress(|_| {});
    connect_with("watch", &flags.sync, |client| client.clock(of_client), of_engine).await
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_p19_p20_watching_for_days_neither_drifts_nor_grows() {
    let world = World::new(count_from_environment("IDSYNC_MINUTES", 400)).await;
    let flags = ["--connection", "connection.json", "--database", "a.db", "--patience", "5", "--delete-limit", "off"];
    let path = |text: &str| match text {
        "connection.json" | "a.db" => world.folder.path().join(text).into_os_string(),
        text => text.into(),
    };
    let args: Vec<OsString> = flags.into_iter().map(path).chain(["--full-every".into(), "6h".into()]).collect();
    let (clock, lines) = (Arc::clone(&world.clock), Arc::clone(&world.lines));
    let connect = || connect(args.clone(), Arc::clone(&clock));
    let world = Arc::new(Mutex::new(world));
    let passing = Arc::clone(&world);
    let ticks = stream::iter(std::iter::from_fn(move || passing.lock().unwrap().pass()));
    let all = Arc::<Mutex<Vec<String>>>::default();
    let heard = Arc::clone(&all);
    let say = move |line: String| {
        heard.lock().unwrap().push(line.clone());
        lines.lock().unwrap().push(line);
        Ok(())
    };
    watch(connect().await.unwrap(), ticks, connect, Output::Text, say).await.unwrap();

    let mut world = Arc::into_inner(world).unwrap().into_inner().unwrap();
    world.look();
    println!("{} minutes: {:?}, {} tokens", world.minutes, world.tally, world.tokens);
    for Size { minute, state_pages, resident_kib, open_files } in &world.sizes {
        println!("  minute {minute}: {state_pages} pages of state, {resident_kib} KiB resident, {open_files} open files");
    }
    let failed: Vec<_> = all.lock().unwrap().iter().filter(|line| line.contains("failed")).cloned().collect();
    for line in &failed {
        assert!(line.contains("admin role") || line.contains("runs in a row failed"), "{line}");
    }
    assert_eq!(all.lock().unwrap().len(), world.minutes as usize, "one line a run");
    assert!(world.tally["full"] >= world.minutes / 400 && world.tally["keys exchanged"] >= 2 && world.tokens as u32 >= world.minutes / 61);
    let (first, last) = (world.sizes[world.sizes.len() / 3], world.sizes[world.sizes.len() - 1]);
    assert!(last.open_files <= first.open_files + 2, "{first:?} {last:?}");
    assert!(last.state_pages <= first.state_pages + first.state_pages / 4 + 8, "{first:?} {last:?}");
    assert!(last.resident_kib <= first.resident_kib + 16 * 1024, "{first:?} {last:?}");

    // Whatever was left for a full read is done by one.
    let mut sync = Command::new(example("sync"));
    sync.args(&args[..8]).arg("--full").arg("--release");
    let ended = Ended::of(sync);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(Contents::of_database(&world.database()), Contents::of_org(&world.emulator));
}
