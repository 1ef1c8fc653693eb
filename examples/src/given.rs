//! The command line of `sync`, and what `watch` has in common with it.

use crate::connection::beside;
use crate::files::{self, Source};
use crate::flags::{Action, Asked, Flags, Login, Output, Unjudged};
use crate::provision_flags::CONNECT_FIRST;
use crate::usage::Usage;
use idsync::engine::{DeltaPolicy, Limit, Safeguards};
use idsync::okta::{Deprovisioned, Everyone, GroupSelection, OktaProvider, RateShare, SyncScope, UserSelection};
use idsync::{DirectoryId, GroupId, PlanHash, Secret};
use lexopt::Parser;
use lexopt::prelude::{Long, Short, ValueExt};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// More chains than this only wait for each other: so many requests are under way at once at most.
const MOST_CHAINS: usize = 8;

/// What a sync needs of a connection file; provision writes more.
#[derive(Deserialize)]
struct ConnectionFile {
    org: String,
    #[serde(default)]
    org_id: String,
    client_id: String,
    key_file: PathBuf,
}

/// What was written on the command line, not checked yet.
#[derive(Default)]
pub(crate) struct Given {
    org: Option<String>,
    client_id: Option<String>,
    key: Option<PathBuf>,
    token_env: Option<String>,
    connection: Option<PathBuf>,
    database: Option<PathBuf>,
    actions: Vec<Action>,
    protected: Vec<String>,
    json: bool,
    quiet: bool,
    limit: Option<Limit>,
    change_limit: Option<Limit>,
    rate_share: Option<RateShare>,
    patience: Option<Duration>,
    deprovisioned: Deprovisioned,
    everyone: Everyone,
    pub(crate) delta: DeltaPolicy,
    groups: BTreeSet<GroupId>,
    group_prefixes: Vec<String>,
    group_search: Option<String>,
    users: UserSelection,
    attributes: Option<String>,
    user_chains: Option<NonZeroUsize>,
}

/// Reads the command line, without the program's name.
///
/// # Errors
/// Wrong usage: which flag, what was expected.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, Usage> {
    let mut given = Given::default();
    let mut parser = Parser::from_args(args);
    while let Some(flag) = next(&mut parser)? {
        match flag.as_str() {
            "help" => return Ok(Asked::Help),
            "plan" => given.actions.push(Action::Plan),
            "held" => given.actions.push(Action::Held),
            "apply" => given.actions.push(Action::Apply(hash("--apply", &text(&mut parser)?)?)),
            "approve" => given.actions.push(Action::Approve(hash("--approve", &text(&mut parser)?)?)),
            "reject" => given.actions.push(Action::Reject(hash("--reject", &text(&mut parser)?)?)),
            "release" => given.actions.push(Action::Release),
            "status" => given.actions.push(Action::Status),
            "full" => given.delta = DeltaPolicy::never(),
            _ => given.take(&flag, &mut parser)?,
        }
    }
    given.check().map(|flags| Asked::Run(Box::new(flags)))
}

/// The name of the next flag.
pub(crate) fn next(parser: &mut Parser) -> Result<Option<String>, Usage> {
    match parser.next()? {
        None => Ok(None),
        Some(Short('h')) => Ok(Some("help".to_owned())),
        Some(Long(name)) => Ok(Some(name.to_owned())),
        Some(other) => Err(other.unexpected().into()),
    }
}

fn text(parser: &mut Parser) -> Result<String, Usage> {
    Ok(parser.value()?.string()?)
}

