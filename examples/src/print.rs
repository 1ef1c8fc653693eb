//! Plans and reports as people read them.

use crate::names::Names;
use crate::printable::printable;
use futures::TryStreamExt;
use idsync::engine::{HeldSet, Plan, PlannedChange, Standing, Status, SyncReport};
use idsync::{Change, ChangeKind, FieldChange, Mark, User};
use std::fmt::Write as _;
use std::io::IsTerminal;

/// How many changes of each kind are shown before the rest is only counted.
const SHOWN: u64 = 12;

/// Whether to colour what goes to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Colour {
    /// Escape sequences.
    Ansi,
    /// Plain text.
    Plain,
}

impl Colour {
    /// Colours on a terminal, unless `NO_COLOR` is set.
    pub fn of_stdout() -> Self {
        if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() { Self::Ansi } else { Self::Plain }
    }

    fn paint(self, code: u8, text: &str) -> String {
        match self {
            Self::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }
}

fn number(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A whole plan: counts first, then the changes in the order in which they would be applied, long lists folded. Where nothing
/// would be applied, those that are held are only counted: they are not what the plan is about.
///
/// # Errors
/// The state store, from which the changes are read, failed.
pub async fn plan(plan: &Plan, names: &Names, colour: Colour) -> Result<String, idsync::Error> {
    let mut text = String::new();
    let _ = writeln!(text, "{}", colour.paint(1, &format!("Plan: {}", plan.changes)));
    let mut shown = [0_u64; ChangeKind::ALL.len()];
    let mut changes = plan.changes();
    let mut group: Option<(ChangeKind, Mark)> = None;
    while let Some(planned) = changes.try_next().await? {
        if plan.changes.total() == 0 && planned.mark == Mark::Held {
            continue;
        }
        let kind = planned.change.kind();
        if group != Some((kind, planned.mark)) {
            fold(&mut text, group, &shown);
            shown[kind as usize] = 0;
            group = Some((kind, planned.mark));
        }
        let count = &mut shown[kind as usize];
        *count += 1;
        if *count <= SHOWN {
            line(&mut text, &planned, names, colour);
        }
    }
    fold(&mut text, group, &shown);
    if let Some(held) = &plan.held {
        let _ = writeln!(
            text,
            "{}",
            colour.paint(33, &format!("Held: {} would not be applied: {}", number(held.total, "change"), held.reason))
        );
        let _ = writeln!(text, "      A sync holds them, and --held shows them then.");
    }
    if plan.waiting > 0 {
        let _ = writeln!(text, "{}", colour.paint(33, &format!("Waiting: {} that the sink refused", number(plan.waiting, "change"))));
    }
    match plan.hash {
        Some(hash) => _ = writeln!(text, "\nApply exactly this with: --apply {hash}"),
        None => _ = writeln!(text, "\nThere is nothing to apply."),
    }
    Ok(text)
}

fn fold(text: &mut String, group: Option<(ChangeKind, Mark)>, shown: &[u64]) {
    let Some((kind, _)) = group else { return };
    let rest = shown[kind as usize].saturating_sub(SHOWN);
    if rest > 0 {
        let _ = writeln!(text, "    … and {rest} more {kind}");
    }
}

fn line(text: &mut String, planned: &PlannedChange, names: &Names, colour: Colour) {
    let (sign, code) = match planned.change.kind() {
        ChangeKind::UserCreated | ChangeKind::GroupCreated | ChangeKind::GroupUserAdded => ("+", 32),
        ChangeKind::UserUpdated | ChangeKind::GroupUpdated => ("~", 33),
        _ => ("-", 31),
    };
    let held = match planned.mark {
        Mark::Held => "  (held)",
        Mark::Failed => "  (waits)",
        _ => "",
    };
    let _ =
        writeln!(text, "  {} {:<18} {}{held}", colour.paint(code, sign), planned.change.kind().as_str(), subject(&planned.change, names));
    if let Change::UserUpdated { changed, .. } | Change::GroupUpdated { changed, .. } = &planned.change {
        for change in changed {
            let _ = writeln!(text, "        {}", field(change));
        }
    }
}

/// What a change is about, in a few words.
pub fn subject(change: &Change, names: &Names) -> String {
    let login = |user: &User| printable(user.login.as_deref().unwrap_or(user.id.as_str())).into_owned();
    match change {
        Change::UserCreated { user } | Change::UserUpdated { user, .. } => login(user),
        Change::UserDeleted { user, reason } => format!("{} ({})", login(user), word(reason)),
        Change::GroupCreated { group } | Change::GroupUpdated { group, .. } => printable(&group.name).into_owned(),
        Change::GroupDeleted { group, reason } => format!("{} ({})", printable(&group.name), word(reason)),
        Change::GroupUserAdded { membership } => {
            format!("{} in {}", names.user(membership.user.as_str()), names.group(membership.group.as_str()))
        }
        Change::GroupUserRemoved { membership, reason } => {
            format!("{} from {} ({})", names.user(membership.user.as_str()), names.group(membership.group.as_str()), word(reason))
        }
        _ => change.kind().to_string(),
    }
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(|word| word.replace('_', " "))).unwrap_or_default()
}

/// A field of an update: `title: "Clerk" → "Manager"`.
pub fn field(change: &FieldChange) -> String {
    let show = |value: &Option<serde_json::Value>| value.as_ref().map_or_else(|| "(none)".to_owned(), |value| shorten(&value.to_string()));
    printable(&format!("{}: {} → {}", change.field, show(&change.before), show(&change.after))).into_owned()
}

fn shorten(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain(['…']).collect() }
}

