//! What the program does.

mod arguments;
mod key_file;
mod out;

pub(crate) use arguments::{Arguments, HELP, Wanted};

use idsync_okta_emulator::OktaEmulator;
use key_file::KeyFile;
pub(crate) use out::{note, say};
use std::io;
use tokio::signal::unix::{SignalKind, signal};

/// Starts the org and runs it until the program is interrupted.
pub(crate) async fn run(arguments: Arguments) -> io::Result<()> {
    // Before anything is printed, so that whoever reads the output may interrupt at once.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let emulator = arguments.builder.start().await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => io::Error::other("the port is taken; choose another one with --port, or 0 for any free one"),
        _ => error,
    })?;
    let key = KeyFile::write(arguments.key_file, emulator.private_key_pem())?;
    say(&introduction(&emulator, &key));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
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