impl Given {
    /// Takes a flag that says where from, where to or how.
    pub(crate) fn take(&mut self, flag: &str, parser: &mut Parser) -> Result<(), Usage> {
        match flag {
            "org" => self.org = Some(text(parser)?),
            "client-id" => self.client_id = Some(text(parser)?),
            "key" => self.key = Some(parser.value()?.into()),
            "api-token-env" => self.token_env = Some(text(parser)?),
            "connection" => self.connection = Some(parser.value()?.into()),
            "database" => self.database = Some(parser.value()?.into()),
            "protect" => self.protected.push(text(parser)?),
            "json" => self.json = true,
            "quiet" => self.quiet = true,
            "delete-limit" => self.limit = Some(limit("--delete-limit", &text(parser)?)?),
            "change-limit" => self.change_limit = Some(limit("--change-limit", &text(parser)?)?),
            "rate-share" => self.rate_share = Some(rate_share(&text(parser)?)?),
            "patience" => self.patience = Some(patience(&text(parser)?)?),
            "include-deprovisioned" => self.deprovisioned = Deprovisioned::Include,
            "include-everyone" => self.everyone = Everyone::Include,
            "group" => _ = self.groups.insert(group(&text(parser)?)?),
            "group-prefix" => self.group_prefixes.push(text(parser)?),
            "group-search" => self.group_search = Some(text(parser)?),
            "users-in-groups" => self.choose_users(UserSelection::InGroups)?,
            "user-search" => {
                let expression = text(parser)?;
                self.choose_users(UserSelection::Expression(expression))?;
            }
            "user-chains" => self.user_chains = Some(chains(&text(parser)?)?),
            "attributes" => self.attributes = Some(text(parser)?),
            other => return Err(Long(other).unexpected().into()),
        }
        Ok(())
    }

    fn choose_users(&mut self, users: UserSelection) -> Result<(), Usage> {
        if self.users != UserSelection::All {
            return Err(usage("--users-in-groups and --user-search exclude each other"));
        }
        self.users = users;
        Ok(())
    }

    fn scope(&self) -> Result<SyncScope, Usage> {
        let groups = match (self.groups.is_empty(), self.group_prefixes.is_empty(), &self.group_search) {
            (true, true, None) => GroupSelection::All,
            (false, true, None) => GroupSelection::Ids(self.groups.clone()),
            (true, false, None) => GroupSelection::Matching { prefixes: self.group_prefixes.clone(), kinds: Vec::new() },
            (true, true, Some(expression)) => GroupSelection::Expression(expression.clone()),
            _ => return Err(usage("--group, --group-prefix and --group-search exclude each other")),
        };
        if groups == GroupSelection::All && self.users == UserSelection::InGroups {
            return Err(usage("--users-in-groups needs --group, --group-prefix or --group-search to say which groups"));
        }
        let scope = SyncScope::all().with_groups(groups).with_users(self.users.clone());
        Ok(match &self.attributes {
            Some(names) => scope.with_attributes(listed(names)),
            None => scope,
        })
    }

    fn unjudged(&self) -> Unjudged {
        let user_search = match &self.users {
            UserSelection::Expression(expression) => Some(expression.clone()),
            _ => None,
        };
        let attributes = self.attributes.iter().flat_map(|names| listed(names)).map(str::to_owned).collect();
        Unjudged { attributes, group_search: self.group_search.clone(), user_search }
    }

    pub(crate) fn check(self) -> Result<Flags, Usage> {
        let action = match self.actions[..] {
            [] => Action::Sync,
            [action] => action,
            _ => {
                return Err(usage(
                    "--plan, --apply, --held, --approve, --reject, --release and --status exclude each other: look first, then decide",
                ));
            }
        };
        let output = match (self.json, self.quiet) {
            (true, _) => Output::Json,
            (false, true) => Output::Quiet,
            (false, false) => Output::Text,
        };
        let scope = self.scope()?;
        let unjudged = self.unjudged();
        let (org, login, directory) = login(self.org, self.client_id, self.key, self.token_env, self.connection)?;
        Ok(Flags {
            org,
            login,
            directory,
            database: self.database.unwrap_or_else(|| PathBuf::from("idsync.db")),
            action,
            output,
            protected: self.protected,
            safeguards: safeguards(self.limit, self.change_limit),
            rate_share: self.rate_share,
            patience: self.patience,
            deprovisioned: self.deprovisioned,
            everyone: self.everyone,
            delta: self.delta,
            scope,
            unjudged,
            user_chains: self.user_chains.unwrap_or(NonZeroUsize::MIN),
        })
    }
}

