//! An engine between an org and a file, as the flags say.

use crate::database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::flags::{Flags, Login, Output, Unjudged};
use crate::note;
use crate::progress;
use crate::waits::Waits;
use idsync::ErrorKind;
use idsync::engine::{Protected, SyncEngine, SyncEngineBuilder};
use idsync::okta::{ApiToken, Credentials, OktaClient, OktaClientBuilder, OktaProvider, OrgUrl, RetryPolicy, ServiceApp, SigningKey};
use idsync::sqlite::SqliteFile;
use std::sync::Arc;

/// An engine, and what belongs to it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected {
    /// What the engine reads.
    pub provider: Arc<OktaProvider>,
    /// The engine.
    pub engine: SyncEngine,
    /// The progress bar, to be cleared when a run is over.
    pub bar: indicatif::ProgressBar,
    /// What of the scope only the org can judge.
    pub unjudged: Unjudged,
}

/// Connects as the flags say. `program` is how the engine is called where another one is refused.
///
/// # Errors
/// What is unusable.
pub async fn connect(program: &str, flags: &Flags) -> Result<Connected, Failure> {
    connect_with(program, flags, |client| client, |engine| engine).await
}

/// The same, with changes to the client and the engine.
///
/// # Errors
/// What is unusable.
pub async fn connect_with(
    program: &str,
    flags: &Flags,
    of_client: impl FnOnce(OktaClientBuilder) -> OktaClientBuilder,
    of_engine: impl FnOnce(SyncEngineBuilder) -> SyncEngineBuilder,
) -> Result<Connected, Failure> {
    database::check(flags)?;
    let org = OrgUrl::parse_or_local(&flags.org)?;
    if let Some(correction) = org.correction() {
        note!("{program}: {correction}");
    }
    let mut client = OktaClient::builder(org, credentials(&flags.login)?);
    if let Some(share) = flags.rate_share {
        client = client.rate_share(share);
    }
    if let Some(patience) = flags.patience {
        client = client.retry(RetryPolicy::new(RetryPolicy::default().max_attempts, patience));
    }
    let (observe, bar) = progress::observer();
    let waits = Waits::new(bar.clone());
    if flags.output == Output::Text {
        client = client.progress(waits.listener());
    }
    let client = of_client(client).build()?;
    waits.of(client.clone());
    let provider = OktaProvider::new(client)
        .include_deprovisioned(flags.deprovisioned)
        .include_everyone(flags.everyone)
        .with_scope(flags.scope.clone())
        .user_chains(flags.user_chains);
    let provider = Arc::new(provider);
    let file = SqliteFile::open(&flags.database).await.map_err(|error| database::unopened(error, flags.action))?;
    let builder = SyncEngine::builder(Arc::clone(&provider), file.store(), file.sink())
        .safeguards(flags.safeguards)
        // To read members takes far longer than to look up ids that were let go.
        .member_ids(50_000)
        .delta(flags.delta)
        .protect(Protected::nobody().logins(flags.protected.iter().cloned()))
        .holder(format!("{program}, process {}", std::process::id()));
    let builder = match &flags.directory {
        Some(directory) => builder.directory(directory.clone()),
        None => builder,
    };
    let builder = if flags.output == Output::Text { builder.on_progress(waits.observe(observe)) } else { builder };
    Ok(Connected { provider, engine: of_engine(builder).build(), bar, unjudged: flags.unjudged.clone() })
}

fn credentials(login: &Login) -> Result<Credentials, Failure> {
    match login {
        Login::ApiToken(token) => Ok(ApiToken::new(token.clone()).into()),
        Login::ServiceApp { client_id, key } => {
            let remedy = "check that the file is there and may be read by you";
            files::source(key).map_err(|problem| unusable(format!("the private key cannot be used: {problem}"), remedy))?;
            let key = SigningKey::from_file(key)?;
            Ok(ServiceApp::new(client_id, key).into())
        }
    }
}

/// A file that cannot be used, as it is told.
pub(crate) fn unusable(message: String, remedy: &str) -> Failure {
    Failure::new(Exit::Usage, ErrorKind::InvalidConfig.as_str(), message, remedy)
}
