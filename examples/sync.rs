//! Brings an SQLite file in step with an Okta org. `sync --help` says how.

use futures::TryStreamExt;
use idsync::engine::{Protected, Standing, SyncEngine, SyncError};
use idsync::okta::{ApiToken, Credentials, OktaClient, OktaProvider, OrgUrl, RetryPolicy, ServiceApp, SigningKey};
use idsync::sqlite::SqliteFile;
use idsync::{ErrorKind, IdentityProvider, Mark, PlanHash, RequestUsage};
use idsync_examples::exit::Exit;
use idsync_examples::flags::{self, Action, Asked, Flags, Login, Output};
use idsync_examples::waits::Waits;
use idsync_examples::{json, print, progress};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

#[tokio::main]
async fn main() -> ExitCode {
    let wants_json = std::env::args_os().any(|arg| arg == "--json");
    let flags = match flags::parse(std::env::args_os().skip(1)) {
        Ok(Asked::Help) => {
            println!("{}", flags::HELP);
            return Exit::Done.into();
        }
        Ok(Asked::Run(flags)) => flags,
        Ok(_) => return Exit::Usage.into(),
        Err(usage) => {
            let output = if wants_json { Output::Json } else { Output::Text };
            let failure = Failure::new(Exit::Usage, "usage", usage.to_string(), "see sync --help");
            return failure.tell(output, RequestUsage::default(), Instant::now());
        }
    };
    idsync_examples::log::to_stderr();
    let started = Instant::now();
    let connected = match connect(&flags).await {
        Ok(connected) => connected,
        Err(failure) => return failure.tell(flags.output, RequestUsage::default(), started),
    };
    let ended = connected.run(&flags, started).await;
    connected.bar.finish_and_clear();
    match ended {
        Ok((exit, shown)) => {
            if flags.output != Output::Quiet {
                println!("{shown}");
            }
            exit.into()
        }
        Err(failure) => failure.tell(flags.output, connected.provider.usage(), started),
    }
}

/// Why the program did not do what it was asked to, ready to be told.
struct Failure {
    exit: Exit,
    kind: String,
    message: String,
    remedy: String,
}

impl Failure {
    fn new(exit: Exit, kind: &str, message: String, remedy: &str) -> Self {
        Self { exit, kind: kind.to_owned(), message, remedy: remedy.to_owned() }
    }

    fn tell(&self, output: Output, requests: RequestUsage, started: Instant) -> ExitCode {
        if output == Output::Json {
            println!("{}", json::failure(&self.kind, &self.message, &self.remedy, requests, millis(started)));
        } else {
            eprintln!("sync: {}", self.message);
            eprintln!("      {}", self.remedy);
        }
        self.exit.into()
    }
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        Self { exit: Exit::of_error(&error), kind: error.kind().to_owned(), message: json::message(&error), remedy: error.remedy() }
    }
}

impl From<idsync::Error> for Failure {
    fn from(error: idsync::Error) -> Self {
        let remedy = error.remedy().unwrap_or("see sync --help").to_owned();
        Self { exit: Exit::of_setup(&error), kind: error.kind().as_str().to_owned(), message: error.to_string(), remedy }
    }
}

struct Connected {
    provider: Arc<OktaProvider>,
    engine: SyncEngine,
    bar: indicatif::ProgressBar,
}

async fn connect(flags: &Flags) -> Result<Connected, Failure> {
    let org = OrgUrl::parse(&flags.org).map_err(setup)?;
    if let Some(correction) = org.correction() {
        eprintln!("sync: {correction}");
    }
    let mut client = OktaClient::builder(org, credentials(&flags.login)?);
    if let Some(share) = flags.rate_share {
        client = client.rate_share(share);
    }
    if let Some(patience) = flags.patience {
        client = client.retry(RetryPolicy::new(RetryPolicy::default().max_attempts, patience));
    }
    let (observe, bar) = progress::observer();
    let waits = Waits::new(bar.clone());
    if flags.output == Output::Text {
        client = client.progress(waits.listener());
    }
    let client = client.build().map_err(setup)?;
    waits.of(client.clone());
    let provider = OktaProvider::new(client).include_deprovisioned(flags.deprovisioned).include_everyone(flags.everyone);
    let provider = Arc::new(provider);
    let file = SqliteFile::open(&flags.database).await.map_err(database)?;
    let builder = SyncEngine::builder(Arc::clone(&provider), file.store(), file.sink())
        .safeguards(flags.safeguards)
        .protect(Protected::nobody().logins(flags.protected.iter().cloned()))
        .holder(format!("sync, process {}", std::process::id()));
    let engine = if flags.output == Output::Text { builder.on_progress(waits.observe(observe)) } else { builder }.build();
    Ok(Connected { provider, engine, bar })
}

