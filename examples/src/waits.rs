//! What is told while the rate limits make a run wait.

use crate::note;
use idsync::engine;
use idsync::okta::{BucketForecast, Forecast, OktaClient, Progress, ProgressListener, Remaining};
use indicatif::ProgressBar;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Shorter waits are not worth a line.
const SHORT: Duration = Duration::from_secs(2);

/// Follows a run, and tells of its waits how long they are and when the run will be done. Clones follow the same run.
#[derive(Debug, Clone)]
pub struct Waits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bar: ProgressBar,
    /// Who is asked for a forecast.
    client: OnceLock<OktaClient>,
    /// Groups whose members are still to be read.
    unread: AtomicU64,
}

impl Waits {
    /// Shows waits on this bar, or as lines where there is no terminal.
    pub fn new(bar: ProgressBar) -> Self {
        Self(Arc::new(Inner { bar, client: OnceLock::new(), unread: AtomicU64::new(0) }))
    }

    /// What to hand to the client's builder.
    pub fn listener(&self) -> ProgressListener {
        // The client holds its listener, and what it tells is told of the client.
        let inner = Arc::downgrade(&self.0);
        Arc::new(move |progress| {
            if let Progress::Waiting { bucket, pause } = progress
                && pause >= SHORT
                && let Some(inner) = inner.upgrade()
            {
                inner.tell(bucket, pause);
            }
        })
    }

    /// The client, once it is built.
    pub fn of(&self, client: OktaClient) {
        // A second one would be the same.
        _ = self.0.client.set(client);
    }

    /// What to hand to the engine, with what observes it otherwise.
    pub fn observe(
        &self,
        observe: impl Fn(&engine::Progress) + Send + Sync + 'static,
    ) -> impl Fn(&engine::Progress) + Send + Sync + 'static {
        let inner = Arc::clone(&self.0);
        move |progress| {
            inner.unread.store(progress.groups.saturating_sub(progress.groups_with_members), Ordering::Relaxed);
            observe(progress);
        }
    }
}

impl Inner {
    fn tell(&self, bucket: &str, pause: Duration) {
        let remaining = Remaining::default().with_groups(self.unread.load(Ordering::Relaxed));
        let forecast = self.client.get().map(|client| client.forecast(remaining));
        let line = line(bucket, pause, forecast.as_ref());
        if std::io::stderr().is_terminal() {
            self.bar.set_message(line);
        } else {
            note!("{line}");
        }
    }
}

/// A wait, in one line.
pub fn line(bucket: &str, pause: Duration, forecast: Option<&Forecast>) -> String {
    let wait = format!("waiting {} s for the rate limit of {bucket}", pause.as_secs_f64().round());
    let here = |forecast: &Forecast| forecast.buckets.iter().copied().find(|found| found.bucket == bucket && found.requests > 0);
    let Some(BucketForecast { used_percent: Some(used), requests, .. }) = forecast.and_then(here) else { return wait };
    let Some(done) = forecast.and_then(|forecast| forecast.done_at) else { return wait };
    // Hours and minutes.
    let done: String = done.to_string().chars().skip(11).take(5).collect();
    format!("{wait}; members of {requests} groups to go, done at {done} UTC at the earliest, using {used} % of the limit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_without_a_forecast_is_told_all_the_same() {
        let wait = |pause: f64| line("groups", Duration::from_secs_f64(pause), None);
        assert_eq!(wait(59.6), "waiting 60 s for the rate limit of groups");
    }
}
