//! What the program does.

mod arguments;
mod key_file;
mod out;

pub(crate) use arguments::{Arguments, HELP, Wanted};

use idsync_okta_emulator::OktaEmulator;
use key_file::KeyFile;
pub(crate) use out::{note, say};
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Why the program ends before it is interrupted.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The system does not do what the program cannot do without.
    System(io::Error),
    /// What a flag says cannot be done.
    Usage(String),
}

/// Starts the org and runs it until the program is interrupted.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Fault> {
    // Before anything is printed, so that whoever reads the output may interrupt at once.
    let (mut interrupt, mut terminate) = (watch(SignalKind::interrupt())?, watch(SignalKind::terminate())?);
    let emulator = arguments.builder.start().await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Fault::Usage("--port: the port is taken; choose another one, or 0 for any free one".to_owned()),
        io::ErrorKind::PermissionDenied => Fault::Usage("--port: you may not use this port; choose one above 1023".to_owned()),
        _ => Fault::System(error),
    })?;
    let is_named = arguments.key_file.is_some();
    let key = KeyFile::write(arguments.key_file, emulator.private_key_pem());
    let key = key.map_err(|error| if is_named { Fault::Usage(format!("--key-file: {error}")) } else { Fault::System(error) })?;
    if let Some(wanted) = arguments.memberships {
        tell_shortage(&emulator, wanted);
    }
    say(&introduction(&emulator, &key));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn watch(kind: SignalKind) -> Result<Signal, Fault> {
    signal(kind).map_err(Fault::System)
}

/// Nobody is in a group twice, so that not every number of memberships fits.
fn tell_shortage(emulator: &OktaEmulator, wanted: usize) {
    let there = emulator.org().membership_count();
    if there < wanted {
        note(format_args!("--memberships: of {wanted} only {there} fit, for nobody is in a group twice"));
    }
}

/// How to use the org.
fn introduction(emulator: &OktaEmulator, key: &KeyFile) -> String {
    let (url, client, file) = (emulator.url(), emulator.client_id(), key.path().display());
    let (reader, admin) = (emulator.api_token(), emulator.setup_token());
    let has_app = emulator.org().app(client).is_some();
    let (app, sync) = if has_app {
        let app = format!("  client id    {client}\n  key id       {}\n  key file     {file}\n", emulator.key_id());
        let flags = format!("--org {url} --client-id {client} --key {file} --database directory.db");
        (app, format!("Sync it:\n  cargo run --release --example sync -- {flags}\n\n"))
    } else {
        (String::new(), String::new())
    };
    format!(
        "\
An Okta org runs at {url} until this program is interrupted.

{app}  API token    {reader}
  setup token  {admin}

{sync}Or connect to it first, which makes an app of its own:
  SETUP_TOKEN={admin} cargo run --release --example provision -- --org {url} --setup-token-env SETUP_TOKEN

See which apps there are, as the super admin who sets one up:
  curl -H 'Authorization: SSWS {admin}' '{url}/api/v1/apps'

Look into it:
  curl -H 'Authorization: SSWS {reader}' '{url}/api/v1/users?limit=2'

Change it, break it, and see what was asked of it:
  curl {url}/emulator
"
    )
}
