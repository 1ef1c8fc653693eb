//! Progress: a bar on a terminal, a plain line now and then elsewhere.

use crate::note;
use idsync::engine::{Activity, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Runs shorter than this print no plain lines.
const PERIOD: Duration = Duration::from_secs(2);

/// A function to hand to `on_progress`, and a bar to clear (`finish_and_clear`) whenever a run is over.
pub fn observer() -> (impl Fn(&Progress) + Send + Sync + 'static, ProgressBar) {
    let on_terminal = std::io::stderr().is_terminal();
    let bar = if on_terminal { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let (shown, last) = (bar.clone(), Mutex::new(Instant::now()));
    let observe = move |progress: &Progress| match on_terminal {
        true => draw(&shown, progress),
        false => {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.elapsed() >= PERIOD {
                *last = Instant::now();
                note!("{}", message(progress));
            }
        }
    };
    (observe, bar)
}

/// A bar where the end is known, a spinner where it is not.
fn draw(bar: &ProgressBar, progress: &Progress) {
    if bar.is_finished() {
        // The run before this one has cleared it.
        bar.reset();
    }
    // Everything is drawn a few times a second at most, however often it is set.
    bar.set_message(message(progress));
    let total = progress.to_deliver.filter(|_| progress.activity == Activity::Applying);
    let template = if total.is_some() { "{spinner} {msg} [{bar:40}] {percent}%" } else { "{spinner} {msg}" };
    if bar.length() != total
        && let Ok(style) = ProgressStyle::with_template(template)
    {
        bar.set_style(style);
    }
    match total {
        Some(total) => bar.set_length(total),
        None => bar.unset_length(),
    }
    bar.set_position(progress.delivered);
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