/// What is held, for the person who decides about it.
pub fn held(set: Option<&HeldSet>, names: &Names, colour: Colour) -> String {
    let Some(set) = set else { return "Nothing is held.".to_owned() };
    let mut text = String::new();
    let summary = &set.summary;
    let _ = writeln!(text, "{}", colour.paint(1, &format!("Held since {}: {}", set.since, number(summary.total, "change"))));
    let _ = writeln!(text, "  because {}", summary.reason);
    for (kind, count) in &summary.by_kind {
        let _ = writeln!(text, "{}", colour.paint(33, &format!("  {count} {kind}")));
        let examples = set.examples.get(kind).map_or(&[][..], Vec::as_slice);
        examples.iter().for_each(|example| _ = writeln!(text, "    {}", names.of_example(example)));
        let rest = count.saturating_sub(examples.len() as u64);
        if rest > 0 {
            let _ = writeln!(text, "    … and {rest} more");
        }
    }
    if set.groups_reached > 0 {
        let (reached, emptied) = (number(set.groups_reached, "group"), set.groups_emptied);
        let _ = writeln!(text, "  {reached} would lose members, {emptied} of them all; the hardest hit:");
        for group in set.groups.iter().take(SHOWN as usize) {
            let _ = writeln!(text, "    {}: {} of {}", printable(&group.name), group.loses, group.members);
        }
    }
    let hash = summary.hash;
    let _ = match summary.standing {
        Standing::Approved => write!(
            text,
            "They are approved: the next sync applies them, if the org still wants exactly that.\n\nLeave them all the same with: --reject {hash}"
        ),
        Standing::Rejected => write!(
            text,
            "They were rejected, and stay unapplied until something else is held.\n\nApply exactly this all the same with: --approve {hash}"
        ),
        _ => write!(text, "\nApply exactly this with: --approve {hash}\nLeave it for good with:  --reject {hash}"),
    };
    text
}

/// Where things stand.
pub fn status(status: &Status, names: &Names, colour: Colour) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", colour.paint(1, &status.directory_id.to_string()));
    match &status.quarantine {
        Some(quarantine) => {
            let _ = writeln!(text, "{}", colour.paint(31, &format!("Set aside until {}: {quarantine}", quarantine.until)));
            let _ = writeln!(text, "  {}; then run it with --release", quarantine.remedy);
        }
        None => _ = writeln!(text, "Not set aside."),
    }
    if let Some(unfinished) = &status.unfinished {
        let _ = writeln!(text, "The delivery of {unfinished} was interrupted; the next sync finishes it.");
    }
    let _ = writeln!(text, "{}", held(status.held.as_ref(), names, colour));
    if status.escrow.is_empty() {
        let _ = writeln!(text, "Nothing was refused.");
    } else {
        let _ = writeln!(text, "{}", colour.paint(33, &format!("Refused by the sink: {}", number(status.escrow.len() as u64, "change"))));
    }
    for refused in status.escrow.iter().take(SHOWN as usize) {
        let ids = refused.group.as_ref().map(ToString::to_string).into_iter().chain(refused.user.as_ref().map(ToString::to_string));
        let ids: Vec<_> = ids.collect();
        let (times, retry_at) = (number(refused.attempts.into(), "time"), refused.retry_at);
        let _ = writeln!(
            text,
            "  {} {}: {}; {times}, again from {retry_at}",
            refused.kind,
            printable(&ids.join(" ")),
            printable(&refused.reason)
        );
    }
    let rest = status.escrow.len().saturating_sub(SHOWN as usize);
    if rest > 0 {
        let _ = writeln!(text, "  … and {rest} more");
    }
    let _ = write!(text, "Last runs:{}", if status.runs.is_empty() { " none" } else { "" });
    for run in status.runs.iter().take(SHOWN as usize) {
        let _ = write!(text, "\n  {} {:<10} {}", run.started, run.outcome, outline(&run.report));
    }
    text
}