/// The names in a list, separated by commas.
fn listed(names: &str) -> impl Iterator<Item = &str> {
    names.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn safeguards(removals: Option<Limit>, others: Option<Limit>) -> Safeguards {
    let safeguards = removals.map_or_else(Safeguards::default, Safeguards::all);
    match others {
        Some(limit) => safeguards.with_creations(limit).with_updates(limit),
        None => safeguards,
    }
}

fn login(
    org: Option<String>,
    client_id: Option<String>,
    key: Option<PathBuf>,
    token_env: Option<String>,
    connection: Option<PathBuf>,
) -> Result<(String, Login, Option<DirectoryId>), Usage> {
    if let Some(path) = connection {
        if org.is_some() || client_id.is_some() || key.is_some() || token_env.is_some() {
            return Err(usage("--connection stands in place of --org, --client-id, --key and --api-token-env"));
        }
        let shown = path.display();
        let (text, source) = files::read_source(&path).map_err(|problem| {
            let unreadable = Usage::new(format!("--connection: {problem}"));
            if path.exists() { unreadable } else { unreadable.with_remedy(CONNECT_FIRST) }
        })?;
        let file: ConnectionFile = serde_json::from_str(&text).map_err(|error| {
            Usage::new(format!("--connection: {shown} is not a connection: {error}; expected the members org, client_id and key_file"))
        })?;
        let key = match source {
            Source::File => beside(&path, &file.key_file),
            Source::Pipe => file.key_file,
        };
        let directory = OktaProvider::directory_id(&file.org_id);
        return Ok((file.org, Login::ServiceApp { client_id: file.client_id, key }, directory));
    }
    let org = org.ok_or_else(|| usage("--org is missing: which org, such as --org acme.okta.com"))?;
    let login = match (client_id, key, token_env) {
        (Some(client_id), Some(key), None) => Login::ServiceApp { client_id, key },
        (None, None, Some(variable)) => match std::env::var(&variable) {
            Ok(token) if !token.trim().is_empty() => Login::ApiToken(Secret::new(token.trim().to_owned())),
            _ => {
                return Err(Usage::new(format!(
                    "--api-token-env: the environment variable {variable} is not set; put the API token in it"
                )));
            }
        },
        (None, None, None) => return Err(usage("how to sign in is missing: --client-id ID --key FILE, or --api-token-env VAR")),
        (Some(_), None, None) => return Err(usage("--client-id needs --key FILE, the service app's private key")),
        (None, Some(_), None) => return Err(usage("--key needs --client-id ID, the service app that it belongs to")),
        _ => return Err(usage("--api-token-env and --client-id with --key exclude each other")),
    };
    Ok((org, login, None))
}

fn group(id: &str) -> Result<GroupId, Usage> {
    GroupId::new(id).map_err(|error| Usage::new(format!("--group: `{id}` is not an id: {error}")))
}

fn chains(text: &str) -> Result<NonZeroUsize, Usage> {
    let count = text.parse::<NonZeroUsize>().ok().filter(|count| count.get() <= MOST_CHAINS);
    count.ok_or_else(|| Usage::new(format!("--user-chains: `{text}` is not a number from 1 to {MOST_CHAINS}")))
}

fn limit(flag: &str, text: &str) -> Result<Limit, Usage> {
    text.parse().map_err(|error| Usage::new(format!("{flag}: {error}")))
}

fn hash(flag: &str, text: &str) -> Result<PlanHash, Usage> {
    let wrong = || {
        Usage::new(format!(
            "{flag}: `{text}` is not the hash of a plan or a held set; expected the 32 hexadecimal digits that were printed"
        ))
    };
    PlanHash::from_hex(text).ok_or_else(wrong)
}

pub(crate) fn rate_share(text: &str) -> Result<RateShare, Usage> {
    let percent = text.strip_suffix('%').unwrap_or(text).parse::<u8>().ok().and_then(|percent| RateShare::percent(percent).ok());
    percent.ok_or_else(|| Usage::new(format!("--rate-share: `{text}` is not a share; expected 1% to 100%")))
}

fn patience(text: &str) -> Result<Duration, Usage> {
    let seconds = text.parse::<u64>().map_err(|_| Usage::new(format!("--patience: `{text}` is not a number of seconds, such as 300")))?;
    Ok(Duration::from_secs(seconds))
}

fn usage(text: &str) -> Usage {
    Usage::new(text)
}
