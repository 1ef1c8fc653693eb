//! The flags of `watch`.

use crate::flags::Flags;
use crate::given::{Given, next};
use crate::usage::Usage;
use idsync::engine::DeltaPolicy;
use lexopt::Parser;
use lexopt::prelude::ValueExt;
use std::ffi::OsString;
use std::time::Duration;

/// What `watch --help` prints.
pub const HELP: &str = "\
Keeps an SQLite file in step with an Okta org until it is stopped: what changed is read every
minute, and everything once a day.

USAGE
  watch --org URL (--client-id ID --key FILE | --api-token-env VAR) [--database FILE] [OPTIONS]
  watch --connection FILE [--database FILE] [OPTIONS]

WHEN
  --every TIME            From one run to the next, such as 60s, 5m or 1h    [default: 60s]
  --full-every TIME       From one read of everything to the next; users who were deleted are
                          only found by these                                [default: 24h]

Where from, where to and how are said with the same flags as to sync; see sync --help.

OUTPUT
  One line a run: when it began, how the directory was read, what changed, requests, seconds.
  With --json one JSON object a line, as sync --json prints it. With --quiet only what is wrong.

It stops at once on Ctrl-C or SIGTERM, also in the middle of a run, which the next run finishes. A
run that fails does not end it: the next one tries again. When the org refuses the credential, the
connection and the key are read anew, so that a key can be exchanged meanwhile.

EXIT CODES
  0 stopped by a signal   2 wrong usage or configuration   the others as of sync, when the first
  run cannot begin
";

/// The flags of `watch`, checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WatchFlags {
    /// What is synced, where to, and how.
    pub sync: Flags,
    /// From one run to the next.
    pub every: Duration,
}

/// What the command line asks for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Asked {
    /// Print the help.
    Help,
    /// Run.
    Run(Box<WatchFlags>),
}

/// Reads the command line, without the program's name.
///
/// # Errors
/// Wrong usage: which flag, what was expected.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, Usage> {
    let (mut given, mut every) = (Given::default(), Duration::from_secs(60));
    let mut parser = Parser::from_args(args);
    while let Some(flag) = next(&mut parser)? {
        match flag.as_str() {
            "help" => return Ok(Asked::Help),
            "every" => every = time("--every", &parser.value()?.string()?)?,
            "full-every" => given.delta = DeltaPolicy::new(time("--full-every", &parser.value()?.string()?)?),
            _ => given.take(&flag, &mut parser)?,
        }
    }
    Ok(Asked::Run(Box::new(WatchFlags { sync: given.check()?, every })))
}

fn time(flag: &str, text: &str) -> Result<Duration, Usage> {
    let wrong = || Usage::new(format!("{flag}: `{text}` is not a time; expected a number with s, m, h or d, such as 60s or 24h"));
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let count = digits.parse::<u64>().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit_and_are_not_zero() {
        for (text, seconds) in [("60s", 60), ("5m", 300), ("24h", 86_400), ("1d", 86_400)] {
            assert_eq!(time("--every", text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "60", "s", "0s", "-1s", "1w", "1.5h", "99999999999999999999d", "5µ"] {
            assert!(time("--every", text).unwrap_err().message.starts_with("--every: "), "{text}");
        }
    }
}