/// What happened in a run, in a few words.
fn outline(report: &str) -> String {
    let report: serde_json::Value = serde_json::from_str(report).unwrap_or_default();
    match (report["message"].as_str(), report["changes"].as_object()) {
        (Some(message), _) => printable(message).into_owned(),
        (None, Some(changes)) => number(changes.values().filter_map(serde_json::Value::as_u64).sum(), "change"),
        (None, None) => String::new(),
    }
}

/// A report in a few lines.
pub fn report(report: &SyncReport) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}: {}", report.directory_id, report.directory);
    let _ = writeln!(text, "Changed: {}", report.changes);
    if report.recovered.total() > 0 {
        let _ = writeln!(text, "Finished first, from an interrupted run: {}", report.recovered);
    }
    if let Some(held) = &report.held {
        let _ = writeln!(text, "Held: {} not applied: {} (hash {})", number(held.total, "change"), held.reason, held.hash);
        let _ = match held.standing {
            Standing::Approved => writeln!(text, "      They are approved; the next sync applies them."),
            Standing::Rejected => writeln!(text, "      They were rejected; see them with --held."),
            _ => writeln!(text, "      Look at them with --held; apply them with --approve, or leave them with --reject."),
        };
    }
    if report.escrowed > 0 {
        let _ = writeln!(text, "Refused by the sink: {}", number(report.escrowed, "change"));
        if let Some(first) = &report.first_refusal {
            let _ = writeln!(text, "      the first one because: {}", printable(first));
        }
        let _ = match report.retry_at {
            Some(at) => writeln!(text, "      They are tried again from {at} on, or at once with --release."),
            None => writeln!(text, "      They are tried again with the next run, and then after growing waits."),
        };
    }
    let evidence = &report.evidence;
    let misunderstood = [(evidence.users.held, "user"), (evidence.groups.held, "group"), (evidence.members.held, "member")];
    let misunderstood: Vec<_> =
        misunderstood.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| number(count, what)).collect();
    if !misunderstood.is_empty() {
        let _ = writeln!(text, "Not understood: {}; they stay as they are and are read again next time", misunderstood.join(", "));
        for record in evidence.not_understood.iter().take(SHOWN as usize) {
            let _ = writeln!(
                text,
                "      {} {}: {}",
                record.listing,
                printable(record.id.as_deref().unwrap_or("without an id")),
                record.reason
            );
        }
    }
    if evidence.protected > 0 {
        let _ = writeln!(text, "Protected: {} not made", number(evidence.protected, "removal"));
    }
    if evidence.is_garbled() {
        let _ =
            writeln!(text, "Incomplete: that is more than single records; perhaps Okta changed its answers. Nothing is deleted for it.");
    }
    if evidence.groups_failed + evidence.unconfirmed > 0 {
        let _ = writeln!(
            text,
            "Incomplete: the members of {} and {} failed; what was not read stays as it was. Run it again.",
            number(evidence.groups_failed, "group"),
            number(evidence.unconfirmed, "look-up")
        );
        if let Some(first) = &evidence.first_failure {
            let _ = writeln!(text, "      The first of them: {}", printable(&first.to_string()));
        }
    }
    let _ = write!(text, "Requests: {} in {:.1} s", report.requests.total, report.elapsed.as_secs_f64());
    text
}
