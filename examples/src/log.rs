//! Logs for the person who asked for them.

use tracing_subscriber::filter::LevelFilter;

/// Sends logs to standard error: warnings and worse, or what `IDSYNC_LOG` says (`error`, `warn`, `info`, `debug`, `trace`).
pub fn to_stderr() {
    let level = std::env::var("IDSYNC_LOG").ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::WARN);
    // A log that cannot be written is not told to whoever cannot read it either, which would panic.
    // A subscriber that is there already was set by whoever embeds this, and stays.
    let _ =
        tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).log_internal_errors(false).without_time().try_init();
}
