//! What the program does.

mod arguments;
mod key_file;

pub(crate) use arguments::{Arguments, HELP, Wanted};

use idsync_okta_emulator::OktaEmulator;
use key_file::KeyFile;
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
    introduce(&emulator, &key);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

fn introduce(emulator: &OktaEmulator, key: &KeyFile) {
    let (url, client, file) = (emulator.url(), emulator.client_id(), key.path().display());
    println!("An Okta org runs at {url} until this program is interrupted.\n");
    let has_app = emulator.org().app(client).is_some();
    if has_app {
        println!("  client id    {client}");
        println!("  key id       {}", emulator.key_id());
        println!("  key file     {file}");
    }
    println!("  API token    {}", emulator.api_token());
    println!("  setup token  {}\n", emulator.setup_token());
    if has_app {
        println!("Sync it:");
        println!("  cargo run --release --example sync -- --org {url} --client-id {client} --key {file} --database directory.db\n");
    }
    println!("Or connect to it first, which makes an app of its own:");
    println!(
        "  SETUP_TOKEN={} cargo run --release --example provision -- --org {url} --setup-token-env SETUP_TOKEN\n",
        emulator.setup_token()
    );
    println!("See which apps there are, as the super admin who sets one up:");
    println!("  curl -H 'Authorization: SSWS {}' '{url}/api/v1/apps'\n", emulator.setup_token());
    println!("Look into it:");
    println!("  curl -H 'Authorization: SSWS {}' '{url}/api/v1/users?limit=2'\n", emulator.api_token());
    println!("Change it, break it, and see what was asked of it:");
    println!("  curl {url}/emulator");
}
