//! The flags of `provision`.

use crate::connection::ConnectionFile;
use crate::usage::Usage;
use idsync::okta::{KeyKind, RateShare, TokenBinding, WantedRole};
use lexopt::prelude::{Long, Short, ValueExt};
use std::ffi::OsString;
use std::path::PathBuf;

/// What `provision --help` prints.
pub const HELP: &str = "\
Connects to an Okta org in one step: makes the service app that reads its users and groups, proves
that it works, and revokes the token that it was made with.

USAGE
  provision --org URL [--setup-token-env VAR | --setup-token-file FILE] [OPTIONS]

WHICH ORG, AND WITH WHAT
  --org URL               The org, such as acme.okta.com or https://acme.okta.com; --rotate,
                          --teardown and --undo take it from the connection
  --setup-token-env VAR   The environment variable that holds the API token of a super administrator
                          (Admin Console: Security > API > Tokens)
  --setup-token-file FILE The file that holds it, readable by you alone (chmod 600)
                          Without either, you are asked for it. It is never taken from the command line

WHAT TO MAKE
  --label TEXT            How administrators see the app, and how it is found again [default: idsync]
  --key FILE              Its private key; made when the file is not there    [default: that of the
                          connection, where it is one to this app; else idsync-key.pem]
                          Other keys that the app has stay; --rotate takes them away
  --key-kind KIND         es256 or rsa3072, for a key that is made                  [default: es256]
  --connection FILE       Where to write the connection, for sync --connection
                                                                      [default: connection.json]
  --role ROLE             least-privilege (a custom role, or Read-Only Administrator where the org
                          has none), custom, or READ_ONLY_ADMIN           [default: least-privilege]
  --scopes LIST           OAuth scopes, separated by commas, with those that it cannot do without:
                                               [default: okta.users.read,okta.groups.read]
  --bearer                Do not bind access tokens to a key (DPoP)
  --rate-share P%         The app's share of the org's rate limits            [default: Okta's, 50%]

WHAT TO DO
  --plan                  Print what would be done, and write nothing
  --rotate                Give the app of the connection a new key, take the old one away, and
                          delete its file
  --teardown              Remove the app of the connection, and whatever was made for it
  --undo                  Take away exactly what an interrupted run made, as it noted beside the
                          connection. Where it noted nothing, what stands is looked up and told
  --terraform DIR         Write a Terraform module that makes the same; needs no token
  --manual                Print the steps by hand that make the same; needs no token
                          Both make the file of --key where it is not there, for they name its
                          public half

HOW
  --keep-setup-token      Do not revoke the setup token at the end. Without it, it is revoked by
                          all that is done with it, also by --rotate, --teardown and --undo; not by
                          --plan, nor by an --undo that finds nothing to undo
  --json                  Print exactly one JSON object on standard output
  --help                  Print this

EXIT CODES
  0 done   2 wrong usage or configuration   4 the org refused: token, rights, scope, role or quota
  5 it could not be completed, run it again   7 another run is at work on the connection

Running it again goes on where it stopped, and changes nothing where nothing is left to do. There is
never a second app, and what it did not make it leaves alone.
";

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Make, repair, prove.
    Apply,
    /// Print the steps by hand.
    Manual,
    /// Print what would be done.
    Plan,
    /// Change the key.
    Rotate,
    /// Remove it all.
    Teardown,
    /// Write a Terraform module.
    Terraform(PathBuf),
    /// Take away what an interrupted run made.
    Undo,
}

/// Where the setup token is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenSource {
    /// In an environment variable.
    Environment(String),
    /// In a file.
    File(PathBuf),
    /// With the person at the terminal.
    Prompt,
}

/// What becomes of the setup token at the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenFate {
    /// It stays.
    Kept,
    /// It is revoked.
    #[default]
    Revoked,
}

/// How to print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// One JSON object.
    Json,
    /// For people.
    #[default]
    Text,
}

/// The flags, checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProvisionFlags {
    /// The org as it was written.
    pub org: String,
    /// Where the setup token is.
    pub token: TokenSource,
    /// What becomes of it.
    pub fate: TokenFate,
    /// The label of the app.
    pub label: String,
    /// The file of the key, if it is not the usual one.
    pub key: Option<PathBuf>,
    /// The kind of a new key.
    pub key_kind: KeyKind,
    /// The file of the connection.
    pub connection: PathBuf,
    /// The role of the app.
    pub role: WantedRole,
    /// The scopes, if they are not the usual ones.
    pub scopes: Option<Vec<String>>,
    /// Whether tokens are bound to a key.
    pub binding: TokenBinding,
    /// The share of the rate limits.
    pub rate_share: Option<RateShare>,
    /// What to do.
    pub action: Action,
    /// How to print.
    pub output: Output,
}