fn credentials(login: &Login) -> Result<Credentials, Failure> {
    match login {
        Login::ApiToken(token) => Ok(ApiToken::new(token.clone()).into()),
        Login::ServiceApp { client_id, key } => {
            let key = SigningKey::from_file(key).map_err(setup)?;
            Ok(ServiceApp::new(client_id, key).into())
        }
        _ => Err(Failure::new(Exit::Usage, "usage", "this way to sign in is not known".to_owned(), "see sync --help")),
    }
}

fn setup(error: idsync::okta::Error) -> Failure {
    idsync::Error::from(error).into()
}

/// An unusable file is wrong usage, or a sink that failed; it is never the org's fault.
fn database(error: idsync::Error) -> Failure {
    let exit = match error.kind() {
        ErrorKind::Conflict => Exit::Busy,
        ErrorKind::InvalidConfig => Exit::Usage,
        _ => Exit::Sink,
    };
    Failure { exit, ..error.into() }
}

impl Connected {
    async fn run(&self, flags: &Flags, started: Instant) -> Result<(Exit, String), Failure> {
        match flags.action {
            Action::Plan => self.plan(flags.output, started).await,
            Action::Apply(hash) => self.apply(hash, flags.output).await,
            Action::Held => self.held(flags.output, started).await,
            Action::Status => self.status(flags.output, started).await,
            Action::Release => {
                self.engine.release().await?;
                Ok(shown(&self.engine.sync().await?, flags.output))
            }
            Action::Approve(hash) => {
                self.engine.approve(hash).await?;
                Ok(shown(&self.engine.sync().await?, flags.output))
            }
            Action::Reject(hash) => {
                self.engine.reject(hash).await?;
                self.held(flags.output, started).await.map(|(_, text)| (Exit::Done, text))
            }
            _ => Ok(shown(&self.engine.sync().await?, flags.output)),
        }
    }

    async fn plan(&self, output: Output, started: Instant) -> Result<(Exit, String), Failure> {
        let plan = self.engine.plan().await?;
        let is_held = plan.held.as_ref().is_some_and(|held| held.standing == Standing::Open);
        let exit = match (is_held, plan.evidence.is_complete()) {
            (_, false) => Exit::Read,
            (true, true) => Exit::Held,
            (false, true) => Exit::Done,
        };
        let text = if output == Output::Json {
            let changes: Vec<Value> = plan
                .changes()
                .map_ok(|planned| json!({"change": planned.change, "held": planned.mark == Mark::Held}))
                .try_collect()
                .await
                .map_err(SyncError::Store)?;
            json::plan(&plan, changes, self.provider.usage(), millis(started)).to_string()
        } else {
            print::plan(&plan, print::Colour::of_stdout()).await.map_err(SyncError::Store)?
        };
        Ok((exit, text))
    }

    async fn held(&self, output: Output, started: Instant) -> Result<(Exit, String), Failure> {
        let set = self.engine.held().await?;
        let open = set.as_ref().is_some_and(|set| set.summary.standing == Standing::Open);
        let text = match output {
            Output::Json => json::held_set(set.as_ref(), self.provider.usage(), millis(started)).to_string(),
            _ => print::held(set.as_ref(), print::Colour::of_stdout()),
        };
        Ok((if open { Exit::Held } else { Exit::Done }, text))
    }

    async fn status(&self, output: Output, started: Instant) -> Result<(Exit, String), Failure> {
        let status = self.engine.status().await?;
        let text = match output {
            Output::Json => json::status(&status, self.provider.usage(), millis(started)).to_string(),
            _ => print::status(&status, print::Colour::of_stdout()),
        };
        Ok((Exit::Done, text))
    }

    async fn apply(&self, hash: PlanHash, output: Output) -> Result<(Exit, String), Failure> {
        Ok(shown(&self.engine.apply_hash(hash).await?, output))
    }
}

fn shown(report: &idsync::engine::SyncReport, output: Output) -> (Exit, String) {
    let text = if output == Output::Json { json::report(report).to_string() } else { print::report(report) };
    (Exit::of_report(report), text)
}

fn millis(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
