//! The command line.

use idsync_okta_emulator::{Compression, Dpop, KeyKind, OktaEmulator, OktaEmulatorBuilder, Quirks, RateLimits};
use lexopt::{Arg, Parser, ValueExt};
use std::path::PathBuf;

pub(crate) const HELP: &str = "\
A small Okta org over HTTP, for tests.

Usage: idsync-okta-emulator [OPTIONS]

  --users N            users, deactivated ones among them (120)
  --groups N           groups beside the built-in ones (12)
  --memberships N      memberships in all groups but Everyone (600)
  --apps N             apps beside the built-in ones and the one that may read the org (8)
  --without-app        leave out the app that may read the org, as before anything was set up
  --app-quota N        how many apps may be there at once, without the built-in ones (any number)
  --seed N             what the org is made from: the same seed makes the same people (1)
  --port N             port on 127.0.0.1; 0 takes any free one (0)
  --key-file FILE      where to write the app's private key (a file in a new folder for temporary files)
  --rate-limits KIND   none, workforce or integrator (none)
  --clock-skew N       seconds that the org's clock runs ahead; negative: behind (0)
  --gzip               compress answers for who asks for it
  --dpop               require proof of possession
  --rsa                make an RSA key; without it an elliptic curve key
  --help               this text

The program prints the URL, the client id, the file with the key, an API token that reads, and the setup token, which is that of the
super admin, and runs until it is interrupted.
Then see `curl URL/emulator` for how to change the org and how to make it misbehave.
";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Wanted {
    Help,
    Org(Box<Arguments>),
}

/// What org to start.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) builder: OktaEmulatorBuilder,
    pub(crate) key_file: Option<PathBuf>,
}

impl Arguments {
    /// Reads the command line. The error says what is wrong with it.
    pub(crate) fn parse(mut parser: Parser) -> Result<Wanted, lexopt::Error> {
        let mut builder = OktaEmulator::builder();
        let mut quirks = Quirks::default();
        let mut key_file = None;
        while let Some(argument) = parser.next()? {
            builder = match argument {
                Arg::Long("users") => builder.users(parser.value()?.parse()?),
                Arg::Long("groups") => builder.groups(parser.value()?.parse()?),
                Arg::Long("memberships") => builder.memberships(parser.value()?.parse()?),
                Arg::Long("apps") => builder.apps(parser.value()?.parse()?),
                Arg::Long("without-app") => builder.without_app(),
                Arg::Long("app-quota") => {
                    quirks.app_quota = Some(parser.value()?.parse()?);
                    builder
                }
                Arg::Long("seed") => builder.seed(parser.value()?.parse()?),
                Arg::Long("port") => builder.port(parser.value()?.parse()?),
                Arg::Long("clock-skew") => builder.clock_skew(parser.value()?.parse()?),
                Arg::Long("rate-limits") => builder.rate_limits(parser.value()?.parse_with(limits)?),
                Arg::Long("gzip") => {
                    quirks.compression = Compression::Gzip;
                    builder
                }
                Arg::Long("dpop") => builder.dpop(Dpop::Required),
                Arg::Long("rsa") => builder.key(KeyKind::Rsa2048),
                Arg::Long("key-file") => {
                    key_file = Some(PathBuf::from(parser.value()?));
                    builder
                }
                Arg::Long("help") | Arg::Short('h') => return Ok(Wanted::Help),
                _ => return Err(argument.unexpected()),
            };
        }
        Ok(Wanted::Org(Box::new(Self { builder: builder.quirks(quirks), key_file })))
    }
}

fn limits(text: &str) -> Result<RateLimits, &'static str> {
    match text {
        "none" => Ok(RateLimits::unlimited()),
        "workforce" => Ok(RateLimits::workforce()),
        "integrator" => Ok(RateLimits::integrator()),
        _ => Err("expected none, workforce or integrator"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Wanted, String> {
        Arguments::parse(Parser::from_args(arguments)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_wrong_command_line_is_explained() {
        assert!(matches!(parse(&["--users", "5", "--dpop", "--gzip", "--rate-limits=workforce"]), Ok(Wanted::Org(_))));
        assert!(matches!(parse(&["--users", "5", "--help"]), Ok(Wanted::Help)));
        for (arguments, words) in [
            (vec!["--no-such-flag"], "--no-such-flag"),
            (vec!["--users", "many"], "many"),
            (vec!["--users"], "--users"),
            (vec!["--app-quota", "few"], "few"),
            (vec!["--rate-limits", "some"], "expected none, workforce or integrator"),
            (vec!["file"], "file"),
        ] {
            let error = parse(&arguments).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