/// What the command line asks for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Asked {
    /// Print the help.
    Help,
    /// Run.
    Run(Box<ProvisionFlags>),
}

/// Reads the command line, without the program's name.
///
/// # Errors
/// Wrong usage: which flag, what was expected.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, Usage> {
    let mut parser = lexopt::Parser::from_args(args);
    let (mut org, mut tokens, mut actions) = (None, Vec::new(), Vec::new());
    let mut flags = ProvisionFlags {
        org: String::new(),
        token: TokenSource::Prompt,
        fate: TokenFate::default(),
        label: "idsync".to_owned(),
        key: None,
        key_kind: KeyKind::default(),
        connection: PathBuf::from("connection.json"),
        role: WantedRole::default(),
        scopes: None,
        binding: TokenBinding::default(),
        rate_share: None,
        action: Action::Apply,
        output: Output::default(),
    };
    while let Some(flag) = parser.next()? {
        match flag {
            Short('h') | Long("help") => return Ok(Asked::Help),
            Long("org") => org = Some(parser.value()?.string()?),
            Long("setup-token-env") => tokens.push(TokenSource::Environment(parser.value()?.string()?)),
            Long("setup-token-file") => tokens.push(TokenSource::File(parser.value()?.into())),
            Long("keep-setup-token") => flags.fate = TokenFate::Kept,
            Long("label") => flags.label = parser.value()?.string()?,
            Long("key") => flags.key = Some(parser.value()?.into()),
            Long("key-kind") => flags.key_kind = key_kind(&parser.value()?.string()?)?,
            Long("connection") => flags.connection = parser.value()?.into(),
            Long("role") => {
                flags.role = parser
                    .value()?
                    .string()?
                    .parse()
                    .map_err(|error| Usage::new(format!("--role: {error}; expected least-privilege, custom or READ_ONLY_ADMIN")))?;
            }
            Long("scopes") => flags.scopes = Some(parser.value()?.string()?.split(',').map(|scope| scope.trim().to_owned()).collect()),
            Long("bearer") => flags.binding = TokenBinding::Bearer,
            Long("rate-share") => flags.rate_share = Some(crate::given::rate_share(&parser.value()?.string()?)?),
            Long("plan") => actions.push(Action::Plan),
            Long("rotate") => actions.push(Action::Rotate),
            Long("teardown") => actions.push(Action::Teardown),
            Long("undo") => actions.push(Action::Undo),
            Long("manual") => actions.push(Action::Manual),
            Long("terraform") => actions.push(Action::Terraform(parser.value()?.into())),
            Long("json") => flags.output = Output::Json,
            other => return Err(other.unexpected().into()),
        }
    }
    flags.token = match tokens.len() {
        0 => TokenSource::Prompt,
        1 => tokens.remove(0),
        _ => return Err(Usage::new("--setup-token-env and --setup-token-file exclude each other")),
    };
    flags.action = match actions.len() {
        0 => Action::Apply,
        1 => actions.remove(0),
        _ => {
            let all = "--plan, --rotate, --teardown, --undo, --terraform and --manual exclude each other: one thing at a time";
            return Err(Usage::new(all));
        }
    };
    flags.org = match org {
        Some(org) => org,
        None => connected_org(&flags)?,
    };
    Ok(Asked::Run(Box::new(flags)))
}

/// The org of the connection, for what is about a connection that is there.
fn connected_org(flags: &ProvisionFlags) -> Result<String, Usage> {
    let org = ConnectionFile::read(&flags.connection).map(|file| file.connection.org);
    match flags.action {
        Action::Rotate | Action::Teardown => org.map_err(|problem| Usage::new(problem).with_remedy(CONNECT_FIRST)),
        Action::Undo if org.is_ok() => org.map_err(Usage::new),
        _ => Err(Usage::new("--org is missing: which org, such as --org acme.okta.com")),
    }
}

/// What to do where a connection is missing.
pub const CONNECT_FIRST: &str = "run provision first, or name the connection with --connection";

/// What to do where a connection is one to another org.
pub const OTHER_ORG: &str = "name another file with --connection, or that org with --org; nothing was changed";

fn key_kind(text: &str) -> Result<KeyKind, Usage> {
    match text {
        "es256" => Ok(KeyKind::Es256),
        "rsa3072" => Ok(KeyKind::Rsa3072),
        _ => Err(Usage::new(format!("--key-kind: `{text}` is not a kind of key; expected es256 or rsa3072"))),
    }
}
