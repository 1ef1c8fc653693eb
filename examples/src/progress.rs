//! Progress: bars on a terminal, nothing where nobody looks.

use idsync::engine::{Activity, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// A function to hand to `on_progress`, and a bar to finish once the run is over.
pub fn observer() -> (impl Fn(&Progress) + Send + Sync + 'static, ProgressBar) {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    let shown = bar.clone();
    let observe = move |progress: &Progress| {
        shown.set_message(message(progress));
        shown.tick();
    };
    (observe, bar)
}

/// Where a run stands, in one line.
pub fn message(progress: &Progress) -> String {
    match progress.activity {
        Activity::Applying => match progress.to_deliver {
            Some(total) => format!("applying {} of {total} changes", progress.delivered),
            None => format!("applying, {} changes so far", progress.delivered),
        },
        Activity::Confirming => "asking for what the listings did not show".to_owned(),
        Activity::Folding => "recording what was applied".to_owned(),
        Activity::Planning => "putting the changes in order".to_owned(),
        _ => format!(
            "reading: {} users, {} groups, members of {}, {} memberships",
            progress.users, progress.groups, progress.groups_with_members, progress.memberships
        ),
    }
}
