//! How the programs sign in: keys, connections, tokens, and where these come from.

use idsync_okta_emulator::OktaEmulator;
use idsync_tests::{Contents, Ended, Sync, column, example, write_private};
use serde_json::json;
use std::process::Command;

async fn org() -> OktaEmulator {
    OktaEmulator::builder().seed(21).users(150).groups(12).memberships(700).start().await.unwrap()
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    #[cfg(unix)]
    {
        std::fs::set_permissions(sync.key(), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let ended = sync.run(&[]);
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.contains("chmod 600"), "{}", ended.stderr);
    }
    write_private(&sync.key(), "not a key at all");
    let ended = sync.run(&[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("PEM") && !ended.stderr.contains("not a key at all"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_connection_file_and_an_api_token_sign_in_as_well() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    let connection = sync.folder().join("acme.json");
    let content = json!({"org": emulator.url(), "client_id": emulator.client_id(), "key_file": "key.pem"});
    std::fs::write(&connection, content.to_string()).unwrap();
    let mut command = Command::new(example("sync"));
    command.arg("--connection").arg(&connection).arg("--database").arg(sync.database()).arg("--quiet");
    let ended = Ended::of(command);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "", ""), "quiet prints nothing");
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));

    let mut command = Command::new(example("sync"));
    command.args(["--org", emulator.url(), "--api-token-env", "IDSYNC_TEST_TOKEN"]).env("IDSYNC_TEST_TOKEN", emulator.api_token());
    command.arg("--database").arg(sync.database());
    let ended = Ended::of(command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("no changes"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_connection_tells_where_things_stand_while_the_org_is_out_of_reach() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    assert_eq!(sync.run(&[]).code, Some(0));
    let directory = column(&sync.database(), "SELECT id FROM directory").remove(0);
    let org_id = directory.strip_prefix("okta:").unwrap();
    let connection = sync.folder().join("acme.json");
    let run = |org: &str, org_id: &str, flag: &str| {
        let content = json!({"org": org, "org_id": org_id, "client_id": emulator.client_id(), "key_file": "key.pem"});
        std::fs::write(&connection, content.to_string()).unwrap();
        let mut command = Command::new(example("sync"));
        command.arg("--connection").arg(&connection).arg("--database").arg(sync.database()).args(["--patience", "1", flag]);
        Ended::of(command)
    };
    assert_eq!(run(emulator.url(), org_id, "--quiet").code, Some(0));
    let other = run(emulator.url(), "00oOther", "--quiet");
    assert!(other.code == Some(2) && other.stderr.contains("okta:00oOther"), "{other:?}");
    // Nothing answers there.
    let nowhere = "http://127.0.0.1:1";
    let failed = run(nowhere, org_id, "--quiet");
    assert_eq!(failed.code, Some(5), "{failed:?}");
    let status = run(nowhere, org_id, "--status");
    assert!(status.code == Some(0) && status.stdout.contains(" failed "), "{status:?}");
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused_before_it_is_waited_for() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    let at = |name: &str| sync.folder().join(name).to_str().unwrap().to_owned();
    for flags in [&["--database", "/dev/null"][..], &["--key", "/dev/zero"]] {
        let ended = sync.run(flags);
        assert_eq!(ended.code, Some(2), "{flags:?}: {ended:?}");
        assert!(ended.stderr.contains(flags[1]) && ended.stderr.contains("is not a regular file"), "{flags:?}: {}", ended.stderr);
    }
    let mut command = Command::new(example("sync"));
    command.args(["--connection", "/dev/zero"]);
    let ended = Ended::of(command);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--connection: /dev/zero cannot be read: it is not a regular file"), "{}", ended.stderr);
    assert!(Command::new("mkfifo").args(["-m", "600", &at("pipe")]).status().unwrap().success());
    for flags in [["--database", &at("pipe")], ["--key", &at("pipe")]] {
        let ended = sync.run(&flags);
        assert_eq!(ended.code, Some(2), "{flags:?}: {ended:?}");
        assert!(ended.stderr.contains("is not a regular file"), "{flags:?}: {}", ended.stderr);
    }
    std::os::unix::fs::symlink(at("nowhere.db"), at("link.db")).unwrap();
    let ended = sync.run(&["--database", &at("link.db")]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("is a link that leads nowhere") && !sync.folder().join("nowhere.db").exists(), "{}", ended.stderr);
    let missing = sync.run(&["--key", &at("missing.pem")]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.stderr.contains("missing.pem cannot be read: No such file"), "{}", missing.stderr);
    assert_eq!(emulator.requests().total(), 0, "the org is not asked");
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_and_a_connection_may_come_through_pipes() {
    let emulator = org().await;
    let sync = Sync::new(&emulator);
    let through_pipes = |program: &str, flags: &str| {
        let mut command = Command::new("bash");
        command.arg("-c").arg(format!("\"$PROGRAM\" {flags} --database directory.db")).current_dir(sync.folder());
        command.env("PROGRAM", example(program)).env("ORG", emulator.url()).env("APP", emulator.client_id());
        Ended::of(command)
    };
    let ended = through_pipes("sync", "--org $ORG --client-id $APP --key <(cat key.pem)");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(Contents::of_database(&sync.database()), Contents::of_org(&emulator));
    let connection = json!({"org": emulator.url(), "client_id": emulator.client_id(), "key_file": "key.pem"});
    std::fs::write(sync.folder().join("acme.json"), connection.to_string()).unwrap();
    for piped in ["--connection <(cat acme.json)", "--connection /dev/stdin < <(cat acme.json)"] {
        let ended = through_pipes("sync", piped);
        assert_eq!(ended.code, Some(0), "{piped}: {ended:?}");
    }
    let ended = through_pipes("sync", "--org $ORG --client-id $APP --key <(echo nothing)");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let token = emulator.setup_token();
    // What it writes must have a name to be found again.
    let ended = through_pipes("provision", &format!("--org $ORG --key <(cat key.pem) --setup-token-file <(echo {token}) --plan 2>&1 #"));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stdout.contains("is not a regular file"), "{ended:?}");
}
