//! The whole story in a few seconds, with nothing to set up: a small Okta org in this process, synced into an SQLite file.

#![warn(clippy::print_stderr, clippy::print_stdout)]

use idsync::engine::{SyncEngine, SyncError, SyncReport};
use idsync::okta::{
    ApiToken, AppSpec, Connection, KeyKind, KeySource, NewKey, OktaProvider, OktaProvisioner, OrgUrl, SigningKey, StepOutcome,
};
use idsync::sqlite::SqliteFile;
use idsync::{Counts, Secret};
use idsync_examples::names::Names;
use idsync_examples::{json, note, print, progress, say};
use idsync_okta_emulator::{OktaEmulator, Role};
use indicatif::ProgressBar;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

#[tokio::main]
async fn main() -> ExitCode {
    match story().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn story() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let database = folder.path().join("directory.db");

    heading("1. An Okta org to play with");
    let org = OktaEmulator::builder().seed(2026).users(1_000).groups(60).memberships(8_000).without_app();
    let emulator = org.start().await?;
    let size = emulator.org().counts_in_scope();
    say!("   {} answers like Okta; {} users are not deactivated, in {} groups", emulator.url(), size.users, size.groups);

    heading("2. Connect: a service app is made, proven and left with no more than it needs");
    let key = NewKey::generate(KeyKind::Es256)?;
    key.save(folder.path().join("key.pem"))?;
    let spec = AppSpec::new("Quickstart", KeySource::Private(key.signing_key().clone()))?;
    let connection = provision(&emulator, &spec).await?;

    heading("3. The first sync: everything, once");
    let connected = connect(&connection, key.signing_key(), &database).await?;
    tell(&connected.sync().await?);

    heading("4. A few things happen in the org; the next sync reads only what changed");
    let changed = change(&emulator);
    let report = connected.sync().await?;
    tell(&report);
    expect(report.changes.total() >= changed, "the second sync found what was changed")?;

    heading("5. Nothing happens; the next sync writes nothing but its record");
    let report = connected.sync().await?;
    tell(&report);
    expect(report.changes == Counts::default(), "a sync without changes changes nothing")?;

    heading("6. Look first: a plan, applied exactly as it was shown");
    look_first(&emulator, &connected, &Names::of_database(&database)).await?;

    heading("7. A bad day: somebody takes the app's role away, and Okta answers with empty lists");
    emulator.org().take_away_roles(&connection.app_id);
    let before = people(&database)?;
    match connected.sync().await {
        Ok(_) => return Err("the sync believed an empty directory".into()),
        Err(error) => say!("   {}\n   → {}", json::message(&error), error.remedy()),
    }
    expect(people(&database)? == before, "nobody was deleted")?;
    say!("   {before} users before, {before} after: nothing was deleted");

    heading("8. Connecting again finds what is missing and repairs it; the sync is back");
    provision(&emulator, &spec).await?;
    tell(&connected.sync().await?);

    say!("\nNext: cargo run --release --example provision -- --help");
    Ok(())
}

/// An engine, and the bar that shows what it is doing.
struct Connected {
    engine: SyncEngine,
    bar: ProgressBar,
}

/// Makes or repairs the app with a token that an administrator lends, and revokes it.
async fn provision(emulator: &OktaEmulator, spec: &AppSpec) -> Result<Connection, Box<dyn Error>> {
    let lent = emulator.org().create_api_token(Role::SuperAdmin);
    let token = ApiToken::new(Secret::new(lent.secret().to_owned()));
    let listener = |outcome: &StepOutcome| {
        if let StepOutcome::Done { step, .. } = outcome {
            say!("   {step}");
        }
    };
    let provisioner = OktaProvisioner::builder(OrgUrl::parse_or_local(emulator.url())?, token).on_step(Arc::new(listener)).build()?;
    let plan = provisioner.plan(spec).await?;
    let connection = provisioner.apply(&plan).await?;
    provisioner.revoke_setup_token().await?;
    say!("   the administrator's token is revoked, and nobody needs it any more");
    Ok(connection)
}

async fn connect(connection: &Connection, key: &SigningKey, database: &Path) -> Result<Connected, Box<dyn Error>> {
    let client = connection.client(key)?.build()?;
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
    say!("   a group and a user made, one user promoted, one joined a group, one deactivated");
    5
}

async fn look_first(emulator: &OktaEmulator, connected: &Connected, names: &Names) -> Result<(), Box<dyn Error>> {
    let org = emulator.org();
    let truth = org.truth().in_scope();
    let user = truth.users.keys().nth(10).ok_or("no user")?.clone();
    org.update_user(&user, &[("department", serde_json::json!("Research"))]);
    let plan = connected.engine.plan().await?;
    connected.bar.finish_and_clear();
    for line in print::plan(&plan, names, print::Colour::of_stdout()).await?.lines() {
        say!("   {line}");
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
    say!("\n{text}");
}

fn tell(report: &SyncReport) {
    for line in print::report(report).lines() {
        say!("   {line}");
    }
}

fn expect(kept: bool, promise: &str) -> Result<(), String> {
    if kept { Ok(()) } else { Err(format!("a promise was broken: {promise}")) }
}
