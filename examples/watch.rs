//! Keeps an SQLite file in step with an Okta org until it is stopped. `watch --help` says how.

#![warn(clippy::print_stderr, clippy::print_stdout)]

use futures::{Stream, StreamExt};
use idsync::{Clock, RequestUsage, SystemClock, Timestamp};
use idsync_examples::connect::{Connected, connect_with};
use idsync_examples::failure::Failure;
use idsync_examples::flags::{Action, Flags, Output};
use idsync_examples::note;
use idsync_examples::out::{self, Printed};
use idsync_examples::watch::watch;
use idsync_examples::watch_flags::{self, Asked};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

#[tokio::main]
async fn main() -> ExitCode {
    let wants_json = std::env::args_os().any(|arg| arg == "--json");
    let flags = match watch_flags::parse(std::env::args_os().skip(1)) {
        Ok(Asked::Help) => {
            idsync_examples::help::show(watch_flags::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Asked::Run(flags)) if flags.sync.action == Action::Sync => flags,
        Ok(_) => return Failure::usage("watch only syncs".to_owned(), "see watch --help").exit.into(),
        Err(usage) => {
            let output = if wants_json { Output::Json } else { Output::Text };
            return usage.of("watch").tell("watch", output, RequestUsage::default(), Instant::now());
        }
    };
    idsync_examples::log::to_stderr();
    let sync = &flags.sync;
    let connected = match connect(sync).await {
        Ok(connected) => connected,
        Err(failure) => return failure.tell("watch", sync.output, RequestUsage::default(), Instant::now()),
    };
    let watching = watch(connected, ticks(flags.every), connect_again, sync.output, |line| match out::line(format_args!("{line}")) {
        Printed::Unread => Err(std::io::ErrorKind::BrokenPipe.into()),
        // A full disk may have room again for the next line.
        _ => Ok(()),
    });
    tokio::select! {
        // Nobody reads the lines any more.
        _ = watching => {}
        // A run that is dropped half-way is finished by the next one.
        () = stopped() => note!("watch: stopped"),
    }
    ExitCode::SUCCESS
}

/// One line a run says enough, so that there is no progress to tell.
async fn connect(flags: &Flags) -> Result<Connected, Failure> {
    connect_with("watch", flags, |client| client, |engine| engine.on_progress(|_| {})).await
}

/// Connects with what the files say now that the command line names: a key that was exchanged has another name.
async fn connect_again() -> Result<Connected, Failure> {
    match watch_flags::parse(std::env::args_os().skip(1)) {
        Ok(Asked::Run(flags)) => connect(&flags.sync).await,
        Ok(_) => Err(Failure::usage("watch only syncs".to_owned(), "see watch --help")),
        Err(usage) => Err(usage.of("watch")),
    }
}

/// A tick now, and one every so often; those that come while a run is under way are left out.
fn ticks(every: Duration) -> impl Stream<Item = Timestamp> {
    let clock = SystemClock::default();
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    futures::stream::unfold(interval, |mut interval| async move {
        interval.tick().await;
        Some(((), interval))
    })
    .map(move |()| clock.now())
}

/// Waits for a signal to stop.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = tokio::signal::ctrl_c() => return,
            }
        }
    }
    _ = tokio::signal::ctrl_c().await;
}
