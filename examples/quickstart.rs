//! The whole story in a few seconds, with nothing to set up: a small Okta org in this process, synced into an SQLite file.

use idsync::engine::{SyncEngine, SyncError, SyncReport};
use idsync::okta::{OktaClient, OktaProvider, OrgUrl, ServiceApp, SigningKey};
use idsync::sqlite::SqliteFile;
use idsync::{Counts, Secret};
use idsync_examples::{json, print, progress};
use idsync_okta_emulator::{OktaEmulator, Role};
use indicatif::ProgressBar;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match story().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn story() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("directory.db");

    heading("1. An Okta org to play with");
    let emulator = OktaEmulator::builder().seed(2026).users(1_000).groups(60).memberships(8_000).start().await?;
    let size = emulator.org().counts_in_scope();
    println!("   {} answers like Okta; {} users are not deactivated, in {} groups", emulator.url(), size.users, size.groups);

    heading("2. The first sync: everything, once");
    let connected = connect(&emulator, &database).await?;
    tell(&connected.sync().await?);

    heading("3. A few things happen in the org; the next sync finds exactly those");
    let changed = change(&emulator);
    let report = connected.sync().await?;
    tell(&report);
    expect(report.changes.total() >= changed, "the second sync found what was changed")?;

    heading("4. Nothing happens; the next sync writes nothing");
    let report = connected.sync().await?;
    tell(&report);
    expect(report.changes == Counts::default(), "a sync without changes changes nothing")?;

    heading("5. Look first: a plan, applied exactly as it was shown");
    look_first(&emulator, &connected).await?;

    heading("6. A bad day: somebody takes the app's role away, and Okta answers with empty lists");
    emulator.org().set_role(Role::None);
    let before = people(&database)?;
    match connected.sync().await {
        Ok(_) => return Err("the sync believed an empty directory".into()),
        Err(error) => println!("   {}\n   → {}", json::message(&error), error.remedy()),
    }
    expect(people(&database)? == before, "nobody was deleted")?;
    println!("   {before} users before, {before} after: nothing was deleted");

    heading("7. The role is back; so is the sync");
    emulator.org().set_role(Role::ReadOnlyAdmin);
    tell(&connected.sync().await?);

    println!("\nNext: cargo run --release --example sync -- --help");
    Ok(())
}

/// An engine, and the bar that shows what it is doing.
struct Connected {
    engine: SyncEngine,
    bar: ProgressBar,
}

async fn connect(emulator: &OktaEmulator, database: &Path) -> Result<Connected, Box<dyn Error>> {
    let key = SigningKey::from_pem(Secret::new(emulator.private_key_pem().to_owned()))?.with_key_id(emulator.key_id());
    let app = ServiceApp::new(emulator.client_id(), key);
    let client = OktaClient::builder(OrgUrl::parse(emulator.url())?, app).build()?;
    let file = SqliteFile::open(database).await?;
    let (observe, bar) = progress::observer();
    let engine = SyncEngine::builder(OktaProvider::new(client), file.store(), file.sink()).on_progress(observe).build();
    Ok(Connected { engine, bar })
}

impl Connected {
    async fn sync(&self) -> Result<SyncReport, SyncError> {
        let ended = self.engine.sync().await;
        self.bar.finish_and_clear();
        ended
    }
}

/// Changes the org; returns the least number of changes that a sync must find.
fn change(emulator: &OktaEmulator) -> u64 {
    let org = emulator.org();
    let truth = org.truth().in_scope();
    let users: Vec<String> = truth.users.keys().take(6).cloned().collect();
    let group = org.create_group("Night shift", Some("Made a minute ago"));
    let newcomer = org.create_user(serde_json::json!({"login": "nora@example.com", "email": "nora@example.com", "firstName": "Nora"}));
    org.add_member(&group, &newcomer);
    org.update_user(&users[0], &[("title", serde_json::json!("Head of Nights"))]);
    org.add_member(&group, &users[1]);
    org.deactivate_user(&users[2]);
    println!("   a group and a user made, one user promoted, one joined a group, one deactivated");
    5
}

async fn look_first(emulator: &OktaEmulator, connected: &Connected) -> Result<(), Box<dyn Error>> {
    let org = emulator.org();
    let truth = org.truth().in_scope();
    let user = truth.users.keys().nth(10).ok_or("no user")?.clone();
    org.update_user(&user, &[("department", serde_json::json!("Research"))]);
    let plan = connected.engine.plan().await?;
    connected.bar.finish_and_clear();
    for line in print::plan(&plan, print::Colour::of_stdout()).await?.lines() {
        println!("   {line}");
    }
    let report = connected.engine.apply(&plan).await?;
    connected.bar.finish_and_clear();
    tell(&report);
    Ok(())
}

fn people(database: &Path) -> rusqlite::Result<i64> {
    rusqlite::Connection::open(database)?.query_row("SELECT count(*) FROM users", [], |row| row.get(0))
}

fn heading(text: &str) {
    println!("\n{text}");
}

fn tell(report: &SyncReport) {
    for line in print::report(report).lines() {
        println!("   {line}");
    }
}

fn expect(kept: bool, promise: &str) -> Result<(), String> {
    if kept { Ok(()) } else { Err(format!("a promise was broken: {promise}")) }
}
