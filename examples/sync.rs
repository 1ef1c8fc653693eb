//! Brings an SQLite file in step with an Okta org. `sync --help` says how.

#![warn(clippy::print_stderr, clippy::print_stdout)]

use futures::TryStreamExt;
use idsync::engine::{Standing, SyncError};
use idsync::{IdentityProvider, Mark, PlanHash, RequestUsage};
use idsync_examples::connect::{Connected, connect};
use idsync_examples::exit::Exit;
use idsync_examples::failure::Failure;
use idsync_examples::flags::{self, Action, Asked, Flags, Output};
use idsync_examples::names::Names;
use idsync_examples::{json, note, print, say, unmatched};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

#[tokio::main]
async fn main() -> ExitCode {
    let wants_json = std::env::args_os().any(|arg| arg == "--json");
    let flags = match flags::parse(std::env::args_os().skip(1)) {
        Ok(Asked::Help) => {
            idsync_examples::help::show(flags::HELP);
            return Exit::Done.into();
        }
        Ok(Asked::Run(flags)) => flags,
        Ok(_) => return Exit::Usage.into(),
        Err(usage) => {
            let output = if wants_json { Output::Json } else { Output::Text };
            return usage.of("sync").tell("sync", output, RequestUsage::default(), Instant::now());
        }
    };
    idsync_examples::log::to_stderr();
    let started = Instant::now();
    let syncing = match connect("sync", &flags).await {
        Ok(connected) => Syncing { connected, database: flags.database.clone() },
        Err(failure) => return failure.tell("sync", flags.output, RequestUsage::default(), started),
    };
    let ended = syncing.run(&flags, started).await;
    syncing.connected.bar.finish_and_clear();
    match ended {
        Ok((exit, shown)) => {
            if flags.output != Output::Quiet {
                say!("{shown}");
                if flags.action == Action::Sync {
                    unmatched::lines(&flags).iter().for_each(|line| note!("sync: {line}"));
                }
            }
            exit.into()
        }
        Err(failure) => {
            failure.blamed_on(&syncing.connected.unjudged).tell("sync", flags.output, syncing.connected.provider.usage(), started)
        }
    }
}

struct Syncing {
    connected: Connected,
    database: PathBuf,
}

impl Syncing {
    async fn run(&self, flags: &Flags, started: Instant) -> Result<(Exit, String), Failure> {
        match flags.action {
            Action::Plan => self.plan(flags.output, started).await,
            Action::Apply(hash) => self.apply(hash, flags.output).await,
            Action::Held => self.held(flags.output, started).await,
            Action::Status => self.status(flags.output, started).await,
            Action::Release => {
                self.connected.engine.release().await?;
                Ok(shown(&self.connected.engine.sync().await?, flags.output))
            }
            Action::Approve(hash) => {
                self.connected.engine.approve(hash).await?;
                let report = self.connected.engine.sync().await?;
                if let Some(held) = report.held.as_ref().filter(|held| held.hash != hash) {
                    note!("sync: {hash} was not applied: the org wants something else by now, which is held under {}", held.hash);
                    note!("      look at it with --held, and decide about that");
                }
                Ok(shown(&report, flags.output))
            }
            Action::Reject(hash) => {
                self.connected.engine.reject(hash).await?;
                self.held(flags.output, started).await.map(|(_, text)| (Exit::Done, text))
            }
            _ => Ok(shown(&self.connected.engine.sync().await?, flags.output)),
        }
    }

    async fn plan(&self, output: Output, started: Instant) -> Result<(Exit, String), Failure> {
        let plan = self.connected.engine.plan().await?;
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
            json::plan(&plan, changes, self.connected.provider.usage(), millis(started)).to_string()
        } else {
            print::plan(&plan, &Names::of_database(&self.database), print::Colour::of_stdout()).await.map_err(SyncError::Store)?
        };
        Ok((exit, text))
    }

    async fn held(&self, output: Output, started: Instant) -> Result<(Exit, String), Failure> {
        let set = self.connected.engine.held().await?;
        let open = set.as_ref().is_some_and(|set| set.summary.standing == Standing::Open);
        let text = match output {
            Output::Json => json::held_set(set.as_ref(), self.connected.provider.usage(), millis(started)).to_string(),
            _ => print::held(set.as_ref(), &Names::of_database(&self.database), print::Colour::of_stdout()),
        };
        Ok((if open { Exit::Held } else { Exit::Done }, text))
    }

    async fn status(&self, output: Output, started: Instant) -> Result<(Exit, String), Failure> {
        let status = self.connected.engine.status().await?;
        let text = match output {
            Output::Json => json::status(&status, self.connected.provider.usage(), millis(started)).to_string(),
            _ => print::status(&status, &Names::of_database(&self.database), print::Colour::of_stdout()),
        };
        Ok((Exit::Done, text))
    }

    async fn apply(&self, hash: PlanHash, output: Output) -> Result<(Exit, String), Failure> {
        Ok(shown(&self.connected.engine.apply_hash(hash).await?, output))
    }
}

fn shown(report: &idsync::engine::SyncReport, output: Output) -> (Exit, String) {
    let text = if output == Output::Json { json::report(report).to_string() } else { print::report(report) };
    (Exit::of_report(report), text)
}

fn millis(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}
