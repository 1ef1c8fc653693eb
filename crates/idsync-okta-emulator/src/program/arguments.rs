//! The command line.

use idsync_okta_emulator::{Compression, Dpop, KeyKind, OktaEmulator, OktaEmulatorBuilder, Quirks, RateLimits};
use lexopt::{Arg, Parser, ValueExt};
use std::num::ParseIntError;
use std::path::PathBuf;
use std::str::FromStr;

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
    /// How many memberships were asked for; there are fewer when they do not fit.
    pub(crate) memberships: Option<usize>,
}

impl Arguments {
    /// Reads the command line. The error says what is wrong with it.
    pub(crate) fn parse(mut parser: Parser) -> Result<Wanted, lexopt::Error> {
        let mut builder = OktaEmulator::builder();
        let mut quirks = Quirks::default();
        let (mut key_file, mut memberships) = (None, None);
        while let Some(argument) = parser.next()? {
            builder = match argument {
                Arg::Long("users") => builder.users(number(&mut parser, "--users")?),
                Arg::Long("groups") => builder.groups(number(&mut parser, "--groups")?),
                Arg::Long("memberships") => {
                    let count = number(&mut parser, "--memberships")?;
                    memberships = Some(count);
                    builder.memberships(count)
                }
                Arg::Long("apps") => builder.apps(number(&mut parser, "--apps")?),
                Arg::Long("without-app") => builder.without_app(),
                Arg::Long("app-quota") => {
                    quirks.app_quota = Some(number(&mut parser, "--app-quota")?);
                    builder
                }
                Arg::Long("seed") => builder.seed(number(&mut parser, "--seed")?),
                Arg::Long("port") => builder.port(number(&mut parser, "--port")?),
                Arg::Long("clock-skew") => builder.clock_skew(number(&mut parser, "--clock-skew")?),
                Arg::Long("rate-limits") => builder.rate_limits(limits(&parser.value()?.string()?)?),
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
        Ok(Wanted::Org(Box::new(Self { builder: builder.quirks(quirks), key_file, memberships })))
    }
}

/// The value of a flag that takes a number. The error names both.
fn number<T: FromStr<Err = ParseIntError>>(parser: &mut Parser, flag: &str) -> Result<T, lexopt::Error> {
    let text = parser.value()?.string()?;
    text.parse().map_err(|error| format!("{flag}: `{text}` will not do: {error}").into())
}

fn limits(text: &str) -> Result<RateLimits, String> {
    match text {
        "none" => Ok(RateLimits::unlimited()),
        "workforce" => Ok(RateLimits::workforce()),
        "integrator" => Ok(RateLimits::integrator()),
        _ => Err(format!("--rate-limits: `{text}` is none; expected none, workforce or integrator")),
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
            (vec!["--users", "many"], "--users: `many` will not do"),
            (vec!["--memberships", "-1"], "--memberships: `-1` will not do"),
            (vec!["--users"], "--users"),
            (vec!["--app-quota", "few"], "--app-quota: `few`"),
            (vec!["--rate-limits", "some"], "--rate-limits: `some` is none; expected none, workforce or integrator"),
            (vec!["file"], "file"),
        ] {
            let error = parse(&arguments).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
