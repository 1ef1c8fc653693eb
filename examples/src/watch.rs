//! Runs an engine again and again, and says one line a run.

use crate::connect::Connected;
use crate::failure::Failure;
use crate::flags::Output;
use crate::json;
use futures::{Stream, StreamExt};
use idsync::engine::{Mode, Outcome, SyncError, SyncReport};
use idsync::{ErrorKind, IdentityProvider, Timestamp};
use std::pin::pin;

/// Syncs once per tick until the ticks end.
///
/// When the org refuses the credential, `connect` is asked for another engine and the run is tried once more: the key may have been
/// exchanged meanwhile. The lines that are due are handed to `say`.
///
/// # Errors
/// What `say` says; nobody is listening any more.
pub async fn watch<C: Future<Output = Result<Connected, Failure>>>(
    mut connected: Connected,
    ticks: impl Stream<Item = Timestamp>,
    connect: impl Fn() -> C,
    output: Output,
    mut say: impl FnMut(String) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut ticks = pin!(ticks);
    while let Some(now) = ticks.next().await {
        let mut ended = connected.engine.sync().await;
        if matches!(&ended, Err(SyncError::Refused(cause)) if cause.kind() == ErrorKind::Unauthenticated)
            && let Ok(anew) = connect().await
        {
            connected = anew;
            ended = connected.engine.sync().await;
        }
        connected.bar.finish_and_clear();
        if let Some(line) = line(now, ended, output, &connected) {
            say(line)?;
        }
    }
    Ok(())
}

fn line(now: Timestamp, ended: Result<SyncReport, SyncError>, output: Output, connected: &Connected) -> Option<String> {
    let ended = ended.map_err(|error| Failure::from(error).blamed_on(&connected.unjudged));
    match (ended, output) {
        (Ok(report), Output::Json) => Some(json::report(&report).to_string()),
        (Ok(report), Output::Quiet) if report.outcome == Outcome::Done => None,
        (Ok(report), _) => Some(format!("{now} {}", summary(&report))),
        (Err(Failure { kind, message, remedy, .. }), Output::Json) => {
            Some(json::failure(&kind, &message, &remedy, connected.provider.usage(), 0).to_string())
        }
        (Err(Failure { message, remedy, .. }), _) => Some(format!("{now} failed: {message}; {remedy}")),
    }
}

fn summary(report: &SyncReport) -> String {
    let mode = match report.mode {
        Mode::Full => "full",
        _ => "delta",
    };
    let mut text = format!("{mode}: {}", report.changes);
    if report.recovered.total() > 0 {
        text += &format!(", {} of an interrupted run", report.recovered.total());
    }
    if let Some(held) = &report.held {
        text += &format!(", {} held ({})", held.total, held.hash);
    }
    if report.escrowed > 0 {
        text += &format!(", {} refused", report.escrowed);
    }
    if !report.complete {
        text += ", not everything could be read";
    }
    text + &format!(", {} requests, {:.1} s", report.requests.total, report.elapsed.as_secs_f64())
}
